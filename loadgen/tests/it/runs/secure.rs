//! TLS, and whom it trusts.

use std::{net::SocketAddr, sync::Arc};

use loadgen::{
    fault::Fault,
    run::{Options, RunError},
    transport::{Protocol, Trust},
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::{
    http2::{Http, menu},
    support::{check_totals, constant, load, ms, options},
};

/// A server that vouches for itself as `localhost`, and its certificate.
struct Secure {
    address: SocketAddr,
    certificate: String,
    _serving: JoinSet<()>,
}

async fn secure(version: Http) -> Secure {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(own.signing_key.serialize_pem().as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = match version {
        Http::One => vec![b"http/1.1".to_vec()],
        Http::Two => vec![b"h2".to_vec()],
    };
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let accepting = acceptor.accept(stream);
            connections.spawn(async move {
                // Who does not trust it goes away.
                if let Ok(stream) = accepting.await {
                    menu(stream, version).await;
                }
            });
        }
    });
    Secure { address, certificate: own.cert.pem(), _serving: serving }
}

/// Ten requests to `server` by name.
fn ten(server: &Secure, trust: Trust) -> Options {
    let port = server.address.port();
    let mut options = options(&format!("https://localhost:{port}/"), constant(50.0, ms(200)));
    options.resolve = vec![format!("localhost:{port}:127.0.0.1").parse().unwrap()];
    options.connections = 2;
    options.trust = trust;
    options
}

#[tokio::test]
async fn only_the_trusted_are_asked() {
    let server = secure(Http::One).await;
    let own = Trust::Only(server.certificate.clone().into_bytes());
    for trust in [own, Trust::Anyone] {
        let summary = load(ten(&server, trust)).await.unwrap();
        check_totals(&summary, [10, 10, 10, 0, 0, 0, 0]);
    }
    let other = secure(Http::One).await;
    for trust in [Trust::System, Trust::Only(other.certificate.into_bytes())] {
        match load(ten(&server, trust)).await {
            Err(RunError::Unreachable(failure)) => {
                assert_eq!(failure.fault, Fault::Tls);
                assert!(failure.to_string().contains("certificate"), "{failure}");
            }
            // A system that trusts nobody says so.
            Err(RunError::Tls(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// HTTP/2 is agreed upon (ALPN, RFC 7301), and a server that cannot is not asked.
#[tokio::test]
async fn http2_is_agreed_upon() {
    let server = secure(Http::Two).await;
    let mut options = ten(&server, Trust::Anyone);
    options.protocol = Protocol::Http2 { streams: 4 };
    check_totals(&load(options).await.unwrap(), [10, 10, 10, 0, 0, 0, 0]);

    let old = secure(Http::One).await;
    let mut options = ten(&old, Trust::Anyone);
    options.protocol = Protocol::Http2 { streams: 4 };
    let refused = load(options).await.unwrap_err();
    assert!(matches!(refused, RunError::Unreachable(failure) if failure.fault == Fault::Tls));
}
