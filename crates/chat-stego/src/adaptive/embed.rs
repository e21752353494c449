//! Embedding: one pass over the picture, two codes, a handful of changes.

use super::body;
use super::check::{self, CheckCells};
use super::coding;
use super::division::{Division, RUN};
use super::keying::{Keying, Purpose, Stream};
use super::medium::{Costs, Element, Medium, RowCosts, SLOTS, Step};
use super::pool::{Cheapest, Pool, Priced};
use crate::key::StegoKey;
use crate::stripes::fold_stripes;

/// The changes that hide a payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Each element at most once, in order.
    pub(crate) changes: Vec<(Element, Step)>,
    /// The sum of their costs.
    pub(crate) distortion: f64,
    /// Bits that the codes carry: check and padded payload.
    pub(crate) bits: usize,
}

/// Why no changes were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StegoFault {
    /// The payload is longer than any picture of this size holds.
    TooLarge { available: usize },
    /// Too many changes are forbidden in this picture for this payload.
    Blocked,
}

/// Finds the changes that hide `payload`.
pub(crate) fn embed<M: Medium, C: Costs>(
    medium: &M,
    costs: &C,
    payload: &[u8],
    key: &StegoKey,
) -> Result<Outcome, StegoFault> {
    let grid = medium.grid();
    let keyings = Keyings::of(medium, key);
    let cells = CheckCells::draw(&keyings.check, grid);
    let available = if cells.suffice() { grid.longest_body() } else { 0 };
    let class = body::class(payload.len()).filter(|class| class.bytes() <= available);
    let class = class.ok_or(StegoFault::TooLarge { available: available.saturating_sub(1) })?;
    let body = body::seal(payload, class, &mut keyings.body.stream(Purpose::BodyMask));
    let divisions = Divisions {
        check: check::divide(medium, &keyings.check, &cells),
        body: body::divide(medium, &keyings.body, (&cells, class)),
        cells: &cells,
    };
    let pools = divisions.fill(medium, costs);
    let mut outcome = Outcome { changes: Vec::new(), distortion: 0.0, bits: 0 };
    let check = check::seal(class, &keyings.check);
    outcome.take(keyings.check.stream(Purpose::CheckCode), &pools.check, &check)?;
    outcome.take(keyings.body.stream(Purpose::BodyCode), &pools.body, &body)?;
    outcome.changes.sort_unstable_by_key(|(element, _)| *element);
    Ok(outcome)
}

impl Outcome {
    /// Takes the changes after which the groups carry `message`.
    fn take(&mut self, mut code: Stream, pool: &Pool, message: &[u8]) -> Result<(), StegoFault> {
        let (up, down) = (pool.costs(Step::Up), pool.costs(Step::Down));
        let symbols = pool.symbols.clone().finish();
        let moves = coding::ternary(&mut code, &symbols, (&up, &down), message)?;
        for (group, step) in moves.into_iter().enumerate() {
            match step {
                1 => self.change(pool.cheapest(group, Step::Up), Step::Up),
                -1 => self.change(pool.cheapest(group, Step::Down), Step::Down),
                _ => {}
            }
        }
        self.bits += message.len() * 8;
        Ok(())
    }

    fn change(&mut self, member: Cheapest, step: Step) {
        self.changes.push((member.element, step));
        self.distortion += f64::from(member.cost);
    }
}

/// Both keys, bound to one picture.
pub(super) struct Keyings {
    pub(super) check: Keying,
    pub(super) body: Keying,
}

impl Keyings {
    pub(super) fn of<M: Medium>(medium: &M, key: &StegoKey) -> Self {
        Self { check: check_keying(medium, key.probe().as_bytes()), body: body_keying(medium, key) }
    }
}

/// The probe key, bound to one picture.
pub(super) fn check_keying<M: Medium>(medium: &M, key: &[u8; 32]) -> Keying {
    let mut places = Keying::new(key, &[]).stream(Purpose::Places);
    Keying::new(key, &medium.probe_salt(&mut places))
}

/// The body's key, bound to one picture.
pub(super) fn body_keying<M: Medium>(medium: &M, key: &StegoKey) -> Keying {
    let mut places = Keying::new(key.body_bytes(), &[]).stream(Purpose::Places);
    Keying::new(key.body_bytes(), &medium.body_salt(&mut places))
}

/// How the elements are divided.
struct Divisions<'a> {
    cells: &'a CheckCells,
    check: Division<'a>,
    body: Division<'a>,
}

/// The groups of both codes.
struct Pools {
    check: Pool,
    body: Pool,
}

impl Divisions<'_> {
    fn fill<M: Medium, C: Costs>(&self, medium: &M, costs: &C) -> Pools {
        let grid = medium.grid();
        let fill_rows = |rows: std::ops::Range<usize>| {
            let pool = |of: &Division<'_>| Pool::new(of.groups(), of.elements(), costs.ways());
            let mut pools = Pools { check: pool(&self.check), body: pool(&self.body) };
            let (mut in_check, mut in_body) = (self.check.reader(1), self.body.reader(RUN));
            costs.rows(rows, &mut |row, RowCosts { up, down }| {
                in_check.start_row(row);
                in_body.start_row(row);
                let costs = up.iter().zip(down).take(grid.columns);
                for (column, (up, down)) in costs.enumerate() {
                    let (at, cell) = (row * grid.columns + column, medium.cell(row, column));
                    let priced = Priced { cell: &cell, up, down, first: (at * SLOTS) as u32 };
                    if self.cells.contains(at) {
                        pools.check.add(&priced, in_check.next(at, cell.elements));
                    } else {
                        pools.body.add(&priced, in_body.next(at, cell.elements));
                    }
                }
            });
            pools
        };
        fold_stripes(grid.rows, fill_rows, |whole, part| {
            whole.check.merge(&part.check);
            whole.body.merge(&part.body);
        })
    }
}
