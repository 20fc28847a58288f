//! TLS on the public listener, with certificates made for each test.

use std::{
    fs,
    io::{BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::CertificateDer,
    version::{TLS12, TLS13},
};

use crate::support::{Answer, Origin, PATIENCE, Relay, connect, nowhere, read_head, until};

/// A certificate and its key, as files in a folder of their own.
pub(crate) struct Certificate {
    folder: tempfile::TempDir,
    pub(crate) der: CertificateDer<'static>,
}

/// When certificates of these tests are good.
#[derive(Clone, Copy)]
enum Good {
    Now,
    /// It was, until this year began.
    Until(i32),
}

impl Certificate {
    pub(crate) fn new() -> Certificate {
        let folder = tempfile::tempdir().unwrap();
        let der = write_pair(folder.path(), Good::Now);
        Certificate { folder, der }
    }

    /// Puts another certificate in the place of this one.
    pub(crate) fn renew(&mut self) {
        self.der = write_pair(self.folder.path(), Good::Now);
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The flags that name it.
    pub(crate) fn flags(&self) -> [String; 2] {
        let (cert, key) = (self.cert(), self.key());
        [format!("--tls-cert={}", cert.display()), format!("--tls-key={}", key.display())]
    }
}

fn write_pair(folder: &Path, good: Good) -> CertificateDer<'static> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    if let Good::Until(year) = good {
        params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
    }
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}

/// A relay over TLS with this certificate.
pub(crate) fn secured(certificate: &Certificate, flags: &[&str]) -> Relay {
    let [cert, key] = certificate.flags();
    let all: Vec<&str> = [cert.as_str(), key.as_str()].into_iter().chain(flags.to_vec()).collect();
    Relay::start(&all)
}

/// A client's stream over TLS.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// What clients trust and speak: one certificate, these versions and protocols.
fn client(
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A connection of a client that trusts this certificate alone, the handshake done.
pub(crate) fn open(address: SocketAddr, trusted: &CertificateDer<'static>) -> Stream {
    open_with(address, client(trusted, rustls::ALL_VERSIONS, &["http/1.1"])).unwrap()
}

fn open_with(address: SocketAddr, config: Arc<ClientConfig>) -> std::io::Result<Stream> {
    let session = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, connect(address));
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

/// Gets a path on a connection that stays open.
pub(crate) fn get(stream: &mut Stream, path: &str) -> Answer {
    ask(stream, "GET", path)
}

fn ask(stream: &mut Stream, method: &str, path: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: h\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::with_capacity(1, stream);
    let mut bytes = read_head(&mut reader).unwrap().expect("an answer").into_bytes();
    let length = Answer::parse(&bytes).field("content-length").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    bytes.extend(body);
    Answer::parse(&bytes)
}

fn relay(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_relay")).args(args).output().unwrap()
}

#[test]
fn http_is_spoken_over_both_versions_of_tls() {
    let origin = Origin::echoing();
    let certificate = Certificate::new();
    let relay = secured(&certificate, &["--upstream", &origin.url(), "--forwarded"]);
    for version in [&TLS12, &TLS13] {
        let config = client(&certificate.der, &[version], &["http/1.1"]);
        let mut stream = open_with(relay.public, config).unwrap();
        // What is for one client tells the upstream of it.
        let answer = ask(&mut stream, "DELETE", "/menu");
        assert_eq!(answer.status(), 200, "{version:?}");
        assert!(answer.text().contains("x-forwarded-proto: https"), "{}", answer.text());
        assert_eq!(get(&mut stream, "/menu").status(), 200, "{version:?}");
    }
}

#[test]
fn alpn_chooses_the_protocol_of_http() {
    let relay_certificate = Certificate::new();
    let relay = secured(&relay_certificate, &["--upstream=demo"]);
    let chosen = |protocols: &[&str]| {
        let config = client(&relay_certificate.der, rustls::ALL_VERSIONS, protocols);
        let stream = open_with(relay.public, config).ok()?;
        Some(String::from_utf8(stream.conn.alpn_protocol().unwrap_or_default().to_vec()).unwrap())
    };
    assert_eq!(chosen(&["http/1.1", "h2"]).as_deref(), Some("h2"));
    assert_eq!(chosen(&["http/1.1"]).as_deref(), Some("http/1.1"));
    assert_eq!(chosen(&[]).as_deref(), Some(""));
    assert_eq!(chosen(&["gopher"]), None);
    assert_eq!(relay.metric("lunch_relay_tls_handshake_failures_total{reason=\"refused\"}"), 1);
}

#[tokio::test]
async fn http2_is_spoken_where_it_was_chosen() {
    let certificate = Certificate::new();
    let relay = secured(&certificate, &["--upstream=demo"]);
    let config = client(&certificate.der, rustls::ALL_VERSIONS, &["h2"]);
    let stream = tokio::net::TcpStream::connect(relay.public).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(config);
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::builder()
        .uri("https://localhost/healthz")
        .body(http_body_util::Empty::<bytes::Bytes>::new())
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    connection.abort();
}

#[test]
fn who_does_not_come_to_an_end_with_the_handshake_is_closed() {
    let certificate = Certificate::new();
    let relay = secured(&certificate, &["--upstream=demo", "--first-byte-timeout=200ms"]);
    let failures = |reason: &str| {
        relay.metric(&format!("lunch_relay_tls_handshake_failures_total{{reason=\"{reason}\"}}"))
    };
    // Silent, and half of a record's head.
    for said in [&b""[..], &b"\x16\x03\x01"[..]] {
        let mut stream = connect(relay.public);
        stream.write_all(said).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert_eq!(failures("timed-out"), 2);
    drop(connect(relay.public));
    until(|| failures("closed") == 1);
}

#[test]
fn handshakes_take_no_more_than_half_of_the_places() {
    let certificate = Certificate::new();
    let relay = secured(&certificate, &["--upstream=demo", "--max-connections=4"]);
    let open_now = || relay.metric("lunch_relay_connections_open");
    let mut established = open(relay.public, &certificate.der);
    let _slow = [connect(relay.public), connect(relay.public)];
    until(|| open_now() == 3);
    let mut third = connect(relay.public);
    assert_eq!(third.read_to_end(&mut Vec::new()).unwrap_or_default(), 0);
    assert_eq!(relay.metric("lunch_relay_tls_handshake_failures_total{reason=\"too-many\"}"), 1);
    assert_eq!(get(&mut established, "/healthz").status(), 200);
}

#[test]
fn what_is_no_tls_is_refused() {
    let certificate = Certificate::new();
    let relay = secured(&certificate, &["--upstream=demo"]);
    let answer = crate::support::exchange(relay.public, "GET /menu HTTP/1.1\r\nhost: h\r\n\r\n");
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    assert_eq!(relay.metric("lunch_relay_tls_handshake_failures_total{reason=\"refused\"}"), 1);
}

#[test]
fn a_certificate_that_cannot_be_served_with_is_refused_at_the_start() {
    let (one, other) = (Certificate::new(), Certificate::new());
    let [cert, key] = one.flags();
    let [_, another_key] = other.flags();
    let nothing = one.folder.path().join("nothing.pem");
    fs::write(&nothing, "no PEM").unwrap();
    let nothing = nothing.display();
    let rows: &[(&[&str], &str)] = &[
        (&[&cert], "--tls-cert needs --tls-key"),
        (&[&key], "--tls-key needs --tls-cert"),
        (&[&cert, &another_key], "the key is not the certificate's"),
        (&[&cert, &format!("--tls-key={nothing}")], "there is no key"),
        (&[&format!("--tls-cert={nothing}"), &key], "there is no certificate"),
        (&[&cert, "--tls-key=no-such.pem"], "--tls-key: cannot read no-such.pem"),
    ];
    for (flags, message) in rows {
        for command in [&["check"][..], &[]] {
            let output = relay(&[command, *flags].concat());
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{flags:?}: {stderr}");
            assert!(stderr.contains(message), "{flags:?}: {stderr}");
        }
    }
    let good = relay(&["check", &cert, &key]);
    assert_eq!((good.status.code(), good.stderr.len()), (Some(0), 0), "{good:?}");
}

#[test]
fn an_expired_certificate_is_served_with_and_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let der = write_pair(folder.path(), Good::Until(2020));
    let certificate = Certificate { folder, der };
    let said = "the certificate expired on 2020-01-01T00:00:00Z";
    let [cert, key] = certificate.flags();
    let checked = relay(&["check", &cert, &key]);
    assert_eq!(checked.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&checked.stderr).contains(said), "{checked:?}");

    let relay = secured(&certificate, &["--upstream=demo"]);
    let metrics = crate::support::get(relay.admin, "/metrics", "").text();
    assert!(metrics.contains("lunch_relay_tls_certificate_expiry_seconds -"), "{metrics}");
    let log = relay.end();
    assert!(log.contains(said) && log.contains("\"level\":\"WARN\""), "{log}");
}

#[test]
fn a_healthcheck_asks_over_tls() {
    let certificate = Certificate::new();
    let running = secured(&certificate, &["--upstream=demo"]);
    let [cert, key] = certificate.flags();
    let at = |listen: SocketAddr| format!("--listen={listen}");
    let output = relay(&["healthcheck", &at(running.public), &cert, &key]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = relay(&["healthcheck", &at(nowhere()), &cert, &key]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let plain = Relay::start(&["--upstream=demo"]);
    let output = relay(&["healthcheck", &at(plain.public), &cert, &key]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not speak TLS"), "{output:?}");
}

#[test]
fn a_renewed_certificate_is_for_new_connections_and_old_ones_go_on() {
    let origin = Origin::echoing();
    let mut certificate = Certificate::new();
    let relay = secured(&certificate, &["--upstream", &origin.url()]);
    let old_config = client(&certificate.der, rustls::ALL_VERSIONS, &["http/1.1"]);
    let mut old = open_with(relay.public, Arc::clone(&old_config)).unwrap();
    assert_eq!(get(&mut old, "/menu").status(), 200);

    certificate.renew();
    relay.signal("HUP");
    until(|| relay.metric("lunch_relay_reloads_total{outcome=\"applied\"}") == 1);
    let mut new = open(relay.public, &certificate.der);
    assert_eq!(get(&mut new, "/menu").status(), 200);
    assert_eq!(get(&mut old, "/menu").status(), 200);
    // Nor is the old session resumed: who trusts the old one alone is not served.
    assert!(open_with(relay.public, old_config).is_err());

    // A key of another certificate: nothing changes.
    fs::write(certificate.key(), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    relay.signal("HUP");
    until(|| relay.metric("lunch_relay_reloads_total{outcome=\"refused\"}") == 1);
    assert_eq!(get(&mut open(relay.public, &certificate.der), "/menu").status(), 200);
    drop((old, new));
    let log = relay.end();
    assert!(log.contains("the key is not the certificate's"), "{log}");
}

#[test]
fn a_drain_is_not_held_up_by_a_handshake() {
    let certificate = Certificate::new();
    let mut relay =
        secured(&certificate, &["--upstream=demo", "--first-byte-timeout=10m", "--grace=10m"]);
    let slow = connect(relay.public);
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    until(|| relay.metric("lunch_relay_connections_open") == 1);
    relay.signal("TERM");
    assert_eq!(relay.wait().code(), Some(0));
}
