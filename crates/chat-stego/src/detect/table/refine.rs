//! Steps that few coefficients leave in doubt, settled by whole blocks.
#![expect(clippy::indexing_slicing, reason = "modes are below 64")]

use crate::detect::blocks::{Grid, Search};
use crate::detect::dct::{Block, Dct};

/// A mode whose step is in doubt.
pub(crate) struct Doubt {
    pub(crate) mode: usize,
    /// Likeliest first, at least two.
    pub(crate) candidates: Vec<u16>,
}

/// Takes, for each mode in doubt, the candidate under which most of the blocks that have a
/// coefficient there can have been decoded.
///
/// One coefficient of 24 with its noise may be one of 23 or 25; but 64 samples that must all be
/// rounded as they are leave no such freedom.
pub(crate) fn settle(steps: &mut [u16; 64], doubts: &[Doubt], grid: &Grid<'_>) {
    let dct = Dct::new();
    let search = Search::new();
    let witnesses = witnesses(doubts, grid, &dct);
    // A wrong step of another mode spoils its witnesses, so what is settled first helps the rest.
    for _ in 0..PASSES {
        for (doubt, blocks) in doubts.iter().zip(&witnesses) {
            let mut best = (0, steps[doubt.mode]);
            for &candidate in &doubt.candidates {
                steps[doubt.mode] = candidate;
                let exact = steps.map(f32::from);
                let possible = blocks.iter().filter(|b| search.finds(b, &exact)).count();
                if possible > best.0 {
                    best = (possible, candidate);
                }
            }
            steps[doubt.mode] = best.1;
        }
    }
}

/// Replaces steps by divisors of theirs where that explains blocks which are impossible otherwise.
///
/// A picture that was compressed twice has most coefficients at multiples of the first step too,
/// and few at the other multiples of the second: likelihood takes those for outliers.
pub(crate) fn divide(steps: &mut [u16; 64], grid: &Grid<'_>) {
    let search = Search::new();
    let dct = Dct::new();
    let exact = steps.map(f32::from);
    let impossible = grid.sample(usize::MAX).filter(|block| !search.finds(block, &exact));
    let odd: Vec<Odd> = impossible.take(MAX_ODD).map(|block| Odd::of(block, &dct)).collect();
    for _ in 0..PASSES {
        let before = *steps;
        for mode in 0..64 {
            divide_mode(steps, mode, &odd, &search);
        }
        if before == *steps {
            return;
        }
    }
}

/// A block that the steps do not explain.
struct Odd {
    block: Block,
    coefficients: Block,
}

impl Odd {
    fn of(block: Block, dct: &Dct) -> Self {
        let coefficients = dct.forward(&block);
        Self { block, coefficients }
    }

    /// Whether the coefficient of a mode lies beside all multiples of a step.
    fn misses(&self, mode: usize, step: u16) -> bool {
        let multiples = self.coefficients[mode] / f32::from(step);
        (multiples - multiples.round()).abs() * f32::from(step) > BESIDE
    }
}

fn divide_mode(steps: &mut [u16; 64], mode: usize, odd: &[Odd], search: &Search) {
    let step = steps[mode];
    let witnesses: Vec<&Odd> =
        odd.iter().filter(|odd| step > 1 && odd.misses(mode, step)).take(MAX_WITNESSES).collect();
    let enough = (witnesses.len() / 4).max(2);
    let possible = |steps: &[u16; 64]| {
        let exact = steps.map(f32::from);
        witnesses.iter().filter(|odd| search.finds(&odd.block, &exact)).count()
    };
    if witnesses.len() < enough {
        return;
    }
    let mut best = (possible(steps) + enough - 1, step);
    for divisor in (2..step).rev().filter(|divisor| step.is_multiple_of(*divisor)) {
        steps[mode] = divisor;
        let explained = possible(steps);
        if explained > best.0 {
            best = (explained, divisor);
        }
    }
    steps[mode] = best.1;
}

/// Some blocks with a coefficient in each of the modes.
fn witnesses(doubts: &[Doubt], grid: &Grid<'_>, dct: &Dct) -> Vec<Vec<Block>> {
    let mut witnesses = vec![Vec::new(); doubts.len()];
    if doubts.is_empty() {
        return witnesses;
    }
    for block in grid.sample(usize::MAX) {
        let coefficients = dct.forward(&block);
        let noise = super::noise(&coefficients);
        for (doubt, blocks) in doubts.iter().zip(&mut witnesses) {
            if coefficients[doubt.mode].abs() > noise && blocks.len() < MAX_WITNESSES {
                blocks.push(block);
            }
        }
    }
    witnesses
}

const PASSES: usize = 3;
const MAX_WITNESSES: usize = 24;
const MAX_ODD: usize = 512;
/// More than two deviations of the rounding noise.
const BESIDE: f32 = 0.7;
