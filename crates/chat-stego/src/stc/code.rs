//! Which code: the small matrix that is repeated along the diagonal of the parity-check matrix.

use super::StcError;

/// A syndrome-trellis code: a constraint height and the columns of the small matrix.
///
/// The same columns serve every message bit; a bit that owns fewer elements uses the first ones.
#[derive(Clone)]
pub(crate) struct Code {
    height: u32,
    columns: Vec<u16>,
}

impl Code {
    /// The heights that are possible.
    pub(crate) const HEIGHTS: std::ops::RangeInclusive<u32> = 7..=12;

    /// Draws `width` columns from random `words`, one word each.
    ///
    /// * `height` - bits of a column, 7 to 12: time doubles with each, distortion falls a little
    /// * `width` - at least the elements of one message bit, rounded up
    /// * `words` - secret and uniformly random; the message is found only with the same words
    ///
    /// A column has its first and last bits set. The `2^(height - 2)` such columns are drawn
    /// without repetition, and again from all when none is left, as equal columns are of no use
    /// to the same bit. A word takes the column at its fixed-point fraction of what is left.
    ///
    /// # Errors
    /// [`StcError::Height`], and [`StcError::Words`] if there are fewer than `width`.
    pub(crate) fn from_words(
        height: u32,
        width: usize,
        words: impl IntoIterator<Item = u32>,
    ) -> Result<Self, StcError> {
        if !Self::HEIGHTS.contains(&height) {
            return Err(StcError::Height { got: height });
        }
        let mut pool = Vec::new();
        let draw = |word| {
            if pool.is_empty() {
                pool = Self::pool(height);
            }
            let place = (u64::from(word) * pool.len() as u64) >> 32;
            pool.swap_remove(place as usize)
        };
        let columns: Vec<u16> = words.into_iter().take(width).map(draw).collect();
        if columns.len() < width {
            return Err(StcError::Words { needed: width, got: columns.len() });
        }
        Ok(Self { height, columns })
    }

    /// All columns with their first and last bits set, ascending.
    fn pool(height: u32) -> Vec<u16> {
        (0..1 << (height - 2)).map(|middle| 1 | (middle << 1) | (1 << (height - 1))).collect()
    }

    /// Bits of a column; the trellis has `2^height` states.
    pub(crate) fn height(&self) -> u32 {
        self.height
    }

    /// The columns. Their lowest bit belongs to the message bit that owns the element, the next
    /// one to the next message bit, and so on.
    pub(crate) fn columns(&self) -> &[u16] {
        &self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_both_ends_set_and_repeat_only_when_all_are_used() {
        let words = (0..70_u32).map(|i| i.wrapping_mul(0x9e37_79b9));
        let code = Code::from_words(7, 70, words).unwrap();
        assert!(code.columns().iter().all(|column| column & 0x41 == 0x41 && column >> 7 == 0));
        let (first, rest) = code.columns().split_at(32);
        for part in [first, &rest[..32]] {
            let mut sorted = part.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, Code::pool(7));
        }
        assert_ne!(first, &rest[..32]);
    }

    #[test]
    fn heights_out_of_range_and_missing_words_are_refused() {
        for height in [0, 6, 13, u32::MAX] {
            let refused = Code::from_words(height, 1, [0]).err();
            assert_eq!(refused, Some(StcError::Height { got: height }));
        }
        let refused = Code::from_words(10, 5, [1, 2, 3]).err();
        assert_eq!(refused, Some(StcError::Words { needed: 5, got: 3 }));
    }

    #[test]
    fn the_drawing_of_columns_is_frozen() {
        let code = Code::from_words(10, 4, [0, u32::MAX, 0x8000_0000, 0x1234_5678]).unwrap();
        assert_eq!(code.columns(), [0x201, 0x3fd, 0x2ff, 0x223]);
    }
}
