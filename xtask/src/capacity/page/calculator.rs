//! How many instances a rate needs.
//!
//! ```text
//! N = ⌈rate · (1 + growth) / (X_slo · utilisation)⌉ + spare
//! ```
//!
//! All of it is in whole numbers (requests per second, per cent), so that the
//! division rounds up only what is left over, and not what binary fractions
//! add: 4900 is 70 % of 7000, and needs one instance, not two. `X_slo` is not
//! known but for its distribution, so that the answer has an interval too.

/// What the page's calculator computes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calculator {
    /// For each objective, what one instance can do.
    pub capacities: Vec<Capacity>,
    /// What it shows at first; headroom is taken from the first capacity.
    pub need: Need,
}

/// The highest rate at which one instance meets an objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// The objective, for example "p99 ≤ 20 ms".
    pub objective: String,
    /// To what share of that rate an instance should be used, in per cent.
    pub utilisation: u32,
    /// The 2.5 % quantile of the rate, in requests per second: at worst.
    pub low: u32,
    /// Its median.
    pub median: u32,
    /// Its 97.5 % quantile: at best.
    pub high: u32,
}

/// What is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Requests per second, at the peak.
    pub rate: u32,
    /// How much more they will be, in per cent.
    pub growth: u32,
    /// How many instances may fail, or be away for an update.
    pub spare: u32,
}

/// How many instances to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instances {
    /// If one instance can do as little as is likely.
    pub most: u64,
    /// If it can do what was found.
    pub expected: u64,
    /// If it can do as much as is likely.
    pub least: u64,
}

impl Capacity {
    /// How many instances meet the need with this utilisation in per cent;
    /// none can if one does nothing.
    pub fn instances(&self, need: Need, utilisation: u32) -> Option<Instances> {
        let of = |capacity: u32| {
            let asked = u64::from(need.rate).saturating_mul(100 + u64::from(need.growth));
            let one = u64::from(capacity) * u64::from(utilisation.min(100));
            (0 < one).then(|| asked.div_ceil(one) + u64::from(need.spare))
        };
        Some(Instances { most: of(self.low)?, expected: of(self.median)?, least: of(self.high)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_rounded_up_from_whole_numbers() {
        let capacity = Capacity {
            objective: "p99 ≤ 20 ms".to_owned(),
            utilisation: 70,
            low: 6_999,
            median: 7_000,
            high: 7_400,
        };
        let need = |rate, growth, spare| Need { rate, growth, spare };
        let instances = |most, expected, least| Some(Instances { most, expected, least });
        assert_eq!(capacity.instances(need(4_900, 0, 0), 70), instances(2, 1, 1));
        assert_eq!(capacity.instances(need(20_000, 20, 1), 70), instances(6, 6, 6));
        assert_eq!(capacity.instances(need(0, 0, 2), 70), instances(2, 2, 2));
        assert_eq!(capacity.instances(need(1, 0, 0), 0), None);
        assert!(capacity.instances(need(u32::MAX, u32::MAX, u32::MAX), 1).is_some());
    }
}
