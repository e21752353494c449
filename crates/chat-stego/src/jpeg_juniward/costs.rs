//! What changes of a JPEG's luma cost, with what is forbidden.

use std::collections::HashSet;
use std::ops::Range;

use crate::adaptive::medium::{Costs, RowCosts, Ways};
use crate::cost::juniward::Juniward;
use crate::cost::side_informed::Directed;
use crate::cost::{BlockCosts, WET};
use crate::jpeg::{Block, Component};

/// J-UNIWARD of a component, weighed with side information if there is any.
pub(crate) struct JpegCosts<'a> {
    juniward: Juniward,
    /// Which blocks hold a value that may not go further, row by row.
    limits: Vec<Limit>,
    /// Blocks that may not change, by their index in the component.
    forbidden: HashSet<usize>,
    errors: Option<&'a [i8]>,
    stride: usize,
    wide: usize,
}

/// A coefficient at the end of its range.
struct Limit {
    row: usize,
    column: usize,
    mode: usize,
    is_highest: bool,
}

impl<'a> JpegCosts<'a> {
    /// * `errors` - 64 for each block that shows a part of the picture, row by row
    pub(crate) fn of(luma: &Component, errors: Option<&'a [i8]>) -> Self {
        let limits = (0..luma.high)
            .flat_map(|row| {
                let blocks = luma.row(row).iter().enumerate();
                blocks.flat_map(move |(column, block)| limits(row, column, block))
            })
            .collect();
        let juniward = Juniward::of(luma);
        let forbidden = HashSet::new();
        Self { juniward, limits, forbidden, errors, stride: luma.stride, wide: luma.wide }
    }

    /// Forbids all changes of these blocks.
    pub(crate) fn forbid(&mut self, blocks: impl Iterator<Item = usize>) {
        self.forbidden.extend(blocks);
    }

    /// Side information of a block.
    fn errors(&self, row: usize, column: usize) -> Option<&[i8; 64]> {
        self.errors?.as_chunks::<64>().0.get(row * self.wide + column)
    }

    fn forbid_in_row(&self, row: usize, up: &mut [BlockCosts], down: &mut [BlockCosts]) {
        for limit in self.limits_of(row) {
            let costs = if limit.is_highest { &mut *up } else { &mut *down };
            if let Some(cost) = costs.get_mut(limit.column).and_then(|b| b.get_mut(limit.mode)) {
                *cost = WET;
            }
        }
        for (column, (up, down)) in up.iter_mut().zip(down).enumerate() {
            if self.forbidden.contains(&(row * self.stride + column)) {
                (*up, *down) = ([WET; 64], [WET; 64]);
            }
        }
    }

    fn limits_of(&self, row: usize) -> &[Limit] {
        let start = self.limits.partition_point(|limit| limit.row < row);
        let end = self.limits.partition_point(|limit| limit.row <= row);
        self.limits.get(start..end).unwrap_or_default()
    }

    fn has_forbidden(&self, row: usize) -> bool {
        !self.limits_of(row).is_empty() || !self.forbidden.is_empty()
    }
}

impl Costs for JpegCosts<'_> {
    fn ways(&self) -> Ways {
        // What is forbidden as a block is so both ways.
        if self.errors.is_none() && self.limits.is_empty() { Ways::Same } else { Ways::Different }
    }

    fn rows(&self, rows: Range<usize>, visit: &mut dyn FnMut(usize, RowCosts<'_>)) {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        self.juniward.rows(rows, |row, costs| {
            if self.errors.is_none() && !self.has_forbidden(row) {
                return visit(row, RowCosts { up: costs, down: costs });
            }
            up.clear();
            down.clear();
            for (column, costs) in costs.iter().enumerate() {
                let directed = self.errors(row, column).map(|e| Directed::of_kept(costs, e));
                up.push(directed.as_ref().map_or(*costs, |d| d.up));
                down.push(directed.as_ref().map_or(*costs, |d| d.down));
            }
            self.forbid_in_row(row, &mut up, &mut down);
            visit(row, RowCosts { up: &up, down: &down });
        });
    }
}

/// The coefficients of a block that are at an end of their range.
fn limits(row: usize, column: usize, block: &Block) -> impl Iterator<Item = Limit> {
    let at_end = |value: i16| value.unsigned_abs() >= HIGHEST.unsigned_abs();
    // Nearly no block has any, which is soon told of all values at once.
    let has_any = block.iter().fold(false, |any, value| any | at_end(*value));
    let values = if has_any { block.as_slice() } else { &[] };
    let ends = values.iter().enumerate().filter(move |(_, value)| at_end(**value));
    ends.map(move |(mode, value)| Limit { row, column, mode, is_highest: *value > 0 })
}

/// The largest AC coefficient of 8-bit pictures (ITU-T T.81, table F.2: ten bits).
const HIGHEST: i16 = 1023;
