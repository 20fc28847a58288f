//! Rates over time, and the times at which arrivals are due.

use std::time::Duration;

use thiserror::Error;

use super::segment::{Rate, Shape};

/// The longest schedule: a year.
pub const MAX_LENGTH: Duration = Duration::from_hours(365 * 24);

/// The most pieces that a profile can have.
pub const MAX_SEGMENTS: usize = 10_000;

/// How far a count of arrivals may be off, relatively, by rounding alone: the
/// sum of [`MAX_SEGMENTS`] terms, each right to a few units of 2⁻⁵³.
const ROUNDING: f64 = 1e-12;

/// A rate over time: λ(t) from 0 to [`length`](Self::length), made of pieces
/// that are constant, linear or geometric.
///
/// It is never empty, and its length is more than 0 and at most [`MAX_LENGTH`].
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Segment {
    shape: Shape,
    begins: Duration,
    length: Duration,
    /// Λ where it begins and where it ends.
    before: f64,
    until: f64,
}

/// A profile that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// No piece lasts.
    #[error("a schedule needs a duration of more than 0")]
    Empty,
    /// It lasts longer than [`MAX_LENGTH`].
    #[error("a schedule lasts a year at most")]
    TooLong,
    /// It has more than [`MAX_SEGMENTS`] pieces.
    #[error("a schedule has at most {MAX_SEGMENTS} pieces")]
    TooManySegments,
    /// A geometric ramp from or to 0, which no ratio leads to.
    #[error("a geometric ramp cannot begin or end at 0 requests per second")]
    GeometricZero,
}

/// A way to a rate: linear, and a jump where it takes no time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// The rate at its end.
    pub to: Rate,
    /// How long the way takes.
    pub over: Duration,
}

/// A rate with one sudden peak in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spike {
    /// The rate before and after.
    pub base: Rate,
    /// The rate of the peak.
    pub peak: Rate,
    /// How long the base is held before the peak.
    pub before: Duration,
    /// How long the peak lasts.
    pub lasting: Duration,
    /// How long the base is held after it, to see how the server recovers.
    pub after: Duration,
}

impl Profile {
    /// The same rate for all of `duration`.
    pub fn constant(rate: Rate, duration: Duration) -> Result<Self, ProfileError> {
        Self::of([(Shape::Constant(rate), duration)])
    }

    /// Each of `rates` in turn, held for `hold`.
    pub fn steps(
        rates: impl IntoIterator<Item = Rate>,
        hold: Duration,
    ) -> Result<Self, ProfileError> {
        Self::of(rates.into_iter().map(|rate| (Shape::Constant(rate), hold)))
    }

    /// From one rate to another, equal differences in equal times.
    pub fn linear(from: Rate, to: Rate, over: Duration) -> Result<Self, ProfileError> {
        Self::of([(Shape::Linear(from, to), over)])
    }

    /// From one rate to another, equal ratios in equal times. Neither can be 0.
    pub fn geometric(from: Rate, to: Rate, over: Duration) -> Result<Self, ProfileError> {
        if from == Rate::ZERO || to == Rate::ZERO {
            return Err(ProfileError::GeometricZero);
        }
        Self::of([(Shape::Geometric(from, to), over)])
    }

    /// From `from` to the rate of each stage in turn (the executor
    /// `ramping-arrival-rate` of k6 has the same meaning).
    pub fn stages(
        from: Rate,
        stages: impl IntoIterator<Item = Stage>,
    ) -> Result<Self, ProfileError> {
        Self::of(stages.into_iter().scan(from, |at, Stage { to, over }| {
            Some((Shape::Linear(std::mem::replace(at, to), to), over))
        }))
    }

    /// A steady rate with a sudden peak.
    pub fn spike(spike: Spike) -> Result<Self, ProfileError> {
        let Spike { base, peak, before, lasting, after } = spike;
        Self::of([
            (Shape::Constant(base), before),
            (Shape::Constant(peak), lasting),
            (Shape::Constant(base), after),
        ])
    }

    /// `profiles` without a pause between them.
    pub fn one_after_another<'a>(
        profiles: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Self, ProfileError> {
        let segments = profiles.into_iter().flat_map(|profile| &profile.segments);
        Self::of(segments.map(|segment| (segment.shape, segment.length)))
    }

    fn of(pieces: impl IntoIterator<Item = (Shape, Duration)>) -> Result<Self, ProfileError> {
        let mut segments = Vec::new();
        let mut begins = Duration::ZERO;
        let mut before = 0.0;
        for (shape, length) in pieces.into_iter().filter(|(_, length)| !length.is_zero()) {
            if segments.len() == MAX_SEGMENTS {
                return Err(ProfileError::TooManySegments);
            }
            let ends = begins.saturating_add(length);
            if ends > MAX_LENGTH {
                return Err(ProfileError::TooLong);
            }
            let until = before + shape.integral(length.as_secs_f64(), length.as_secs_f64());
            segments.push(Segment { shape, begins, length, before, until });
            (begins, before) = (ends, until);
        }
        if segments.is_empty() { Err(ProfileError::Empty) } else { Ok(Self { segments }) }
    }

    /// How long the schedule lasts.
    pub fn length(&self) -> Duration {
        self.segments.last().map_or(Duration::ZERO, |last| last.begins + last.length)
    }

    /// When it begins, when each of its pieces ends, and so when the rate may
    /// begin to change in another way.
    pub(super) fn turns(&self) -> impl Iterator<Item = Duration> {
        let ends = self.segments.iter().map(|segment| segment.begins + segment.length);
        std::iter::once(Duration::ZERO).chain(ends)
    }

    /// The highest rate that it reaches.
    pub fn highest_rate(&self) -> Rate {
        let ends = self.segments.iter().map(|segment| segment.shape.highest());
        ends.fold(Rate::ZERO, |highest, rate| if highest < rate { rate } else { highest })
    }

    /// Λ(t): how many arrivals are expected until `t` after the start; all of
    /// them from the end on.
    pub fn expected(&self, t: Duration) -> f64 {
        let next = self.segments.partition_point(|segment| segment.begins <= t);
        next.checked_sub(1).and_then(|at| self.segments.get(at)).map_or(0.0, |segment| {
            let within = t.saturating_sub(segment.begins).min(segment.length);
            segment.before
                + segment.shape.integral(within.as_secs_f64(), segment.length.as_secs_f64())
        })
    }

    /// Λ⁻¹(s): when `s` arrivals are expected to be behind us, since the start
    /// and to the nanosecond; `None` where that is after the end.
    ///
    /// A piece has its beginning but not its end: what is due where a pause
    /// begins comes after it, and nothing is due at the very end.
    pub fn due(&self, s: f64) -> Option<Duration> {
        let at = self.segments.partition_point(|segment| s >= segment.until * (1.0 - ROUNDING));
        let segment = self.segments.get(at)?;
        let within = segment.shape.inverse(s - segment.before, segment.length.as_secs_f64());
        // It is never negative and no longer than the piece.
        Some(segment.begins + Duration::try_from_secs_f64(within).unwrap_or(segment.length))
    }

    /// How many evenly spaced arrivals are due before `t`.
    pub fn count_before(&self, t: Duration) -> u64 {
        // The first that is not before it; due times never go back.
        let (mut from, mut to) = (0, self.count());
        while from < to {
            let middle = from + (to - from) / 2;
            #[expect(clippy::cast_precision_loss, reason = "counts stay below 2⁵³")]
            let due = self.due(middle as f64);
            if due.is_some_and(|due| due < t) { from = middle + 1 } else { to = middle }
        }
        from
    }

    /// How many evenly spaced arrivals it has: those numbered 0, 1, 2, … that
    /// are due before the end.
    pub fn count(&self) -> u64 {
        let all = self.segments.last().map_or(0.0, |last| last.until);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 0 to 2⁵³, by the bounds of rates and lengths"
        )]
        let count = (all * (1.0 - ROUNDING)).ceil() as u64;
        count
    }
}
