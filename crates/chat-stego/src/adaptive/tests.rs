//! The embedder on a made-up medium, where everything can be counted.

use std::collections::BTreeSet;
use std::ops::Range;

use super::keying::Stream;
use super::medium::{Cell, Costs, Element, Grid, Medium, RowCosts, SLOTS, Step, Ways};
use super::*;
use crate::key::StegoKey;

/// Cells of 64 bytes.
#[derive(Clone)]
struct Cells {
    rows: usize,
    columns: usize,
    values: Vec<[u8; SLOTS]>,
    /// Elements that must not change.
    wet: BTreeSet<u32>,
}

impl Cells {
    fn new(rows: usize, columns: usize) -> Self {
        let mut state = 0x0123_4567_89ab_cdef_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let values = (0..rows * columns).map(|_| std::array::from_fn(|_| draw())).collect();
        Self { rows, columns, values, wet: BTreeSet::new() }
    }

    fn apply(&mut self, changes: &[(Element, Step)]) {
        for (Element(element), step) in changes {
            let value = &mut self.values[*element as usize / SLOTS][*element as usize % SLOTS];
            *value = match step {
                Step::Up => value.wrapping_add(1),
                Step::Down => value.wrapping_sub(1),
            };
        }
    }
}

impl Medium for Cells {
    fn grid(&self) -> Grid {
        let Self { rows, columns, .. } = *self;
        let elements = rows * columns * (SLOTS - 1);
        Grid { rows, columns, elements, probe_rows: rows, probe_rarity: 4 }
    }

    fn elements(&self, _column: usize) -> u64 {
        !1
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        let values = self.values[row * self.columns + column].map(|value| value & 3);
        Cell { values, elements: !1 }
    }

    fn probe_salt(&self, places: &mut Stream) -> [u8; 32] {
        self.body_salt(places)
    }

    fn body_salt(&self, _: &mut Stream) -> [u8; 32] {
        std::array::from_fn(|at| self.values[at % self.values.len()][0])
    }
}

impl Costs for Cells {
    fn ways(&self) -> Ways {
        Ways::Same
    }

    fn rows(&self, rows: Range<usize>, visit: &mut dyn FnMut(usize, RowCosts<'_>)) {
        for row in rows {
            let costs: Vec<[f32; SLOTS]> = (0..self.columns)
                .map(|column| {
                    let first = ((row * self.columns + column) * SLOTS) as u32;
                    std::array::from_fn(|slot| match first + slot as u32 {
                        element if self.wet.contains(&element) => f32::INFINITY,
                        element => 0.1 + (element.wrapping_mul(2_654_435_761) >> 20) as f32,
                    })
                })
                .collect();
            visit(row, RowCosts { up: &costs, down: &costs });
        }
    }
}

fn key(byte: u8) -> StegoKey {
    StegoKey::from_bytes([byte; 32])
}

fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * at + at / 3) as u8).collect()
}

#[test]
fn payloads_of_all_sizes_come_back() {
    let cover = Cells::new(24, 32);
    for length in [0, 1, 2, 15, 16, 63, 200, 328, 1000, 2500] {
        let outcome = embed(&cover, &cover, &payload(length), &key(1)).unwrap();
        let mut stego = cover.clone();
        stego.apply(&outcome.changes);
        assert!(probe(&stego, key(1).probe()).is_some());
        assert_eq!(*extract(&stego, &key(1)).unwrap(), payload(length), "{length} bytes");
        assert!(stego.values.iter().zip(&cover.values).all(|(s, c)| s[0] == c[0]));
        assert!(outcome.changes.len() < outcome.bits / 2);
    }
}

#[test]
fn another_key_and_a_clean_picture_give_nothing() {
    let cover = Cells::new(24, 32);
    let outcome = embed(&cover, &cover, &payload(100), &key(1)).unwrap();
    let mut stego = cover.clone();
    stego.apply(&outcome.changes);
    for other in 2..40 {
        assert_eq!(probe(&stego, key(other).probe()), None);
        assert_eq!(extract(&stego, &key(other)), None);
        assert_eq!(extract(&cover, &key(other)), None);
    }
    assert_eq!(extract(&cover, &key(1)), None);
}

#[test]
fn the_body_needs_its_own_key() {
    let cover = Cells::new(24, 32);
    let outcome = embed(&cover, &cover, &payload(100), &key(1)).unwrap();
    let mut stego = cover.clone();
    stego.apply(&outcome.changes);
    let other = StegoKey::with_probe(key(1).probe().clone(), [9; 32]);
    assert!(probe(&stego, other.probe()).is_some());
    assert_ne!(extract(&stego, &other).map(|found| found.to_vec()), Some(payload(100)));
}

#[test]
fn forbidden_elements_never_change_and_a_picture_full_of_them_is_refused() {
    let mut cover = Cells::new(24, 32);
    cover.wet = (0..24 * 32 * 64).filter(|element| element % 3 != 0).collect();
    let outcome = embed(&cover, &cover, &payload(100), &key(1)).unwrap();
    assert!(outcome.changes.iter().all(|(Element(element), _)| element % 3 == 0));
    cover.wet = (0..24 * 32 * 64).collect();
    assert_eq!(embed(&cover, &cover, &payload(100), &key(1)), Err(StegoFault::Blocked));
}

#[test]
fn what_does_not_fit_is_refused_with_what_does() {
    let cover = Cells::new(24, 32);
    let available = 24 * 32 * 63 / 16 - 1;
    let refused = embed(&cover, &cover, &payload(available + 1), &key(1));
    assert_eq!(refused, Err(StegoFault::TooLarge { available }));
    let tiny = Cells::new(2, 2);
    let refused = embed(&tiny, &tiny, &payload(1), &key(1));
    assert_eq!(refused, Err(StegoFault::TooLarge { available: 0 }));
}

#[test]
fn changes_are_the_same_every_time_and_differ_by_key() {
    let cover = Cells::new(24, 32);
    let outcome = embed(&cover, &cover, &payload(100), &key(1)).unwrap();
    assert_eq!(embed(&cover, &cover, &payload(100), &key(1)).unwrap(), outcome);
    assert_ne!(embed(&cover, &cover, &payload(100), &key(2)).unwrap().changes, outcome.changes);
}
