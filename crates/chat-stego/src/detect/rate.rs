//! How much of a plane a detector takes for a payload.

use std::fmt;

/// An estimate of the embedding rate of LSB replacement: the share of samples whose lowest bit
/// belongs to a payload, so that half of them have changed.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct EmbeddingRate(f64);

impl EmbeddingRate {
    /// Takes a raw estimate, unless it is no finite number.
    pub(crate) fn of(raw: f64) -> Option<Self> {
        raw.is_finite().then_some(Self(raw))
    }

    /// The rate, 0 to 1, in payload bits a sample.
    pub fn get(self) -> f64 {
        self.0.clamp(0.0, 1.0)
    }

    /// The estimate as it came out: on clean pictures it scatters around 0, so half are negative.
    pub fn raw(self) -> f64 {
        self.0
    }

    /// The mean of the estimates that exist.
    pub(crate) fn mean(rates: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let (sum, count) = rates
            .into_iter()
            .flatten()
            .fold((0.0, 0_u32), |(sum, count), rate| (sum + rate.0, count + 1));
        if count == 0 { None } else { Self::of(sum / f64::from(count)) }
    }
}

impl fmt::Display for EmbeddingRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.get())
    }
}

/// The root of `a x^2 + b x + c` nearest to zero; the real part where the roots are complex.
///
/// Estimates by quadratic equations lose their roots to noise near rate 1 alone, where both fall
/// together: the real part is then the best estimate left.
pub(crate) fn root_nearest_zero(a: f64, b: f64, c: f64) -> Option<f64> {
    let scale = a.abs().max(b.abs()).max(c.abs());
    if scale == 0.0 || !scale.is_finite() {
        return None;
    }
    if a.abs() < scale * 1e-12 {
        return (b.abs() > scale * 1e-12).then(|| -c / b);
    }
    let discriminant = b * b - 4.0 * a * c;
    if discriminant <= 0.0 {
        return Some(-b / (2.0 * a));
    }
    // The larger root first, without cancellation; the smaller one from their product c / a.
    let far = -0.5 * (b + discriminant.sqrt().copysign(b));
    Some(c / far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_clamped_for_people_and_raw_for_statistics() {
        let rate = EmbeddingRate::of(-0.02).unwrap();
        assert_eq!((rate.get(), rate.raw()), (0.0, -0.02));
        assert_eq!(EmbeddingRate::of(1.25).unwrap().to_string(), "1.000");
        assert_eq!(EmbeddingRate::of(f64::NAN), None);
    }

    #[test]
    fn the_mean_leaves_out_what_is_missing() {
        let rates = [EmbeddingRate::of(0.5), None, EmbeddingRate::of(-0.25)];
        assert_eq!(EmbeddingRate::mean(rates), EmbeddingRate::of(0.125));
        assert_eq!(EmbeddingRate::mean([None]), None);
    }

    #[test]
    fn the_root_nearest_to_zero_is_found() {
        assert_eq!(root_nearest_zero(1.0, -3.0, 2.0), Some(1.0));
        assert_eq!(root_nearest_zero(1.0, 3.0, 2.0), Some(-1.0));
        assert_eq!(root_nearest_zero(0.0, 2.0, -1.0), Some(0.5));
        assert_eq!(root_nearest_zero(1.0, -2.0, 5.0), Some(1.0));
        assert_eq!(root_nearest_zero(2.0, -4.0, 0.0), Some(0.0));
        assert_eq!(root_nearest_zero(0.0, 0.0, 1.0), None);
        assert_eq!(root_nearest_zero(0.0, 0.0, 0.0), None);
    }
}
