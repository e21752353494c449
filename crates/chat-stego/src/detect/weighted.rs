//! Weighted stego image steganalysis: does a sample lie on the far side of what its neighbours say?
#![expect(clippy::indexing_slicing, reason = "rows of one plane, all equally long")]

use super::plane::GreyPlane;
use super::rate::EmbeddingRate;

/// Estimates the rate of LSB replacement from the difference between samples and predictions.
///
/// A flipped bit moves an even sample up and an odd one down, so the mean of (sample - prediction)
/// times that direction is half the rate. Smooth surroundings predict better and weigh more. The
/// most sensitive of the estimates here: standard error about 0.01 at 512 x 512 pixels. Blind to
/// LSB matching and adaptive embedding.
///
/// Samples that are saturated but for their lowest bit (0, 1, 254, 255) say nothing and are left
/// out. `None` if fewer than 256 samples are left or all are predicted exactly.
/// O(pixels).
///
/// # Source
/// Ker, Boehme 2008, "Revisiting weighted stego-image steganalysis", SPIE 6819: the predictor of
/// section 3.1, weights 1 / (5 + variance) of section 3.2, bias correction of section 3.3.
pub fn weighted_stego(plane: &GreyPlane) -> Option<EmbeddingRate> {
    estimate(plane, weight)
}

fn estimate(plane: &GreyPlane, weight: Weight) -> Option<EmbeddingRate> {
    let rows: Vec<&[u8]> = plane.rows().collect();
    let sums = rows.windows(3).map(|rows| row_sums(rows, weight)).fold(Sums::default(), Sums::plus);
    if sums.samples < MIN_SAMPLES || !sums.any_error {
        return None;
    }
    let raw = 2.0 * sums.aligned / sums.weight;
    EmbeddingRate::of(raw + raw * sums.bias / sums.weight)
}

#[derive(Default)]
struct Sums {
    samples: usize,
    any_error: bool,
    weight: f64,
    /// Weight times (sample - prediction) times the direction of a flip that led here.
    aligned: f64,
    /// Weight times direction times the prediction from the neighbours' directions.
    bias: f64,
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            samples: self.samples + other.samples,
            any_error: self.any_error | other.any_error,
            weight: self.weight + other.weight,
            aligned: self.aligned + other.aligned,
            bias: self.bias + other.bias,
        }
    }
}

/// The sums over the inner samples of the middle of three rows.
fn row_sums(rows: &[&[u8]], weight: Weight) -> Sums {
    let [above, here, below] = [rows[0], rows[1], rows[2]];
    let mut sums = Sums::default();
    for x in 1..here.len().saturating_sub(1) {
        let sides = [above[x], here[x - 1], here[x + 1], below[x]].map(i32::from);
        let corners = [above[x - 1], above[x + 1], below[x - 1], below[x + 1]].map(i32::from);
        let sample = i32::from(here[x]);
        if matches!(sample, 0 | 1 | 254 | 255) {
            continue;
        }
        // In quarters, so that all is exact.
        let error = 4 * sample - predict(sides, corners);
        let bias = predict(sides.map(direction), corners.map(direction));
        let weight = weight(sample, sides, corners);
        let direction = direction(sample);
        sums.samples += 1;
        sums.any_error |= error != 0;
        sums.weight += weight;
        sums.aligned += weight * 0.25 * f64::from(direction * error);
        sums.bias += weight * 0.25 * f64::from(direction * bias);
    }
    sums
}

/// Four times the prediction by Ker and Boehme's filter.
fn predict(sides: [i32; 4], corners: [i32; 4]) -> i32 {
    2 * sides.iter().sum::<i32>() - corners.iter().sum::<i32>()
}

/// Where a flip would have come from: down to an even sample, up to an odd one.
fn direction(sample: i32) -> i32 {
    2 * (sample & 1) - 1
}

/// From the sample, its four sides and its four corners.
type Weight = fn(i32, [i32; 4], [i32; 4]) -> f64;

/// By the variance of the eight neighbours. The sample itself is kept out of it, lest the payload
/// choose the weights.
fn weight(_: i32, sides: [i32; 4], corners: [i32; 4]) -> f64 {
    let all = || sides.iter().chain(&corners);
    let sum: i32 = all().sum();
    let squares: i32 = all().map(|sample| sample * sample).sum();
    1.0 / (5.0 + f64::from(8 * squares - sum * sum) / 64.0)
}

/// Fewer say nothing.
const MIN_SAMPLES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// sealwatch 2025.9 with `correct_bias`, doubled (it gives the change rate). It takes the
    /// variance of all nine samples, and keeps saturated samples, of which the fixture has few.
    #[test]
    fn estimates_equal_sealwatch_under_its_weights() {
        let fixture = include_bytes!("../../tests/fixtures/detect/coffee-grey.png");
        let grey = image::load_from_memory(fixture).unwrap().into_luma8();
        let plane = GreyPlane::new(300, 200, grey.into_raw()).unwrap();
        let nine = |sample: i32, sides: [i32; 4], corners: [i32; 4]| {
            let all = || sides.iter().chain(&corners).chain([&sample]);
            let sum: i32 = all().sum();
            let squares: i32 = all().map(|sample| sample * sample).sum();
            1.0 / (5.0 + f64::from(9 * squares - sum * sum) / 81.0)
        };
        let found = estimate(&plane, nine).unwrap().raw();
        assert!((found - 0.043_765).abs() < 0.003, "{found}");
    }
}
