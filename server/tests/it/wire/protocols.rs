//! Versions of HTTP and of IP.

use std::io::{BufReader, Write};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::{Answer, Origin, Relay, connect, exchange, read_answer};

#[track_caller]
fn check_http_10(request: &str) -> Answer {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    let answer = Answer::parse(&exchange(relay.public, request));
    assert!(answer.head.starts_with("HTTP/1.0 200 OK\r\n"), "{request:?}: {}", answer.head);
    let seen = Answer::parse(&answer.body);
    assert!(seen.head.starts_with("GET /x HTTP/1.1\r\n"), "{request:?}: {}", seen.head);
    assert_eq!(seen.field("via"), Some("1.0 lunch-relay"));
    assert_eq!(seen.field("host"), Some(origin.address().to_string().as_str()));
    answer
}

#[test]
fn a_client_of_http_10_is_answered_in_its_version() {
    check_http_10("GET /x HTTP/1.0\r\n\r\n");
    check_http_10("GET /x HTTP/1.0\r\nhost: h\r\n\r\n");
    check_http_10("GET /x HTTP/1.0\r\nconnection: close\r\n\r\n");
}

#[test]
fn a_client_of_http_10_may_keep_its_connection() {
    let relay = Relay::before(&Origin::echoing().url());
    let mut stream = BufReader::new(connect(relay.public));
    for _ in 0..2 {
        let request = b"GET /x HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
        stream.get_mut().write_all(request).unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.field("connection"), Some("keep-alive"));
    }
}

#[test]
fn a_client_of_http_10_gets_no_chunks() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let relay = Relay::before(&Origin::answering(answer).url());
    for _ in 0..2 {
        let answer = Answer::parse(&exchange(relay.public, "GET /x HTTP/1.0\r\n\r\n"));
        assert_eq!(answer.field("transfer-encoding"), None);
        assert_eq!(answer.text(), "hello");
    }
}

#[test]
fn an_origin_of_http_10_is_relayed() {
    let relay = Relay::before(&Origin::answering("HTTP/1.0 200 OK\r\n\r\nhello").url());
    for _ in 0..2 {
        let answer = relay.get("/x");
        assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", answer.head);
        assert!(answer.text().contains("hello"), "{answer:?}");
    }
}

/// Puts requests over one HTTP/2 connection, all at the same time.
fn over_http2(relay: &Relay, requests: Vec<Request<Full<Bytes>>>) -> Vec<Response<Bytes>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(relay.public).await.unwrap();
        let (client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        tokio::spawn(connection);
        let answers = requests.into_iter().map(|request| {
            let mut client = client.clone();
            async move {
                let (head, body) = client.send_request(request).await.unwrap().into_parts();
                Response::from_parts(head, body.collect().await.unwrap().to_bytes())
            }
        });
        futures_util::future::join_all(answers).await
    })
}

fn request(method: &str, target: &str, body: &'static [u8]) -> Request<Full<Bytes>> {
    let uri = format!("http://relay.example{target}");
    Request::builder()
        .method(method)
        .uri(uri)
        .header("x-a", "1")
        .header("x-a", "2")
        .body(Full::from(body))
        .unwrap()
}

#[test]
fn a_client_may_speak_http_2_by_prior_knowledge() {
    let origin = Origin::start(|head, stream| {
        let body = crate::support::read_body(head, stream)?;
        let length = head.len() + body.len();
        let fields = format!("cache-control: no-store\r\ncontent-length: {length}\r\n");
        write!(stream.get_mut(), "HTTP/1.1 201 Made\r\n{fields}connection: x-hop\r\n")?;
        write!(stream.get_mut(), "x-hop: 1\r\nset-cookie: a\r\nset-cookie: b\r\n\r\n{head}")?;
        stream.get_mut().write_all(&body)?;
        Ok(crate::support::Then::KeepOpen)
    });
    let relay = Relay::before(&format!("{}api/", origin.url()));
    let requests = vec![
        request("GET", "/a%2Fb//c?d", b""),
        request("POST", "/x", b"hello"),
        request("PURGE", "/x", b""),
    ];
    for (answer, (line, body)) in over_http2(&relay, requests).into_iter().zip([
        ("GET /api/a%2Fb//c?d HTTP/1.1\r\n", ""),
        ("POST /api/x HTTP/1.1\r\n", "hello"),
        ("PURGE /api/x HTTP/1.1\r\n", ""),
    ]) {
        assert_eq!((answer.status().as_u16(), answer.version()), (201, Version::HTTP_2));
        assert!(answer.headers().get("x-hop").is_none());
        assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
        let seen = Answer::parse(answer.body());
        assert!(seen.head.starts_with(line), "{}", seen.head);
        assert_eq!(seen.text(), body);
        assert_eq!(seen.field("host"), Some(origin.address().to_string().as_str()));
        assert_eq!(seen.field("via"), Some("2 lunch-relay"));
        assert_eq!(seen.lines("x-a"), ["1", "2"]);
    }
}

#[test]
fn the_authority_of_a_target_is_the_host_that_is_forwarded() {
    let url = Origin::echoing().url();
    let relay = Relay::start(&["--upstream", &url, "--forwarded"]);
    let check = |echoed: &[u8]| {
        let seen = Answer::parse(echoed);
        assert_eq!(seen.field("x-forwarded-host"), Some("relay.example"));
        let expected = r#"for=127.0.0.1;proto=http;host="relay.example""#;
        assert_eq!(seen.field("forwarded"), Some(expected));
    };
    check(over_http2(&relay, vec![request("POST", "/x", b"")])[0].body());
    for authority in ["relay.example", "user:secret@relay.example"] {
        let absolute = format!(
            "GET http://{authority}/x HTTP/1.1\r\nhost: other.example\r\n\
             authorization: a\r\nconnection: close\r\n\r\n"
        );
        check(&Answer::parse(&exchange(relay.public, absolute)).body);
    }
}

#[test]
fn a_hundred_streams_at_a_time_are_answered() {
    let relay = Relay::before(&Origin::echoing().url());
    let requests = (0..100).map(|number| request("GET", &format!("/{number}"), b"")).collect();
    for (number, answer) in over_http2(&relay, requests).into_iter().enumerate() {
        let text = String::from_utf8_lossy(answer.body());
        assert!(text.starts_with(&format!("GET /{number} ")), "{text}");
    }
}

#[test]
fn refusals_and_failures_are_the_same_over_http_2() {
    let upstream = format!("http://{}/", crate::support::nowhere());
    let relay = Relay::before(&upstream);
    let requests =
        vec![request("GET", "/..", b""), request("TRACE", "/x", b""), request("GET", "/x", b"")];
    let statuses: Vec<u16> =
        over_http2(&relay, requests).iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses, [400, 405, 502]);
}

#[test]
fn the_relay_may_listen_on_ipv6() {
    let origin = Origin::echoing();
    let url = origin.url();
    let relay = Relay::start(&["--upstream", &url, "--listen", "[::1]:0", "--forwarded"]);
    assert!(relay.public.is_ipv6());
    let host = format!("host: {}\r\nauthorization: a\r\n", relay.public);
    let request = format!("GET /x HTTP/1.1\r\n{host}connection: close\r\n\r\n");
    let answer = Answer::parse(&exchange(relay.public, request));
    let seen = Answer::parse(&answer.body);
    let expected = format!(r#"for="[::1]";proto=http;host="{}""#, relay.public);
    assert_eq!(seen.field("forwarded"), Some(expected.as_str()));
    assert_eq!(seen.field("x-forwarded-for"), Some("::1"));
}

#[test]
fn one_listener_may_serve_both_families() {
    let origin = Origin::echoing();
    let url = origin.url();
    let relay = Relay::start(&["--upstream", &url, "--listen", "[::]:0", "--forwarded"]);
    let port = relay.public.port();
    for (address, expected) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
        let address = format!("{address}:{port}").parse().unwrap();
        let seen = Answer::parse(&crate::support::get(address, "/x", "authorization: a\r\n").body);
        assert_eq!(seen.field("x-forwarded-for"), Some(expected));
    }
}
