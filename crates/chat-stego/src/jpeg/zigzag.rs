//! The order in which a block's coefficients stand in a file, and masks in that order.

#![expect(clippy::indexing_slicing, reason = "tables computed at compile time; masked indices")]

use super::component::Block;

/// `ZIGZAG[k]` is the index in a [`Block`] of the coefficient that is `k`-th in the file.
///
/// T.81, figure A.6.
pub(super) const ZIGZAG: [u8; 64] = zigzag();

/// Where a decoder that has counted to `k` writes; positions past the end lead to the last.
const TARGET: [u8; 256] = targets();

/// `ROW_MASKS[v][m]`: of the coefficients of row `v`, those that are set in `m`, in file order.
static ROW_MASKS: [[u64; 256]; 8] = row_masks();

/// The index in a block for a count below 256.
#[inline(always)]
pub(super) fn target(count: u32) -> usize {
    usize::from(TARGET[(count & 0xff) as usize] & 63)
}

/// The coefficient that is `k`-th in the file.
#[inline(always)]
pub(super) fn coefficient(block: &Block, k: u32) -> i16 {
    block[usize::from(ZIGZAG[(k & 63) as usize] & 63)]
}

/// Bit `k` is set if the `k`-th coefficient in the file is not zero once `low` bits of its
/// magnitude are dropped.
#[inline(always)]
pub(super) fn nonzero(block: &Block, low: u32) -> u64 {
    let mut set = [0_u8; 64];
    if low == 0 {
        for (flag, value) in set.iter_mut().zip(block) {
            *flag = u8::from(*value != 0);
        }
    } else {
        for (flag, value) in set.iter_mut().zip(block) {
            *flag = u8::from(value.unsigned_abs() >> (low & 15) != 0);
        }
    }
    let (rows, _) = set.as_chunks::<8>();
    let mut mask = 0;
    for (row, table) in rows.iter().zip(&ROW_MASKS) {
        // Eight flags, one a byte, become eight bits: flag `i` ends as bit `i` of the top byte.
        let gathered = u64::from_le_bytes(*row).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask |= table[(gathered & 0xff) as usize];
    }
    mask
}

/// The bits `start..=end`.
pub(super) fn band(start: u8, end: u8) -> u64 {
    (u64::MAX << (start & 63)) & (u64::MAX >> (63 - (end & 63)))
}

const fn zigzag() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut row, mut column, mut k) = (0_u8, 0_u8, 0);
    while k < 64 {
        order[k] = 8 * row + column;
        // Even diagonals run upwards, odd ones downwards.
        if (row + column).is_multiple_of(2) {
            if column == 7 {
                row += 1;
            } else {
                column += 1;
                row = row.saturating_sub(1);
            }
        } else if row == 7 {
            column += 1;
        } else {
            row += 1;
            column = column.saturating_sub(1);
        }
        k += 1;
    }
    order
}

const fn targets() -> [u8; 256] {
    let mut target = [63; 256];
    let mut k = 0;
    while k < 64 {
        target[k] = ZIGZAG[k];
        k += 1;
    }
    target
}

const fn row_masks() -> [[u64; 256]; 8] {
    let mut masks = [[0; 256]; 8];
    let mut k = 0;
    while k < 64 {
        let (row, column) = ((ZIGZAG[k] / 8) as usize, ZIGZAG[k] % 8);
        let mut set = 0;
        while set < 256 {
            if (set >> column) & 1 == 1 {
                masks[row][set] |= 1 << k;
            }
            set += 1;
        }
        k += 1;
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zigzag_is_the_order_of_the_specification() {
        let first = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12];
        let last = [53, 60, 61, 54, 47, 55, 62, 63];
        assert_eq!(ZIGZAG[..17], first);
        assert_eq!(ZIGZAG[56..], last);
        let mut sorted = ZIGZAG;
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(at, &index)| at == usize::from(index)));
    }

    #[test]
    fn nonzero_marks_each_coefficient_at_its_place_in_the_file() {
        for k in 0..64 {
            let mut block = [0; 64];
            block[usize::from(ZIGZAG[k])] = -4;
            assert_eq!(nonzero(&block, 0), 1 << k);
            assert_eq!(nonzero(&block, 2), 1 << k);
            assert_eq!(nonzero(&block, 3), 0);
        }
        assert_eq!(nonzero(&[i16::MIN; 64], 15), u64::MAX);
    }

    #[test]
    fn band_holds_both_ends() {
        assert_eq!(band(0, 63), u64::MAX);
        assert_eq!(band(1, 5), 0b11_1110);
        assert_eq!(band(63, 63), 1 << 63);
    }
}
