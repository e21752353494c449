//! Costs of other programs, from `tests/vectors`.

use std::str::FromStr;

use crate::jpeg::Component;

/// One file: what it is begins each line.
pub(crate) struct Vector(&'static str);

impl Vector {
    pub(crate) fn of(text: &'static str) -> Self {
        Self(text)
    }

    /// The numbers of all lines that begin with `name`.
    pub(crate) fn numbers<T: FromStr>(&self, name: &str) -> Vec<T> {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines
            .flat_map(str::split_ascii_whitespace)
            .map(|number| number.parse().unwrap_or_else(|_| panic!("{name}: {number}")))
            .collect()
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        let size = self.numbers("size");
        (size[0], size[1])
    }

    /// The coefficients, with a column of blocks to the right that is no part of the picture.
    pub(crate) fn component(&self) -> Component {
        let (wide, high) = self.size();
        let blocks: Vec<i16> = self.numbers("block");
        let rows = blocks.as_chunks().0.chunks(wide / 8);
        Component {
            id: 1,
            horizontal: 1,
            vertical: 1,
            quant: self.numbers("quant").try_into().expect("64 steps"),
            wide: wide / 8,
            high: high / 8,
            stride: wide / 8 + 1,
            blocks: rows.flat_map(|row| [row, &[[999; 64]]].concat()).collect(),
        }
    }
}
