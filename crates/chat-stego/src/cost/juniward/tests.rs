//! Against the definition, done the long way in `f64`, and against conseal.

use super::*;
use crate::cost::mirror::place;
use crate::cost::vectors::Vector;
use crate::cost::wavelet::{self, HIGH, LOW, REACH, TAPS, basis};
use crate::stripes;

const QUANT: [u16; 64] = {
    let mut quant = [0; 64];
    let mut mode = 0;
    while mode < 64 {
        quant[mode as usize] = 3 + mode * 5 % 61;
        mode += 1;
    }
    quant
};

fn vectors() -> [Vector; 2] {
    [
        Vector::of(include_str!("../../../tests/vectors/juniward_32x32.txt")),
        Vector::of(include_str!("../../../tests/vectors/juniward_40x24.txt")),
    ]
}

fn costs(juniward: &Juniward, threads: usize) -> Vec<f32> {
    let stripes = stripes::share(juniward.high(), threads, |stripe| {
        let mut costs = Vec::new();
        juniward.rows(stripe, |_, row| costs.extend(row.concat()));
        costs
    });
    stripes.concat()
}

/// The definition: 2-d impulses of each mode, 2-d filtering of the mirrored picture, 2-d sums.
fn defined(pixels: &Pixels, quant: &[u16; 64]) -> Vec<f64> {
    let subbands = [(LOW, HIGH), (HIGH, LOW), (HIGH, HIGH)];
    let (wide, high) = (pixels.wide() / 8, pixels.high() / 8);
    let mut costs = vec![0.0; 64 * wide * high];
    for (down, across) in subbands {
        let impulses: Vec<_> = (0..64).map(|mode| impulse(mode, &down, &across)).collect();
        let weights: Vec<Vec<f64>> = (0..pixels.high() + 15)
            .map(|y| {
                let weight = |x| 1.0 / (filtered(pixels, (x, y), &down, &across).abs() + 0.015_625);
                (0..pixels.wide() + 15).map(weight).collect()
            })
            .collect();
        for (at, cost) in costs.iter_mut().enumerate() {
            let (block, mode) = (at / 64, at % 64);
            let (top, left) = (8 * (block / wide), 8 * (block % wide));
            for (y, row) in impulses[mode].iter().enumerate() {
                for (x, change) in row.iter().enumerate() {
                    *cost += change.abs() * f64::from(quant[mode]) * weights[top + y][left + x];
                }
            }
        }
    }
    costs
}

/// A unit of a mode, as pixels, through both filters.
fn impulse(mode: u8, down: &[f64; TAPS], across: &[f64; TAPS]) -> [[f64; REACH]; REACH] {
    let (vertical, horizontal) = (basis(mode / 8), basis(mode % 8));
    let mut impulse = [[0.0; REACH]; REACH];
    for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))) {
        let pixel = vertical[y] * horizontal[x];
        for (i, j) in (0..TAPS).flat_map(|i| (0..TAPS).map(move |j| (i, j))) {
            impulse[y + i][x + j] += pixel * down[i] * across[j];
        }
    }
    impulse
}

fn filtered(pixels: &Pixels, at: (usize, usize), down: &[f64; 16], across: &[f64; 16]) -> f64 {
    let mut sum = 0.0;
    for (i, vertical) in down.iter().enumerate() {
        let row = pixels.row(place(at.1.cast_signed() - i.cast_signed(), pixels.high()));
        for (j, horizontal) in across.iter().enumerate() {
            let x = place(at.0.cast_signed() - j.cast_signed(), pixels.wide());
            sum += vertical * horizontal * f64::from(row[x]);
        }
    }
    sum
}

/// Slopes, an edge, noise, and a place that is flat and clipped.
fn mixed(wide: usize, high: usize) -> Pixels {
    let mut state = 7_u32;
    let sample = |at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y) = (at % wide, at / wide);
        let noise = (state >> 28) as usize;
        match (x < wide / 2, y < high / 2) {
            (true, true) => (3 * x + 2 * y + noise / 8) as u8,
            (false, true) => 90 + (noise * (y % 5)) as u8,
            (true, false) => 255,
            (false, false) => {
                if (x + y) % 11 < 5 {
                    40
                } else {
                    210
                }
            }
        }
    };
    Pixels::from_samples(wide, (0..wide * high).map(sample).collect())
}

fn farthest(costs: &[f32], reference: &[f64]) -> f64 {
    assert_eq!(costs.len(), reference.len());
    let pairs = costs.iter().zip(reference);
    pairs.map(|(cost, exact)| (f64::from(*cost) / exact - 1.0).abs()).fold(0.0, f64::max)
}

#[test]
fn costs_are_those_of_the_definition() {
    let decoded = vectors().map(|vector| Pixels::decoded(&vector.component()));
    let made = [(8, 8), (16, 8), (8, 24), (40, 48)].map(|(wide, high)| mixed(wide, high));
    for pixels in decoded.into_iter().chain(made) {
        let exact = defined(&pixels, &QUANT);
        let farthest = farthest(&costs(&Juniward::of_pixels(pixels, &QUANT), 1), &exact);
        assert!(farthest < 1e-4, "{farthest}");
    }
}

#[test]
fn costs_are_conseals_without_the_off_by_one() {
    for vector in vectors() {
        let costs = costs(&Juniward::of(&vector.component()), 1);
        let farthest = farthest(&costs, &vector.numbers("costs"));
        assert!(farthest < 1e-4, "{farthest}");
    }
}

#[test]
fn flat_pictures_cost_the_sum_of_the_impulses() {
    let pixels = Pixels::from_samples(24, vec![201; 24 * 16]);
    let total = |mode: u8, filter| wavelet::impulse(mode, filter).iter().sum::<f64>();
    let costs = costs(&Juniward::of_pixels(pixels, &[2; 64]), 1);
    for (at, cost) in costs.iter().enumerate() {
        let (v, u) = ((at % 64 / 8) as u8, (at % 8) as u8);
        let exact = total(v, &LOW) * total(u, &HIGH)
            + total(v, &HIGH) * total(u, &LOW)
            + total(v, &HIGH) * total(u, &HIGH);
        assert!((f64::from(*cost) / (128.0 * exact) - 1.0).abs() < 1e-5, "{at}");
    }
}

#[test]
fn stripes_and_threads_change_no_bit() {
    let juniward = Juniward::of_pixels(mixed(48, 72), &QUANT);
    let whole = costs(&juniward, 1);
    for threads in 2..=9 {
        assert!(costs(&juniward, threads) == whole, "{threads} threads");
    }
}

#[test]
fn rows_that_are_no_part_of_the_picture_are_not_made() {
    let mut seen = Vec::new();
    let juniward = Juniward::of_pixels(mixed(21, 30), &QUANT);
    juniward.rows(1..99, |row, costs| seen.push((row, costs.len())));
    assert_eq!(seen, [(1, 2), (2, 2)]);
    let nothing = Juniward::of_pixels(Pixels::from_samples(0, Vec::new()), &QUANT);
    nothing.rows(0..1, |_, _| panic!("a row of nothing"));
}
