//! A claim on the shared budget as it is sent, and its answer as it is read.

use std::time::{Duration, Instant};

use crate::exchange::budget::{Claim, LEASE, Told};

/// Requests of an instance that is not heard of any more are taken to be under
/// way for so long.
const LINGER: Duration = Duration::from_mins(1);
/// Instances that share a budget at most.
const MOST_INSTANCES: u32 = 256;
/// Nobody is told to leave the upstream alone for longer.
const LONGEST_HOLD: Duration = Duration::from_hours(2);

/// What time it is for the server, as it was last told.
#[derive(Clone, Copy, Debug)]
pub struct ServerTime {
    /// In microseconds.
    pub said: i64,
    /// When it was heard, which is later.
    pub heard: Instant,
}

impl ServerTime {
    /// It is told again: clocks drift.
    const KEPT: Duration = Duration::from_mins(1);

    /// Whether it is good enough.
    pub fn is_good(self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) <= ServerTime::KEPT
    }

    /// The server's time that is certainly reached so long after `now`, or
    /// earlier.
    pub fn after(self, now: Instant, time: Duration) -> i64 {
        self.said + micros(now.saturating_duration_since(self.heard)) + micros(time)
    }
}

/// The script's arguments; after `void_after` of the server's time the claim is
/// void.
pub fn arguments(instance: &str, claim: &Claim, void_after: i64) -> Vec<String> {
    vec![
        instance.to_owned(),
        void_after.to_string(),
        micros(LEASE).to_string(),
        micros(LINGER).to_string(),
        claim.share.value().to_string(),
        claim.rate.unwrap_or_default().to_string(),
        claim.burst.to_string(),
        claim.concurrency.unwrap_or_default().to_string(),
        claim.under_way.to_string(),
        claim.wanted.to_string(),
        micros(claim.hold.unwrap_or_default()).to_string(),
        MOST_INSTANCES.to_string(),
        micros(LONGEST_HOLD).to_string(),
    ]
}

/// What the script has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The claim was taken down.
    Told(Told),
    /// It came too late.
    Void,
    /// There are too many instances.
    Crowded,
}

/// Reads what the script says, and what time it is for the server; `None`: it
/// is not this script's.
pub fn read(said: &[i64]) -> Option<(Answer, i64)> {
    let [kind, now, granted, wait, interval, hold] = *said else { return None };
    let time = |micros: i64| Some(Duration::from_micros(u64::try_from(micros).ok()?));
    let told = Told {
        granted: u32::try_from(granted).ok()?,
        wait: time(wait)?,
        interval: time(interval)?,
        hold: time(hold)?,
    };
    let answer = match kind {
        0 => Answer::Void,
        1 => Answer::Told(told),
        2 => Answer::Crowded,
        _ => return None,
    };
    Some((answer, now))
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Fraction;

    #[test]
    fn the_servers_time_is_not_taken_for_later_than_it_is() {
        let heard = tokio::time::Instant::now().into_std();
        let time = ServerTime { said: 5_000_000, heard };
        let later = heard + Duration::from_secs(2);
        // Since it was said at least two seconds have gone by.
        assert_eq!(time.after(later, Duration::from_secs(1)), 8_000_000);
        assert!(time.is_good(heard + Duration::from_mins(1)));
        assert!(!time.is_good(heard + Duration::from_millis(60_001)));
    }

    #[test]
    fn claims_are_sent_in_the_scripts_order() {
        let claim = Claim {
            share: "1/4".parse().unwrap(),
            rate: Some(2.5),
            burst: 20,
            concurrency: None,
            under_way: 3,
            wanted: 4,
            hold: Some(Duration::from_millis(7)),
        };
        let sent = arguments("me", &claim, 9).join(" ");
        assert_eq!(sent, "me 9 3000000 60000000 0.25 2.5 20 0 3 4 7000 256 7200000000");
        let free = Claim { share: Fraction::WHOLE, rate: None, hold: None, ..claim };
        assert!(arguments("me", &free, 9).join(" ").contains(" 1 0 20 0 3 4 0 "));
    }

    #[test]
    fn what_answers_say() {
        let told = Told {
            granted: 2,
            wait: Duration::from_micros(3),
            interval: Duration::from_micros(4),
            hold: Duration::from_micros(5),
        };
        assert_eq!(read(&[1, 9, 2, 3, 4, 5]), Some((Answer::Told(told), 9)));
        assert_eq!(read(&[0, 9, 0, 0, 0, 0]), Some((Answer::Void, 9)));
        assert_eq!(read(&[2, 9, 0, 0, 0, 0]), Some((Answer::Crowded, 9)));
        for none in [&[][..], &[1, 9, -2, 3, 4, 5], &[3, 9, 2, 3, 4, 5], &[1, 9, 2, 3, 4]] {
            assert_eq!(read(none), None);
        }
    }
}
