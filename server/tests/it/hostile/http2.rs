//! HTTP/2 frames that a well-behaved client does not send.

use std::{
    io::{BufReader, Write},
    net::TcpStream,
};

use super::{
    check_survived,
    frames::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
        block, field, find, frame, handshake, headers, status,
    },
    read_until_closed, relay_before,
};
use crate::support::{Origin, Relay, Then, read_body};

#[track_caller]
fn check_answers(stream: &mut BufReader<TcpStream>, id: u32) {
    stream.get_mut().write_all(&headers(id, "/good", &[])).unwrap();
    let answer = find(stream, |frame| frame.kind == HEADERS && frame.stream == id);
    assert_eq!(answer.as_ref().and_then(status), Some(200), "{answer:?}");
}

#[test]
fn a_flood_of_resets_is_outlived() {
    let origin = Origin::echoing();
    let relay = relay_before(&origin, &[]);
    for _ in 0..5 {
        let mut stream = handshake(&relay);
        let mut sent = 0;
        for batch in 0..200 {
            let frames: Vec<u8> = (0..100)
                .flat_map(|number| {
                    let id = 2 * (100 * batch + number) + 1;
                    let cancel = frame(RST_STREAM, 0, id, &[0, 0, 0, 8]);
                    [headers(id, "/flood", &[]), cancel].concat()
                })
                .collect();
            if stream.get_mut().write_all(&frames).is_err() {
                break;
            }
            sent += 100;
        }
        assert!(0 < sent);
    }
    let memory = relay.memory_kib("VmHWM");
    assert!(memory < 300_000, "{memory} KiB");
    check_survived(relay);
}

#[test]
fn streams_past_the_limit_are_refused_and_the_others_answered() {
    let (send, answer) = std::sync::mpsc::channel::<()>();
    let answer = std::sync::Mutex::new(answer);
    let origin = Origin::start(move |head, stream| {
        if head.starts_with("GET /wait") {
            let _ = answer.lock().unwrap().recv();
        }
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        Ok(Then::KeepOpen)
    });
    let relay = relay_before(&origin, &[]);
    let mut stream = handshake(&relay);
    let frames: Vec<u8> = (0..200).flat_map(|n| headers(2 * n + 1, "/wait", &[])).collect();
    stream.get_mut().write_all(&frames).unwrap();
    let refused = find(&mut stream, |frame| frame.kind == RST_STREAM).unwrap();
    assert_eq!((refused.stream, refused.code()), (2 * 128 + 1, 7));
    drop(send);
    let mut answered = 0;
    find(&mut stream, |frame| {
        answered += u32::from(frame.kind == HEADERS && status(frame) == Some(200));
        answered == 128
    });
    assert_eq!(answered, 128);
    check_answers(&mut stream, 1001);
    check_survived(relay);
}

#[track_caller]
fn check_refused_stream(relay: &Relay, headers: &[u8]) {
    let mut stream = handshake(relay);
    stream.get_mut().write_all(headers).unwrap();
    let end = find(&mut stream, |frame| matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY));
    let is_answer = end.as_ref().is_some_and(|end| end.kind == HEADERS);
    assert!(!is_answer || end.as_ref().and_then(status) != Some(200), "{end:?}");
}

#[test]
fn malformed_requests_are_refused() {
    let origin = Origin::echoing();
    let relay = relay_before(&origin, &[]);
    let with = |name: &str, value: &str| {
        check_refused_stream(&relay, &headers(1, "/x", &[(name, value)]));
    };
    with("connection", "close");
    with("connection", "x-a");
    with("transfer-encoding", "chunked");
    with("upgrade", "websocket");
    with("keep-alive", "1");
    with("proxy-connection", "keep-alive");
    with("te", "gzip");
    with("X-Upper", "1");
    with("x y", "1");
    with("x", "a\r\nsmuggled: 1");
    with("x", "a\0b");
    with("", "1");
    with(":path", "/again");
    with(":status", "200");
    with(":unknown", "x");
    with("host", "a b");
    let path = |path: &str| check_refused_stream(&relay, &headers(1, path, &[]));
    path("");
    path("no-slash");
    path("/a b");
    path("/a\r\nsmuggled: 1");
    path("/..");
    path("/%2e%2e/x");
    path("/a\\b");
    // Neither a path nor a scheme.
    check_refused_stream(&relay, &frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x82]));
    // An index that no table has.
    check_refused_stream(&relay, &frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff, 0x7f]));
    // A body shorter than the request says, and one that is longer.
    let post = |id| frame(HEADERS, END_HEADERS, id, &block("/x", &[("content-length", "5")]));
    for body in ["hell", "hello!"] {
        let frames = [post(1), frame(DATA, END_STREAM, 1, body.as_bytes())].concat();
        check_refused_stream(&relay, &frames);
    }
    assert!(!origin.heads().concat().contains("smuggled"));
    check_survived(relay);
}

#[test]
fn a_header_list_that_is_too_large_is_refused() {
    let origin = Origin::echoing();
    let relay = relay_before(&origin, &[]);
    let value = "y".repeat(1_000);
    let fields = vec![("x", value.as_str()); 100];
    let block = block("/x", &fields);
    let mut frames = Vec::new();
    let pieces: Vec<&[u8]> = block.chunks(16_000).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let end = if at + 1 == pieces.len() { END_HEADERS } else { 0 };
        let (kind, flags) = if at == 0 { (HEADERS, END_STREAM) } else { (CONTINUATION, end) };
        frames.extend(frame(kind, flags, 1, piece));
    }
    check_refused_stream(&relay, &frames);
    assert_eq!(origin.heads(), Vec::<String>::new());
    check_survived(relay);
}

#[test]
fn continuations_without_end_are_cut_off() {
    let relay = relay_before(&Origin::echoing(), &[]);
    for piece in [vec![], field("x", &"y".repeat(16_000))] {
        let mut stream = handshake(&relay);
        let begin = frame(HEADERS, END_STREAM, 1, &block("/x", &[]));
        stream.get_mut().write_all(&begin).unwrap();
        let more = frame(CONTINUATION, 0, 1, &piece).repeat(100);
        // 1.6 GB at most, or a hundred thousand frames of nothing.
        let _ = (0..1_000).any(|_| stream.get_mut().write_all(&more).is_err());
        let end = find(&mut stream, |frame| matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY));
        assert!(end.is_none_or(|end| end.kind == GOAWAY), "{} bytes each", piece.len());
    }
    let memory = relay.memory_kib("VmHWM");
    assert!(memory < 300_000, "{memory} KiB");
    check_survived(relay);
}

#[test]
fn answers_to_pings_that_nobody_reads_end_the_connection() {
    let relay = relay_before(&Origin::echoing(), &["--idle-timeout", "300ms"]);
    let mut stream = handshake(&relay);
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(1_000);
    // Far more than the buffers between us take.
    let ended = (0..10_000).any(|_| stream.get_mut().write_all(&pings).is_err());
    assert!(ended);
    let memory = relay.memory_kib("VmHWM");
    assert!(memory < 300_000, "{memory} KiB");
    check_survived(relay);
}

#[test]
fn pings_do_not_keep_an_idle_connection() {
    let relay = relay_before(&Origin::echoing(), &["--idle-timeout", "300ms"]);
    let mut stream = handshake(&relay);
    check_answers(&mut stream, 1);
    let ping = frame(PING, 0, 0, &[0; 8]);
    // Each is sent when the last one has been answered.
    let ended = (0..10_000_000).any(|_| {
        stream.get_mut().write_all(&ping).is_err()
            || find(&mut stream, |frame| frame.kind == PING).is_none()
    });
    assert!(ended);
    check_survived(relay);
}

#[test]
fn an_idle_connection_of_http_2_is_closed() {
    let relay = relay_before(&Origin::echoing(), &["--idle-timeout", "300ms"]);
    let mut stream = handshake(&relay);
    check_answers(&mut stream, 1);
    read_until_closed(stream);
    check_survived(relay);
}

#[test]
fn a_connection_of_http_2_that_breaks_the_rules_ends() {
    let relay = relay_before(&Origin::echoing(), &[]);
    for frames in [
        frame(DATA, 0, 0, b"x"),
        frame(DATA, 0, 1, b"x"),
        headers(2, "/x", &[]),
        headers(0, "/x", &[]),
        frame(SETTINGS, 0, 1, &[]),
        frame(SETTINGS, 0, 0, &[0]),
        frame(CONTINUATION, END_HEADERS, 1, &[]),
        frame(PING, 0, 0, &[0]),
        vec![0xff; 9],
        b"GET /x HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
    ] {
        let mut stream = handshake(&relay);
        stream.get_mut().write_all(&frames).unwrap();
        let end = find(&mut stream, |frame| matches!(frame.kind, GOAWAY | RST_STREAM));
        assert!(end.is_none_or(|end| end.kind == GOAWAY || end.code() != 0), "{frames:?}");
    }
    check_survived(relay);
}

/// Requests whose answer has a body, with a window of so many bytes for it.
fn ask_with_window(stream: &mut BufReader<TcpStream>, window: u8, path: &str) {
    // SETTINGS_INITIAL_WINDOW_SIZE.
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, window]);
    stream.get_mut().write_all(&[settings, headers(1, path, &[])].concat()).unwrap();
}

#[test]
fn a_client_of_http_2_that_opens_no_window_is_closed() {
    let relay = relay_before(&Origin::echoing(), &["--idle-timeout", "300ms"]);
    for window in [0, 1] {
        let mut stream = handshake(&relay);
        ask_with_window(&mut stream, window, "/x");
        read_until_closed(stream);
    }
    check_survived(relay);
}

#[test]
fn a_client_of_http_2_that_waits_for_the_origin_is_not_closed() {
    let origin = Origin::start(|_, stream| {
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok")?;
        // The relay sends nothing more: this is a pause.
        super::is_open_and_silent(stream.get_mut());
        stream.get_mut().write_all(b"ay")?;
        Ok(Then::KeepOpen)
    });
    let relay = relay_before(&origin, &["--idle-timeout", "300ms"]);
    let mut stream = handshake(&relay);
    ask_with_window(&mut stream, 100, "/x");
    let mut body = Vec::new();
    find(&mut stream, |frame| {
        if frame.kind == DATA {
            body.extend_from_slice(&frame.payload);
        }
        body.len() == 4
    });
    assert_eq!(body, b"okay");
    check_survived(relay);
}

#[test]
fn a_body_that_no_field_announces_is_relayed() {
    let origin = Origin::start(|head, stream| {
        let body = read_body(head, stream)?;
        let fields = format!("cache-control: max-age=60\r\ncontent-length: {}\r\n", body.len());
        write!(stream.get_mut(), "HTTP/1.1 200 OK\r\n{fields}\r\n")?;
        stream.get_mut().write_all(&body)?;
        Ok(Then::KeepOpen)
    });
    let relay = relay_before(&origin, &[]);
    let mut stream = handshake(&relay);
    // The second would be answered from the cache, had it no body.
    for (id, body) in [(1, "hello"), (3, "again")] {
        let request = frame(HEADERS, END_HEADERS, id, &block("/x", &[]));
        let data = frame(DATA, END_STREAM, id, body.as_bytes());
        stream.get_mut().write_all(&[request, data].concat()).unwrap();
        let echoed = find(&mut stream, |frame| frame.kind == DATA && frame.stream == id).unwrap();
        assert_eq!(String::from_utf8_lossy(&echoed.payload), body);
    }
    check_survived(relay);
}
