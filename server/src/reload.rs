//! The configuration read anew while the relay serves.
//!
//! All or nothing: file, flags, environment and certificates are read and
//! checked as at the start, and only then is anything replaced, which cannot
//! fail. What cannot change while the relay runs stays as it is, and is named.

use std::{ffi::OsString, fs, path::PathBuf, sync::Arc};

use serde_json::Value;
use tokio::{signal::unix::Signal, sync::Mutex, task::spawn_blocking};

use crate::{
    cache::Cache,
    clock::Clock,
    config::{Change, Cli, Config, Effect},
    serve::tls::{Identity, Tls},
    telemetry::{
        log,
        metrics::{Metrics, ReloadOutcome},
    },
    upstream::Bounds,
};

/// Why nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The file is gone, or something else has its name: a directory, a pipe.
    #[error("{} is not a file that can be read again: {why}", path.display())]
    NoFile {
        /// What `--config` names.
        path: PathBuf,
        /// What is there.
        why: String,
    },
    /// What was read is not good.
    #[error("{0}")]
    Invalid(String),
}

/// What a reload replaces.
#[derive(Debug)]
pub struct Replaced {
    /// Rules and terms.
    pub cache: Arc<Cache>,
    /// What the upstream may be asked for.
    pub bounds: Bounds,
    /// The certificate, where there is one.
    pub tls: Option<Arc<Tls>>,
    /// Where reloads are counted.
    pub metrics: Arc<Metrics>,
    /// When it is.
    pub clock: Clock,
}

/// Reads the configuration anew when it is told to.
#[derive(Debug)]
pub struct Reloader {
    /// The arguments that the relay was started with.
    arguments: Vec<OsString>,
    /// What is in force. Held during a reload: one after the other.
    running: Mutex<Config>,
    replaced: Replaced,
}

/// What has been read and found good.
struct Read {
    config: Config,
    identity: Option<Identity>,
}

impl Reloader {
    /// Reloads for a relay that was started with these arguments and serves as
    /// this configuration says.
    pub fn new(arguments: Vec<OsString>, running: Config, replaced: Replaced) -> Reloader {
        let Replaced { metrics, tls, clock, .. } = &replaced;
        metrics.configured(clock.now());
        if let Some(tls) = tls {
            let (tls, clock) = (Arc::clone(tls), clock.clone());
            metrics.watch_certificate(move || tls.seconds_left(clock.now()));
        }
        Reloader { arguments, running: Mutex::new(running), replaced }
    }

    /// The configuration in force, secrets masked; during a reload, what comes of
    /// that.
    pub async fn in_force(&self) -> Value {
        self.running.lock().await.masked()
    }

    /// Reloads whenever the signal comes, for ever. Those that come during a
    /// reload are one, which follows it.
    pub async fn on(self: Arc<Self>, mut signal: Signal) {
        while signal.recv().await.is_some() {
            // What came of it has been logged.
            let _ = self.reload().await;
        }
    }

    /// Reads everything anew and puts what can change in force; what has changed.
    pub async fn reload(&self) -> Result<Vec<Change>, Refused> {
        let mut running = self.running.lock().await;
        let arguments = self.arguments.clone();
        let file = running.config.clone();
        // What panics has been logged.
        let read = spawn_blocking(move || read(arguments, file)).await;
        let read = read.unwrap_or_else(|_| Err(Refused::Invalid("the reload failed".to_owned())));
        let now = self.replaced.clock.now();
        match read {
            Ok(read) => {
                let changes = self.apply(&mut running, read);
                let outcome = if changes.is_empty() {
                    ReloadOutcome::Unchanged
                } else {
                    ReloadOutcome::Applied
                };
                self.replaced.metrics.reloaded(outcome, now);
                tracing::info!(changes = changes.len(), "reloaded: {}", outcome.as_str());
                Ok(changes)
            }
            Err(refused) => {
                self.replaced.metrics.reloaded(ReloadOutcome::Refused, now);
                tracing::error!("reload refused, nothing has changed: {refused}");
                Err(refused)
            }
        }
    }

    /// Puts in force what has been read. Nothing here can fail.
    fn apply(&self, running: &mut Config, read: Read) -> Vec<Change> {
        let Replaced { cache, bounds, .. } = &self.replaced;
        let mut changes = running.changes(&read.config);
        let renewed = running.renewed(&read.config);
        let is_new = |setting: &str| {
            let mut now = changes.iter().filter(|change| change.effect != Effect::Restart);
            now.any(|change| change.setting.starts_with(setting))
        };
        let are_terms_new = TERMS.iter().any(|setting| is_new(setting));
        if is_new("upstream-") {
            bounds.keep_to(&renewed.upstream);
        }
        if is_new("log") {
            // The filter has been read before, and the log is there.
            let _ = log::set_level(&renewed.log);
        }
        if are_terms_new {
            cache.put_in_force(&renewed.cache, renewed.warned_rules());
            tokio::spawn(Arc::clone(cache).judge_anew());
        }
        changes.extend(self.certify(read.identity));
        *running = renewed;
        changes.iter().for_each(tell);
        changes
    }

    /// Offers another certificate, if it is another.
    fn certify(&self, identity: Option<Identity>) -> Option<Change> {
        let (tls, identity) = (self.replaced.tls.as_ref()?, identity?);
        identity.warn(self.replaced.clock.now());
        let before = tls.identity();
        if before.is_same(&identity) {
            return None;
        }
        let shown =
            |identity: &Identity| Some(Value::from(format!("until {}", identity.expires())));
        let (before, after) = (shown(&before), shown(&identity));
        if let Err(error) = tls.replace(identity) {
            tracing::error!(%error, "the certificate stays as it is");
            return None;
        }
        Some(Change { setting: "certificate".to_owned(), before, after, effect: Effect::Now })
    }
}

/// The settings that rules and terms are made of, or what their names begin with.
const TERMS: [&str; 8] = [
    "rule ",
    "preset",
    "default-ttl",
    "negative-ttl",
    "stale-while-revalidate",
    "stale-if-error",
    "error-ttl",
    "client-directives",
];

fn tell(change: &Change) {
    let shown = |value: &Option<Value>| value.as_ref().map_or("none".to_owned(), Value::to_string);
    let (setting, before, after) = (&change.setting, shown(&change.before), shown(&change.after));
    match change.effect {
        Effect::Now => tracing::info!(setting, before, after, "changed"),
        Effect::Partly => tracing::warn!(
            setting,
            before,
            after,
            "changed: its rules count now, the names that it reserves after a restart"
        ),
        Effect::Restart => {
            tracing::warn!(setting, before, after, "cannot change at run time: restart the relay");
        }
    }
}

/// Reads all that a start would read, from a file of this name if any.
fn read(arguments: Vec<OsString>, file: Option<PathBuf>) -> Result<Read, Refused> {
    if let Some(path) = file {
        // To open a pipe would be to wait for whoever writes to it.
        let why = match fs::metadata(&path) {
            Ok(found) if found.is_file() => None,
            Ok(found) if found.is_dir() => Some("it is a directory".to_owned()),
            Ok(_) => Some("it is no regular file".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = why {
            return Err(Refused::NoFile { path, why });
        }
    }
    let config = Cli::load(arguments).map_err(|error| {
        let message = error.to_string();
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        // What follows the first empty line is how to call the program.
        let lines = message.lines().take_while(|line| !line.trim().is_empty());
        Refused::Invalid(lines.map(str::trim).collect::<Vec<_>>().join(" "))
    })?;
    let config = config.config;
    let identity = config.tls.read().map_err(|unusable| Refused::Invalid(unusable.to_string()))?;
    Ok(Read { config, identity })
}
