//! The settings of the shared tier.

use super::Address;
use crate::config::{Size, Span};

/// The settings of the shared tier.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SharedConfig {
    /// Valkey or Redis in which several relays share what they have stored: `redis://HOST`, `rediss://…`, `redis-cluster://…`, `redis-sentinel://…`, `redis+unix://…` [default: off]
    #[arg(
        long,
        alias = "shared-cache",
        env = "RELAY_SHARED",
        hide_env_values = true,
        value_name = "URL"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<Address>,

    /// What the shared keys begin with: relays share what they store under the same prefix of the same upstream
    #[arg(long, env = "RELAY_SHARED_PREFIX", value_name = "TEXT", default_value = "lunch-relay")]
    pub shared_prefix: String,

    /// How long an answer of the shared tier may take; then the relay goes on alone until it is back
    #[arg(long, env = "RELAY_SHARED_TIMEOUT", value_name = "DURATION", default_value = "100ms")]
    pub shared_timeout: Span,

    /// Larger responses are not shared, the variants of one URI taken together
    #[arg(long, env = "RELAY_SHARED_MAX_OBJECT_SIZE", value_name = "SIZE", default_value = "1MiB")]
    pub shared_max_object_size: Size,
}
