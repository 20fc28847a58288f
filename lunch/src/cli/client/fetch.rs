//! One GET, redirects followed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ureq::{
    Agent,
    http::{HeaderMap, StatusCode, header},
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::base::Base;
use crate::{clean, parse::ParseError};

const CONNECT: Duration = Duration::from_secs(5);
/// The relay answers after `--upstream-timeout` (30 s) at the latest.
const WHOLE: Duration = Duration::from_secs(45);
/// The largest list ever had 6 KB.
const LARGEST: u64 = 4 * 1024 * 1024;
/// One for the slash, one for whatever is in front of the API.
const REDIRECTS: usize = 3;
/// Errors are shown up to this length.
const SHOWN: usize = 300;

/// Fetches what is below a base address.
#[derive(Debug)]
pub(super) struct Fetch {
    agent: Agent,
    base: Base,
    /// Whether paths end in a slash, as far as redirects have told.
    slash: AtomicBool,
}

/// An answer that is no error.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) age: Option<String>,
    /// All lines of the field.
    pub(super) cache_status: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Failure {
    /// There is nobody, or nobody who speaks HTTP.
    #[error("{0}")]
    Unreachable(String),

    /// The relay says why it has none.
    #[error("{0}")]
    Refused(String),

    /// An error without an explanation for people.
    #[error("{status}")]
    Status {
        /// What it answered.
        status: StatusCode,
    },

    /// Not what was asked for.
    #[error("{0}")]
    Unreadable(ParseError),
}

impl Fetch {
    pub(super) fn new(base: Base) -> Result<Fetch, String> {
        let config = Agent::config_builder()
            .user_agent(concat!("lunch/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .http_status_as_error(false)
            .max_redirects(0)
            .accept("application/json");
        // Proxies are for what is outside of this machine.
        let config = if base.is_local() { config.proxy(None) } else { config };
        let config = if base.is_https() { config.tls_config(tls()?) } else { config };
        Ok(Fetch { agent: config.build().into(), base, slash: AtomicBool::new(false) })
    }

    /// Gets what is at a path, which has no slash at its end.
    pub(super) fn get(&self, path: &str) -> Result<Answer, Failure> {
        let slash = if self.slash.load(Ordering::Relaxed) { "/" } else { "" };
        let mut url = self.base.at(&format!("{path}{slash}"));
        for _ in 0..=REDIRECTS {
            let mut response = self.agent.get(&url).call().map_err(|error| unreachable(&error))?;
            if let Some(next) = self.redirected(response.status(), response.headers()) {
                // What is true of the list is true of the menus.
                self.slash.store(next.ends_with('/'), Ordering::Relaxed);
                url = next;
                continue;
            }
            let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
            let body = body.map_err(|error| unreachable(&error))?;
            if !response.status().is_success() {
                return Err(refused(response.status(), &body));
            }
            let text = |name: &str| -> Vec<_> {
                let lines = response.headers().get_all(name).into_iter();
                lines.filter_map(|line| line.to_str().ok()).collect()
            };
            return Ok(Answer {
                age: text("age").first().map(|&age| age.to_owned()),
                cache_status: text("cache-status").join(", "),
                body,
            });
        }
        Err(Failure::Refused(format!("it redirects for ever, last to {}", clean(&url))))
    }

    fn redirected(&self, status: StatusCode, headers: &HeaderMap) -> Option<String> {
        let location = headers.get(header::LOCATION).filter(|_| status.is_redirection())?;
        self.base.redirected(location.to_str().ok()?)
    }
}

/// Trust in what the system trusts; read only where it is needed.
fn tls() -> Result<TlsConfig, String> {
    let native = rustls_native_certs::load_native_certs();
    if native.certs.is_empty() {
        return Err("the system has no certificates, which https needs".to_owned());
    }
    let roots: Vec<_> =
        native.certs.iter().map(|cert| Certificate::from_der(cert).to_owned()).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

fn unreachable(error: &ureq::Error) -> Failure {
    Failure::Unreachable(match error {
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nothing listens there".to_owned()
        }
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        other => other.to_string(),
    })
}

/// What an error says: the relay's own are problem details (RFC 9457).
fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    match detail.map(clean).filter(|detail| !detail.is_empty()) {
        Some(detail) => {
            let detail: String = detail.chars().take(SHOWN).collect();
            Failure::Refused(format!("{detail} ({})", status.as_u16()))
        }
        None => Failure::Status { status },
    }
}
