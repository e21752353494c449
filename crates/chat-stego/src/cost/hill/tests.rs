//! Against the definition, done the long way in `f64`, and against conseal.

use super::*;
use crate::cost::mirror::place;
use crate::cost::vectors::Vector;
use crate::stripes;

fn costs(channel: Channel<'_>, threads: usize) -> Vec<f32> {
    let stripes = stripes::share(channel.high(), threads, |stripe| {
        let mut costs = Vec::new();
        Hill::of(channel).rows(stripe, |_, row| costs.extend_from_slice(row));
        costs
    });
    stripes.concat()
}

/// A filter of 2-d taps on a picture that is mirrored.
fn filtered(picture: &[f64], wide: usize, filter: &[Vec<f64>]) -> Vec<f64> {
    let (high, reach) = (picture.len() / wide, (filter.len() / 2).cast_signed());
    let at = |x: isize, y: isize| picture[place(y, high) * wide + place(x, wide)];
    let value = |place: usize| {
        let (x, y) = ((place % wide).cast_signed(), (place / wide).cast_signed());
        let rows = (-reach..).zip(filter);
        let terms = rows.flat_map(|(j, row)| (-reach..).zip(row).map(move |(i, tap)| (i, j, tap)));
        terms.map(|(i, j, tap)| tap * at(x + i, y + j)).sum()
    };
    (0..picture.len()).map(value).collect()
}

fn defined(picture: &[u8], wide: usize) -> Vec<f64> {
    let mean = |side: usize| vec![vec![1.0 / (side * side) as f64; side]; side];
    let high_pass = [[-1.0, 2.0, -1.0], [2.0, -4.0, 2.0], [-1.0, 2.0, -1.0]].map(Vec::from);
    let levels: Vec<f64> = picture.iter().copied().map(f64::from).collect();
    let residual: Vec<_> = filtered(&levels, wide, &high_pass).into_iter().map(f64::abs).collect();
    let rough = filtered(&residual, wide, &mean(3));
    let dear: Vec<_> = rough.iter().map(|mean| 1.0 / (mean + 2_f64.powi(-21))).collect();
    filtered(&dear, wide, &mean(15))
}

/// Noise that fades to the right, and a flat, clipped corner.
fn mixed(wide: usize, high: usize) -> Vec<u8> {
    let mut state = 3_u32;
    let sample = |at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y) = (at % wide, at / wide);
        if x > 40 && y > 20 {
            255
        } else {
            (100 + (state >> 25) as usize * (wide - x) / wide) as u8
        }
    };
    (0..wide * high).map(sample).collect()
}

fn farthest(costs: &[f32], reference: &[f64]) -> f64 {
    assert_eq!(costs.len(), reference.len());
    let pairs = costs.iter().zip(reference);
    pairs.map(|(cost, exact)| (f64::from(*cost) / exact - 1.0).abs()).fold(0.0, f64::max)
}

#[test]
fn costs_are_those_of_the_definition() {
    for (wide, high) in [(1, 1), (2, 3), (1, 40), (40, 1), (33, 21), (70, 50)] {
        let picture = mixed(wide, high);
        let costs = costs(Channel::of(&picture, wide, 1, 0), 1);
        let farthest = farthest(&costs, &defined(&picture, wide));
        assert!(farthest < 1e-5, "{wide} x {high}: {farthest}");
    }
}

#[test]
fn four_times_the_costs_are_conseals() {
    let vector = Vector::of(include_str!("../../../tests/vectors/hill_33x21.txt"));
    let picture: Vec<u8> = vector.numbers("pixels");
    let costs = costs(Channel::of(&picture, vector.size().0, 1, 0), 1);
    let fourfold: Vec<f32> = costs.iter().map(|cost| 4.0 * cost).collect();
    let farthest = farthest(&fourfold, &vector.numbers("costs"));
    assert!(farthest < 1e-5, "{farthest}");
}

#[test]
fn a_channel_of_three_costs_what_it_costs_alone() {
    let channels = [mixed(19, 30), vec![128; 19 * 30], mixed(30, 19)];
    let picture: Vec<u8> =
        (0..19 * 30).flat_map(|at| channels.each_ref().map(|channel| channel[at])).collect();
    for (first, channel) in channels.iter().enumerate() {
        let alone = costs(Channel::of(channel, 19, 1, 0), 1);
        assert!(costs(Channel::of(&picture, 19, 3, first), 1) == alone, "channel {first}");
    }
}

#[test]
fn stripes_and_threads_change_no_bit() {
    let picture = mixed(61, 77);
    let whole = costs(Channel::of(&picture, 61, 1, 0), 1);
    for threads in 2..=9 {
        assert!(costs(Channel::of(&picture, 61, 1, 0), threads) == whole, "{threads} threads");
    }
}

#[test]
fn nothing_has_no_costs() {
    assert!(costs(Channel::of(&[], 0, 3, 0), 2).is_empty());
    assert!(costs(Channel::of(&[1, 2], 1, 3, 0), 2).is_empty());
    assert!(costs(Channel::of(&[1, 2], 0, 1, 0), 2).is_empty());
}
