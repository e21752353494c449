//! The rhythm that scaling up leaves.
//!
//! Interpolated pixels are smoother the nearer they are to the middle between two old ones, so the
//! size of differences goes up and down with the factor's period. Third differences show it for
//! factor 2 as well, where both phases lie symmetrically and second differences do not.
//!
//! # Source
//! Gallagher 2005, Detection of linear and cubic interpolation in JPEG compressed images, CRV, with
//! third differences for second ones.
#![expect(clippy::indexing_slicing, reason = "loops over spectra of our own")]

use std::f64::consts::TAU;

use super::Trace;
use super::luma::Luma;

/// By how much the clearest period stands out of its neighbourhood, in the less clear direction.
///
/// Measured on crops of 512 x 512 of photographs: scaled down to a half or less, 1.0 % are above;
/// scaled up 1.1 to 3 times, 92 % are. Most of the former have their source's JPEG grid left, which
/// has the period of 8 divided by the factor then.
const THRESHOLD: f32 = 6.0;

/// Pixels on a side of the middle part that is looked at; more show nothing more.
const SIDE: usize = 1024;

/// Fewer pixels on a side show too little of a period.
const ENOUGH: usize = 256;

/// Frequencies on either side that a peak is compared with, and those too near to it.
const AROUND: usize = 24;
const NEAR: usize = 2;

/// Looks for a period that differences have in both directions.
pub(super) fn trace(luma: &Luma<'_>) -> Trace {
    let (wide, high) = (luma.width().min(SIDE), luma.height().min(SIDE));
    if wide.min(high) < ENOUGH {
        return Trace::Unclear;
    }
    let (left, top) = ((luma.width() - wide) / 2, (luma.height() - high) / 2);
    let mut differences = Differences { across: vec![0.0; wide - 3], down: vec![0.0; high - 3] };
    let mut rows: [Vec<f32>; 4] = std::array::from_fn(|y| luma.row(top + y, left, wide).collect());
    for y in 0..high {
        differences.add_row(&rows, y);
        rows.rotate_left(1);
        rows[3].clear();
        rows[3].extend(luma.row(top + y + 4, left, wide));
    }
    match [Peaks::of(&differences.across), Peaks::of(&differences.down)] {
        [Some(across), Some(down)] => {
            let score = across.general.min(down.general).max(across.half.min(down.half));
            Trace::new(score, THRESHOLD)
        }
        _ => Trace::Unclear,
    }
}

/// Sums of the sizes of third differences, by the place of the first pixel.
struct Differences {
    across: Vec<f64>,
    down: Vec<f64>,
}

impl Differences {
    /// Adds what begins in row `y`, the first of `rows`.
    fn add_row(&mut self, rows: &[Vec<f32>; 4], y: usize) {
        for (sum, pixels) in self.across.iter_mut().zip(rows[0].windows(4)) {
            let third = pixels[0] - 3.0 * pixels[1] + 3.0 * pixels[2] - pixels[3];
            *sum += f64::from(third.abs());
        }
        if let Some(sum) = self.down.get_mut(y) {
            let [first, second, third, fourth] = rows;
            let columns = first.iter().zip(second).zip(third.iter().zip(fourth));
            let sizes = columns.map(|((a, b), (c, d))| (a - 3.0 * b + 3.0 * c - d).abs());
            *sum = f64::from(sizes.sum::<f32>());
        }
    }
}

/// How far frequencies stand out of those around them.
struct Peaks {
    /// The most that one does, apart from multiples of 1/8, which a JPEG leaves as well.
    general: f32,
    /// What 1/2 does, the frequency of factor 2; 0 where 1/4 stands out as well, as it does where
    /// a picture with a JPEG's grid was scaled to a half.
    half: f32,
}

impl Peaks {
    fn of(signal: &[f64]) -> Option<Self> {
        let spectrum = spectrum(signal)?;
        let (length, last) = (signal.len(), spectrum.len() - 1);
        let general = (length / 10..=last)
            .filter(|at| !is_eighth(*at, length))
            .map(|at| spectrum[at] / median(&spectrum, at))
            .fold(0.0, f64::max);
        let near = |at: usize| {
            let peak = spectrum[at - 2..=(at + 2).min(last)].iter().copied().fold(0.0, f64::max);
            peak / median(&spectrum, at)
        };
        let (half, quarter) = (near(last), near(length / 4));
        let half = if half > 1.5 * quarter { half } else { 0.0 };
        Some(Self { general: general as f32, half: half as f32 })
    }
}

/// Whether frequency `at / length` is within 2.5 places of a multiple of 1/8.
fn is_eighth(at: usize, length: usize) -> bool {
    let phase = 8 * at % length;
    phase.min(length - phase) <= 8 * 5 / 2
}

/// The median around a frequency, without those next to it; above 0.
fn median(spectrum: &[f64], at: usize) -> f64 {
    let range = at.saturating_sub(AROUND).max(4)..=(at + AROUND).min(spectrum.len() - 1);
    let mut around: Vec<f64> =
        range.filter(|other| other.abs_diff(at) > NEAR).map(|other| spectrum[other]).collect();
    around.sort_by(f64::total_cmp);
    around.get(around.len() / 2).map_or(f64::MIN_POSITIVE, |value| value.max(f64::MIN_POSITIVE))
}

/// Magnitudes of frequencies 0 to 1/2, under a raised cosine; `None` if the signal is constant.
fn spectrum(signal: &[f64]) -> Option<Vec<f64>> {
    let length = signal.len();
    let mean = signal.iter().sum::<f64>() / length as f64;
    let turn: Vec<(f64, f64)> =
        (0..length).map(|k| (TAU * k as f64 / length as f64).sin_cos()).collect();
    let weighed: Vec<f64> = signal
        .iter()
        .zip(0..)
        .map(|(value, k)| {
            (value - mean) * (0.5 - 0.5 * (TAU * (f64::from(k) + 0.5) / length as f64).cos())
        })
        .collect();
    let floor = 1e-6 * mean * length as f64;
    let magnitude = |frequency: usize| {
        let (mut re, mut im, mut phase) = (0.0, 0.0, 0);
        for value in &weighed {
            let (sin, cos) = turn[phase];
            re += value * cos;
            im += value * sin;
            phase = (phase + frequency) % length;
        }
        f64::hypot(re, im).max(floor)
    };
    (floor > 0.0).then(|| (0..=length / 2).map(magnitude).collect())
}
