//! What is said to Valkey: each word with a time-out.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use fred::{
    clients::{Client, WithOptions},
    error::{Error, ErrorKind},
    interfaces::{ClientLike, EventInterface, KeysInterface, LuaInterface, PubsubInterface},
    types::{
        Builder, Value,
        config::{Config, Options, ReconnectPolicy, UnresponsiveConfig},
    },
};
use parking_lot::Mutex;
use tokio::{
    sync::{OnceCell, broadcast::error::RecvError},
    time::timeout,
};

use super::{
    log::LONGEST,
    said::{LONGEST_MARK, as_found, mark},
    scripts::{CLAIM, END, KEEP, LEASE, LOG, PURGE, READ_LOG, RELEASE, RENEW, TIME},
    trouble::{Trouble, meaning},
};
use crate::exchange::tier::{Kept, Mark};

/// How long a connection may take: nobody waits for it.
const CONNECT: Duration = Duration::from_secs(2);
/// What has brought no answer for so long is closed and made anew.
const DEAD_AFTER: Duration = Duration::from_secs(5);
/// Pauses between attempts to connect, in milliseconds.
const RECONNECT: (u32, u32) = (100, 2000);
/// Commands that wait in the client.
const MOST_COMMANDS: usize = 4096;
/// A mark has to outlive whatever was asked for before it.
const MARK_TTL: Duration = Duration::from_mins(5);

/// In the place of a digest: whatever is there.
const ANY: &str = "any";
/// How often a value is merged with what others have put there meanwhile; then
/// it takes the place of that.
const MERGES: usize = 3;

/// How long the log is kept after the last purge: what is stored is not kept
/// for longer, as a rule.
const LOG_TTL: Duration = Duration::from_hours(30 * 24);

/// A connection that is made anew as often as it breaks.
#[derive(Clone)]
pub(super) struct Link {
    client: WithOptions<Client>,
    timeout: Duration,
    /// Why there is no connection, as was last said.
    broken: Arc<Mutex<Option<String>>>,
    /// What the server calls the script of claims.
    claim: Arc<OnceCell<String>>,
}

/// What a word came to that did not come to what was meant.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) trouble: Trouble,
    pub(super) why: String,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Link {
    /// Begins to connect.
    pub(super) fn open(config: Config, within: Duration) -> Result<Link, Error> {
        let client = builder(config, within).build()?;
        let broken = Arc::<Mutex<Option<String>>>::default();
        let mut errors = client.error_rx();
        tokio::spawn({
            let broken = Arc::clone(&broken);
            async move {
                loop {
                    match errors.recv().await {
                        Ok((error, _)) => *broken.lock() = Some(error.details().to_owned()),
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return,
                    }
                }
            }
        });
        client.connect();
        let options = Options {
            max_attempts: Some(1),
            timeout: Some(within),
            fail_fast: true,
            ..Options::default()
        };
        Ok(Link {
            client: client.with_options(&options),
            timeout: within,
            broken,
            claim: Arc::default(),
        })
    }

    /// Whether anybody answers.
    pub(super) async fn reach(&self) -> Result<(), Failed> {
        let reached = async {
            self.client.wait_for_connect().await?;
            self.client.ping::<Value>(None).await
        };
        self.within(reached).await?;
        *self.broken.lock() = None;
        Ok(())
    }

    /// The first bytes under a key, one more than `most` at most.
    pub(super) async fn find(&self, key: &str, most: usize) -> Result<Bytes, Failed> {
        self.within(self.client.getrange(key, 0, most)).await
    }

    /// Keeps a value, together with what is there if that is to be: whether it
    /// is the newest.
    pub(super) async fn keep(&self, key: &str, kept: Kept, largest: usize) -> Result<bool, Failed> {
        let Kept { value: ours, ttl, mark, merge, .. } = kept;
        let mark = as_found(mark);
        let mut value = ours.clone();
        let mut known = String::new();
        for _ in 0..MERGES {
            let Some(merge) = &merge else { break };
            let words = [mark.clone(), known.into_bytes()];
            let (kept, digest, theirs) = self.keep_if(key, value, ttl, words, largest).await?;
            if kept != 2 {
                return Ok(kept == 1);
            }
            value = merge(&ours, &theirs);
            known = digest;
        }
        let words = [mark, ANY.into()];
        let (kept, ..) = self.keep_if(key, value, ttl, words, LONGEST_MARK).await?;
        Ok(kept == 1)
    }

    async fn keep_if(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Duration,
        [mark, known]: [Vec<u8>; 2],
        read: usize,
    ) -> Result<(i64, String, Bytes), Failed> {
        let arguments: Vec<Value> = vec![
            Value::Bytes(value.into()),
            millis(ttl),
            Value::Bytes(mark.into()),
            Value::Integer(i64::try_from(read).unwrap_or(i64::MAX)),
            Value::Bytes(known.into()),
        ];
        self.within(self.client.eval(KEEP, key, arguments)).await
    }

    /// Puts a mark in the place of what is under a key.
    pub(super) async fn purge(&self, key: &str, Mark(number): Mark) -> Result<(), Failed> {
        let mark = mark(number.unwrap_or_default());
        let arguments = vec![Value::Bytes(mark.into()), millis(MARK_TTL)];
        self.within(self.client.eval::<i64, _, _, _>(PURGE, key, arguments)).await?;
        Ok(())
    }

    /// Takes a lease for so long, if nobody has it: for how many milliseconds
    /// another has it, 0 where it is ours.
    pub(super) async fn lease(&self, key: &str, token: u64, ttl: Duration) -> Result<i64, Failed> {
        self.within(self.client.eval(LEASE, key, lease_arguments(token, ttl))).await
    }

    /// Makes a lease last for so long from now.
    pub(super) async fn renew(&self, key: &str, token: u64, ttl: Duration) -> Result<(), Failed> {
        let renewed = self.client.eval::<i64, _, _, _>(RENEW, key, lease_arguments(token, ttl));
        self.within(renewed).await?;
        Ok(())
    }

    /// Ends a lease.
    pub(super) async fn release(&self, key: &str, token: u64) -> Result<(), Failed> {
        let token = vec![Value::from(token.to_string())];
        self.within(self.client.eval::<i64, _, _, _>(RELEASE, key, token)).await?;
        Ok(())
    }

    /// Ends a lease, whoever has it.
    pub(super) async fn end(&self, key: &str) -> Result<(), Failed> {
        self.within(self.client.eval::<i64, _, _, _>(END, key, Vec::<Value>::new())).await?;
        Ok(())
    }

    /// Adds to the log that this instance (`by`) has purged a key.
    pub(super) async fn log(&self, name: &str, by: &str, key: &str) -> Result<(), Failed> {
        let longest = Value::Integer(i64::try_from(LONGEST).unwrap_or(i64::MAX));
        let arguments = vec![Value::from(by), Value::from(key), longest, millis(LOG_TTL)];
        self.within(self.client.eval::<i64, _, _, _>(LOG, name, arguments)).await?;
        Ok(())
    }

    /// What the log has after a place, as [`super::log::news`] reads it.
    pub(super) async fn read_log(&self, name: &str, since: &str) -> Result<Vec<String>, Failed> {
        self.within(self.client.eval(READ_LOG, name, vec![Value::from(since)])).await
    }

    /// The time of the server that has a key, in microseconds.
    pub(super) async fn time(&self, key: &str) -> Result<i64, Failed> {
        let said = self.client.eval(TIME, key, Vec::<Value>::new());
        let (seconds, micros): (i64, i64) = self.within(said).await?;
        Ok(seconds.saturating_mul(1_000_000).saturating_add(micros))
    }

    /// Makes a claim on a budget: what the script answers. It is sent once a
    /// server; who has forgotten it, as after a restart, is sent it anew.
    pub(super) async fn claim(&self, key: &str, arguments: &[String]) -> Result<Vec<i64>, Failed> {
        let load = || self.within(self.client.script_load::<String, _>(CLAIM));
        let name = self.claim.get_or_try_init(load).await?;
        let said = self.client.evalsha(name.as_str(), key, arguments.to_vec());
        match self.within(said).await {
            Err(failed) if failed.why.contains("NOSCRIPT") => {
                self.within(self.client.eval(CLAIM, key, arguments.to_vec())).await
            }
            said => said,
        }
    }

    /// Tells all who listen.
    pub(super) async fn tell(&self, channel: &str, what: &str) -> Result<(), Failed> {
        self.within(self.client.publish::<i64, _, _>(channel, what)).await?;
        Ok(())
    }

    async fn within<T>(&self, word: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
        match timeout(self.timeout, word).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(self.no_answer()),
        }
    }

    fn failed(&self, error: &Error) -> Failed {
        if *error.kind() == ErrorKind::Timeout {
            return self.no_answer();
        }
        let why = error.details().to_owned();
        Failed { trouble: meaning(is_an_answer(error.kind()), &why), why }
    }

    fn no_answer(&self) -> Failed {
        let broken = self.broken.lock().clone();
        let why = broken.unwrap_or_else(|| {
            let within = humantime::format_duration(self.timeout);
            format!("no answer within {within} (--shared-timeout)")
        });
        Failed { trouble: Trouble::Away, why }
    }
}

/// A client that connects again as often as it has to.
pub(super) fn builder(mut config: Config, within: Duration) -> Builder {
    // The first connection is tried again like all others.
    config.fail_fast = false;
    let mut builder = Builder::from_config(config);
    builder
        .with_connection_config(|connection| {
            connection.connection_timeout = CONNECT;
            connection.internal_command_timeout = CONNECT;
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = MOST_COMMANDS;
            connection.reconnect_on_auth_error = true;
            connection.unresponsive = UnresponsiveConfig {
                max_timeout: Some(DEAD_AFTER.max(within)),
                interval: Duration::from_secs(1),
            };
        })
        .with_performance_config(|performance| performance.default_command_timeout = within)
        .set_policy(ReconnectPolicy::new_exponential(0, RECONNECT.0, RECONNECT.1, 2));
    builder
}

fn lease_arguments(token: u64, ttl: Duration) -> Vec<Value> {
    vec![Value::from(token.to_string()), millis(ttl)]
}

fn millis(time: Duration) -> Value {
    Value::Integer(i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1))
}

/// Whether the server has said it.
fn is_an_answer(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Auth
            | ErrorKind::InvalidArgument
            | ErrorKind::InvalidCommand
            | ErrorKind::NotFound
            | ErrorKind::Unknown
    )
}
