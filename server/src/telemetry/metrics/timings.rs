//! Times in buckets: a histogram without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// The upper bounds of the buckets: from a hit, which takes microseconds, to an
/// upstream that takes as long as it may; two or three in each decade.
const BOUNDS: [Duration; 20] = [
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// The buckets, that of what is longer than all bounds included.
pub(super) const BUCKETS: usize = BOUNDS.len() + 1;

/// The upper bound of a bucket in seconds.
pub(super) fn bound(bucket: usize) -> f64 {
    BOUNDS.get(bucket).map_or(f64::INFINITY, Duration::as_secs_f64)
}

/// Times, counted: two relaxed additions for each.
#[derive(Debug, Default)]
pub(super) struct Timings {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

impl Timings {
    /// Counts a time, and says in which bucket.
    pub(super) fn note(&self, time: Duration) -> usize {
        // A bound belongs to the bucket below it (`le`).
        let bucket = BOUNDS.partition_point(|bound| *bound < time);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        bucket
    }
}

/// What several [`Timings`] come to.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [u64; BUCKETS],
    seconds: f64,
}

impl Histogram {
    /// The sum of those.
    pub(super) fn of<'a>(all: impl IntoIterator<Item = &'a Timings>) -> Histogram {
        let mut sum = Histogram::default();
        for timings in all {
            for (bucket, count) in sum.buckets.iter_mut().zip(&timings.buckets) {
                *bucket += count.load(Ordering::Relaxed);
            }
            sum.seconds +=
                Duration::from_nanos(timings.nanos.load(Ordering::Relaxed)).as_secs_f64();
        }
        sum
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let buckets: Vec<(f64, u64)> =
            self.buckets.iter().enumerate().map(|(at, count)| (bound(at), *count)).collect();
        let count = self.buckets.iter().sum();
        encoder.encode_histogram::<NoLabelSet>(self.seconds, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_nothing_is_too_long() {
        assert!(BOUNDS.is_sorted());
        let timings = Timings::default();
        for (time, bucket) in [
            (Duration::ZERO, 0),
            (Duration::from_micros(10), 0),
            (Duration::from_nanos(10_001), 1),
            (Duration::from_millis(100), 12),
            (Duration::from_secs(30), 19),
            (Duration::from_secs(31), 20),
        ] {
            assert_eq!(timings.note(time), bucket, "{time:?}");
        }
        let sum = Histogram::of([&timings, &timings]);
        assert_eq!(sum.buckets.iter().sum::<u64>(), 12);
        assert_eq!(sum.buckets[0], 4);
        assert!((sum.seconds - 2.0 * 61.100_020_001).abs() < 1e-9, "{}", sum.seconds);
    }
}
