//! Relays that share what they store in a Valkey, and what becomes of them
//! without it.

mod budget;
mod purges;
mod sharing;
mod trouble;
mod turns;
mod valkey;

use std::{
    io::Write,
    sync::{Mutex, mpsc},
};

use crate::support::{Answer, Origin, Relay, Then, exchange};

/// An origin that says when it is asked for something, and answers by the head of
/// the request when it is told to: one word lets one go; the end of the test, all.
fn holding(
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (Origin, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (asked, is_asked) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let (asked, may_go) = (Mutex::new(asked), Mutex::new(may_go));
    let origin = Origin::start(move |head, stream| {
        if head.starts_with("GET ") {
            asked.lock().unwrap().send(()).unwrap();
            let _ = may_go.lock().unwrap().recv();
        }
        stream.get_mut().write_all(answer(head).as_bytes())?;
        Ok(Then::KeepOpen)
    });
    (origin, is_asked, go)
}

/// The last line of `Cache-Status`.
fn status(answer: &Answer) -> &str {
    answer.field("cache-status").unwrap()
}

/// An origin that answers with these fields, and a body that counts.
fn counting(fields: &'static str) -> Origin {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Origin::start(move |head, stream| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let body = if head.starts_with("HEAD ") { String::new() } else { format!("menu {count}") };
        let length = body.len();
        write!(
            stream.get_mut(),
            "HTTP/1.1 200 OK\r\n{fields}content-length: {length}\r\n\r\n{body}"
        )?;
        Ok(Then::KeepOpen)
    })
}

/// Writes to a path, which ends what is stored under it.
fn post(relay: &Relay, path: &str) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    assert!(exchange(relay.public, request).starts_with(b"HTTP/1.1 200"));
}
