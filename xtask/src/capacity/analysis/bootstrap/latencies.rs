//! Times of all requests, by trial and second, so laid out that the quantile of
//! any choice of blocks is found without adding histograms up.

use std::ops::Range;

use loadgen::record::Times;

use super::Block;

/// Times by trial and interval: how many of the requests of a trial's first
/// *n* intervals took at most so long.
///
/// A block's count is the difference of two of these numbers, so a quantile of
/// many blocks is a search over the times that occurred. They take eight bytes
/// for each interval and different time; a histogram of three digits has some
/// two thousand of those at most.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// The different times in nanoseconds, in ascending order.
    values: Vec<u64>,
    trials: Vec<Trial>,
    least_censored: Option<u64>,
}

/// Row *n*, column *v*: how many of the first *n* intervals took at most
/// `values[v]`.
#[derive(Debug, Clone)]
struct Trial {
    intervals: usize,
    counts: Vec<u64>,
}

impl Latencies {
    /// From the histograms of every interval of every trial.
    pub fn new(trials: &[Vec<Times>]) -> Self {
        let of_interval = |times: &Times| {
            let recorded = times.histogram().iter_recorded();
            recorded.map(|value| (value.value_iterated_to(), value.count_at_value())).collect()
        };
        let of_trial = |trial: &Vec<Times>| trial.iter().map(of_interval).collect();
        let counts: Vec<Vec<Vec<(u64, u64)>>> = trials.iter().map(of_trial).collect();
        // The histogram says the highest of the values that it cannot tell apart.
        let censored = trials.iter().flatten().filter_map(|times| {
            let least = u64::try_from(times.least_censored()?.as_nanos()).ok()?;
            Some(times.histogram().highest_equivalent(least))
        });
        Self { least_censored: censored.min(), ..Self::from_counts(&counts) }
    }

    /// From times in nanoseconds and how many requests took each, by trial and
    /// interval.
    pub fn from_counts(trials: &[Vec<Vec<(u64, u64)>>]) -> Self {
        let mut values: Vec<u64> =
            trials.iter().flatten().flatten().map(|(value, _)| *value).collect();
        values.sort_unstable();
        values.dedup();
        let trials = trials.iter().map(|trial| Trial::new(&values, trial)).collect();
        Self { values, trials, least_censored: None }
    }

    /// How many intervals each trial has.
    pub fn lengths(&self) -> Vec<usize> {
        self.trials.iter().map(|trial| trial.intervals).collect()
    }

    /// All of a trial, as one block.
    pub fn whole_trial(&self, trial: usize) -> Block {
        Block { trial, start: 0, length: self.trials[trial].intervals }
    }

    /// How many requests the blocks have.
    pub fn requests(&self, blocks: &[Block]) -> u64 {
        self.values.len().checked_sub(1).map_or(0, |last| self.at_most(blocks, last))
    }

    /// The q-quantile of the blocks' times in nanoseconds: the least time that
    /// a share of at least q does not exceed; 0 of no times.
    pub fn quantile(&self, blocks: &[Block], q: f64) -> u64 {
        let rank = rank(self.requests(blocks), q);
        let (mut below, mut from) = (0, self.values.len());
        while below < from {
            let middle = usize::midpoint(below, from);
            if self.at_most(blocks, middle) < rank {
                below = middle + 1;
            } else {
                from = middle;
            }
        }
        self.values.get(below).copied().unwrap_or(0)
    }

    /// The least time after which some request was given up, in nanoseconds:
    /// from here on a time is a lower bound.
    pub fn least_censored(&self) -> Option<u64> {
        self.least_censored
    }

    fn at_most(&self, blocks: &[Block], value: usize) -> u64 {
        let of_block = |block: &Block| self.trials[block.trial].at_most(block, value);
        blocks.iter().map(of_block).sum()
    }
}

impl Trial {
    fn new(values: &[u64], intervals: &[Vec<(u64, u64)>]) -> Self {
        let mut counts = vec![0; values.len() * (intervals.len() + 1)];
        let mut in_interval = vec![0; values.len()];
        for (index, interval) in intervals.iter().enumerate() {
            in_interval.fill(0);
            for (value, count) in interval {
                in_interval[values.partition_point(|other| other < value)] += count;
            }
            let mut sum = 0;
            for (column, count) in in_interval.iter().enumerate() {
                sum += count;
                let before = counts[index * values.len() + column];
                counts[(index + 1) * values.len() + column] = before + sum;
            }
        }
        Self { intervals: intervals.len(), counts }
    }

    /// How many requests of a block took at most the time of this column.
    fn at_most(&self, block: &Block, column: usize) -> u64 {
        let end = block.start + block.length;
        let of = |rows: Range<usize>| self.count(rows.end, column) - self.count(rows.start, column);
        if end <= self.intervals {
            of(block.start..end)
        } else {
            of(block.start..self.intervals) + of(0..end - self.intervals)
        }
    }

    fn count(&self, row: usize, column: usize) -> u64 {
        self.counts[row * (self.counts.len() / (self.intervals + 1)) + column]
    }
}

/// Which of `count` values in ascending order is the q-quantile, from 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts stay below 2⁵³, and what is cast is not negative"
)]
fn rank(count: u64, q: f64) -> u64 {
    (libm::ceil(q * count as f64) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn small() -> Latencies {
        let interval = |value| vec![(value, 2)];
        Latencies::from_counts(&[
            vec![interval(10), interval(20), interval(30)],
            vec![interval(40), vec![(5, 1), (50, 1)]],
        ])
    }

    #[test]
    fn quantiles_of_blocks() {
        #[track_caller]
        fn check(blocks: &[(usize, usize, usize)], q: f64, expected: u64) {
            let block = |&(trial, start, length)| Block { trial, start, length };
            let blocks: Vec<Block> = blocks.iter().map(block).collect();
            assert_eq!(small().quantile(&blocks, q), expected, "{blocks:?}");
        }
        check(&[(0, 0, 3)], 0.5, 20);
        check(&[(0, 0, 3)], 0.51, 20);
        check(&[(0, 0, 3)], 0.7, 30);
        // It goes round: the third interval, then the first.
        check(&[(0, 2, 2)], 0.5, 10);
        check(&[(0, 2, 2)], 1.0, 30);
        check(&[(1, 1, 1)], 0.1, 5);
        check(&[(0, 0, 1), (1, 0, 2)], 0.9, 50);
        check(&[(0, 0, 1), (0, 0, 1), (1, 0, 1)], 0.6, 10);
        check(&[], 0.5, 0);
    }

    #[test]
    fn nothing_has_no_times() {
        let nothing = Latencies::from_counts(&[]);
        assert_eq!((nothing.quantile(&[], 0.5), nothing.requests(&[])), (0, 0));
    }

    #[test]
    fn agrees_with_the_histograms_added_up() {
        let interval = |from: u64| {
            let mut times = Times::default();
            (from..from + 500).for_each(|us| times.record(Duration::from_micros(us * us / 7 + 1)));
            times
        };
        let trial = vec![interval(20), interval(400), interval(90)];
        let mut merged = Times::default();
        for times in &trial {
            merged.add(times);
        }
        let latencies = Latencies::new(&[trial]);
        for q in [0.1, 0.5, 0.99, 0.999, 1.0] {
            let expected = merged.rough_quantile(q);
            let found = latencies.quantile(&[latencies.whole_trial(0)], q);
            assert_eq!(Duration::from_nanos(found), expected, "{q}");
        }
    }
}
