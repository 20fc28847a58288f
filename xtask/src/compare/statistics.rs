//! Numbers of several rounds: pure.

/// What several rounds came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// The least.
    pub(super) low: f64,
    /// The one in the middle; between the two there, where their number is even.
    pub(super) median: f64,
    /// The most.
    pub(super) high: f64,
}

impl Spread {
    /// That of `values`; nothing of none, or where one of them is no number.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        if sorted.iter().any(|value| !value.is_finite()) {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper),
            _ => upper,
        };
        Some(Self { low: *sorted.first()?, median, high: *sorted.last()? })
    }

    /// That of the ratios of `ones` to `others`, round by round.
    pub(super) fn of_ratios(ones: &[f64], others: &[f64]) -> Option<Self> {
        Self::of(ones.iter().zip(others).map(|(one, other)| one / other))
    }
}

/// A rate that a server surely serves whose highest is `highest`, per second: a
/// third of it, to two digits downwards, and 1 at least.
pub(super) fn fixed_rate(highest: f64) -> f64 {
    let third = (highest / 3.0).max(1.0);
    let digits = third.log10().floor() - 1.0;
    let unit = 10_f64.powf(digits).max(1.0);
    // What rounding took away from a whole number of units is given back.
    ((third / unit + 1e-9).floor() * unit).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_in_the_middle() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Spread { low: 1.0, median: 2.0, high: 3.0 }));
        assert_eq!(of(&[4.0, 1.0]), Some(Spread { low: 1.0, median: 2.5, high: 4.0 }));
        assert_eq!(of(&[7.0]), Some(Spread { low: 7.0, median: 7.0, high: 7.0 }));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[1.0, f64::NAN, 2.0]), None);
    }

    /// The median of ratios is not the ratio of medians.
    #[test]
    fn ratios_are_of_the_same_round() {
        let spread = Spread::of_ratios(&[1.0, 9.0, 4.0], &[2.0, 9.0, 16.0]);
        assert_eq!(spread, Some(Spread { low: 0.25, median: 0.5, high: 1.0 }));
        assert_eq!(Spread::of_ratios(&[1.0], &[0.0]), None);
    }

    #[test]
    fn a_rate_that_all_can_serve() {
        for (highest, rate) in [
            (45_100.0, 15_000.0),
            (90_000.0, 30_000.0),
            (299.0, 99.0),
            (3000.0, 1000.0),
            (29.0, 9.0),
            (2.0, 1.0),
            (0.0, 1.0),
        ] {
            let found = fixed_rate(highest);
            assert!((found - rate).abs() < 1e-6, "{highest}: {found}");
        }
    }
}
