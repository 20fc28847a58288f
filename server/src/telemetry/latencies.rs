//! How long answers take to begin, while somebody looks.
//!
//! Where nobody does, a request passes untouched: two looks at the clock are
//! more than a counter costs.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::Either;
use poem::{Endpoint, Request, Response, Result};
use tokio::time::Instant;

/// Buckets for each doubling: a time is known to an eighth.
const PER_DOUBLING: usize = 8;
/// The first bucket ends at a microsecond, the last begins at two minutes.
const DOUBLINGS: usize = 27;
const BUCKETS: usize = PER_DOUBLING * DOUBLINGS;

/// How long answers have taken to begin: counters by time.
#[derive(Debug)]
pub struct Latencies {
    buckets: [AtomicU64; BUCKETS],
    watchers: AtomicUsize,
}

/// The counters of a moment, or what was counted between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets([u64; BUCKETS]);

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies { buckets: [const { AtomicU64::new(0) }; BUCKETS], watchers: AtomicUsize::new(0) }
    }
}

impl Latencies {
    /// Counts until what it gives is dropped.
    pub fn watch(self: &Arc<Self>) -> Watching {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        Watching(Arc::clone(self))
    }

    /// The counters of now.
    pub fn buckets(&self) -> Buckets {
        Buckets(self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed)))
    }

    fn are_watched(&self) -> bool {
        0 < self.watchers.load(Ordering::Relaxed)
    }

    fn note(&self, time: Duration) {
        self.buckets[place(time)].fetch_add(1, Ordering::Relaxed);
    }
}

/// Somebody looks, until this is dropped.
#[derive(Debug)]
pub struct Watching(Arc<Latencies>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets([0; BUCKETS])
    }
}

impl Buckets {
    /// What was counted since `before`.
    #[must_use]
    pub fn since(&self, before: &Buckets) -> Buckets {
        let mut difference = self.clone();
        for (bucket, before) in difference.0.iter_mut().zip(before.0) {
            *bucket = bucket.saturating_sub(before);
        }
        difference
    }

    /// The time that this share of all stayed within, to an eighth upwards;
    /// `None` where nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let total: u64 = self.0.iter().sum();
        if total == 0 {
            return None;
        }
        let mut before = 0;
        let place = self.0.iter().position(|bucket| {
            before += bucket;
            as_float(total) * share <= as_float(before)
        });
        Some(end(place.unwrap_or(BUCKETS - 1)))
    }
}

/// Exact as far as requests are ever counted.
#[expect(clippy::cast_precision_loss, reason = "there are not 2⁵³ requests in a second")]
fn as_float(number: u64) -> f64 {
    number as f64
}

/// The bucket of a time.
fn place(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    let doubling = micros.ilog2() as usize;
    // The three bits below the highest.
    let eighth =
        if doubling < 3 { (micros << (3 - doubling)) & 7 } else { (micros >> (doubling - 3)) & 7 };
    (doubling * PER_DOUBLING + usize::try_from(eighth).unwrap_or_default()).min(BUCKETS - 1)
}

/// Where a bucket ends.
fn end(place: usize) -> Duration {
    let (doubling, eighth) = (place / PER_DOUBLING, place % PER_DOUBLING);
    Duration::from_nanos((125 << doubling) * (9 + eighth as u64))
}

/// An endpoint whose answers are timed while somebody looks.
#[derive(Debug)]
pub struct Timed<E> {
    latencies: Arc<Latencies>,
    inner: E,
}

impl<E> Timed<E> {
    /// Times an endpoint.
    pub fn new(latencies: Arc<Latencies>, inner: E) -> Timed<E> {
        Timed { latencies, inner }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Timed<E> {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        if self.latencies.are_watched() {
            Either::Right(Box::pin(self.timed(request)))
        } else {
            Either::Left(self.inner.call(request))
        }
    }
}

impl<E: Endpoint<Output = Response>> Timed<E> {
    async fn timed(&self, request: Request) -> Result<Response> {
        let begun = Instant::now();
        let answer = self.inner.call(request).await;
        self.latencies.note(begun.elapsed());
        answer
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make;
    use tokio::time::advance;

    use super::*;

    #[test]
    fn a_time_is_known_to_an_eighth() {
        for micros in (0..24).flat_map(|doubling| {
            let first = 1_u64 << doubling;
            [first, first + first / 3, first + first / 2, 2 * first - 1]
        }) {
            let time = Duration::from_micros(micros);
            let end = end(place(time));
            assert!(
                time < end && end <= time * 9 / 8 + Duration::from_nanos(1),
                "{time:?} {end:?}"
            );
        }
        assert_eq!(place(Duration::ZERO), 0);
        assert_eq!(place(Duration::MAX), BUCKETS - 1);
        assert!(Duration::from_mins(2) < end(BUCKETS - 1));
    }

    #[test]
    fn quantiles() {
        let latencies = Arc::new(Latencies::default());
        assert_eq!(latencies.buckets().quantile(0.5), None);
        let before = latencies.buckets();
        for (times, millis) in [(98, 1), (1, 100), (1, 4000)] {
            (0..times).for_each(|_| latencies.note(Duration::from_millis(millis)));
        }
        let counted = latencies.buckets().since(&before);
        let quantile = |share| counted.quantile(share).unwrap().as_millis();
        assert_eq!([0.5, 0.98, 0.99, 1.0].map(quantile), [1, 1, 106, 4194]);
        assert_eq!(latencies.buckets().since(&latencies.buckets()), Buckets::default());
    }

    #[tokio::test(start_paused = true)]
    async fn only_while_somebody_looks() {
        let latencies = Arc::new(Latencies::default());
        let endpoint = Timed::new(
            Arc::clone(&latencies),
            make(|_| async {
                advance(Duration::from_secs(1)).await;
                Ok::<_, poem::Error>(Response::default())
            }),
        );
        endpoint.call(Request::default()).await.unwrap();
        assert_eq!(latencies.buckets(), Buckets::default());

        let watching = latencies.watch();
        endpoint.call(Request::default()).await.unwrap();
        assert!(Duration::from_secs(1) <= latencies.buckets().quantile(1.0).unwrap());
        drop(watching);
        let counted = latencies.buckets();
        endpoint.call(Request::default()).await.unwrap();
        assert_eq!(latencies.buckets(), counted);
    }
}
