//! How many requests are under way, over time.

use std::time::Duration;

/// A count of what is under way, and its integral: divided by a time, that is
/// the mean L of Little's law (J. Little, "A proof for the queuing formula
/// L = λW", Operations Research 9, 1961), measured without any latency.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnderWay {
    now: u64,
    most: u64,
    since: Duration,
    area: Duration,
}

impl UnderWay {
    /// Another one goes out at `at`.
    pub fn begin(&mut self, at: Duration) {
        self.pass(at);
        self.now += 1;
        self.most = self.most.max(self.now);
    }

    /// One has ended at `at`.
    pub fn end(&mut self, at: Duration) {
        self.pass(at);
        self.now = self.now.saturating_sub(1);
    }

    /// The integral and the most since this was asked last.
    pub fn take(&mut self, at: Duration) -> (Duration, u64) {
        self.pass(at);
        let most = std::mem::replace(&mut self.most, self.now);
        (std::mem::take(&mut self.area), most)
    }

    fn pass(&mut self, at: Duration) {
        let now = u32::try_from(self.now).unwrap_or(u32::MAX);
        self.area = self.area.saturating_add(at.saturating_sub(self.since).saturating_mul(now));
        self.since = self.since.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_the_sum_of_what_each_took() {
        let ms = Duration::from_millis;
        let mut under_way = UnderWay::default();
        under_way.begin(ms(0));
        under_way.begin(ms(2));
        under_way.end(ms(5));
        assert_eq!(under_way.take(ms(10)), (ms(2 + 2 * 3 + 5), 2));
        under_way.end(ms(11));
        assert_eq!(under_way.take(ms(20)), (ms(1), 1));
        assert_eq!(under_way.take(ms(30)), (ms(0), 0));
    }
}
