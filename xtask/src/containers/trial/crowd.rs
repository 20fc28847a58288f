//! Clients: many at once, or some that go on asking.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use reqwest::{StatusCode, blocking::Client};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Stack of a client's thread: there may be a thousand of them.
const STACK: usize = 256 << 10;

/// Asks for all of these at the same time; all have to be answered well.
pub(super) fn at_once(urls: &[String]) -> anyhow::Result<()> {
    let client = &client()?;
    let failures: Vec<anyhow::Error> = thread::scope(|scope| {
        let start = |url| {
            let ask = move || -> anyhow::Result<()> {
                client.get(url).send()?.error_for_status()?.bytes()?;
                Ok(())
            };
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, ask)
        };
        // All of them are started before any is waited for.
        let asking: Vec<_> = urls.iter().map(start).collect();
        let ended = asking
            .into_iter()
            .map(|client| client?.join().map_err(|_| anyhow!("a client panicked"))?);
        ended.filter_map(Result::err).collect()
    });
    let count = failures.len();
    match failures.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(first.context(format!("{count} of {} clients failed", urls.len()))),
    }
}

/// What clients that go on asking have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) answered: AtomicU64,
    /// Told to come again later, and when.
    pub(super) refused: AtomicU64,
}

/// How clients take it to be told to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// As an answer, if it says when.
    Counts,
    /// As an error.
    Fails,
}

/// Lets one client for each of these go on asking while something is done; the
/// functions give the URL of a client's next request.
pub(super) fn beside<T>(
    clients: &[&(dyn Fn(u64) -> String + Sync)],
    refusal: Refusal,
    doing: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Seen)> {
    let (seen, over) = (Seen::default(), AtomicBool::new(false));
    let client = client()?;
    let go_on = |next: &(dyn Fn(u64) -> String + Sync)| -> anyhow::Result<()> {
        for number in 0.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let url = next(number);
            ask(&client, &url, refusal, &seen)
                .with_context(|| format!("request {number} of a client failed: {url}"))?;
        }
        Ok(())
    };
    let done = thread::scope(|scope| {
        let go_on = &go_on;
        let asking: Vec<_> = clients.iter().map(|next| scope.spawn(move || go_on(*next))).collect();
        let done = doing();
        over.store(true, Ordering::Relaxed);
        for client in asking {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        done
    })?;
    Ok((done, seen))
}

fn ask(client: &Client, url: &str, refusal: Refusal, seen: &Seen) -> anyhow::Result<()> {
    let answer = client.get(url).send()?;
    if refusal == Refusal::Counts && answer.status() == StatusCode::SERVICE_UNAVAILABLE {
        ensure!(answer.headers().contains_key("retry-after"), "a refusal that does not say when");
        seen.refused.fetch_add(1, Ordering::Relaxed);
    } else {
        let (status, fields) = (answer.status(), answer.headers().clone());
        let body = answer.text()?;
        ensure!(status.is_success(), "{status}, {fields:?}: {body}");
        seen.answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn client() -> anyhow::Result<Client> {
    Ok(Client::builder().timeout(PATIENCE).build()?)
}
