//! Embedding: one pass over the picture, two codes, a handful of changes.

use super::body;
use super::check::{self, CheckCells};
use super::coding;
use super::keying::{Keying, Purpose};
use super::medium::{Costs, Element, Medium, RowCosts, SLOTS, Step};
use super::pool::{Cheapest, Pool, Priced, groups};
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
    let count = groups(body.len() * 8, grid.elements);
    let pools = Pools::fill(medium, costs, &Division { keyings: &keyings, cells: &cells, count });
    let mut outcome = Outcome { changes: Vec::new(), distortion: 0.0, bits: 0 };
    let check = check::seal(class, &keyings.check);
    outcome.take_binary(&keyings.check, &pools.check, &check)?;
    outcome.take_ternary(&keyings.body, &pools.body, &body)?;
    outcome.changes.sort_unstable_by_key(|(element, _)| *element);
    Ok(outcome)
}

impl Outcome {
    fn take_binary(
        &mut self,
        keying: &Keying,
        pool: &Pool,
        check: &[u8],
    ) -> Result<(), StegoFault> {
        let (up, down) = (pool.costs(Step::Up), pool.costs(Step::Down));
        let costs: Vec<f32> = up.iter().zip(&down).map(|(up, down)| up.min(*down)).collect();
        let bits = pool.symbols.clone().finish();
        let mut code = keying.stream(Purpose::CheckCode);
        let flips = coding::binary(&mut code, &bits, &costs, check)?;
        for group in flips {
            let (up, down) = (pool.cheapest(group, Step::Up), pool.cheapest(group, Step::Down));
            if up.cost <= down.cost {
                self.change(up, Step::Up);
            } else {
                self.change(down, Step::Down);
            }
        }
        self.bits += check.len() * 8;
        Ok(())
    }

    fn take_ternary(
        &mut self,
        keying: &Keying,
        pool: &Pool,
        body: &[u8],
    ) -> Result<(), StegoFault> {
        let (up, down) = (pool.costs(Step::Up), pool.costs(Step::Down));
        let symbols = pool.symbols.clone().finish();
        let mut code = keying.stream(Purpose::BodyCode);
        let moves = coding::ternary(&mut code, &symbols, (&up, &down), body)?;
        for (group, step) in moves.into_iter().enumerate() {
            match step {
                1 => self.change(pool.cheapest(group, Step::Up), Step::Up),
                -1 => self.change(pool.cheapest(group, Step::Down), Step::Down),
                _ => {}
            }
        }
        self.bits += body.len() * 8;
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
struct Division<'a> {
    keyings: &'a Keyings,
    cells: &'a CheckCells,
    /// Groups of the body.
    count: usize,
}

/// The groups of both codes.
struct Pools {
    check: Pool,
    body: Pool,
}

impl Pools {
    fn fill<M: Medium, C: Costs>(medium: &M, costs: &C, division: &Division<'_>) -> Self {
        let grid = medium.grid();
        let fill_rows = |rows: std::ops::Range<usize>| {
            let check = Pool::new(check::GROUPS);
            let mut pools = Self { check, body: Pool::new(division.count) };
            let mut check_words = division.keyings.check.stream(Purpose::CheckGroups);
            let mut body_words = division.keyings.body.stream(Purpose::BodyGroups);
            costs.rows(rows, &mut |row, RowCosts { up, down }| {
                let start = row * grid.columns;
                body_words.cells(start..start + grid.columns, |at, words| {
                    let column = at - start;
                    let (Some(up), Some(down)) = (up.get(column), down.get(column)) else { return };
                    let cell = medium.cell(row, column);
                    let priced = Priced { cell: &cell, up, down, first: (at * SLOTS) as u32 };
                    if division.cells.contains(at) {
                        check_words.cells(at..at + 1, |_, words| pools.check.add(&priced, words));
                    } else {
                        pools.body.add(&priced, words);
                    }
                });
            });
            pools
        };
        fold_stripes(grid.rows, fill_rows, |whole, part| {
            whole.check.merge(&part.check);
            whole.body.merge(&part.body);
        })
    }
}
