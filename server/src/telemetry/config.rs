//! The settings of what the operator is told.

use std::{fmt, path::PathBuf, str::FromStr};

use http::Uri;
use serde::{Serialize, Serializer};

use super::{
    access_log::Style,
    capacity::{self, Capacity},
    metrics::Counting,
};
use crate::config::Span;

/// The settings of what the operator is told of each request.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TelemetryConfig {
    /// Whether requests are counted and timed for /metrics: `on` or `off`
    #[arg(
        long,
        env = "RELAY_METRICS",
        value_name = "ON|OFF",
        default_value = "on",
        hide_possible_values = true
    )]
    pub metrics: Counting,

    /// How the access log's lines are written; `--log access=off` silences it too [default: logfmt on a terminal, else json]
    #[arg(long, env = "RELAY_ACCESS_LOG", value_name = "STYLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log: Option<Style>,

    /// File that the access log is added to [default: stderr]
    #[arg(long, env = "RELAY_ACCESS_LOG_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_file: Option<PathBuf>,

    /// Share of requests that the access log has, from 0 to 1; what failed or was slow it always has
    #[arg(long, env = "RELAY_ACCESS_LOG_SAMPLE", value_name = "SHARE", default_value = "1")]
    pub access_log_sample: Share,

    /// Warn, on the target `slow`, of requests whose answer takes as long as this to begin [default: off]
    #[arg(long, env = "RELAY_SLOW_REQUEST", value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_request: Option<Span>,

    /// Take part in traces (W3C Trace Context): begin one where a request belongs to none, and tell the upstream
    #[arg(long, env = "RELAY_TRACE")]
    pub trace: bool,

    /// Share of new traces that are recorded, from 0 to 1; of others it is the caller's flag that says so
    #[arg(long, env = "RELAY_TRACE_SAMPLE", value_name = "SHARE", default_value = "1")]
    pub trace_sample: Share,

    /// Collector of spans (OTLP over HTTP), such as `http://127.0.0.1:4318`; turns --trace on; for relays that are built with the feature `otlp` [default: off]
    #[arg(long, env = "RELAY_OTLP_ENDPOINT", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<Endpoint>,

    /// File with the `requests_per_second` that one relay can serve, as the capacity.json of `cargo xtask capacity`; adds the saturation to the metrics
    #[arg(long, env = "RELAY_CAPACITY_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_file: Option<PathBuf>,
}

impl TelemetryConfig {
    /// Whether the relay takes part in traces.
    pub fn traces(&self) -> bool {
        self.trace || self.otlp_endpoint.is_some()
    }

    /// What one relay can serve, if that is said.
    pub fn capacity(&self) -> Result<Option<Capacity>, capacity::Unknown> {
        self.capacity_file.as_deref().map(Capacity::read).transpose()
    }
}

/// A share of all, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

impl Share {
    /// All of them.
    pub const ALL: Share = Share(1.0);

    /// As a number from 0 to 1.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.map(Share).ok_or_else(|| "write a number from 0 to 1, as 0.01".to_owned())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a collector takes spans: the base of its paths (OTLP, §OTLP/HTTP Request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Uri);

impl Endpoint {
    /// Where spans go.
    pub fn traces(&self) -> Uri {
        let path = format!("{}/v1/traces", self.0.path().trim_end_matches('/'));
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = path.parse().ok();
        // What was an address still is one.
        Uri::from_parts(parts).unwrap_or_else(|_| self.0.clone())
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
        let uri = text.parse().ok().filter(|uri| is_http(uri) && uri.query().is_none());
        uri.map(Endpoint).ok_or_else(|| "write it like http://127.0.0.1:4318".to_owned())
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_to_a_path_below_the_collectors_base() {
        for (base, traces) in [
            ("http://c:4318", "http://c:4318/v1/traces"),
            ("https://c/otlp/", "https://c/otlp/v1/traces"),
        ] {
            assert_eq!(base.parse::<Endpoint>().unwrap().traces().to_string(), traces);
        }
        for bad in ["", "c:4317", "grpc://c", "/v1", "http://c/?a=b"] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_is_a_number_from_0_to_1() {
        for good in ["0", "1", "0.01"] {
            assert_eq!(good.parse::<Share>().unwrap().to_string(), good);
        }
        for bad in ["", "-0.1", "1.1", "NaN", "1%"] {
            assert!(bad.parse::<Share>().unwrap_err().contains("0.01"), "{bad}");
        }
    }
}
