//! Student's t distribution, by the regularised incomplete beta function
//! (*NIST Digital Library of Mathematical Functions*, §8.17).

/// The value that a t variable of `degrees` degrees of freedom stays below with
/// probability `p`: its quantile, to about 12 digits. Not a number unless
/// 0 < p < 1 and 0 < degrees.
pub fn t_quantile(p: f64, degrees: f64) -> f64 {
    if !(0.0 < p && p < 1.0 && 0.0 < degrees) {
        return f64::NAN;
    }
    let tail = p.min(1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while tail < upper_tail(high, degrees) && high < f64::MAX / 2.0 {
        (low, high) = (high, 2.0 * high);
    }
    // Halving goes on until there is no number in between.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || high <= middle {
            break;
        }
        if tail < upper_tail(middle, degrees) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if p < 0.5 { -low } else { low }
}

/// The probability that a t variable of `degrees` degrees of freedom is above
/// `t`, which is not negative (DLMF §8.17; Abramowitz and Stegun, 26.7.1).
fn upper_tail(t: f64, degrees: f64) -> f64 {
    incomplete_beta(degrees / (degrees + t * t), degrees / 2.0, 0.5) / 2.0
}

/// Iₓ(a, b), for 0 ≤ x ≤ 1 and positive a and b.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if 1.0 <= x {
        return 1.0;
    }
    // The fraction converges fast below this point only, and I has a symmetry
    // (DLMF 8.17.4).
    if (a + 1.0) / (a + b + 2.0) < x {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log1p(-x);
    libm::exp(log_front) / (a * beta_fraction(x, a, b))
}

/// The continued fraction 1 + d₁/(1 + d₂/(1 + …)) of DLMF 8.17.22, from its
/// first term on (Lentz's method as modified by Thompson and Barnett, 1986).
#[expect(clippy::many_single_char_names, reason = "the names are those of the source")]
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for step in 1..=500_u32 {
        let m = f64::from(step / 2);
        let term = if step % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / away_from_zero(1.0 + term * d);
        c = away_from_zero(1.0 + term / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    #[track_caller]
    fn check(p: f64, degrees: f64, expected: f64) {
        let quantile = t_quantile(p, degrees);
        assert_near(quantile, expected, 1e-10 * expected.abs());
        assert_near(t_quantile(1.0 - p, degrees), -quantile, 1e-9 * expected.abs());
    }

    /// Computed with `SciPy` 1.17.1; the first is tan(0.475 π).
    #[test]
    fn quantiles_of_t() {
        check(0.975, 1.0, 12.706_204_736_174_694);
        check(0.975, 2.0, 4.302_652_729_749_462);
        check(0.975, 3.0, 3.182_446_305_283_707_8);
        check(0.975, 4.0, 2.776_445_105_197_793_4);
        check(0.975, 9.0, 2.262_157_162_798_205);
        check(0.975, 30.0, 2.042_272_456_301_237_8);
        check(0.975, 1000.0, 1.962_339_080_826_408_3);
        check(0.95, 5.0, 2.015_048_373_333_023_3);
        check(0.9, 2.5, 1.730_250_928_807_176_6);
    }

    #[test]
    fn half_of_it_is_below_zero() {
        assert_near(t_quantile(0.5, 7.0), 0.0, 1e-12);
        assert!(t_quantile(1.0, 7.0).is_nan() && t_quantile(0.9, 0.0).is_nan());
    }
}
