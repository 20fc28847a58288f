//! What a request costs, and what follows from it: the operational laws of
//! Denning and Buzen ("The Operational Analysis of Queueing Network Models",
//! 1978), which hold whatever the distributions are, and a [`queue`] for the
//! response time below saturation.

pub mod queue;

use super::{
    Interval,
    distribution::t_quantile,
    least_squares::{accumulate, inverse_diagonal, solve},
    real,
};

/// A number that was estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The best guess.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its 95 % interval, by Student's t.
    pub interval: Interval,
}

/// Processor time against requests, as a straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Seconds of processor time that one more request takes: its service
    /// demand.
    pub per_request: Estimate,
    /// Seconds of processor time that a step takes without any.
    pub idle: Estimate,
}

impl Demand {
    /// By ordinary least squares over steps of equal length, each as (requests,
    /// seconds of processor time). Requests are counted, so their error is
    /// nothing beside that of the time. None of fewer than three steps, or if
    /// all have the same number of requests.
    pub fn fit(steps: &[(f64, f64)]) -> Option<Self> {
        let degrees = real(steps.len().checked_sub(2).filter(|degrees| 0 < *degrees)?);
        let (mut matrix, mut right) = ([[0.0; 2]; 2], [0.0; 2]);
        for (requests, time) in steps {
            accumulate((&mut matrix, &mut right), [1.0, *requests], *time, 1.0);
        }
        let [idle, per_request] = solve(matrix, right)?;
        let residual = |(requests, time): &(f64, f64)| time - idle - per_request * requests;
        let squares: f64 = steps.iter().map(|step| residual(step) * residual(step)).sum();
        let errors =
            inverse_diagonal(matrix)?.map(|diagonal| libm::sqrt(diagonal * squares / degrees));
        let t = t_quantile(0.975, degrees);
        let estimate = |value: f64, standard_error: f64| Estimate {
            value,
            standard_error,
            interval: Interval::around(value, t * standard_error),
        };
        Some(Self {
            idle: estimate(idle, errors[0]),
            per_request: estimate(per_request, errors[1]),
        })
    }
}

/// Something of which there is a limited amount.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// What it is called.
    pub name: String,
    /// How much of it there is per second: cores, or bytes per second.
    pub amount: f64,
    /// How much of it a request takes: core-seconds, or bytes.
    pub demand: f64,
}

impl Resource {
    /// The most requests per second that it allows: m / D.
    pub fn bound(&self) -> f64 {
        self.amount / self.demand
    }

    /// What share of it is used: the utilisation law, U = X · D / m.
    pub fn utilisation(&self, throughput: f64) -> f64 {
        throughput * self.demand / self.amount
    }
}

/// The resource that allows the fewest requests: X ≤ min m/D. None of no
/// resources, and those that a request takes nothing of do not count.
pub fn bottleneck(resources: &[Resource]) -> Option<&Resource> {
    let taken = resources.iter().filter(|resource| 0.0 < resource.demand);
    taken.min_by(|a, b| a.bound().total_cmp(&b.bound()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    /// The first of Anscombe's sets ("Graphs in Statistical Analysis", 1973);
    /// errors and intervals computed with `SciPy` 1.17.1.
    #[test]
    fn a_line_through_anscombes_points() {
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let steps: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        let demand = Demand::fit(&steps).unwrap();
        assert_near(demand.per_request.value, 0.500_090_909_090_909_1, 1e-12);
        assert_near(demand.per_request.standard_error, 0.117_905_500_595_633_88, 1e-12);
        assert_near(demand.per_request.interval.low, 0.233_370_136_385_187_5, 1e-9);
        assert_near(demand.per_request.interval.high, 0.766_811_681_796_630_8, 1e-9);
        assert_near(demand.idle.value, 3.000_090_909_090_910_3, 1e-12);
        assert_near(demand.idle.standard_error, 1.124_746_790_808_643_7, 1e-12);
    }

    #[test]
    fn too_little_to_fit() {
        assert_eq!(Demand::fit(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(Demand::fit(&[(2.0, 1.0), (2.0, 2.0), (2.0, 3.0)]), None);
    }

    #[test]
    fn the_scarcest_resource_bounds_the_rate() {
        let resource =
            |name: &str, amount, demand| Resource { name: name.to_owned(), amount, demand };
        let resources = [
            resource("cores", 2.0, 40e-6),
            resource("network", 125e6, 5_000.0),
            resource("disk", 1.0, 0.0),
        ];
        let found = bottleneck(&resources).unwrap();
        assert_eq!(found.name, "network");
        assert_near(found.bound(), 25_000.0, 1e-9);
        assert_near(resources[0].utilisation(25_000.0), 0.5, 1e-12);
        assert_eq!(bottleneck(&resources[2..]), None);
    }
}
