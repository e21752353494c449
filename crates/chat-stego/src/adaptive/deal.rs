//! Dealing elements to places as cards: every place gets one, and nobody without the key knows
//! which.
//!
//! A shuffle of all elements at once would jump through memory for each of them. So they are laid
//! out row by row in as many columns as make columns of at most 4,096, each column is shuffled by
//! itself, which fits into the nearest cache, and the places are counted row by row.
#![expect(clippy::indexing_slicing, reason = "rows and columns are within the table")]

use super::keying::{Keying, Purpose, below};
use crate::stripes;

/// A secret bijection of `0..elements`.
pub(crate) struct Deal {
    elements: usize,
    columns: usize,
    /// Rows, the last of which may not be full.
    rows: usize,
    /// Where the element of each row and column has come to stand in its column. [`BAND`] columns
    /// at a time, row by row, so that neighbours lie side by side.
    bands: Vec<u16>,
}

/// Elements of a column at most.
const COLUMN: usize = 4096;

/// Columns that are shuffled together: their rows are a cache line each.
const BAND: usize = 32;

impl Deal {
    /// Deals `elements` elements with the words of a stream.
    ///
    /// Time O(elements), memory 2 bytes an element.
    pub(crate) fn new(keying: &Keying, purpose: Purpose, elements: usize) -> Self {
        let columns = prime_from(elements.div_ceil(COLUMN));
        let rows = elements.div_ceil(columns).max(1);
        let mut bands = vec![0; columns.div_ceil(BAND) * BAND * rows];
        stripes::share_mut(&mut bands, BAND * rows, |band, table| {
            let (mut stream, mut words) = (keying.stream(purpose), Vec::new());
            let mut shuffled = vec![0; rows];
            for column in 0..BAND.min(columns - BAND * band) {
                let number = BAND * band + column;
                words.resize(4 * rows, 0);
                stream.seek(number * rows);
                stream.bytes(&mut words);
                let full = elements / columns + usize::from(number < elements % columns);
                shuffle(&mut shuffled[..full], &words);
                for (row, place) in table.chunks_exact_mut(BAND).zip(&shuffled) {
                    row[column] = *place;
                }
            }
        });
        Self { elements, columns, rows, bands }
    }

    /// Calls `visit` with the places of `count` elements from number `first` on, in order.
    #[inline]
    pub(crate) fn places(&self, first: usize, count: usize, mut visit: impl FnMut(usize)) {
        let (mut row, mut column) = (first / self.columns, first % self.columns);
        let mut left = count.min(self.elements.saturating_sub(first));
        while left > 0 {
            let at = (column / BAND * self.rows + row) * BAND + column % BAND;
            let run = left.min(BAND - column % BAND).min(self.columns - column);
            for (column, place) in (column..).zip(&self.bands[at..at + run]) {
                visit(usize::from(*place) * self.columns + column);
            }
            left -= run;
            column += run;
            if column == self.columns {
                (row, column) = (row + 1, 0);
            }
        }
    }
}

/// Fills `column` with a random order of `0..column.len()`, a word of four bytes for each.
///
/// # Source
/// Durstenfeld 1964, "Algorithm 235: Random permutation", inside out.
fn shuffle(column: &mut [u16], words: &[u8]) {
    let words = words.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    for (row, word) in (0..column.len()).zip(words) {
        let other = below(word, row + 1);
        column[row] = column[other];
        column[other] = row as u16;
    }
}

/// The smallest prime that is at least `least`. Columns that are a prime many do not line up with
/// the rows of a picture or with the modes of a block.
fn prime_from(least: usize) -> usize {
    let is_prime = |number: &usize| {
        let divisors = (2..).take_while(|divisor| divisor * divisor <= *number);
        divisors.into_iter().all(|divisor| !number.is_multiple_of(divisor))
    };
    (least.max(2)..).find(is_prime).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(elements: usize, key: u8) -> Vec<usize> {
        let keying = Keying::new(&[key; 32], b"picture");
        let deal = Deal::new(&keying, Purpose::BodyGroups, elements);
        let mut places = Vec::new();
        deal.places(0, elements, |place| places.push(place));
        let (from, mut part) = (elements / 3, Vec::new());
        deal.places(from, elements, |place| part.push(place));
        assert_eq!(part, places[from..]);
        places
    }

    #[test]
    fn every_place_is_given_once() {
        for elements in [0, 1, 2, 3, 63, 4096, 8191, 8192, 8193, 12_289, 300_000] {
            let mut places = places(elements, 1);
            assert!(elements < 9 || !places.is_sorted());
            places.sort_unstable();
            assert!(places.into_iter().eq(0..elements), "{elements}");
        }
    }

    #[test]
    fn keys_deal_differently_and_all_places_are_equally_likely() {
        assert_ne!(places(1000, 1), places(1000, 2));
        let mut sums = [0.0; 2];
        for key in 0..200 {
            let places = places(9, key);
            sums[0] += places[0] as f64;
            sums[1] += places[8] as f64;
        }
        // The mean of five and of four places, each within four standard errors.
        assert!(sums.iter().all(|sum| (sum / 200.0 - 4.0).abs() < 0.8), "{sums:?}");
    }

    #[test]
    fn columns_are_a_prime_many() {
        let primes = [(0, 2), (2, 2), (3, 3), (4, 5), (24, 29), (2881, 2887), (9409, 9413)];
        assert!(primes.iter().all(|(least, prime)| prime_from(*least) == *prime));
    }

    #[test]
    fn the_deal_is_frozen() {
        assert_eq!(places(12, 7), [6, 5, 0, 7, 4, 9, 2, 1, 8, 3, 10, 11]);
    }
}
