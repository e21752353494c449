//! Looking for coefficients that decode to a block.

use crate::detect::dct::{Block, Dct};

/// Looks for coefficients that decode to a block.
pub(crate) struct Search {
    dct: Dct,
    /// What one coefficient of 1 decodes to, by mode.
    waves: Vec<Block>,
}

impl Search {
    pub(crate) fn new() -> Self {
        let dct = Dct::new();
        let wave = |mode: usize| {
            dct.inverse(&std::array::from_fn(|index| f32::from(u8::from(index == mode))))
        };
        let waves = (0..64).map(wave).collect();
        Self { dct, waves }
    }

    /// Whether some multiples of the steps decode to the samples (less 128).
    ///
    /// Rounding the block's own coefficients nearly always finds them. Where steps are as small
    /// as the noise that the rounding of samples has left, the guess is bettered: first from the
    /// nearest samples that would have been rounded alike, then one coefficient at a time. A
    /// block that is possible may be missed, which is rare; one that is not is never accepted.
    pub(crate) fn finds(&self, block: &Block, steps: &[f32; 64]) -> bool {
        let mut guess = *block;
        let mut before = [f32::NAN; 64];
        for _ in 0..MAX_GUESSES {
            let coefficients = quantise(&self.dct.forward(&guess), steps);
            let decoded = self.dct.inverse(&coefficients);
            if excess(&decoded, block) == 0.0 {
                return true;
            }
            if before == coefficients {
                return self.descend(decoded, block, steps);
            }
            for ((guess, decoded), sample) in guess.iter_mut().zip(decoded).zip(block) {
                *guess = decoded.clamp(sample - 0.5, sample + 0.5);
            }
            before = coefficients;
        }
        false
    }

    /// Moves one coefficient at a time by one step, as long as that brings the block nearer.
    fn descend(&self, mut decoded: Block, block: &Block, steps: &[f32; 64]) -> bool {
        let mut far = excess(&decoded, block);
        for _ in 0..MAX_MOVES {
            let (mut nearest, mut nearest_far) = (decoded, far);
            for (wave, &step) in self.waves.iter().zip(steps) {
                if step == 0.0 || step > SMALL_STEP {
                    continue;
                }
                for step in [step, -step] {
                    let moved = plus(&decoded, wave, step);
                    let moved_far = excess(&moved, block);
                    if moved_far < nearest_far {
                        (nearest, nearest_far) = (moved, moved_far);
                    }
                }
            }
            if nearest_far >= far {
                return false;
            }
            (decoded, far) = (nearest, nearest_far);
            if far == 0.0 {
                return true;
            }
        }
        false
    }
}

/// How far samples lie beyond what rounding explains: the sum of squares.
fn excess(decoded: &Block, block: &Block) -> f32 {
    let beyond = |decoded: &f32, sample: &f32| {
        ((decoded - sample).abs() - (0.5 + DECODERS_DIFFER)).max(0.0).powi(2)
    };
    decoded.iter().zip(block).map(|(decoded, sample)| beyond(decoded, sample)).sum()
}

fn plus(block: &Block, wave: &Block, step: f32) -> Block {
    let mut sum = *block;
    for (sample, wave) in sum.iter_mut().zip(wave) {
        *sample += step * wave;
    }
    sum
}

fn quantise(coefficients: &Block, steps: &[f32; 64]) -> Block {
    let mut multiples = [0.0; 64];
    for ((multiple, coefficient), &step) in multiples.iter_mut().zip(coefficients).zip(steps) {
        if step > 0.0 {
            *multiple = (coefficient / step).round_ties_even() * step;
        }
    }
    multiples
}

/// Integer decoders miss the exact value before rounding by up to about this much: libjpeg's
/// `islow` by up to 0.08 in our measurements.
const DECODERS_DIFFER: f32 = 0.1;
const MAX_GUESSES: usize = 12;
const MAX_MOVES: usize = 12;
/// Rounding leads astray by at most 4 (half a step in 64 samples, all in phase).
const SMALL_STEP: f32 = 8.0;
