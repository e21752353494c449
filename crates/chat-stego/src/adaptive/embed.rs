//! Embedding: one pass over the picture, two codes, a handful of changes.

use super::body;
use super::check::{self, CheckCells};
use super::coding;
use super::keying::{Keying, Purpose, Words};
use super::medium::{Costs, Element, Medium, SLOTS, Step};
use super::pool::{Pool, Priced, groups};
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
    outcome.take_binary(&keyings.check, pools.check, &check)?;
    outcome.take_ternary(&keyings.body, pools.body, &body)?;
    outcome.changes.sort_unstable_by_key(|(element, _)| *element);
    Ok(outcome)
}

impl Outcome {
    fn take_binary(&mut self, keying: &Keying, pool: Pool, check: &[u8]) -> Result<(), StegoFault> {
        let Pool { symbols, up, down } = pool;
        let costs: Vec<f32> = up.iter().zip(&down).map(|(u, d)| u.cost.min(d.cost)).collect();
        let bits = symbols.finish();
        let mut code = keying.stream(Purpose::CheckCode);
        let flips = coding::binary(&mut code, &bits, &costs, check)?;
        for group in flips {
            let (Some(up), Some(down)) = (up.get(group), down.get(group)) else { continue };
            if up.cost <= down.cost {
                self.change(up, Step::Up);
            } else {
                self.change(down, Step::Down);
            }
        }
        self.bits += check.len() * 8;
        Ok(())
    }

    fn take_ternary(&mut self, keying: &Keying, pool: Pool, body: &[u8]) -> Result<(), StegoFault> {
        let Pool { symbols, up, down } = pool;
        let symbols = symbols.finish();
        let costs_up: Vec<f32> = up.iter().map(|c| c.cost).collect();
        let costs_down: Vec<f32> = down.iter().map(|c| c.cost).collect();
        let mut code = keying.stream(Purpose::BodyCode);
        let moves = coding::ternary(&mut code, &symbols, (&costs_up, &costs_down), body)?;
        for ((step, up), down) in moves.into_iter().zip(&up).zip(&down) {
            match step {
                1 => self.change(up, Step::Up),
                -1 => self.change(down, Step::Down),
                _ => {}
            }
        }
        self.bits += body.len() * 8;
        Ok(())
    }

    fn change(&mut self, member: &super::pool::Cheapest, step: Step) {
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
            let (mut one, mut words) = (Words::default(), Words::default());
            costs.rows(rows, &mut |row, row_costs| {
                let start = row * grid.columns;
                body_words.words_at(start * SLOTS, grid.columns * SLOTS, &mut words);
                let prices = row_costs.up.iter().zip(row_costs.down);
                for (column, ((up, down), words)) in prices.zip(words.cells()).enumerate() {
                    let first = (start + column) * SLOTS;
                    let cell = medium.cell(row, column);
                    let priced = Priced { cell: &cell, up, down, first: first as u32 };
                    if division.cells.contains(start + column) {
                        check_words.words_at(first, SLOTS, &mut one);
                        one.cells().for_each(|words| pools.check.add(&priced, &words));
                    } else {
                        pools.body.add(&priced, &words);
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
