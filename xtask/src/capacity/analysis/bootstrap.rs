//! The nested block bootstrap: what else might have been measured, drawn from
//! what was.
//!
//! Trials are drawn with replacement, because a server that is started anew
//! settles at a level of its own (Zhang, Meisner, Mars and Tang, "Treadmill",
//! ISCA 2016, §4). Within a trial, blocks of neighbouring seconds are drawn with
//! replacement, because one second resembles the next: the circular block
//! bootstrap of Politis and Romano, "A Circular Block-Resampling Procedure for
//! Stationary Data", 1992.
//!
//! Three trials can be drawn in ten ways only, and none of them is worse than
//! the worst that was seen: alone, this bootstrap promises 95 % and holds some
//! 80 % for three trials, and 87 % for five. [`percentile()`] therefore never says
//! less than Student's t over the trials does; both together hold what they
//! promise, which tests count.

mod latencies;
mod percentile;

pub use latencies::Latencies;
pub use percentile::{Known, NoInterval, Percentile, percentile};

use super::{random::Random, real, whole};

/// Trials below which no interval is given: two may agree by chance.
pub const LEAST_TRIALS: usize = 3;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many times; 1,000 suffice for a 95 % interval.
    pub draws: usize,
    /// What the draws follow from.
    pub seed: u64,
}

/// Neighbouring intervals of a trial. After the trial's last interval comes its
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Which trial, from 0.
    pub trial: usize,
    /// Its first interval, from 0.
    pub start: usize,
    /// How many intervals, at most as many as the trial has.
    pub length: usize,
}

/// A statistic of every draw. Trial *i* has `lengths[i]` intervals; a draw
/// consists of as many trials as there are, each in as many intervals as it
/// has. There are no draws of no trials.
pub fn resample(
    lengths: &[usize],
    plan: Plan,
    mut statistic: impl FnMut(&[Block]) -> f64,
) -> Vec<f64> {
    if lengths.is_empty() {
        return Vec::new();
    }
    let mut random = Random::new(plan.seed);
    let mut blocks = Vec::new();
    let mut draw = || {
        blocks.clear();
        for _ in lengths {
            let trial = random.below(lengths.len());
            draw_blocks(trial, lengths[trial], &mut random, &mut blocks);
        }
        statistic(&blocks)
    };
    (0..plan.draws).map(|_| draw()).collect()
}

/// Blocks of one trial, as many intervals as it has together.
fn draw_blocks(trial: usize, intervals: usize, random: &mut Random, blocks: &mut Vec<Block>) {
    let usual = block_length(intervals);
    let mut missing = intervals;
    while 0 < missing {
        let length = usual.min(missing);
        blocks.push(Block { trial, start: random.below(intervals), length });
        missing -= length;
    }
}

/// The length of a block: it grows as the cube root of the series' length,
/// which is the best rate (Hall, Horowitz and Jing, "On Blocking Rules for the
/// Bootstrap with Dependent Data", 1995); the factor suits correlations that
/// halve in a second or two.
fn block_length(intervals: usize) -> usize {
    whole(libm::ceil(1.5 * libm::cbrt(real(intervals)))).clamp(1, intervals.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::{mean_of, tests::assert_near, variance_of};

    #[test]
    fn a_draw_is_as_long_as_what_was_measured() {
        let lengths = [30, 30, 30];
        let intervals = resample(&lengths, Plan { draws: 50, seed: 1 }, |blocks| {
            for block in blocks {
                assert!(block.start < 30 && block.length <= block_length(30));
            }
            real(blocks.iter().map(|block| block.length).sum())
        });
        assert_eq!(intervals, vec![90.0; 50]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(resample(&[], Plan { draws: 9, seed: 1 }, |_| 0.0), Vec::<f64>::new());
    }

    #[test]
    fn the_block_length_follows_the_series() {
        let check = |intervals, length| assert_eq!(block_length(intervals), length, "{intervals}");
        check(0, 1);
        check(1, 1);
        check(8, 3);
        check(30, 5);
        check(60, 6);
        check(600, 13);
    }

    /// Of trials of one interval each it is the ordinary bootstrap, where the
    /// variance of a mean is s²(k − 1)/k² (Efron and Tibshirani, *An
    /// Introduction to the Bootstrap*, §6.2).
    #[test]
    fn of_single_values_it_is_the_ordinary_bootstrap() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        let means = resample(&[1; 5], Plan { draws: 20_000, seed: 3 }, |blocks| {
            mean_of(&blocks.iter().map(|block| values[block.trial]).collect::<Vec<_>>())
        });
        assert_near(mean_of(&means), 6.2, 0.05);
        assert_near(variance_of(&means), variance_of(&values) * 4.0 / 25.0, 0.15);
    }
}
