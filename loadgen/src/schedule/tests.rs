//! Schedules beside rates that are integrated by numbers.

mod chance;
mod inverse;

use std::{fmt, time::Duration};

use super::{Profile, Rate, Shard, Spike, Stage};

fn rate(per_second: f64) -> Rate {
    Rate::new(per_second).unwrap()
}

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A profile, and the same said by other means: pieces of some length with the
/// rate at a time since the piece began.
struct Case {
    profile: Profile,
    pieces: Vec<(f64, Rates)>,
}

type Rates = Box<dyn Fn(f64) -> f64>;

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.profile.fmt(f)
    }
}

impl Case {
    fn constant(a: f64, length: f64) -> Case {
        Case {
            profile: Profile::constant(rate(a), secs(length)).unwrap(),
            pieces: vec![(length, Box::new(move |_| a))],
        }
    }

    fn steps(rates: &[f64], hold: f64) -> Case {
        Case {
            profile: Profile::steps(rates.iter().copied().map(rate), secs(hold)).unwrap(),
            pieces: rates.iter().map(|&a| (hold, Box::new(move |_| a) as Rates)).collect(),
        }
    }

    fn linear(a: f64, b: f64, length: f64) -> Case {
        Case {
            profile: Profile::linear(rate(a), rate(b), secs(length)).unwrap(),
            pieces: vec![line(a, b, length)],
        }
    }

    fn geometric(a: f64, b: f64, length: f64) -> Case {
        Case {
            profile: Profile::geometric(rate(a), rate(b), secs(length)).unwrap(),
            pieces: vec![(length, Box::new(move |t| a * (b / a).powf(t / length)))],
        }
    }

    fn stages(from: f64, stages: &[(f64, f64)]) -> Case {
        let made = stages.iter().map(|&(to, over)| Stage { to: rate(to), over: secs(over) });
        let mut pieces = Vec::new();
        let mut at = from;
        for &(to, over) in stages {
            pieces.push(line(at, to, over));
            at = to;
        }
        Case { profile: Profile::stages(rate(from), made).unwrap(), pieces }
    }

    fn spike(base: f64, peak: f64, [before, lasting, after]: [f64; 3]) -> Case {
        let profile = Profile::spike(Spike {
            base: rate(base),
            peak: rate(peak),
            before: secs(before),
            lasting: secs(lasting),
            after: secs(after),
        });
        Case {
            profile: profile.unwrap(),
            pieces: vec![
                (before, Box::new(move |_| base)),
                (lasting, Box::new(move |_| peak)),
                (after, Box::new(move |_| base)),
            ],
        }
    }

    /// ∫λ from 0 to `t` by Simpson's rule, piece by piece.
    fn integrated(&self, t: f64) -> f64 {
        const PARTS: u32 = 400;
        let mut begins = 0.0;
        let mut sum = 0.0;
        for (length, rates) in self.pieces.iter().filter(|(length, _)| *length > 0.0) {
            let within = (t - begins).clamp(0.0, *length);
            let h = within / f64::from(PARTS);
            let weighted = (0..=PARTS).map(|i| {
                let weight = match i {
                    0 | PARTS => 1.0,
                    odd if odd % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                weight * rates(h * f64::from(i))
            });
            sum += weighted.sum::<f64>() * h / 3.0;
            begins += length;
        }
        sum
    }

    fn length(&self) -> f64 {
        self.pieces.iter().map(|(length, _)| length).sum()
    }
}

fn line(a: f64, b: f64, length: f64) -> (f64, Rates) {
    (length, Box::new(move |t| a + (b - a) * t / length))
}

/// What is no shard is none in a file either.
#[test]
fn shards_are_read_back() {
    let shard = Shard::new(1, 3.try_into().unwrap()).unwrap();
    let json = serde_json::to_value(shard).unwrap();
    assert_eq!(json, serde_json::json!({"index": 1, "of": 3}));
    assert_eq!(serde_json::from_value::<Shard>(json).unwrap(), shard);
    assert_eq!(shard.to_string(), "1/3");
    for none in [r#"{"index":3,"of":3}"#, r#"{"index":0,"of":0}"#, r#"{"index":0}"#] {
        assert!(serde_json::from_str::<Shard>(none).is_err(), "{none}");
    }
}
