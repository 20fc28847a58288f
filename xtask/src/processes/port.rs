//! Ports for servers that cannot say which one the system has given them.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, bail, ensure};

use super::{Child, account};

/// How long a server may take to be ready when its port is open.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked whether a server listens, and how often at most.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 3000;

/// How often somebody else may be faster.
const ATTEMPTS: usize = 5;

/// Lets `start` try ports that were free a moment ago, until it succeeds with one
/// of them or has failed with several.
pub fn with_free_port<T>(mut start: impl FnMut(u16) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut attempt = || start(free()?);
    for _ in 1..ATTEMPTS {
        if let Ok(started) = attempt() {
            return Ok(started);
        }
    }
    attempt()
}

/// It may be somebody else's by the time it is used.
fn free() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until the server `child`, which is called `name`, and nobody else listens
/// on `port` and answers.
pub fn until_ready(
    child: &mut Child,
    name: &str,
    port: u16,
    interrupted: &AtomicBool,
) -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        ensure!(!interrupted.load(Ordering::Relaxed), "interrupted");
        if let Some(status) = child.ended()? {
            bail!("{name} ended with {status}{}", child.said());
        }
        if account::listens(child.id(), port) {
            return answers(port).with_context(|| format!("{name} is silent"));
        }
        thread::sleep(LOOK);
    }
    bail!("{name} does not listen on port {port}{}", child.said())
}

/// Waits until whoever listens on `port` answers, or closes the connection.
///
/// What it says is no request, so that nothing is fetched or stored for it; but a
/// port can be open long before anybody looks at what comes in.
fn answers(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"?\r\n\r\n")?;
    stream.read(&mut [0]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_port_is_tried() {
        let mut seen = Vec::new();
        let started = with_free_port(|port| {
            seen.push(port);
            ensure!(seen.len() == 3, "{port} is taken");
            Ok(port)
        });
        assert_eq!((started.unwrap(), seen.len()), (seen[2], 3));
        assert!(!seen.contains(&0));
    }

    /// Who answers has accepted before.
    #[test]
    fn who_answers_is_ready() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut said = [0; 5];
            stream.read_exact(&mut said).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            said
        });
        answers(port).unwrap();
        assert_eq!(&server.join().unwrap(), b"?\r\n\r\n");
        assert!(answers(port).is_err());
    }

    #[test]
    fn what_never_starts_says_why() {
        let mut attempts = 0;
        let failed: anyhow::Result<()> = with_free_port(|_| {
            attempts += 1;
            bail!("no {attempts}")
        });
        assert_eq!((failed.unwrap_err().to_string().as_str(), attempts), ("no 5", ATTEMPTS));
    }
}
