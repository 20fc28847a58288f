//! An endpoint that is asked only when the governor lets it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::{
    UpstreamConfig,
    admission::{Admission, Permit},
    client::BoxBody,
    deadline::{Deadline, Rest},
    governor::{Limits, advice::Advice, ledger::Figures, queue::Share},
    held::ByHand,
};
use crate::{
    clock::Clock,
    exchange::{Asker, Bound, Failure, Purpose, SentAt, budget::Pool},
    hop,
};

/// An upstream behind its governor.
///
/// What a request is for is its extension [`Purpose`]; who asks is its peer, or
/// its extension [`Asker`].
#[derive(Debug)]
pub struct Governed<E> {
    upstream: E,
    admission: Admission,
    timeout: Duration,
    clock: Clock,
    targets: ahash::RandomState,
}

/// What a [`Governed`] upstream has been asked for, and how it stands.
#[derive(Clone, Debug)]
pub struct Watch {
    admission: Admission,
    by_hand: ByHand,
}

impl Watch {
    /// The same figures, with those of a hold beside the governor.
    #[must_use]
    pub fn beside(self, by_hand: &ByHand) -> Watch {
        Watch { by_hand: by_hand.clone(), ..self }
    }

    /// The figures of now; what the operator's hold has refused among them.
    pub fn figures(&self) -> Figures {
        let mut figures = self.admission.figures();
        figures.ledger.add_refused(Bound::ByHand, self.by_hand.refused());
        figures
    }

    /// From now on the budget is shared with other instances, in this pool.
    pub fn share(&self, pool: Pool) {
        self.admission.share(pool);
    }
}

/// Changes what a [`Governed`] upstream keeps to.
#[derive(Clone, Debug)]
pub struct Bounds(Admission);

impl Bounds {
    /// Keeps to what this configuration says of rate, burst and concurrency.
    pub fn keep_to(&self, config: &UpstreamConfig) {
        self.0.keep_to(limits(config));
    }
}

fn limits(config: &UpstreamConfig) -> Limits {
    Limits {
        rate: config
            .upstream_rate
            .limit()
            .map(|rate| f64::from(rate.requests.get()) / rate.per.as_secs_f64()),
        burst: config.upstream_burst.limit().map_or(u32::MAX, std::num::NonZeroU32::get),
        concurrency: config.upstream_concurrency.limit().map(std::num::NonZeroU32::get),
        share: config.upstream_share,
    }
}

impl<E> Governed<E> {
    /// Puts a governor before an upstream. `seed` decides by how much more than
    /// it is told it waits, so that relays that were told the same do not come
    /// back together.
    pub fn new(upstream: E, config: &UpstreamConfig, clock: Clock, seed: u64) -> Governed<E> {
        let admission = Admission::new(limits(config), seed);
        let timeout = config.upstream_timeout.into();
        Governed { upstream, admission, timeout, clock, targets: ahash::RandomState::new() }
    }

    /// Its figures, also when it has been boxed.
    pub fn watch(&self) -> Watch {
        Watch { admission: self.admission.clone(), by_hand: ByHand::default() }
    }

    /// What it keeps to, to be changed also when it has been boxed.
    pub fn bounds(&self) -> Bounds {
        Bounds(self.admission.clone())
    }

    /// Whose turn it is: the client's, or that of the target for what is fetched
    /// in nobody's name.
    fn share(&self, request: &Request) -> Share {
        let asker = request.extensions().get::<Asker>().map(|asker| asker.0);
        let peer = || request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        asker
            .or_else(peer)
            .map_or_else(|| Share::Target(self.targets.hash_one(request.uri())), Share::of)
    }
}

impl<E: Endpoint> Endpoint for Governed<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        // What comes back to us would wait for a place that it holds itself.
        if hop::is_loop(request.headers()) {
            return Err(Failure::Loop.into());
        }
        let purpose = request.extensions().get::<Purpose>().copied().unwrap_or_default();
        let share = self.share(&request);
        let deadline = Deadline::of(&mut request, self.timeout);
        // A call that would be cut short is spared.
        if deadline.is_near() {
            return Err(deadline.failure().into());
        }
        let permit = self.admission.admit(purpose, share, deadline.latest()).await;
        let mut permit = permit.map_err(|refusal| Failure::Shed {
            bound: refusal.bound,
            retry_after: refusal.retry_after,
        })?;
        let rest = deadline.rest();
        let sent_at = SentAt(self.clock.now());
        match self.upstream.call(request).await {
            Ok(answer) => {
                let mut answer = answer.into_response();
                answer.extensions_mut().insert(sent_at);
                let advice = Advice::of(answer.headers(), self.clock.now());
                permit.answered(answer.status(), &advice);
                let body: BoxBody = answer.take_body().into();
                if body.is_end_stream() {
                    answer.set_body(body);
                } else {
                    answer.set_body(BoxBody::new(Kept { body, permit: Some(permit) }));
                }
                Ok(answer)
            }
            Err(error) => {
                if is_upstreams_fault(&error, rest) {
                    permit.failed();
                }
                Err(error)
            }
        }
    }
}

/// Whether an exchange failed through the upstream; an error of another kind
/// than [`Failure`] is one too ([`Failure::of`]).
fn is_upstreams_fault(error: &poem::Error, rest: Rest) -> bool {
    match error.downcast_ref::<Failure>() {
        // Who came late to its turn cannot say that the upstream is slow.
        Some(Failure::TimedOut(_)) => rest == Rest::Most,
        failure => failure.is_none_or(Failure::is_upstreams),
    }
}

/// A body that keeps its permit until it has ended or is dropped.
struct Kept {
    body: BoxBody,
    permit: Option<Permit>,
}

impl http_body::Body for Kept {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let is_last = !matches!(frame, Some(Ok(_))) || self.body.is_end_stream();
        if is_last {
            self.permit = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
