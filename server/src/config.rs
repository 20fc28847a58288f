//! The configuration: flags before environment before file before defaults.
//!
//! Flags are the one definition of what can be set. A file's keys are the
//! flags' names, and its values are read as the flags' are: what the file says
//! is put before the arguments, unless a flag or the environment says it. Rules
//! per path are the file's alone.

mod file;
mod masked;
mod presets;
mod renewal;
mod rules;
mod units;

use std::{ffi::OsString, net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde::Serialize;

pub use self::{
    presets::Preset,
    renewal::{Change, Effect},
    rules::RuleTable,
    units::{AtMost, Fraction, Rate, Size, Span},
};
use crate::{
    cache::{
        CacheConfig,
        rules::{RuleName, Rules},
        snapshot::file::SnapshotFile,
    },
    demo::DemoConfig,
    names::Names,
    operator::token::Token,
    release,
    serve::{ServeConfig, tls::TlsConfig},
    shared::{Address, MASK, SharedConfig},
    telemetry::{self, TelemetryConfig, metrics::Counting},
    upstream::UpstreamConfig,
};

/// A polite caching HTTP relay for one slow, rate-limited API.
///
/// `GET /URI` is answered from the upstream's `/URI`, byte for byte, and from
/// memory as long as it is fresh. Every flag can be set in the environment,
/// as `RELAY_LISTEN` for --listen, and as a key of the TOML file that --config names.
#[derive(Clone, Debug, Parser)]
#[command(name = "relay", version = release::text(), max_term_width = 100)]
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

    /// Ask the relay of this configuration whether it takes requests, and exit with 0 or 1
    #[command(args_override_self = true)]
    Healthcheck(Box<Config>),

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

    /// TLS on the public listener
    #[command(flatten)]
    #[serde(flatten)]
    pub tls: TlsConfig,

    /// Operator's listener: what is stored, purges, metrics, health, and the ledger of the upstream
    #[arg(long, env = "RELAY_ADMIN_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub admin_listen: SocketAddr,

    /// Token that the operator's listener asks for, but for `/metrics`, `/healthz` and `/readyz`; off loopback one is made and logged where none is set [default: off]
    #[arg(long, env = "RELAY_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_token: Option<Token>,

    /// The way to the upstream
    #[command(flatten)]
    #[serde(flatten)]
    pub upstream: UpstreamConfig,

    /// Built-in rules, after the file's own [default: lunch for the default upstream and demo, else none]
    #[arg(long, env = "RELAY_PRESET", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,

    /// The cache
    #[command(flatten)]
    #[serde(flatten)]
    pub cache: CacheConfig,

    /// The tier that several relays share
    #[command(flatten)]
    #[serde(flatten)]
    pub shared: SharedConfig,

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

    /// Log level, or TARGET=LEVEL,…; the access log is the target `access`, slow requests are `slow`
    #[arg(long, env = "RELAY_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// What the operator is told of each request
    #[command(flatten)]
    #[serde(flatten)]
    pub telemetry: TelemetryConfig,

    /// The file's rules per path
    #[arg(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<RuleTable>,
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
            let said = file::read(&path, serving)
                .map_err(|message| Cli::command().error(clap::error::ErrorKind::Io, message))?;
            let mut all = args[..at].to_vec();
            all.extend(said.arguments);
            all.extend_from_slice(&args[at..]);
            // The arguments alone were good, so what is wrong now is in the file.
            cli = Cli::try_parse_from(all).map_err(|error| file::blame(&path, &error))?;
            if let Some(config) = cli.config_mut() {
                config.rule = said.rules;
            }
        }
        if let Some(config) = cli.config_mut() {
            config.settle();
            config.validate()?;
        }
        if let Some(Command::Check(config)) = &cli.command {
            config.check_reach()?;
        }
        if let Some(config) = cli.config_of_this_machine() {
            config.check_snapshot()?;
            config.check_capacity()?;
            config.check_certificate()?;
        }
        Ok(cli)
    }

    /// How to serve, `None` for a command that does not.
    fn config(&self) -> Option<&Config> {
        match &self.command {
            None => Some(&self.config),
            Some(Command::Check(config) | Command::Healthcheck(config)) => Some(config),
            Some(Command::DemoUpstream { .. }) => None,
        }
    }

    /// How to serve, if it is here that it would be served. What is printed may
    /// be meant for another machine, and who only asks writes no snapshot.
    fn config_of_this_machine(&self) -> Option<&Config> {
        match &self.command {
            Some(Command::Healthcheck(_)) => None,
            _ if self.print_config => None,
            _ => self.config(),
        }
    }

    fn config_mut(&mut self) -> Option<&mut Config> {
        match &mut self.command {
            None => Some(&mut self.config),
            Some(Command::Check(config) | Command::Healthcheck(config)) => Some(config),
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
    /// The rules in force: the file's, then the preset's, then what the flags say.
    pub fn rules(&self) -> Rules {
        let flags = self.cache.fallback_rule();
        let preset = self.preset();
        let numbered = self.rule.iter().zip(1..).map(|(table, number)| {
            table.rule(RuleName::Numbered { number, label: table.label() }, &flags)
        });
        let of_preset = preset.rules().unwrap_or_default();
        let of_preset = of_preset.iter().map(|table| {
            table.rule(RuleName::Preset { preset: preset.name(), label: table.label() }, &flags)
        });
        let rules = numbered.chain(of_preset).collect();
        Rules::new(rules, flags)
    }

    /// The same, those that can never match being logged.
    pub fn warned_rules(&self) -> Rules {
        let rules = self.rules();
        for unreachable in rules.never_match() {
            tracing::warn!("{unreachable}");
        }
        rules
    }

    /// The names that the relay answers itself.
    pub fn names(&self) -> Names {
        match self.preset() {
            Preset::Lunch => Names::Lunch,
            Preset::None => Names::Relay,
        }
    }

    /// The preset in force.
    fn preset(&self) -> Preset {
        let for_lunch = if self.upstream.is_lunch_api() { Preset::Lunch } else { Preset::None };
        self.preset.unwrap_or(for_lunch)
    }

    /// Writes down what is in force where a default depends on something else.
    fn settle(&mut self) {
        self.preset = Some(self.preset());
        self.cache.settle();
    }

    /// Refuses rules that can never match: whoever wrote them meant something.
    fn check_reach(&self) -> Result<(), clap::Error> {
        let dead: Vec<String> =
            self.rules().never_match().iter().map(ToString::to_string).collect();
        if dead.is_empty() {
            return Ok(());
        }
        let kind = clap::error::ErrorKind::ValueValidation;
        Err(Cli::command().error(kind, dead.join("\n")))
    }

    /// Refuses a snapshot that could not be written, before there is something
    /// to write.
    fn check_snapshot(&self) -> Result<(), clap::Error> {
        let Some(path) = &self.cache.snapshot else { return Ok(()) };
        let kind = clap::error::ErrorKind::Io;
        SnapshotFile::at(path).check().map_err(|message| Cli::command().error(kind, message))
    }

    /// Refuses a file that does not tell the capacity.
    fn check_capacity(&self) -> Result<(), clap::Error> {
        let kind = clap::error::ErrorKind::Io;
        let known = self.telemetry.capacity();
        known.map(drop).map_err(|unknown| Cli::command().error(kind, unknown.to_string()))
    }

    /// Refuses a certificate that cannot be served with.
    fn check_certificate(&self) -> Result<(), clap::Error> {
        let kind = clap::error::ErrorKind::ValueValidation;
        self.tls.read().map(drop).map_err(|why| Cli::command().error(kind, why.to_string()))
    }

    fn validate(&self) -> Result<(), clap::Error> {
        if self.listen == self.admin_listen && self.listen.port() != 0 {
            let message = format!(
                "--listen and --admin-listen are both {}: give the operator's listener another port",
                self.listen
            );
            return Err(Cli::command().error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        if let Some(Err(invalid)) = self.shared.shared.as_ref().map(Address::check) {
            let message = format!("--shared is no URL of a Valkey or Redis: {invalid}");
            return Err(Cli::command().error(clap::error::ErrorKind::ValueValidation, message));
        }
        if self.telemetry.metrics == Counting::Off && self.telemetry.capacity_file.is_some() {
            let message = "--capacity-file: the saturation is made of the count of requests, which --metrics off leaves out";
            return Err(Cli::command().error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        if self.telemetry.otlp_endpoint.is_some() && !cfg!(feature = "otlp") {
            let message = "--otlp-endpoint: this relay was built without OTLP; build it with `cargo build --release --features otlp`";
            return Err(Cli::command().error(clap::error::ErrorKind::InvalidValue, message));
        }
        if let Err(message) = telemetry::log::filter(&self.log) {
            return Err(Cli::command().error(clap::error::ErrorKind::ValueValidation, message));
        }
        Ok(())
    }

    /// The effective configuration as a file that gives the same one again, once
    /// the password that it does not have is written in.
    pub fn to_toml(&self) -> String {
        let written = |config: &Config| toml::to_string(config).unwrap_or_default();
        let Some(address) = self.shared.shared.as_ref().filter(|address| address.has_secret())
        else {
            return written(self);
        };
        let mut shown = self.clone();
        shown.shared.shared = address.masked().parse().ok();
        let toml = written(&shown);
        format!(
            "# The password in `shared` is masked: write it in the place of {MASK}, or set RELAY_SHARED.\n{toml}"
        )
    }
}

#[cfg(test)]
mod tests;
