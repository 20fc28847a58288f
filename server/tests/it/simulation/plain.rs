//! A cache as the relay's is, but that it does not collapse: whoever finds
//! nothing fresh has the upstream asked.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, Either, Ready, ready};
use parking_lot::Mutex;
use poem::{Body, Endpoint, Response, endpoint::BoxEndpoint};
use server::exchange::{Errand, Failure, Fwd, Purpose, RequestHead, Since};
use tokio::time::Instant;

use super::upstream::{PATHS, index_of};

/// The cache: when each path's answer was stored last.
pub(super) struct Plain {
    upstream: BoxEndpoint<'static, Response>,
    ttl: Duration,
    stale_while_revalidate: Duration,
    stored: Mutex<Vec<Option<Instant>>>,
}

impl Plain {
    pub(super) fn new(
        upstream: BoxEndpoint<'static, Response>,
        ttl: Duration,
        stale_while_revalidate: Duration,
    ) -> Arc<Plain> {
        let stored = Mutex::new(vec![None; PATHS]);
        Arc::new(Plain { upstream, ttl, stale_while_revalidate, stored })
    }

    pub(super) fn answer(
        self: &Arc<Self>,
        head: RequestHead,
    ) -> Either<Ready<Response>, BoxFuture<'static, Response>> {
        let age = self.stored.lock()[index_of(head.target.path())].map(|stored| stored.elapsed());
        let plain = Arc::clone(self);
        match age {
            Some(age) if age < self.ttl => Either::Left(ready(Response::default())),
            Some(age) if age < self.ttl + self.stale_while_revalidate => {
                tokio::spawn(async move { plain.fetch(head, Purpose::Refresh).await });
                Either::Left(ready(Response::default()))
            }
            _ => Either::Right(Box::pin(async move {
                let answer = plain.fetch(head, Purpose::Client).await;
                if age.is_some() { Response::default() } else { answer }
            })),
        }
    }

    async fn fetch(&self, head: RequestHead, purpose: Purpose) -> Response {
        let path = index_of(head.target.path());
        let errand = Errand::of(&head, purpose, Fwd::Bypass, Since::now());
        let mut request = head.into_request(Body::empty());
        errand.note(&mut request);
        match self.upstream.call(request).await {
            Ok(answer) => {
                if answer.status().is_success() {
                    self.stored.lock()[path] = Some(Instant::now());
                }
                answer
            }
            Err(error) => Failure::of(error).problem().response(),
        }
    }
}
