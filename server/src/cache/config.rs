//! The settings of the cache.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use super::rules::{ClientDirectives, NegativeTtl, Pattern, Rule, RuleName};
use crate::config::{Size, Span};

/// The settings of the cache.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CacheConfig {
    /// Freshness of a 200, 203, 300, 301 or 308 that says nothing of its own; `0s` = strictly RFC 9111
    #[arg(long, env = "RELAY_DEFAULT_TTL", value_name = "DURATION", default_value = "10m")]
    pub default_ttl: Span,

    /// Freshness of a 404, 405 or 410 that says nothing of its own
    #[arg(long, env = "RELAY_NEGATIVE_TTL", value_name = "DURATION", default_value = "10s")]
    pub negative_ttl: Span,

    /// How long a stale answer may serve while it is fetched anew, where it does not say [default: 1h; 0s with a default TTL of 0s]
    #[arg(long, env = "RELAY_STALE_WHILE_REVALIDATE", value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_while_revalidate: Option<Span>,

    /// How long a stale answer may stand in for an error, where it does not say
    #[arg(long, env = "RELAY_STALE_IF_ERROR", value_name = "DURATION", default_value = "24h")]
    pub stale_if_error: Span,

    /// How long an error is shared with whoever asks for the same [default: 1s; 0s with a default TTL of 0s]
    #[arg(long, env = "RELAY_ERROR_TTL", value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_ttl: Option<Span>,

    /// Whether a client's `no-cache`, `max-age` and `min-fresh` may force a request upstream
    #[arg(
        long,
        env = "RELAY_CLIENT_DIRECTIVES",
        value_name = "WHETHER",
        value_enum,
        default_value = "ignore"
    )]
    pub client_directives: ClientDirectives,

    /// Whether a hit whose response has no validator gets an `ETag` over its body
    #[arg(long, env = "RELAY_ADD_ETAG", value_name = "WHEN", value_enum, default_value = "hits")]
    pub add_etag: AddEtag,

    /// Say the cache key in `Cache-Status`
    #[arg(long, env = "RELAY_CACHE_STATUS_KEY")]
    pub cache_status_key: bool,

    /// Clients that may wait at a time for answers that are being fetched
    #[arg(long, env = "RELAY_MAX_WAITERS", value_name = "NUMBER", default_value = "20000")]
    pub max_waiters: NonZeroU32,

    /// Clients that may share one answer while it is being fetched
    #[arg(long, env = "RELAY_MAX_WAITERS_PER_KEY", value_name = "NUMBER", default_value = "10000")]
    pub max_waiters_per_key: NonZeroU32,

    /// Memory for responses, metadata included: 7/8 for stored ones, 1/8 for those on their way
    #[arg(long, env = "RELAY_CACHE_SIZE", value_name = "SIZE", default_value = "256MiB")]
    pub cache_size: Size,

    /// Larger responses are streamed, never stored; at most an eighth of the cache size counts
    #[arg(long, env = "RELAY_MAX_OBJECT_SIZE", value_name = "SIZE", default_value = "8MiB")]
    pub max_object_size: Size,

    /// File that carries what is stored over a restart: read at the start, written in intervals and at the end [default: off]
    #[arg(long, env = "RELAY_SNAPSHOT", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<PathBuf>,

    /// How often the snapshot is written; `0s` = only at the end
    #[arg(long, env = "RELAY_SNAPSHOT_EVERY", value_name = "DURATION", default_value = "5m")]
    pub snapshot_every: Span,
}

/// Which answers get an entity tag of the relay's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddEtag {
    /// On hits whose response has no validator
    Hits,
    /// On no answer
    Never,
}

impl CacheConfig {
    /// What counts where no rule says anything.
    pub fn fallback_rule(&self) -> Rule {
        Rule {
            name: RuleName::Flags,
            path: Pattern::any(),
            ttl: self.default_ttl.into(),
            negative_ttl: NegativeTtl::new(self.negative_ttl.into()),
            stale_while_revalidate: self.stale_while_revalidate().into(),
            stale_if_error: self.stale_if_error.into(),
            client_directives: self.client_directives,
            ..Rule::default()
        }
    }

    /// Writes down what is in force where a default depends on something else.
    pub(crate) fn settle(&mut self) {
        self.stale_while_revalidate = Some(self.stale_while_revalidate());
        self.error_ttl = Some(self.error_ttl());
    }

    /// How long an error is shared with whoever asks for the same.
    pub(crate) fn error_ttl(&self) -> Span {
        self.error_ttl.unwrap_or_else(|| self.unless_strict(Span::SECOND))
    }

    fn stale_while_revalidate(&self) -> Span {
        self.stale_while_revalidate.unwrap_or_else(|| self.unless_strict(Span::HOUR))
    }

    /// Who asks for RFC 9111 to the letter gets nothing unasked that it does not know.
    fn unless_strict(&self, default: Span) -> Span {
        if Duration::from(self.default_ttl).is_zero() { Span::ZERO } else { default }
    }
}
