//! Whether the measurement contradicts itself: laws that hold for any system,
//! and counts that have to agree whoever counts.
//!
//! Little's law is L = X · R (Little, "A Proof for the Queuing Formula
//! L = λW", 1961), the utilisation law U = X · D / m (Denning and Buzen, 1978).

use serde::Serialize;

/// By how much Little's law may be off in a valid step.
pub const LITTLE_TOLERANCE: f64 = 0.03;

/// By how much the utilisation law may be off: processor time is read in ticks.
pub const UTILISATION_TOLERANCE: f64 = 0.05;

/// Two numbers that should be the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What is compared, in words.
    pub name: String,
    /// The one that was measured directly.
    pub measured: f64,
    /// The one that follows from others.
    pub expected: f64,
    /// By how much they may differ, as a share of the measured one.
    pub tolerance: f64,
    /// Whether they do not differ by more.
    pub verdict: Verdict,
}

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The numbers agree.
    Pass,
    /// They do not, or are no numbers: the measurement is not to be trusted.
    Fail,
}

impl Check {
    fn new(name: &str, measured: f64, expected: f64, tolerance: f64) -> Self {
        let agree = (measured - expected).abs() <= tolerance * measured.abs();
        let verdict = if agree { Verdict::Pass } else { Verdict::Fail };
        Self { name: name.to_owned(), measured, expected, tolerance, verdict }
    }

    /// By which share of the measured number the other differs; 0 if both are 0.
    pub fn relative_error(&self) -> f64 {
        let difference = (self.measured - self.expected).abs();
        if difference == 0.0 { 0.0 } else { difference / self.measured.abs() }
    }
}

/// Mean requests in flight, as counted over time, against throughput times mean
/// response time in seconds.
pub fn littles_law(in_flight: f64, throughput: f64, response: f64) -> Check {
    let name = "requests in flight = throughput × response time";
    Check::new(name, in_flight, throughput * response, LITTLE_TOLERANCE)
}

/// Measured utilisation of `servers` processors, from 0 to 1, against
/// throughput times a request's demand in seconds.
pub fn utilisation_law(utilisation: f64, throughput: f64, demand: f64, servers: f64) -> Check {
    let name = "utilisation = throughput × demand / processors";
    Check::new(name, utilisation, throughput * demand / servers, UTILISATION_TOLERANCE)
}

/// Who counted how many requests over the same time, with nothing in flight at
/// its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Answers that the clients got.
    pub client: u64,
    /// Requests that the server answered.
    pub server: u64,
    /// Requests that it answered without one upstream of their own: hits, and
    /// those that shared another's.
    pub hits: u64,
    /// Requests that it sent upstream for a client, by its own count.
    pub upstream: u64,
    /// Requests that the upstream got, less those that no client waited for.
    pub at_upstream: u64,
}

/// Counts agree exactly: client = server = hits + upstream, and what was sent
/// upstream came there.
pub fn reconcile(counts: &Counts) -> Vec<Check> {
    let check = |name, measured: u64, expected: u64| {
        let verdict = if measured == expected { Verdict::Pass } else { Verdict::Fail };
        Check { verdict, ..Check::new(name, float(measured), float(expected), 0.0) }
    };
    vec![
        check("answers at the clients = answers of the server", counts.client, counts.server),
        check(
            "answers of the server = hits + requests upstream",
            counts.server,
            counts.hits.saturating_add(counts.upstream),
        ),
        check("requests upstream = requests that came there", counts.upstream, counts.at_upstream),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "only for show; what decides are integers")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    #[track_caller]
    fn check(check: &Check, expected: Verdict, error: f64) {
        assert_eq!(check.verdict, expected, "{check:?}");
        assert_near(check.relative_error(), error, 1e-9);
    }

    #[test]
    fn laws_hold_within_their_tolerance() {
        check(&littles_law(10.0, 1000.0, 0.010), Verdict::Pass, 0.0);
        check(&littles_law(10.0, 1000.0, 0.0102), Verdict::Pass, 0.02);
        check(&littles_law(10.0, 1000.0, 0.0096), Verdict::Fail, 0.04);
        check(&littles_law(0.0, 0.0, 0.1), Verdict::Pass, 0.0);
        check(&utilisation_law(0.5, 10_000.0, 0.0001, 2.0), Verdict::Pass, 0.0);
        check(&utilisation_law(0.5, 10_000.0, 0.0001, 1.0), Verdict::Fail, 1.0);
        assert_eq!(littles_law(f64::NAN, 1.0, 1.0).verdict, Verdict::Fail);
    }

    #[test]
    fn counts_agree_exactly() {
        #[track_caller]
        fn check(counts: [u64; 5], expected: [Verdict; 3]) {
            let [client, server, hits, upstream, at_upstream] = counts;
            let counts = Counts { client, server, hits, upstream, at_upstream };
            let verdicts: Vec<Verdict> =
                reconcile(&counts).into_iter().map(|check| check.verdict).collect();
            assert_eq!(verdicts, expected, "{counts:?}");
        }
        use Verdict::{Fail, Pass};
        check([100, 100, 90, 10, 10], [Pass, Pass, Pass]);
        check([99, 100, 90, 10, 10], [Fail, Pass, Pass]);
        check([100, 100, 90, 11, 10], [Pass, Fail, Fail]);
        check([100, 100, 90, 10, 12], [Pass, Pass, Fail]);
        // Beyond what a real number can tell apart.
        check([1 << 53, (1 << 53) + 1, 1 << 53, 1, 1], [Fail, Pass, Pass]);
    }
}
