//! How a file's Huffman tables were chosen.

use super::huffman::{STANDARD_AC, STANDARD_DC, optimal};
use super::parts::Definition;
use super::{Jpeg, Knowledge};

/// How the Huffman tables that a file uses were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableStyle {
    /// All are the examples of T.81, annex K.
    Standard,
    /// Each is the optimum for what it codes.
    Optimal,
    /// Anything else: tables of a camera's maker, or of another program.
    Other,
}

impl Jpeg {
    /// How the tables were chosen.
    pub(crate) fn table_style(&mut self) -> TableStyle {
        self.settle();
        let used: Vec<&Definition> = self
            .scans()
            .flat_map(|scan| self.tables_used(scan))
            .filter_map(|(_, _, which)| self.definitions.get(which))
            .collect();
        if used.iter().all(|definition| definition.is_optimal) {
            TableStyle::Optimal
        } else if used.iter().all(|definition| is_standard(definition)) {
            TableStyle::Standard
        } else {
            TableStyle::Other
        }
    }

    /// Decides which tables are their own optimum, while the coefficients are as found.
    pub(super) fn settle(&mut self) {
        if self.knowledge == Knowledge::Unread {
            self.settle_as(self.optima());
        }
    }

    /// Takes over what [`optima`](Self::optima) found.
    pub(super) fn settle_as(&mut self, optima: Optima) {
        self.knowledge = Knowledge::Settled;
        for (definition, is_optimal) in self.definitions.iter_mut().zip(optima.0) {
            definition.is_optimal = is_optimal;
        }
    }

    /// Which tables are their own optimum, asked while the coefficients are as found.
    pub(super) fn optima(&self) -> Optima {
        // Annex K has a code for everything, which no optimum has: no need to count.
        let frequencies = self.frequencies(|definition| !is_standard(definition));
        let definitions = self.definitions.iter().zip(frequencies);
        let are_optimal = definitions.map(|(definition, frequencies)| {
            frequencies.is_some_and(|counts| optimal(&counts) == definition.table)
        });
        Optima(are_optimal.collect())
    }
}

/// For each Huffman table of a file whether it is its own optimum.
#[derive(Debug)]
pub(crate) struct Optima(Vec<bool>);

fn is_standard(definition: &Definition) -> bool {
    let tables = if definition.destination < 16 { &STANDARD_DC } else { &STANDARD_AC };
    tables.iter().any(|standard| standard.is(&definition.table))
}
