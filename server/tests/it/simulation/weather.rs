//! What an upstream goes through.

use std::time::Duration;

use super::chance::Chance;

/// How the upstream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// It answers; now and then not.
    Fair,
    /// No connection is made.
    Refusing,
    /// Its answers are 500, 502 and 503.
    Failing,
    /// It is down for so long, and says so: 503 with `Retry-After`.
    Maintenance,
    /// Most requests are accepted and never answered.
    Stalling,
    /// Its answers are good, empty, or a 500, by chance.
    Flapping,
    /// There is no network, for ever.
    Dead,
}

/// Which weather there is from when on, the latest first.
#[derive(Debug)]
pub(super) struct Forecast(Vec<(Duration, Weather)>);

impl Forecast {
    /// Fair weather between one spell and the next.
    pub(super) fn changing(chance: &mut Chance, length: Duration) -> Forecast {
        const SPELLS: [Weather; 5] = [
            Weather::Refusing,
            Weather::Failing,
            Weather::Maintenance,
            Weather::Stalling,
            Weather::Flapping,
        ];
        let mut from = Duration::ZERO;
        let mut changes = Vec::new();
        while from < length {
            changes.push((from, Weather::Fair));
            from += chance.between(Duration::from_mins(3), Duration::from_mins(12));
            let spell = SPELLS[usize::try_from(chance.below(SPELLS.len() as u64)).unwrap()];
            changes.push((from, spell));
            from += chance.between(Duration::from_secs(30), Duration::from_mins(8));
        }
        changes.push((from, Weather::Fair));
        changes.reverse();
        Forecast(changes)
    }

    /// Fair until then, and dead ever after.
    pub(super) fn dead_from(end: Duration) -> Forecast {
        Forecast(vec![(end, Weather::Dead), (Duration::ZERO, Weather::Fair)])
    }

    /// The weather of now, and how long it will be so.
    pub(super) fn at(&self, now: Duration) -> (Weather, Duration) {
        let at = self.0.iter().position(|(from, _)| *from <= now).unwrap();
        let ends = at.checked_sub(1).map_or(Duration::MAX, |next| self.0[next].0);
        (self.0[at].1, ends.saturating_sub(now))
    }
}
