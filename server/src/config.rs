//! The configuration: flags before environment before file before defaults.
//!
//! Flags are the one definition of what can be set. A file's keys are the
//! flags' names, and its values are read as the flags' are: what the file says
//! is put before the arguments, unless a flag or the environment says it.

mod file;
mod units;

use std::{ffi::OsString, net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde::Serialize;

pub use self::units::{Size, Span};
use crate::{
    cache::CacheConfig, demo::DemoConfig, serve::ServeConfig, telemetry, upstream::UpstreamConfig,
};

/// A polite caching HTTP relay for one slow, rate-limited API.
///
/// `GET /URI` is answered from the upstream's `/URI`, byte for byte, and from
/// memory as long as it is fresh. Every flag can be set in the environment,
/// as `RELAY_LISTEN` for --listen, and as a key of the TOML file that --config names.
#[derive(Clone, Debug, Parser)]
#[command(name = "relay", version, max_term_width = 100)]
#[command(args_override_self = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; serving is what is done without a word
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How to serve
    #[command(flatten)]
    pub config: Config,

    /// Print the effective configuration as TOML and exit
    #[arg(long)]
    pub print_config: bool,
}

/// What else the binary does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Check flags, environment and file, and exit with 0 or 2
    #[command(args_override_self = true)]
    Check(Box<Config>),

    /// Serve the built-in stand-in of the lunch API
    #[command(args_override_self = true)]
    DemoUpstream {
        /// Where to listen; port 0 lets the system choose
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
        listen: SocketAddr,

        /// How it behaves
        #[command(flatten)]
        demo: DemoConfig,
    },
}

/// All that serving depends on.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    /// TOML file with the same names as the flags
    #[arg(long, env = "RELAY_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Public listener; port 0 lets the system choose, `[::]` is IPv6 and IPv4
    #[arg(long, env = "RELAY_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Operator's listener: metrics and health
    #[arg(long, env = "RELAY_ADMIN_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub admin_listen: SocketAddr,

    /// The way to the upstream
    #[command(flatten)]
    #[serde(flatten)]
    pub upstream: UpstreamConfig,

    /// The cache
    #[command(flatten)]
    #[serde(flatten)]
    pub cache: CacheConfig,

    /// Worker threads [default: the number of processors]
    #[arg(long, env = "RELAY_WORKERS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<NonZeroUsize>,

    /// Client connections
    #[command(flatten)]
    #[serde(flatten)]
    pub serve: ServeConfig,

    /// How long requests in flight may take to end after SIGTERM or SIGINT
    #[arg(long, env = "RELAY_GRACE", value_name = "DURATION", default_value = "20s")]
    pub grace: Span,

    /// Log level, or TARGET=LEVEL,…; the access log is the target `access`
    #[arg(long, env = "RELAY_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
}

impl Cli {
    /// Reads arguments, environment and the file that they name.
    ///
    /// The error is also what `--help` and `--version` come out as;
    /// [`clap::Error::exit`] knows which is which.
    pub fn load(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        let matches = Cli::command().try_get_matches_from(&args)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        let (serving, at) = serving(&matches);
        if let Some(path) = cli.config().and_then(|config| config.config.clone()) {
            let of_file = file::arguments(&path, serving)
                .map_err(|message| Cli::command().error(clap::error::ErrorKind::Io, message))?;
            let mut all = args[..at].to_vec();
            all.extend(of_file);
            all.extend_from_slice(&args[at..]);
            // The arguments alone were good, so what is wrong now is in the file.
            cli = Cli::try_parse_from(all).map_err(|error| file::blame(&path, &error))?;
        }
        if let Some(config) = cli.config() {
            config.validate()?;
        }
        Ok(cli)
    }

    /// How to serve, `None` for a command that does not.
    fn config(&self) -> Option<&Config> {
        match &self.command {
            None => Some(&self.config),
            Some(Command::Check(config)) => Some(config),
            Some(Command::DemoUpstream { .. }) => None,
        }
    }
}

/// The matches that hold the [`Config`], and where in the arguments it begins.
fn serving(matches: &ArgMatches) -> (&ArgMatches, usize) {
    match matches.subcommand() {
        Some((_, of_command)) => (of_command, 2),
        None => (matches, 1),
    }
}

impl Config {
    fn validate(&self) -> Result<(), clap::Error> {
        if self.listen == self.admin_listen && self.listen.port() != 0 {
            let message = format!(
                "--listen and --admin-listen are both {}: give the operator's listener another port",
                self.listen
            );
            return Err(Cli::command().error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        if let Err(message) = telemetry::log::filter(&self.log) {
            return Err(Cli::command().error(clap::error::ErrorKind::ValueValidation, message));
        }
        Ok(())
    }

    /// The effective configuration as a file that gives the same one again.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn load(args: &[&str]) -> Result<Cli, String> {
        let args = ["relay"].iter().chain(args).map(Into::into);
        Cli::load(args).map_err(|error| error.to_string())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn with_file(text: &str, args: &[&str]) -> Result<Cli, String> {
        let file = file(text);
        let mut all = args.to_vec();
        all.extend(["--config", file.path().to_str().unwrap()]);
        load(&all)
    }

    #[test]
    fn clap_accepts_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
        let text = "listen = '127.0.0.1:1'\nworkers = 3\nforwarded = true\ncache-size = '1MiB'";
        let config = with_file(text, &["--listen", "127.0.0.1:2"]).unwrap().config;
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.workers, NonZeroUsize::new(3));
        assert!(config.upstream.forwarded);
        assert_eq!(config.cache.cache_size.bytes(), 1 << 20);
        assert_eq!(config.admin_listen.port(), 8081);
    }

    #[test]
    fn the_last_of_a_repeated_flag_wins() {
        let config = load(&["--listen=127.0.0.1:1", "--listen=127.0.0.1:2"]).unwrap().config;
        assert_eq!(config.listen.port(), 2);
    }

    #[test]
    fn what_is_printed_gives_the_same_again() {
        let args = ["--upstream=http://h/api", "--default-ttl=90s", "--workers=2", "--forwarded"];
        let printed = load(&args).unwrap().config.to_toml();
        assert!(printed.contains("upstream = \"http://h/api/\""), "{printed}");
        assert_eq!(with_file(&printed, &[]).unwrap().config.to_toml(), printed);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &[&str]) {
        let error = with_file(text, &[]).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_bad_file_says_where_and_what_to_do() {
        check_refused("liste = 'x'", &[".toml", "'liste'", "did you mean 'listen'"]);
        check_refused("zzz = 1", &[".toml", "'zzz'", "relay --help"]);
        check_refused("default_ttl = '1s'", &["did you mean 'default-ttl'"]);
        check_refused("cache-size = 'much'", &[".toml", "--cache-size", "256MiB"]);
        check_refused("workers = 0", &[".toml", "--workers"]);
        check_refused("listen = false", &[".toml", "'listen'", "takes a value"]);
        check_refused("listen = ['a']", &[".toml", "'listen'", "a string, a number or a boolean"]);
        check_refused("listen = ", &[".toml", "line 1"]);
        check_refused("print-config = true", &["'print-config'"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(&["--config", "no-such.toml"]).unwrap_err();
        assert!(error.contains("no-such.toml"), "{error}");
    }

    #[test]
    fn one_address_for_both_listeners_is_refused() {
        let error = load(&["--listen=127.0.0.1:9", "--admin-listen=127.0.0.1:9"]).unwrap_err();
        assert!(error.contains("another port"), "{error}");
    }

    #[test]
    fn a_log_filter_that_cannot_be_read_is_refused() {
        for args in [&["--log=a=b=c"][..], &["check", "--log=a=b=c"]] {
            let error = load(args).unwrap_err();
            assert!(error.contains("--log a=b=c: write a level"), "{error}");
        }
    }

    #[test]
    fn check_reads_the_file_too() {
        let file = file("zzz = 1");
        let error = load(&["check", "--config", file.path().to_str().unwrap()]).unwrap_err();
        assert!(error.contains("'zzz'"), "{error}");
    }
}
