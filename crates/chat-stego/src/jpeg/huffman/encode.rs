//! From symbols to codes.

use super::HuffmanTable;

/// A table for encoding: 1 KiB.
pub(in crate::jpeg) struct EncodeTable {
    /// For each symbol the code times 32 plus its length; 0 if it has none.
    codes: [u32; 256],
}

impl EncodeTable {
    /// A table without codes.
    pub(in crate::jpeg) fn empty() -> Self {
        Self { codes: [0; 256] }
    }

    /// Prepares `table` for encoding. Of codes for the same symbol, the shortest is taken.
    pub(in crate::jpeg) fn new(table: &HuffmanTable) -> Self {
        let mut codes = [0; 256];
        for code in table.codes() {
            if let Some(place) = codes.get_mut(usize::from(code.symbol))
                && *place == 0
            {
                *place = code.bits << 5 | code.length;
            }
        }
        Self { codes }
    }

    /// The code of `symbol` and its length; the length is 0 if there is none.
    #[inline(always)]
    pub(in crate::jpeg) fn code(&self, symbol: u8) -> (u64, u32) {
        let code = self.codes.get(usize::from(symbol)).copied().unwrap_or_default();
        (u64::from(code >> 5), code & 31)
    }
}

#[cfg(test)]
mod tests {
    use super::super::STANDARD_DC;
    use super::*;

    #[test]
    fn codes_are_those_of_the_specification_and_others_have_none() {
        let table = EncodeTable::new(&STANDARD_DC[0].to_table());
        // T.81, table K.3.
        assert_eq!(table.code(0), (0b00, 2));
        assert_eq!(table.code(5), (0b110, 3));
        assert_eq!(table.code(11), (0b1_1111_1110, 9));
        assert_eq!(table.code(12).1, 0);
    }
}
