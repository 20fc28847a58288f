//! The busiest stretch of a profile.

use std::time::Duration;

use super::Profile;

/// How often it is looked between two moments at which the rate may turn. What
/// lies between two looks is missed by less than a thousandth where the rate is
/// linear.
const PARTS: u32 = 64;

impl Profile {
    /// The most arrivals that are expected in any stretch of length `window`:
    /// the largest Λ(t + window) − Λ(t).
    pub fn most_within(&self, window: Duration) -> f64 {
        let within = |t: Duration| self.expected(t.saturating_add(window)) - self.expected(t);
        // A stretch begins or ends where the rate turns, or between.
        let turns = self.turns().flat_map(|turn| [Some(turn), turn.checked_sub(window)]);
        let mut starts: Vec<_> = turns.flatten().collect();
        starts.sort_unstable();
        starts.dedup();
        let between = starts.windows(2).flat_map(|pair| {
            let (from, part) = (pair[0], pair[1].saturating_sub(pair[0]) / PARTS);
            (1..PARTS).map(move |number| from + part * number)
        });
        let starts = starts.iter().copied().chain(between);
        starts.map(within).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Rate, Spike, Stage};

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rate(per_second: u32) -> Rate {
        Rate::new(per_second.into()).unwrap()
    }

    #[track_caller]
    fn check(profile: &Profile, expected: f64) {
        let most = profile.most_within(secs(60));
        assert!((most - expected).abs() <= expected * 1e-3, "{most} instead of {expected}");
    }

    fn stages(stages: &[(u32, u64)]) -> Profile {
        let stage = |&(to, over): &(u32, u64)| Stage { to: rate(to), over: secs(over) };
        Profile::stages(Rate::ZERO, stages.iter().map(stage)).unwrap()
    }

    #[test]
    fn a_constant_rate_has_as_many_at_any_time() {
        check(&Profile::constant(rate(100), secs(3600)).unwrap(), 6000.0);
        check(&Profile::constant(rate(100), secs(60)).unwrap(), 6000.0);
        check(&Profile::constant(rate(100), secs(10)).unwrap(), 1000.0);
        check(&Profile::constant(Rate::ZERO, secs(100)).unwrap(), 0.0);
    }

    #[test]
    fn a_peak_counts_for_as_long_as_it_lasts() {
        let spike = |lasting: u64| {
            let (before, after) = (secs(100), secs(100));
            let spike =
                Spike { base: rate(1), peak: rate(1000), before, lasting: secs(lasting), after };
            Profile::spike(spike).unwrap()
        };
        check(&spike(5), 5055.0);
        check(&spike(90), 60_000.0);
        // Two within a minute, and two that are not.
        check(&stages(&[(9, 0), (9, 20), (0, 0), (0, 20), (9, 0), (9, 20)]), 360.0);
        check(&stages(&[(9, 0), (9, 20), (0, 0), (0, 60), (9, 0), (9, 30)]), 270.0);
    }

    #[test]
    fn a_ramp_is_busiest_where_it_is_highest() {
        check(&Profile::linear(rate(0), rate(1000), secs(120)).unwrap(), 45_000.0);
        check(&Profile::linear(rate(1000), rate(0), secs(120)).unwrap(), 45_000.0);
        let growth = 1000_f64.ln() / 600.0;
        let last = (1000.0 - 1000_f64.powf(0.9)) / growth;
        check(&Profile::geometric(rate(1), rate(1000), secs(600)).unwrap(), last);
    }

    /// It neither begins nor ends where the rate turns.
    #[test]
    fn a_summit_is_in_the_middle() {
        check(&stages(&[(1000, 60), (0, 60)]), 45_000.0);
        // 40 s up and 20 s down, from where both are at a third of the summit.
        check(&stages(&[(900, 60), (0, 30)]), 36_000.0);
    }
}
