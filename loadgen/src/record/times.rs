//! Times of one kind, as a histogram of fixed size.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Times are recorded in nanoseconds from a microsecond to a minute, to three
/// digits: lowest, highest, digits.
pub const BOUNDS: (u64, u64, u8) = (1_000, 60_000_000_000, 3);

/// Times of one kind. What was given up, and what took longer than the
/// histogram reaches, is *censored*: its real time is longer than the recorded
/// one (Klein and Moeschberger, *Survival Analysis*, 2nd ed., §3.2), and so is
/// any quantile above it.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    histogram: Histogram<u64>,
    censored: u64,
    least_censored: u64,
}

impl Default for Times {
    fn default() -> Self {
        let (low, high, digits) = BOUNDS;
        #[expect(clippy::expect_used, reason = "the bounds are constants, which a test uses")]
        let mut histogram = Histogram::new_with_bounds(low, high, digits).expect("valid bounds");
        // Its memory is there from now on, and does not come page by page
        // whenever a time is the first of its size.
        histogram.reset();
        Self { histogram, censored: 0, least_censored: u64::MAX }
    }
}

impl Times {
    /// From a histogram that was written by this program, or one like it.
    pub fn from_histogram(histogram: &Histogram<u64>) -> Self {
        Self::from_counts(
            histogram
                .iter_recorded()
                .map(|value| (value.value_iterated_to(), value.count_at_value())),
        )
    }

    /// From times in nanoseconds, each with how many there are.
    pub fn from_counts(counts: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut times = Self::default();
        // What is out of its bounds counts at them.
        for (value, count) in counts {
            times.histogram.saturating_record_n(value, count);
        }
        times
    }

    /// The times in nanoseconds that there are, each with how many: much less
    /// than the histogram, where they are few.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        let values = self.histogram.iter_recorded();
        values.map(|value| (value.value_iterated_to(), value.count_at_value()))
    }

    /// Says of `censored` times, the least of which is `least`, that they are
    /// lower bounds.
    #[must_use]
    pub fn with_censored(mut self, censored: u64, least: Duration) -> Self {
        self.censored = censored;
        self.least_censored = if censored == 0 { u64::MAX } else { nanos(least) };
        self
    }

    /// Records a time; what is longer than a minute counts as a minute, as a
    /// lower bound.
    pub fn record(&mut self, time: Duration) {
        let value = nanos(time);
        if BOUNDS.1 < value {
            self.record_at_least(time);
        } else {
            self.histogram.saturating_record(value);
        }
    }

    /// Records the time after which something was given up.
    pub fn record_at_least(&mut self, time: Duration) {
        let value = nanos(time).min(BOUNDS.1);
        self.histogram.saturating_record(value);
        self.censored += 1;
        self.least_censored = self.least_censored.min(value);
    }

    /// Adds what `other` has.
    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds, so nothing can be out of range.
        let _ = self.histogram.add(&other.histogram);
        self.censored += other.censored;
        self.least_censored = self.least_censored.min(other.least_censored);
    }

    /// Forgets what was recorded, and keeps the memory for it.
    pub fn clear(&mut self) {
        self.histogram.reset();
        self.censored = 0;
        self.least_censored = u64::MAX;
    }

    /// The histogram, in nanoseconds.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// How many times were recorded.
    pub fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// How many of them are lower bounds.
    pub fn censored(&self) -> u64 {
        self.censored
    }

    /// The least of the lower bounds: a time from here on may be longer than
    /// it was seen.
    pub fn least_censored(&self) -> Option<Duration> {
        (0 < self.censored).then(|| Duration::from_nanos(self.least_censored))
    }

    /// The q-quantile, if there are enough times to tell it from the maximum.
    pub fn quantile(&self, q: f64) -> Option<Quantile> {
        enough(self.len(), q).then(|| self.seen(self.histogram.value_at_quantile(q)))
    }

    /// The q-quantile of any number of times; 0 of none.
    pub fn rough_quantile(&self, q: f64) -> Duration {
        Duration::from_nanos(self.histogram.value_at_quantile(q))
    }

    /// The longest; 0 of none.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.histogram.max())
    }

    /// The longest, and whether it may have been longer.
    pub fn longest(&self) -> Option<Quantile> {
        (!self.is_empty()).then(|| self.seen(self.histogram.max()))
    }

    /// The mean of what was recorded; 0 of none.
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.histogram.mean() / 1e9)
    }

    /// How many took longer than `bound`, to the histogram's precision.
    pub fn longer_than(&self, bound: Duration) -> u64 {
        let within = self.histogram.count_between(0, nanos(bound));
        self.len().saturating_sub(within)
    }

    fn seen(&self, value: u64) -> Quantile {
        // A histogram says the highest of the values it cannot tell apart.
        let bound = self.histogram.highest_equivalent(self.least_censored);
        let time = Duration::from_nanos(value);
        if 0 < self.censored && bound <= value {
            Quantile::AtLeast(time)
        } else {
            Quantile::Is(time)
        }
    }
}

/// A quantile of times some of which may be censored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantile {
    /// It is known.
    Is(Duration),
    /// It lies among times that were given up: it is longer than this.
    AtLeast(Duration),
}

impl Quantile {
    /// The time that was seen.
    pub fn seen(self) -> Duration {
        match self {
            Self::Is(time) | Self::AtLeast(time) => time,
        }
    }
}

/// Whether the q-quantile of `count` values has an upper 95 % limit among
/// them: the largest of n is below it with probability qⁿ, which is to be at
/// most 2.5 % (David and Nagaraja, *Order Statistics*, 3rd ed., §7.1).
#[expect(clippy::cast_precision_loss, reason = "near the bound counts are small")]
fn enough(count: u64, q: f64) -> bool {
    libm::log(0.025) / libm::log(q) <= count as f64
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_quantile_needs_enough_values() {
        for (count, q) in [(6, 0.5), (368, 0.99), (3688, 0.999)] {
            assert!(enough(count, q), "{count} for {q}");
            assert!(!enough(count - 1, q), "{} for {q}", count - 1);
        }
    }

    #[test]
    fn a_quantile_above_a_censored_time_is_a_lower_bound() {
        let mut times = Times::default();
        (0..80).for_each(|_| times.record(ms(1)));
        (0..20).for_each(|_| times.record_at_least(ms(100)));
        assert!(matches!(times.quantile(0.5), Some(Quantile::Is(_))));
        assert!(matches!(times.quantile(0.9), Some(Quantile::AtLeast(_))));
        // One given up early makes all that is above it uncertain.
        times.record_at_least(ms(1) / 2);
        assert!(matches!(times.quantile(0.5), Some(Quantile::AtLeast(_))));
        assert_eq!(times.least_censored(), Some(ms(1) / 2));
    }

    #[test]
    fn more_than_a_minute_is_a_minute_or_more() {
        let mut times = Times::default();
        times.record(Duration::from_secs(61));
        assert_eq!((times.len(), times.censored()), (1, 1));
        assert!(matches!(times.longest(), Some(Quantile::AtLeast(_))));
        assert!(times.max().abs_diff(Duration::from_mins(1)) < ms(60));
    }

    #[test]
    fn how_many_are_longer() {
        let mut times = Times::default();
        [1, 2, 3, 1000].map(ms).into_iter().for_each(|time| times.record(time));
        assert_eq!(times.longer_than(ms(2)), 2);
        assert_eq!(times.longer_than(ms(2000)), 0);
    }
}
