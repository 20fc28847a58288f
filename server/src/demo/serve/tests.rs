//! What only shows on a socket: raw bytes, and connections that break.

use std::{io::ErrorKind, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::oneshot,
};

use super::*;

/// A demo without latency, on a port of its own, until this is dropped.
struct Running {
    address: SocketAddr,
    _shutdown: oneshot::Sender<()>,
}

async fn start(change: impl FnOnce(&mut DemoConfig)) -> Running {
    let mut config = DemoConfig { latency: Duration::ZERO, ..DemoConfig::standard() };
    change(&mut config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, dropped) = oneshot::channel::<()>();
    tokio::spawn(run(listener, config, async {
        let _ = dropped.await;
    }));
    Running { address, _shutdown: shutdown }
}

async fn start_failing(fault: &str) -> Running {
    let fault = fault.parse().unwrap();
    start(|config| config.fail.push(fault)).await
}

impl Running {
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The whole answer to a request on a connection of its own.
    async fn ask(&self, request_line: &str) -> String {
        let request = format!("{request_line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        self.send(&request).await.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

const LIST: &str = "GET /api/restaurant/ HTTP/1.1\r\nHost: h\r\n\r\n";

#[tokio::test]
async fn header_names_are_written_as_the_era_does() {
    let answer = start(|_| {}).await.ask("GET /api/restaurant/x/").await;
    assert!(answer.starts_with("HTTP/1.1 404 NOT FOUND\r\n"), "{answer}");
    assert!(answer.contains("\r\nServer: gunicorn/20.0.4\r\n"), "{answer}");
    assert!(answer.contains("\r\nContent-Length: 232\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(answer.contains("\r\nX-Demo: lunch-relay demo upstream, not the real API\r\n"));

    let answer = start(|config| config.era = Era::E).await.ask("GET /api/restaurant/x").await;
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    assert!(answer.contains("\r\nserver: uvicorn\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 33\r\n"), "{answer}");
}

#[tokio::test]
async fn connections_are_kept_alive() {
    let demo = start(|_| {}).await;
    let mut stream = demo.send("HEAD /api/ HTTP/1.1\r\nHost: h\r\n\r\n").await;
    for _ in 0..2 {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.contains("\r\nConnection: keep-alive\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Length: 28\r\n"), "{head}");
        stream.write_all(b"HEAD /api/ HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_says_when_it_closes() {
    let demo = start(|_| {}).await;
    for request in [
        "GET /api/ HTTP/1.0\r\n\r\n",
        "GET /api/ HTTP/1.1\r\nHost: h\r\nConnection: TE, Close\r\n\r\n",
    ] {
        let mut answer = String::new();
        demo.send(request).await.read_to_string(&mut answer).await.unwrap();
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn server_errors_are_the_proxys() {
    let answer = start_failing("5xx").await.ask("GET /api/restaurant/").await;
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    assert!(answer.contains("\r\nServer: nginx\r\n"), "{answer}");
    assert!(answer.ends_with("<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"), "{answer}");
}

#[tokio::test]
async fn a_reset_is_one() {
    let demo = start_failing("reset").await;
    let mut stream = demo.send(LIST).await;
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_stalled_request_ends_with_the_demo() {
    let demo = start_failing("stall").await;
    let mut stream = demo.send(LIST).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let mut reading = pin!(reading);
    tokio::select! {
        biased;
        ended = &mut reading => panic!("{ended:?}"),
        // Long enough for the demo to take up a request and not answer it.
        _ = demo.ask("GET /") => {}
    }

    drop(demo);
    let _ = reading.await;
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn a_truncated_answer_promises_more_than_it_sends() {
    let demo = start_failing("truncate").await;
    let mut stream = demo.send(LIST).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Length: 3323"), "{head}");
    assert_eq!(body.len(), 3323 / 2);
}

#[tokio::test]
async fn an_empty_answer_can_be_truncated_too() {
    let demo = start(|config| {
        config.era = Era::E;
        config.fail.push("truncate".parse().unwrap());
    });
    let answer = demo.await.ask("GET /api/").await;
    assert!(answer.starts_with("HTTP/1.1 307 Temporary Redirect\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 1\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_flapping_menu_is_empty_every_other_time() {
    let demo = start_failing("flap").await;
    for dishes in [7, 0, 7, 0] {
        let answer = demo.ask("GET /api/restaurant/bikupan/").await;
        assert_eq!(answer.matches("\"dish\"").count(), dishes);
    }
}

#[tokio::test]
async fn above_the_rate_limit_is_429() {
    let demo = start(|config| config.rate_limit = Some("2/h".parse().unwrap())).await;
    let admitted = demo.ask("GET /api/").await;
    assert!(admitted.starts_with("HTTP/1.1 200 OK\r\n"), "{admitted}");
    assert!(admitted.contains("\r\nRatelimit-Policy: \"demo\";q=2;w=3600\r\n"), "{admitted}");
    assert!(admitted.contains("\r\nRatelimit: \"demo\";r=0;t="), "{admitted}");

    let refused = demo.ask("GET /api/").await;
    assert!(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{refused}");
    assert!(refused.contains("\r\nRetry-After: "), "{refused}");
    assert!(refused.contains("\r\nServer: nginx\r\n"), "{refused}");
    assert!(refused.contains("<center><h1>429 Too Many Requests</h1></center>"), "{refused}");
}
