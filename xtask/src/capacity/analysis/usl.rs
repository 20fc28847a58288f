//! The universal scalability law: how throughput grows with users or cores
//! (Gunther, *Guerrilla Capacity Planning*, 2007, ch. 4 to 6; "A General Theory
//! of Computational Scalability", 2008).
//!
//! [`fit`] finds the coefficients for which it is nearest to measurements,
//! never below zero; [`choice`] says whether fewer of them would do. Loads may
//! be fractions: the mean number of users of an open system is one. Users and
//! cores are different loads, to be fitted apart.

pub mod choice;
pub mod fit;

/// X(N) = λN / (1 + σ(N − 1) + κN(N − 1)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// Throughput λ at N = 1.
    pub lambda: f64,
    /// Contention σ: the share of work that only one can do at a time.
    pub sigma: f64,
    /// Crosstalk κ: what each pays for each other to agree with it.
    pub kappa: f64,
}

/// Where throughput is highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The load N = √((1 − σ)/κ).
    pub load: f64,
    /// The throughput there.
    pub throughput: f64,
}

impl Usl {
    /// The throughput X(N).
    pub fn throughput(&self, load: f64) -> f64 {
        self.lambda * load / self.slowdown(load)
    }

    /// The response time R(N) = N / X(N), by Little's law.
    pub fn latency(&self, load: f64) -> f64 {
        self.slowdown(load) / self.lambda
    }

    /// Where it is highest. None if more load always helps, or never does.
    pub fn peak(&self) -> Option<Peak> {
        if !(0.0 < self.kappa && self.sigma < 1.0) {
            return None;
        }
        let load = libm::sqrt((1.0 - self.sigma) / self.kappa);
        Some(Peak { load, throughput: self.throughput(load) })
    }

    /// The load from which on more gains little: 1/σ, where linear growth would
    /// reach the ceiling λ/σ that contention alone sets. None without
    /// contention.
    pub fn optimum(&self) -> Option<f64> {
        (0.0 < self.sigma).then(|| 1.0 / self.sigma)
    }

    /// The response time at a throughput, at the lower of the two loads that
    /// have it. None above the highest throughput.
    ///
    /// X = λN / (1 + σ(N − 1) + κN(N − 1)) is κN² + bN + 1 − σ = 0 with
    /// b = σ − κ − λ/X. The lesser root is written without a difference of
    /// nearly equal numbers, and so holds at κ = 0 as well.
    pub fn latency_at_throughput(&self, throughput: f64) -> Option<f64> {
        if !(0.0 < throughput && self.sigma < 1.0) {
            return None;
        }
        let b = self.sigma - self.kappa - self.lambda / throughput;
        let discriminant = b * b - 4.0 * self.kappa * (1.0 - self.sigma);
        if 0.0 <= b || discriminant < 0.0 {
            return None;
        }
        let load = 2.0 * (1.0 - self.sigma) / (libm::sqrt(discriminant) - b);
        Some(load / throughput)
    }

    /// How much longer a request takes than it would alone.
    fn slowdown(&self, load: f64) -> f64 {
        1.0 + self.sigma * (load - 1.0) + self.kappa * load * (load - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    const LAW: Usl = Usl { lambda: 1000.0, sigma: 0.02, kappa: 0.0005 };

    #[test]
    fn throughput_and_latency_by_hand() {
        // 1 + 0.02 · 9 + 0.0005 · 90 = 1.225.
        assert_near(LAW.throughput(10.0), 10_000.0 / 1.225, 1e-9);
        assert_near(LAW.latency(10.0), 0.001_225, 1e-12);
        assert_near(LAW.throughput(1.0), 1000.0, 0.0);
        assert_near(LAW.optimum().unwrap(), 50.0, 1e-12);
    }

    #[test]
    fn the_peak_is_the_highest_point() {
        let peak = LAW.peak().unwrap();
        assert_near(peak.load, libm::sqrt(1960.0), 1e-9);
        for load in [0.9, 1.1] {
            assert!(LAW.throughput(load * peak.load) < peak.throughput);
        }
    }

    #[test]
    fn some_laws_have_no_peak() {
        let check = |sigma, kappa| assert_eq!(Usl { lambda: 1.0, sigma, kappa }.peak(), None);
        check(0.0, 0.0);
        check(0.1, 0.0);
        check(1.0, 0.1);
        assert_eq!(Usl { lambda: 1.0, sigma: 0.0, kappa: 0.0 }.optimum(), None);
    }

    #[test]
    fn latency_at_a_throughput_is_that_of_the_lower_load() {
        #[track_caller]
        fn check(law: Usl, load: f64) {
            let found = law.latency_at_throughput(law.throughput(load)).unwrap();
            assert_near(found, law.latency(load), 1e-9 * found);
        }
        for load in [0.3, 1.0, 10.0, 44.0] {
            check(LAW, load);
            check(Usl { kappa: 0.0, ..LAW }, load);
            check(Usl { sigma: 0.0, kappa: 0.0, ..LAW }, load);
            check(Usl { sigma: 0.0, ..LAW }, load);
        }
    }

    #[test]
    fn there_is_no_latency_above_the_highest_throughput() {
        let peak = LAW.peak().unwrap().throughput;
        assert!(LAW.latency_at_throughput(peak * 0.999_999).is_some());
        let check = |law: Usl, throughput| {
            assert_eq!(law.latency_at_throughput(throughput), None, "{throughput}");
        };
        check(LAW, peak * 1.000_001);
        check(LAW, 1e9);
        // With contention alone the ceiling is λ/σ.
        check(Usl { kappa: 0.0, ..LAW }, 50_000.0);
        check(LAW, 0.0);
        check(LAW, f64::NAN);
    }
}
