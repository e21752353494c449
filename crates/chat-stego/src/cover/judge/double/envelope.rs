//! A smooth curve through counts of magnitudes, and the same curve seen through a grid.
#![expect(clippy::indexing_slicing, reason = "a system of three equations")]

/// `exp(a + b k + c sqrt(k))`: an exponential with the heavier tail that pictures have.
pub(super) struct Envelope([f64; 3]);

impl Envelope {
    /// Least squares on the logarithms of the counts of 1, 2, ..., each weighted with its count.
    ///
    /// `None` for fewer than four values, which any curve explains.
    pub(super) fn fit(counts: &[f64]) -> Option<Self> {
        if counts.len() < 4 {
            return None;
        }
        let mut normal = [[0.0; 4]; 3];
        for (at, count) in counts.iter().enumerate() {
            let terms = terms((at + 1) as f64);
            let target = (count + 0.5).ln();
            for row in 0..3 {
                for column in 0..3 {
                    normal[row][column] += count * terms[row] * terms[column];
                }
                normal[row][3] += count * terms[row] * target;
            }
        }
        solve(normal).map(Self)
    }

    /// How much better the counts are explained if all values were multiples of `earlier` before
    /// they were rounded to multiples of `step`: a difference of log-likelihoods.
    pub(super) fn gain(&self, counts: &[f64], earlier: f64, step: f64) -> f64 {
        let ratio = earlier / step;
        let blur = NOISE / step;
        let smooth: Vec<f64> = (1..=counts.len()).map(|k| self.at(k as f64)).collect();
        let seen: Vec<f64> = (1..=counts.len())
            .map(|k| self.seen(k as f64, ratio, blur).max(FLOOR * self.at(k as f64)))
            .collect();
        let (smooth_sum, seen_sum): (f64, f64) = (smooth.iter().sum(), seen.iter().sum());
        let terms = counts.iter().zip(smooth.iter().zip(&seen));
        terms
            .map(|(count, (smooth, seen))| {
                count * ((seen / seen_sum).ln() - (smooth / smooth_sum).ln())
            })
            .sum()
    }

    /// The mass that multiples of `ratio`, blurred, put into the interval around `value`.
    fn seen(&self, value: f64, ratio: f64, blur: f64) -> f64 {
        // Beyond five widths of the blur nothing arrives.
        let reach = 0.5 + 5.0 * blur;
        let first = ((value - reach) / ratio).floor().max(0.0);
        let last = ((value + reach) / ratio).ceil();
        let mut sum = 0.0;
        let mut multiple = first;
        while multiple <= last {
            let centre = multiple * ratio;
            let upper = normal((value + 0.5 - centre) / blur);
            let lower = normal((value - 0.5 - centre) / blur);
            sum += ratio * self.at(centre.max(0.5)) * (upper - lower);
            multiple += 1.0;
        }
        sum
    }

    fn at(&self, value: f64) -> f64 {
        let [one, linear, root] = terms(value);
        (self.0[0] * one + self.0[1] * linear + self.0[2] * root).exp()
    }
}

fn terms(value: f64) -> [f64; 3] {
    [1.0, value, value.sqrt()]
}

/// Gaussian elimination with pivots; `None` if the equations do not determine the unknowns.
fn solve(mut rows: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for pivot in 0..3 {
        let largest =
            (pivot..3).max_by(|&a, &b| rows[a][pivot].abs().total_cmp(&rows[b][pivot].abs()))?;
        rows.swap(pivot, largest);
        if rows[pivot][pivot].abs() < 1e-9 {
            return None;
        }
        for row in 0..3 {
            if row != pivot {
                let above = rows[pivot];
                let factor = rows[row][pivot] / above[pivot];
                for (value, eliminated) in rows[row].iter_mut().zip(above) {
                    *value -= factor * eliminated;
                }
            }
        }
    }
    Some(std::array::from_fn(|at| rows[at][3] / rows[at][at]))
}

/// The normal distribution function, to 1e-7 (Abramowitz, Stegun 1964, 26.2.17).
fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let tail = series.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x > 0.0 { 1.0 - density * tail } else { density * tail }
}

/// How far decoding and rounding pixels moves a coefficient: a standard deviation, in the units
/// of pixels.
const NOISE: f64 = 0.45;

/// The share of the smooth curve that stray values keep in a gap.
const FLOOR: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_is_the_distribution() {
        for (x, expected) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.959_964, 0.025), (8.0, 1.0)] {
            assert!((normal(x) - expected).abs() < 2e-7, "{x}");
        }
    }

    #[test]
    fn fit_finds_the_curve_that_made_the_counts() {
        let counts: Vec<f64> =
            (1..=20).map(|k| (9.0 - 0.1 * f64::from(k) - f64::from(k).sqrt()).exp()).collect();
        let Envelope([a, b, c]) = Envelope::fit(&counts).unwrap();
        assert!((a - 9.0).abs() < 0.1 && (b + 0.1).abs() < 0.02 && (c + 1.0).abs() < 0.1);
        assert!(Envelope::fit(&counts[..3]).is_none());
    }

    #[test]
    fn a_grid_is_preferred_only_where_there_is_one() {
        let smooth: Vec<f64> = (1..=20).map(|k| 9000.0 * (-0.2 * f64::from(k)).exp()).collect();
        let mut gaps = smooth.clone();
        for (at, count) in gaps.iter_mut().enumerate() {
            *count *= if (at + 1) % 3 == 0 { 3.0 } else { 0.01 };
        }
        let gain = |counts: &[f64]| Envelope::fit(counts).unwrap().gain(counts, 9.0, 3.0);
        assert!(gain(&gaps) > 10_000.0);
        assert!(gain(&smooth) < 0.0);
    }
}
