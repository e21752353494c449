//! The payload-limited sender: the least distortion that any embedding of a message can have.
//!
//! Every element changes by itself, with a probability proportional to `exp(-lambda * cost)`;
//! lambda is such that the changes have as many bits of entropy as the message.
//!
//! # Source
//! Filler, Judas, Fridrich 2011, section II, equations (7) to (10).

use std::f64::consts::LN_2;

use fearless_simd::{Level, Simd, dispatch};

use super::logistic::{exp_minus, ln_1p};

/// Elements that [`lambda_binary`] and [`lambda_ternary`] look at, more or less.
const SAMPLE: usize = 16_384;

/// What the sender at the bound does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound {
    /// The price of a unit of cost, in nats.
    pub(crate) lambda: f64,
    /// The entropy of the changes, in bits: those of the message, unless they do not fit.
    pub(crate) bits: f64,
    /// The expected sum of the costs.
    pub(crate) distortion: f64,
}

/// The bound for flips with these costs; see [`embed_binary`](super::embed_binary).
///
/// Time O(elements), some 30 passes.
#[cfg(test)]
pub(crate) fn binary(costs: &[f32], message_bits: usize) -> Bound {
    let at = |lambda| total(lambda, costs.iter().map(|cost| [wet(*cost), f64::INFINITY]));
    search(at, message_bits as f64, mean(costs.iter()), 1e-9)
}

/// The bound for changes by +1 and -1 with these costs; see
/// [`embed_ternary`](super::embed_ternary).
pub(crate) fn ternary(plus: &[f32], minus: &[f32], message_bits: usize) -> Bound {
    let pairs = || plus.iter().zip(minus).map(|(plus, minus)| [wet(*plus), wet(*minus)]);
    let at = |lambda| total(lambda, pairs());
    search(at, message_bits as f64, mean(plus.iter().chain(minus)), 1e-9)
}

/// The probabilities of the two changes of an element at `lambda`; a binary element has the
/// second cost infinite.
#[cfg(test)]
pub(crate) fn probabilities(lambda: f64, costs: [f32; 2]) -> [f64; 2] {
    let weights = costs.map(|cost| (-lambda * wet(cost)).exp());
    weights.map(|weight| weight / (1.0 + weights.iter().sum::<f64>()))
}

/// Lambda of [`binary`] from a sample: to about a percent, which the trellis does not feel.
pub(super) fn lambda_binary(costs: &[f32], message_bits: usize) -> f64 {
    lambda_of(sample(costs).map(|cost| [*cost, f32::INFINITY]), message_bits, costs.len())
}

/// Lambda of [`ternary`] from a sample.
pub(super) fn lambda_ternary(plus: &[f32], minus: &[f32], message_bits: usize) -> f64 {
    let pairs = sample(plus).zip(sample(minus)).map(|(plus, minus)| [*plus, *minus]);
    lambda_of(pairs, message_bits, plus.len())
}

fn lambda_of(sample: impl Iterator<Item = [f32; 2]>, bits: usize, elements: usize) -> f64 {
    let sample: Vec<[f32; 2]> = sample.collect();
    let mean = mean(sample.as_flattened().iter());
    // In units of the mean, so that single precision holds them.
    let scaled = |cost| (wet(cost) / mean) as f32;
    let costs: Vec<_> = sample.iter().map(|costs| costs.map(scaled)).collect();
    let at = |lambda: f64| {
        let nats = dispatch!(Level::new(), simd => entropy(simd, (lambda * mean) as f32, &costs));
        Bound { lambda, bits: f64::from(nats) / LN_2, distortion: 0.0 }
    };
    let bits = bits as f64 * sample.len() as f64 / elements.max(1) as f64;
    // Of fewer digits than logarithms of different processors have in common.
    f64::from(search(at, bits, mean, 1e-3).lambda.min(1e38) as f32)
}

/// Entropy in nats of all elements at `lambda`, nearly; the sums are the same at all levels.
#[inline(always)]
fn entropy<S: Simd>(_: S, lambda: f32, elements: &[[f32; 2]]) -> f32 {
    let mut sums = [0.0; 8];
    for eight in elements.chunks(8) {
        for (sum, costs) in sums.iter_mut().zip(eight) {
            let [plus, minus] = [(costs[0] * lambda).min(87.0), (costs[1] * lambda).min(87.0)];
            let weights = [exp_minus(plus), exp_minus(minus)];
            let both = weights[0] + weights[1];
            *sum += ln_1p(both) + (plus * weights[0] + minus * weights[1]) / (1.0 + both);
        }
    }
    sums.into_iter().fold(0.0, |all, sum| all + sum)
}

/// A cost in units of 1 / `lambda`, which is what the trellis counts in; infinite if wet.
#[inline(always)]
pub(super) fn nats(cost: f32, lambda: f64) -> f32 {
    // Sums of such costs stay finite.
    let nats = (f64::from(cost) * lambda).min(1e30) as f32;
    if (0.0..f32::INFINITY).contains(&cost) { nats } else { f32::INFINITY }
}

/// Elements at equal distances, no more than twice [`SAMPLE`].
fn sample(costs: &[f32]) -> impl Iterator<Item = &f32> {
    costs.iter().step_by((costs.len() / SAMPLE).max(1))
}

/// The cost that counts: what is negative or no number is never changed.
fn wet(cost: f32) -> f64 {
    if cost >= 0.0 { f64::from(cost) } else { f64::INFINITY }
}

/// The mean of the costs that are neither 0 nor wet; 1 if there is none.
fn mean<'a>(costs: impl Iterator<Item = &'a f32>) -> f64 {
    let counted = costs.filter(|cost| **cost > 0.0 && **cost < f32::INFINITY);
    let (sum, count) =
        counted.fold((0.0, 0.0), |(sum, count), cost| (sum + f64::from(*cost), count + 1.0));
    if count > 0.0 { sum / count } else { 1.0 }
}

/// Entropy in bits and expected cost of all elements at `lambda`.
fn total(lambda: f64, elements: impl Iterator<Item = [f64; 2]>) -> Bound {
    let mut nats = 0.0;
    let mut distortion = 0.0;
    for costs in elements {
        let weighed = costs.map(|cost| (cost, (-lambda * cost).exp()));
        let sum: f64 = weighed.iter().map(|(_, weight)| weight).sum();
        // An infinite cost has no weight, and does not count.
        let counted = weighed.iter().filter(|(_, weight)| *weight > 0.0);
        let cost = counted.map(|(cost, weight)| cost * weight).sum::<f64>() / (1.0 + sum);
        distortion += cost;
        // - sum p ln p with p = weight / (1 + sum) and ln weight = - lambda * cost
        nats += sum.ln_1p() + lambda * cost;
    }
    Bound { lambda, bits: nats / LN_2, distortion }
}

/// The lambda where the entropy is `bits`, relatively to `precision`.
///
/// Regula falsi (Illinois) on the logarithms, of which the entropy's falls with lambda's.
fn search(at: impl Fn(f64) -> Bound, bits: f64, mean: f64, precision: f64) -> Bound {
    let error = |bound: &Bound| (bound.bits / bits).max(1e-300).ln();
    let (mut low, mut high) = (at(1.0 / mean), at(1.0 / mean));
    let limit = 2.0_f64.powi(100);
    while error(&low) < 0.0 && low.lambda * mean > 1.0 / limit {
        (high, low) = (low, at(low.lambda / 4.0));
    }
    while error(&high) > 0.0 && high.lambda * mean < limit {
        (low, high) = (high, at(high.lambda * 4.0));
    }
    let (mut above, mut below) = (error(&low), error(&high));
    let mut best = if above.abs() < below.abs() { low } else { high };
    for _ in 0..60 {
        if above <= 0.0 || below >= 0.0 || error(&best).abs() < precision {
            break;
        }
        let share = (above / (above - below)).clamp(0.01, 0.99);
        best = at(low.lambda * (high.lambda / low.lambda).powf(share));
        let middle = error(&best);
        if middle > 0.0 {
            (low, above, below) = (best, middle, below / 2.0);
        } else {
            (high, below, above) = (best, middle, above / 2.0);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_costs_give_the_rate_distortion_function() {
        // H(0.11) = 0.49991596: 10,000 elements, 5,000 bits.
        let bound = binary(&[3.0; 10_000], 5_000);
        assert!((bound.bits - 5_000.0).abs() < 1e-3);
        assert!((bound.distortion / 3.0 / 10_000.0 - 0.110_028).abs() < 1e-5);
        let [p, none] = probabilities(bound.lambda, [3.0, f32::INFINITY]);
        assert!((p - 0.110_028).abs() < 1e-5);
        assert!(none == 0.0);
    }

    #[test]
    fn ternary_costs_less_than_binary_and_as_much_where_one_way_is_wet() {
        let costs: Vec<f32> = (0..4_000_u16).map(|i| 0.1 + f32::from(i % 97)).collect();
        let wet = vec![f32::INFINITY; costs.len()];
        let both = ternary(&costs, &costs, 1_000);
        let one = ternary(&costs, &wet, 1_000);
        let flips = binary(&costs, 1_000);
        assert!(both.distortion < 0.9 * flips.distortion);
        assert!((one.distortion / flips.distortion - 1.0).abs() < 1e-7);
    }

    #[test]
    fn the_slope_of_distortion_is_one_over_lambda() {
        let costs: Vec<f32> = (1..3_000_u16).map(|i| f32::from(i).sqrt()).collect();
        let (less, more) = (binary(&costs, 700), binary(&costs, 701));
        let slope = (more.distortion - less.distortion) / LN_2;
        assert!((slope * less.lambda - 1.0).abs() < 2e-3);
    }

    #[test]
    fn extremes_end_and_are_finite() {
        let wet = [f32::INFINITY, f32::NAN, -1.0];
        let zero = [0.0; 3];
        let wide = [1e-38, 1.0, 1e38];
        for costs in [&wet[..], &zero, &wide, &[]] {
            for bits in [0, 1, 3, 100] {
                let bound = binary(costs, bits);
                assert!(bound.lambda.is_finite() && bound.lambda > 0.0);
                assert!(bound.distortion.is_finite() && !bound.bits.is_nan());
                assert!(lambda_binary(costs, bits).is_finite());
                assert!(ternary(costs, costs, bits).lambda.is_finite());
            }
        }
    }
}
