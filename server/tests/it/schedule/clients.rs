//! Clients that come, read, pause and leave.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::BoxBody};
use poem::{Body, Response};
use server::{cache::Cache, exchange::RequestHead};
use tokio::time::sleep;

use super::{
    Random, get, path,
    upstream::{World, content},
};

pub(super) struct Client {
    seed: u64,
    at: usize,
    key: u64,
    random: Random,
}

impl Client {
    pub(super) fn new(seed: u64, at: usize, key: u64, random: u64) -> Client {
        Client { seed, at, key, random: Random(random) }
    }

    pub(super) async fn run(mut self, cache: Arc<Cache>, world: Arc<World>) {
        let request = self.request();
        let purged = world.purge_of(self.key);
        let is_get = request.method == "GET";
        let answer = cache.answer(request, Body::empty());
        // It may leave at any await.
        let patience = if self.random.one_in(5) { self.random.below(6) } else { u64::MAX };
        let Some(answer) = polled(answer, patience).await else { return };
        if is_get {
            self.check(answer, &world, purged).await;
        }
    }

    fn request(&mut self) -> RequestHead {
        let mut request = get(&path(self.key));
        let mut with = |name: &'static str, value: String| {
            request.headers.insert(name, value.parse().unwrap());
        };
        with("x-kind", self.random.below(3).to_string());
        match self.random.below(20) {
            0 => with("cache-control", "no-store".to_owned()),
            1 => with("cache-control", "max-stale".to_owned()),
            2 => with("cache-control", "only-if-cached".to_owned()),
            3 => with("authorization", "me".to_owned()),
            _ => {}
        }
        request.method = match self.random.below(20) {
            0 => "HEAD",
            1 => "DELETE",
            _ => "GET",
        }
        .parse()
        .unwrap();
        request
    }

    async fn check(mut self, answer: Response, world: &World, purged: usize) {
        let (seed, at) = (self.seed, self.at);
        let number: Option<usize> =
            answer.header("x-exchange").map(|number| number.parse().unwrap());
        let status = answer.status().as_u16();
        let Some(number) = number else {
            assert!(matches!(status, 500 | 502..=504), "seed {seed}, client {at}: {status}");
            return;
        };
        let exchange = world.exchange(number);
        assert_eq!(exchange.path, path(self.key), "seed {seed}, client {at}: another's answer");
        assert!(
            purged <= exchange.began,
            "seed {seed}, client {at}: exchange {number} began before the purge"
        );
        let whole = content(number, exchange.length);
        match self.read(answer).await {
            Read::Left(some) => assert!(whole.starts_with(&some), "seed {seed}, client {at}"),
            Read::Whole(all) => {
                assert!(!exchange.breaks_off, "seed {seed}, client {at}: {number} is no whole");
                assert!(
                    all == whole,
                    "seed {seed}, client {at}: {number} is mixed up: {} of {} bytes",
                    all.len(),
                    whole.len()
                );
            }
        }
    }

    /// Reads the body at some pace, to its end or not.
    async fn read(&mut self, answer: Response) -> Read {
        let mut body: BoxBody<Bytes, std::io::Error> = answer.into_body().into();
        let mut read = Vec::new();
        loop {
            if self.random.one_in(10) {
                return Read::Left(read);
            }
            sleep(self.random.pause()).await;
            match body.frame().await {
                None => return Read::Whole(read),
                Some(Err(_)) => return Read::Left(read),
                Some(Ok(frame)) => read.extend(frame.into_data().unwrap_or_default()),
            }
        }
    }
}

enum Read {
    /// In part: it broke off, or the client left.
    Left(Vec<u8>),
    Whole(Vec<u8>),
}

/// What a future comes to, unless it takes more polls than that.
async fn polled<F: Future>(future: F, mut polls: u64) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
