//! RS analysis: does flipping lowest bits make groups of pixels rougher or smoother?

use super::plane::GreyPlane;
use super::rate::{EmbeddingRate, root_nearest_zero};

/// Estimates the rate of LSB replacement from groups of four pixels in a row or column.
///
/// Flipping the two middle pixels within their pairs (2k, 2k+1) makes most groups of a clean
/// photograph rougher ("regular"), few smoother ("singular"), and flipping them across pairs
/// (2k-1, 2k) does the same; a payload spoils only the first. Standard error about 0.03 at
/// 512 x 512 pixels. Blind to LSB matching and adaptive embedding.
///
/// `None` for planes with fewer than 128 groups whose pixels differ: flat or tiny ones. O(pixels).
///
/// # Source
/// Fridrich, Goljan, Du 2001, "Reliable detection of LSB steganography in color and grayscale
/// images", ACM Multimedia and Security; equation (4), mask \[0 1 1 0\].
pub fn regular_singular(plane: &GreyPlane) -> Option<EmbeddingRate> {
    let mut as_it_is = Balance::default();
    let mut all_flipped = Balance::default();
    let mut add = |group: [u8; 4]| {
        as_it_is.add(group.map(i32::from));
        all_flipped.add(group.map(|sample| i32::from(sample ^ 1)));
    };
    for row in plane.rows() {
        row.as_chunks().0.iter().for_each(|&group| add(group));
    }
    let rows: Vec<&[u8]> = plane.rows().collect();
    for four in rows.as_chunks::<4>().0 {
        let [a, b, c, d] = *four;
        for (((&a, &b), &c), &d) in a.iter().zip(b).zip(c).zip(d) {
            add([a, b, c, d]);
        }
    }
    rate(&as_it_is, &all_flipped)
}

fn rate(as_it_is: &Balance, all_flipped: &Balance) -> Option<EmbeddingRate> {
    if as_it_is.telling < MIN_GROUPS {
        return None;
    }
    let d0 = as_it_is.within as f64;
    let d1 = all_flipped.within as f64;
    let d0_across = as_it_is.across as f64;
    let d1_across = all_flipped.across as f64;
    // The paper solves a z^2 + b z + c = 0 and takes p = z / (z - 1/2), which runs to infinity at
    // rate 1; with z = p / (2 p - 2) put in, the equation is one for p itself.
    let a = 2.0 * (d1 + d0);
    let b = d0_across - d1_across - d1 - 3.0 * d0;
    let c = d0 - d0_across;
    EmbeddingRate::of(root_nearest_zero(a / 4.0 + b / 2.0 + c, -b / 2.0 - 2.0 * c, c)?)
}

/// Regular groups less singular ones.
#[derive(Default)]
struct Balance {
    /// After flips within pairs (2k, 2k+1).
    within: i64,
    /// After flips across pairs (2k-1, 2k).
    across: i64,
    /// Groups whose pixels differ: others turn rougher under every flip.
    telling: u64,
}

impl Balance {
    fn add(&mut self, [a, b, c, d]: [i32; 4]) {
        let roughness = |b: i32, c: i32| (b - a).abs() + (c - b).abs() + (d - c).abs();
        let before = roughness(b, c);
        let within = (roughness(b ^ 1, c ^ 1) - before).signum();
        let across = (roughness(((b + 1) ^ 1) - 1, ((c + 1) ^ 1) - 1) - before).signum();
        self.within += i64::from(within);
        self.across += i64::from(across);
        self.telling += u64::from(before > 0);
    }
}

/// Fewer say nothing.
const MIN_GROUPS: u64 = 128;
