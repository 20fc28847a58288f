//! How many instances a load needs: N = ⌈peak · (1 + growth) / (X · u)⌉ + spare,
//! where X is the highest rate at which one instance meets its target and u the
//! share of it that is to be used.
//!
//! Whole numbers decide, so that 1.1 · 10 / 1 is 11 instances and not 12: rates,
//! growth and utilisation are taken in thousandths, rounded to the nearest, and
//! all that follows is division of integers. A page that calculates N for its
//! reader does the same; its numbers stay below 2⁵³ up to a billion requests per
//! second that grow to nine times as many.

use serde::Serialize;

/// What is to be served, and with what reserve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Need {
    /// Requests per second at the busiest time.
    pub peak: f64,
    /// By which share it will grow: 0.2 for a fifth.
    pub growth: f64,
    /// Which share of an instance's capacity is to be used, above 0: 0.7 leaves
    /// the rest for what varies within a second.
    pub target_utilisation: f64,
    /// Instances that may fail or be restarted at that time.
    pub spare: u64,
}

impl Need {
    /// How many instances of this capacity, in requests per second. None if it
    /// is not above zero in thousandths, or the utilisation is not.
    pub fn instances(&self, capacity: f64) -> Option<u64> {
        let load = thousandths(self.peak).saturating_mul(1000 + thousandths(self.growth));
        let one = thousandths(capacity) * thousandths(self.target_utilisation);
        if one == 0 {
            return None;
        }
        u64::try_from(load.div_ceil(one)).ok()?.checked_add(self.spare)
    }

    /// How many, over draws of an instance's capacity. None if there are none,
    /// or one of them is not above zero.
    pub fn distribution(&self, draws: &[f64]) -> Option<Instances> {
        let mut counts =
            draws.iter().map(|draw| self.instances(*draw)).collect::<Option<Vec<u64>>>()?;
        counts.sort_unstable();
        let last = counts.len().checked_sub(1)?;
        Some(Instances {
            least: counts[0],
            low: counts[last * 25 / 1000],
            median: counts[last / 2],
            // Rounded up: the safe side.
            high: counts[(last * 975).div_ceil(1000)],
            most: counts[last],
        })
    }
}

/// How many instances, as capacity is not known exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Instances {
    /// The fewest that any draw asks for.
    pub least: u64,
    /// 2.5 % of the draws ask for no more.
    pub low: u64,
    /// Half of them do.
    pub median: u64,
    /// 97.5 % of them do.
    pub high: u64,
    /// The most that any draw asks for.
    pub most: u64,
}

/// Instances for several rates, for a page to show and to interpolate nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// Growth that is allowed for.
    pub growth: f64,
    /// Share of an instance's capacity that is used.
    pub target_utilisation: f64,
    /// Instances that may be missing.
    pub spare: u64,
    /// One for each rate.
    pub rows: Vec<Row>,
}

/// A row of a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Row {
    /// Requests per second at the busiest time.
    pub rate: f64,
    /// How many instances that takes.
    pub instances: Instances,
}

/// The instances for each of `rates` in place of the need's own peak, over
/// draws of an instance's capacity. None under the conditions of
/// [`Need::distribution`].
pub fn table(need: &Need, rates: &[f64], draws: &[f64]) -> Option<Table> {
    let row = |rate: &f64| {
        let instances = Need { peak: *rate, ..*need }.distribution(draws)?;
        Some(Row { rate: *rate, instances })
    };
    Some(Table {
        growth: need.growth,
        target_utilisation: need.target_utilisation,
        spare: need.spare,
        rows: rates.iter().map(row).collect::<Option<_>>()?,
    })
}

/// To the nearest thousandth; 0 of what is negative or no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is meant"
)]
fn thousandths(value: f64) -> u128 {
    u128::from((value * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(peak: f64, growth: f64, target_utilisation: f64, spare: u64) -> Need {
        Need { peak, growth, target_utilisation, spare }
    }

    #[test]
    fn instances_by_hand() {
        #[track_caller]
        fn check(need: Need, capacity: f64, expected: Option<u64>) {
            assert_eq!(need.instances(capacity), expected, "{need:?}");
        }
        check(need(20_000.0, 0.0, 0.7, 1), 7_900.0, Some(5));
        check(need(10.0, 0.1, 1.0, 0), 1.0, Some(11));
        // Exactly full is enough, and a thousandth more is not.
        check(need(700.0, 0.0, 0.7, 0), 100.0, Some(10));
        check(need(700.001, 0.0, 0.7, 0), 100.0, Some(11));
        check(need(0.0, 0.5, 0.7, 2), 100.0, Some(2));
        check(need(100.0, 0.0, 0.7, 0), 0.0, None);
        check(need(100.0, 0.0, 0.0, 0), 100.0, None);
        check(need(100.0, 0.0, 0.7, 0), f64::NAN, None);
        check(need(1.0, 0.0, 1.0, u64::MAX), 1.0, None);
    }

    #[test]
    fn draws_give_a_distribution() {
        let draws: Vec<f64> = (0..=1000).map(|draw| 5_000.0 + 5.0 * f64::from(draw)).collect();
        let found = need(100_000.0, 0.0, 1.0, 0).distribution(&draws).unwrap();
        // The capacity is 5,000 to 10,000; 5,125 and 9,875 at the ends of 95 %.
        assert_eq!(found, Instances { least: 10, low: 11, median: 14, high: 20, most: 20 });
        assert_eq!(need(1.0, 0.0, 1.0, 0).distribution(&[]), None);
        assert_eq!(need(1.0, 0.0, 1.0, 0).distribution(&[1.0, -1.0]), None);
    }

    #[test]
    fn a_table_is_readable_by_a_page() {
        let table = table(&need(0.0, 0.2, 0.7, 1), &[1000.0], &[600.0; 10]).unwrap();
        assert_eq!(
            serde_json::to_string(&table).unwrap(),
            r#"{"growth":0.2,"target_utilisation":0.7,"spare":1,"rows":[{"rate":1000.0,"instances":{"least":4,"low":4,"median":4,"high":4,"most":4}}]}"#
        );
    }
}
