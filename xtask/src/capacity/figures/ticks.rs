//! Round numbers along an axis.

use super::number::Unit;

/// Multiples of 1, 2, 2.5 or 5 times a power of ten.
pub(super) fn steps(low: f64, high: f64, most: u8, unit: Unit) -> Vec<f64> {
    let raw = (high - low) / f64::from(most.max(1));
    let raw = if unit == Unit::Whole { raw.max(1.0) } else { raw };
    if !raw.is_finite() || raw <= 0.0 {
        return Vec::new();
    }
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .filter(|step| unit != Unit::Whole || libm::fmod(*step, 1.0) == 0.0)
        .find(|step| raw <= step * (1.0 + 1e-9))
        .unwrap_or(10.0 * power);
    let first = libm::ceil(low / step - 1e-9);
    (0..=u16::from(most))
        .map(|index| (first + f64::from(index)) * step)
        .take_while(|value| *value <= high + step * 1e-9)
        .collect()
}

/// Powers of ten between two exponents: every one, or every few if they are
/// many, or with twos and fives between if they are few.
pub(super) fn factors(low: f64, high: f64, most: u8) -> Vec<f64> {
    let decades = high - low;
    let multiples: &[f64] = if decades < 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = libm::ceil(decades / f64::from(most.max(1))).max(1.0);
    let mut values = Vec::new();
    let mut exponent = libm::ceil(libm::floor(low) / every) * every;
    while exponent <= high {
        values.extend(multiples.iter().map(|multiple| multiple * libm::pow(10.0, exponent)));
        exponent += every;
    }
    let (low, high) = (libm::pow(10.0, low), libm::pow(10.0, high));
    values.retain(|value| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(value));
    if values.len() < 3 && decades < 2.0 { steps(low, high, most, Unit::Count) } else { values }
}
