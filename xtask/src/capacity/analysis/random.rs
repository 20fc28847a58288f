//! Chance that can be repeated: everything follows from a seed.

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::real;

/// A sequence of random numbers, which its seed determines.
#[derive(Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform over (0, 1], so that its logarithm is finite.
    pub fn uniform(&mut self) -> f64 {
        // The 53 bits that an f64 in [½, 1) can tell apart, counted from 1.
        #[expect(clippy::cast_precision_loss, reason = "at most 2⁵³")]
        let steps = ((self.0.next_u64() >> 11) + 1) as f64;
        steps / 9_007_199_254_740_992.0
    }

    /// Uniform over the whole numbers below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        // Below 2³² the product's upper half is uniform to within n / 2³².
        let product = u64::from(self.0.next_u32()) * n as u64;
        usize::try_from(product >> 32).unwrap_or(0)
    }

    /// Exponential, of mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// Normal, of mean 0 and variance 1 (Box and Muller, "A Note on the
    /// Generation of Random Normal Deviates", 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Gamma of mean 1 and squared coefficient of variation `1 / shape`, as a
    /// sum of exponentials (Erlang).
    pub fn erlang(&mut self, shape: usize) -> f64 {
        (0..shape).map(|_| self.exponential()).sum::<f64>() / real(shape.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::{mean_of, tests::assert_near, variance_of};

    #[track_caller]
    fn check(draw: impl Fn(&mut Random) -> f64, mean: f64, variance: f64) {
        let mut random = Random::new(1);
        let draws: Vec<f64> = (0..20_000).map(|_| draw(&mut random)).collect();
        assert_near(mean_of(&draws), mean, 0.03);
        assert_near(variance_of(&draws), variance, 0.05);
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        check(Random::uniform, 0.5, 1.0 / 12.0);
        check(Random::exponential, 1.0, 1.0);
        check(Random::normal, 0.0, 1.0);
        check(|random| random.erlang(4), 1.0, 0.25);
        check(|random| real(random.below(3)), 1.0, 2.0 / 3.0);
    }

    #[test]
    fn a_seed_always_gives_the_same_numbers() {
        let first = |seed| Random::new(seed).uniform();
        assert_eq!(first(7).to_bits(), first(7).to_bits());
        assert_ne!(first(7).to_bits(), first(8).to_bits());
    }
}
