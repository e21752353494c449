//! The table that codes given symbols in the fewest bits, as libjpeg and its kin choose it.

use super::HuffmanTable;

/// How often each symbol is coded.
pub(in crate::jpeg) type Frequencies = [u32; 256];

/// The symbol that takes the longest code and is then left out: no code is all ones.
const RESERVED: usize = 256;

/// Deeper trees than this cannot come of 2^32 symbols (Fibonacci numbers grow so fast).
const DEEPEST: usize = 64;

/// Builds the optimal table for `frequencies`.
///
/// Symbols of equal frequency are told apart by their number, so the table is determined.
///
/// # Source
/// T.81, K.2: figures K.1 to K.4.
pub(in crate::jpeg) fn optimal(frequencies: &Frequencies) -> HuffmanTable {
    let lengths = code_lengths(frequencies);
    let mut counts = [0_u32; DEEPEST + 1];
    for &length in lengths.iter().filter(|&&length| length > 0) {
        if let Some(count) = counts.get_mut(length.min(DEEPEST)) {
            *count += 1;
        }
    }
    shorten(&mut counts);
    if let Some(longest) = counts.iter_mut().rev().find(|count| **count > 0) {
        *longest -= 1;
    }
    let mut symbols: Vec<u8> =
        (0..=255).filter(|&symbol| lengths.get(usize::from(symbol)) > Some(&0)).collect();
    symbols.sort_by_key(|&symbol| lengths.get(usize::from(symbol)));
    let mut of_16 = [0; 16];
    for (short, &count) in of_16.iter_mut().zip(counts.iter().skip(1)) {
        *short = u8::try_from(count).unwrap_or(u8::MAX);
    }
    HuffmanTable::new(of_16, symbols)
}

/// The depth of each symbol in the Huffman tree; 0 for those that do not occur.
fn code_lengths(frequencies: &Frequencies) -> [usize; 257] {
    let mut trees: Vec<Tree> = frequencies
        .iter()
        .enumerate()
        .filter(|(_, frequency)| **frequency > 0)
        .map(|(symbol, &frequency)| Tree { frequency: u64::from(frequency), first: symbol })
        .chain([Tree { frequency: 1, first: RESERVED }])
        .collect();
    let mut leaves = Leaves { lengths: [0; 257], next: [None; 257] };
    while let Some(least) = take_least(&mut trees)
        && let Some(second) = take_least(&mut trees)
    {
        leaves.join(least.first, second.first);
        // A tree goes by the name of the rarer half, which decides between equal frequencies.
        trees.push(Tree { frequency: least.frequency + second.frequency, first: least.first });
    }
    leaves.lengths
}

struct Tree {
    frequency: u64,
    /// The symbol that the tree goes by: the head of its list of leaves.
    first: usize,
}

/// Takes the rarest tree; among equals, the one of the greatest symbol.
fn take_least(trees: &mut Vec<Tree>) -> Option<Tree> {
    let least = (0..trees.len())
        .min_by_key(|&at| trees.get(at).map(|tree| (tree.frequency, usize::MAX - tree.first)))?;
    Some(trees.swap_remove(least))
}

struct Leaves {
    lengths: [usize; 257],
    /// The next leaf of the same tree.
    next: [Option<usize>; 257],
}

impl Leaves {
    /// Puts the leaves of two trees under one root.
    fn join(&mut self, least: usize, second: usize) {
        let end = self.deepen(least);
        if let Some(link) = self.next.get_mut(end) {
            *link = Some(second);
        }
        self.deepen(second);
    }

    /// Adds a level above all leaves of the list, and returns the last of them.
    fn deepen(&mut self, first: usize) -> usize {
        let mut at = first;
        loop {
            if let Some(length) = self.lengths.get_mut(at) {
                *length += 1;
            }
            match self.next.get(at) {
                Some(&Some(next)) => at = next,
                _ => return at,
            }
        }
    }
}

/// Makes all codes 16 bits at most. T.81, figure K.3.
fn shorten(counts: &mut [u32; DEEPEST + 1]) {
    for long in (17..=DEEPEST).rev() {
        while counts.get(long) > Some(&0) {
            // Two leaves of a pair: one takes the pair's root, the other goes under a shorter code.
            let Some(short) = (1..long - 1).rev().find(|&length| counts.get(length) > Some(&0))
            else {
                return;
            };
            for (length, change) in [(long, -2), (long - 1, 1), (short + 1, 2), (short, -1)] {
                if let Some(count) = counts.get_mut(length) {
                    *count = count.saturating_add_signed(change);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pairs: &[(u8, u32)]) -> HuffmanTable {
        let mut frequencies = [0; 256];
        for &(symbol, frequency) in pairs {
            frequencies[usize::from(symbol)] = frequency;
        }
        optimal(&frequencies)
    }

    #[test]
    fn optimal_gives_frequent_symbols_short_codes() {
        let table = table(&[(3, 100), (1, 10), (7, 50), (200, 1)]);
        assert_eq!(table.symbols, [3, 7, 1, 200]);
        assert_eq!(table.counts[..4], [1, 1, 1, 1]);
    }

    #[test]
    fn optimal_of_one_symbol_leaves_the_code_of_ones_free() {
        let table = table(&[(9, 5)]);
        assert_eq!((table.counts[0], table.symbols), (1, vec![9]));
        assert!(super::super::EncodeTable::new(&optimal(&[0; 256])).code(0).1 == 0);
    }

    #[test]
    fn optimal_keeps_codes_within_16_bits() {
        let (mut a, mut b) = (1_u32, 1);
        let pairs: Vec<_> = (0..40)
            .map(|symbol| {
                (a, b) = (b, a.saturating_add(b));
                (symbol, a)
            })
            .collect();
        let table = table(&pairs);
        assert_eq!(table.symbols.len(), 40);
        let total: u32 = table.counts.iter().map(|&count| u32::from(count)).sum();
        assert_eq!(total, 40);
        let space: u32 =
            table.counts.iter().zip(1..).map(|(&n, length)| u32::from(n) << (16 - length)).sum();
        assert!(space < 1 << 16, "the code of all ones stays free");
    }
}
