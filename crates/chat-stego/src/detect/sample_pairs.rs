//! Sample pairs analysis: neighbours tell how many of them have been levelled.

use super::plane::GreyPlane;
use super::rate::{EmbeddingRate, root_nearest_zero};

/// Estimates the rate of LSB replacement from pairs of neighbours, side by side and one above
/// the other.
///
/// LSB replacement moves pairs within their trace sets in known proportions, and in a clean
/// photograph two of those sets are equally large: the rate that makes them so again is a root
/// of a quadratic equation. Standard error about 0.03 at 512 x 512 pixels. Blind to changes that
/// also go the other way (LSB matching and whatever is adaptive).
///
/// `None` for planes with fewer than 256 pairs that differ: flat or tiny ones. O(pixels).
///
/// # Source
/// Dumitrescu, Wu, Wang 2003, "Detection of LSB steganography via sample pair analysis", IEEE
/// Transactions on Signal Processing 51(7), with all trace sets taken together.
pub fn sample_pairs(plane: &GreyPlane) -> Option<EmbeddingRate> {
    let mut sets = TraceSets::default();
    sets.add_rows(plane);
    for (upper, lower) in plane.rows().zip(plane.rows().skip(1)) {
        sets.add(upper, lower);
    }
    sets.rate()
}

/// As [`sample_pairs`], from pairs side by side alone.
#[cfg(test)]
pub(crate) fn in_rows(plane: &GreyPlane) -> Option<EmbeddingRate> {
    let mut sets = TraceSets::default();
    sets.add_rows(plane);
    sets.rate()
}

/// Sizes of the primary sets.
#[derive(Default)]
struct TraceSets {
    /// All pairs.
    all: u64,
    /// The second is even and larger, or odd and smaller.
    x: u64,
    /// The second is even and smaller, or odd and larger.
    y: u64,
    /// Both are equal in all bits but the lowest.
    close: u64,
}

impl TraceSets {
    fn add_rows(&mut self, plane: &GreyPlane) {
        for row in plane.rows() {
            self.add(row, row.get(1..).unwrap_or_default());
        }
    }

    fn add(&mut self, first: &[u8], second: &[u8]) {
        // 32-bit counters for one row let the compiler work on many pairs at once.
        let (mut x, mut y, mut close, mut all) = (0_u32, 0_u32, 0_u32, 0_u32);
        for (&u, &v) in first.iter().zip(second) {
            let even = v & 1 == 0;
            x += u32::from((u != v) & (even == (u < v)));
            y += u32::from((u != v) & (even == (u > v)));
            close += u32::from(u >> 1 == v >> 1);
            all += 1;
        }
        self.x += u64::from(x);
        self.y += u64::from(y);
        self.close += u64::from(close);
        self.all += u64::from(all);
    }

    fn rate(&self) -> Option<EmbeddingRate> {
        if self.x + self.y < MIN_PAIRS {
            return None;
        }
        let [all, x, y, close] = [self.all, self.x, self.y, self.close].map(|count| count as f64);
        EmbeddingRate::of(root_nearest_zero(close / 2.0, 2.0 * x - all, y - x)?)
    }
}

/// Fewer say nothing.
const MIN_PAIRS: u64 = 256;
