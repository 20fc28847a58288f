//! TLS on the public listener.
//!
//! A certificate is replaced together with all that was negotiated under it:
//! connections that there are go on as they are, new ones get the new
//! certificate, and no session begun under the old one is resumed.

mod identity;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use arc_swap::ArcSwap;
use rustls::{ServerConfig, crypto::ring, sign::SingleCertAndKey};
use tokio::{net::TcpStream, sync::Semaphore, time::sleep};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub use self::identity::{Fault, Identity};
use super::{Drain, Limits};
use crate::telemetry::metrics::{HandshakeFailure, Metrics};

/// Protocols by ALPN (RFC 7301), the preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Bytes of a file with certificates or a key: a chain has a few KiB.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The settings of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TlsConfig {
    /// PEM file with the certificate of the public listener, and those between it and the root after it: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 [default: off]
    #[arg(long, env = "RELAY_TLS_CERT", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, env = "RELAY_TLS_KEY", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// One file without the other.
    #[error("--{given} needs --{missing}: a certificate and its key go together")]
    Half {
        /// The flag that is there.
        given: &'static str,
        /// The flag that is not.
        missing: &'static str,
    },
    /// A file that cannot be read.
    #[error("--{flag}: cannot read {}: {error}", path.display())]
    Unreadable {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Files that are no certificate and its key.
    #[error("--tls-cert {}, --tls-key {}: {fault}", cert.display(), key.display())]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        fault: Fault,
    },
}

impl TlsConfig {
    /// Whether the public listener speaks TLS.
    pub fn is_on(&self) -> bool {
        self.tls_cert.is_some() || self.tls_key.is_some()
    }

    /// What the files say, `None` where there is no TLS.
    pub fn read(&self) -> Result<Option<Identity>, Unusable> {
        let (cert, key) = match (&self.tls_cert, &self.tls_key) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => (cert, key),
            (Some(_), None) => {
                return Err(Unusable::Half { given: "tls-cert", missing: "tls-key" });
            }
            (None, Some(_)) => {
                return Err(Unusable::Half { given: "tls-key", missing: "tls-cert" });
            }
        };
        match pair(cert, key) {
            // Both may just have been replaced, and one been read before that.
            Err(Unusable::Pair { fault: Fault::Mismatch, .. }) => pair(cert, key),
            read => read,
        }
        .map(Some)
    }
}

impl Identity {
    /// Says in the log what the operator should know of its dates.
    pub fn warn(&self, now: SystemTime) {
        if let Some(doubt) = self.doubt(now) {
            tracing::warn!("--tls-cert: {doubt}");
        }
    }
}

fn pair(cert: &Path, key: &Path) -> Result<Identity, Unusable> {
    let chain = contents("tls-cert", cert)?;
    let secret = contents("tls-key", key)?;
    Identity::of_pem(&chain, &secret).map_err(|fault| Unusable::Pair {
        cert: cert.to_owned(),
        key: key.to_owned(),
        fault,
    })
}

fn contents(flag: &'static str, path: &Path) -> Result<Vec<u8>, Unusable> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST_FILE).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| Unusable::Unreadable { flag, path: path.to_owned(), error })
}

/// What new connections are offered.
#[derive(Debug)]
struct Offered {
    identity: Identity,
    config: Arc<ServerConfig>,
}

impl Offered {
    fn new(identity: Identity) -> Result<Offered, rustls::Error> {
        let certified = SingleCertAndKey::from(identity.certified().clone());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(rustls::ALL_VERSIONS)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certified));
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Offered { identity, config: Arc::new(config) })
    }
}

/// TLS of a listener.
#[derive(Debug)]
pub struct Tls {
    offered: ArcSwap<Offered>,
    /// Places for handshakes under way.
    handshakes: Semaphore,
}

impl Tls {
    /// TLS with this certificate, within the limits of the listener: no more
    /// than half of its connections may be in a handshake, so that those who are
    /// slow at it leave the others their places.
    pub fn new(identity: Identity, limits: &Limits) -> Result<Tls, rustls::Error> {
        let places = (limits.max_connections / 2).clamp(1, Semaphore::MAX_PERMITS);
        Ok(Tls {
            offered: ArcSwap::from_pointee(Offered::new(identity)?),
            handshakes: Semaphore::new(places),
        })
    }

    /// Offers another certificate to new connections.
    pub fn replace(&self, identity: Identity) -> Result<(), rustls::Error> {
        self.offered.store(Arc::new(Offered::new(identity)?));
        Ok(())
    }

    /// The certificate that is offered.
    pub fn identity(&self) -> Identity {
        self.offered.load().identity.clone()
    }

    /// How long the certificate is still valid, in seconds; negative where it
    /// has expired.
    pub fn seconds_left(&self, now: SystemTime) -> i64 {
        self.offered.load().identity.seconds_left(now)
    }

    /// A client's stream once the handshake is done, within the time that a new
    /// connection may be silent for; `None` where it fails, which is counted.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        limits: &Limits,
        drain: &Drain,
        metrics: &Metrics,
    ) -> Option<TlsStream<TcpStream>> {
        let failed = |failure| {
            metrics.handshake_failed(failure);
            None
        };
        let Ok(_place) = self.handshakes.try_acquire() else {
            return failed(HandshakeFailure::TooMany);
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&self.offered.load().config));
        let too_late = async {
            tokio::select! {
                () = sleep(limits.deadlines.first_byte) => {}
                () = async { drain.begun().await; sleep(limits.deadlines.linger).await } => {}
            }
        };
        tokio::select! {
            biased;
            done = acceptor.accept(stream) => match done {
                Ok(stream) => Some(stream),
                Err(error) => {
                    tracing::debug!(%error, "TLS handshake failed");
                    failed(failure(&error))
                }
            },
            () = too_late => failed(HandshakeFailure::TimedOut),
        }
    }
}

/// The kind of failure: what is no TLS, or not ours, has an error of rustls's.
fn failure(error: &io::Error) -> HandshakeFailure {
    if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) {
        HandshakeFailure::Refused
    } else {
        HandshakeFailure::Closed
    }
}
