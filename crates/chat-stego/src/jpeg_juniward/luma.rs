//! A JPEG's luma as the embedder sees it.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::adaptive::keying::Stream;
use crate::adaptive::medium::{Cell, Element, Grid, Medium, SLOTS, Step, rarity};
use crate::jpeg::{Block, Component, Jpeg};

/// Luma AC coefficients: a block is a cell, its DC no element.
pub(crate) struct Luma<'a> {
    jpeg: &'a Jpeg,
    /// One salt for check and body: all DC coefficients are hashed for it.
    salt: OnceLock<[u8; 32]>,
}

impl<'a> Luma<'a> {
    pub(crate) fn of(jpeg: &'a Jpeg) -> Self {
        Self { jpeg, salt: OnceLock::new() }
    }
}

impl Medium for Luma<'_> {
    fn grid(&self) -> Grid {
        let luma = self.jpeg.luma();
        Grid {
            rows: luma.high,
            columns: luma.wide,
            elements: luma.high * luma.wide * (SLOTS - 1),
            probe_rows: luma.high,
            probe_rarity: rarity(luma.high * luma.wide),
        }
    }

    fn elements(&self, _column: usize) -> u64 {
        ALL_BUT_DC
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        let block = self.jpeg.luma().row(row).get(column);
        let values = block.map_or([0; SLOTS], |block| block.map(|value| (value & 3) as u8));
        Cell { values, elements: ALL_BUT_DC }
    }

    fn probe_salt(&self, places: &mut Stream) -> [u8; 32] {
        self.body_salt(places)
    }

    fn body_salt(&self, _places: &mut Stream) -> [u8; 32] {
        *self.salt.get_or_init(|| salt(self.jpeg))
    }
}

/// A hash of size, sampling, quantisation and all DC coefficients.
fn salt(jpeg: &Jpeg) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"chat-stego/v1/jpeg-salt");
    hash.update(jpeg.width().to_be_bytes());
    hash.update(jpeg.height().to_be_bytes());
    for component in jpeg.components() {
        hash.update([component.horizontal, component.vertical]);
        component.quant.iter().for_each(|step| hash.update(step.to_be_bytes()));
        hash_dc(component, &mut hash);
    }
    hash.finalize().into()
}

/// The DC coefficients of all blocks that show a part of the picture, row by row.
fn hash_dc(component: &Component, hash: &mut Sha256) {
    let mut row_bytes = Vec::with_capacity(component.wide * 2);
    for row in 0..component.high {
        row_bytes.clear();
        for &[dc, ..] in component.row(row) {
            row_bytes.extend_from_slice(&dc.to_be_bytes());
        }
        hash.update(&row_bytes);
    }
}

/// Applies changes to the luma that they were found for.
pub(super) fn apply(luma: &mut Component, changes: &[(Element, Step)]) {
    change(luma, changes, 1);
}

/// Takes [`apply`] back.
pub(super) fn undo(luma: &mut Component, changes: &[(Element, Step)]) {
    change(luma, changes, -1);
}

fn change(luma: &mut Component, changes: &[(Element, Step)], up: i16) {
    let columns = luma.wide.max(1);
    for &(Element(element), step) in changes {
        let (cell, slot) = (element as usize / SLOTS, element as usize % SLOTS);
        let block: Option<&mut Block> = luma.row_mut(cell / columns).get_mut(cell % columns);
        if let Some(value) = block.and_then(|block| block.get_mut(slot)) {
            *value += if step == Step::Up { up } else { -up };
        }
    }
}

const ALL_BUT_DC: u64 = !1;
