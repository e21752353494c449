//! Side-informed costs: which way a coefficient leans, the picture before it was a JPEG knows.
#![expect(clippy::indexing_slicing, reason = "arrays of 64, in constant bounds")]

use super::{BlockCosts, WET};

/// From here on an error counts as one half.
const HALF: f32 = 0.5 - 1e-4;

/// The least share of its cost that a change keeps. It is above 0 so that no change is free.
const LEAST: f32 = 1.0 / 1024.0;

/// Steps of a rounding error that is kept in a byte: 127 is one half.
const STEPS: f32 = 254.0;

/// The costs of changing the coefficients of a block by 1 upwards and downwards.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Directed {
    pub(crate) up: BlockCosts,
    pub(crate) down: BlockCosts,
}

impl Directed {
    /// Weighs the costs of a block with what rounding took away.
    ///
    /// * `costs` - J-UNIWARD's, best of the picture before it was a JPEG
    /// * `errors` - unrounded less rounded coefficient, in quantisation steps, -1/2 to 1/2
    ///
    /// The change towards the unrounded value costs `1 - 2 |e|` of the cost, the other all of it:
    /// seen from the unrounded value, rounding moved the coefficient by `|e|`, the first change
    /// moves it by `1 - |e|` and the other by `1 + |e|`, and only what is more than rounding's
    /// counts.
    ///
    /// Modes (0, 0), (0, 4), (4, 0) and (4, 4) are sums of samples times a rational number; they
    /// lie exactly between two integers often, and there both changes are [`WET`]: their cost
    /// would be 0 and all of them would be changed, even in flat places.
    ///
    /// # Source
    /// SI-UNIWARD in Holub, Fridrich, Denemark 2014, EURASIP JIS 2014:1: distortion of embedding
    /// less that of rounding, and the rational modes. Both directions: Denemark, Fridrich 2015,
    /// "Side-informed steganography with additive distortion", IEEE WIFS.
    pub(crate) fn of(costs: &BlockCosts, errors: &[f32; 64]) -> Self {
        let mut directed = Self { up: *costs, down: *costs };
        for (mode, error) in errors.iter().enumerate() {
            let share = (1.0 - 2.0 * error.abs()).max(LEAST);
            let towards = if *error > 0.0 { &mut directed.up } else { &mut directed.down };
            towards[mode] *= share;
        }
        for mode in [0, 4, 8 * 4, 8 * 4 + 4] {
            if errors[mode].abs() >= HALF {
                (directed.up[mode], directed.down[mode]) = (WET, WET);
            }
        }
        directed
    }

    /// As [`of`](Self::of), with errors that [`kept`] has made bytes of. In the rational modes a
    /// little more is forbidden: from 0.498 on.
    pub(crate) fn of_kept(costs: &BlockCosts, errors: &[i8; 64]) -> Self {
        Self::of(costs, &errors.map(|error| f32::from(error) / STEPS))
    }
}

/// A rounding error (-1/2 to 1/2) in a byte, off by 0.002 at most: a quarter of the memory.
#[cfg(test)]
pub(crate) fn kept(error: f32) -> i8 {
    (error * STEPS).round() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directed(mode: usize, error: f32) -> (f32, f32) {
        let mut errors = [0.0; 64];
        errors[mode] = error;
        let directed = Directed::of(&[3.0; 64], &errors);
        assert!(
            (0..64)
                .filter(|other| *other != mode)
                .all(|other| { (directed.up[other], directed.down[other]) == (3.0, 3.0) })
        );
        (directed.up[mode], directed.down[mode])
    }

    #[test]
    fn a_change_back_is_cheap_and_a_change_away_is_not() {
        assert_eq!(directed(9, 0.25), (1.5, 3.0));
        assert_eq!(directed(9, -0.25), (3.0, 1.5));
        assert_eq!(directed(9, 0.0), (3.0, 3.0));
    }

    #[test]
    fn halves_are_forbidden_in_the_rational_modes_alone() {
        for mode in 0..64 {
            for error in [0.5, 0.499_95, -0.5] {
                let (up, down) = directed(mode, error);
                let forbidden = (up, down) == (WET, WET);
                assert_eq!(forbidden, [0, 4, 32, 36].contains(&mode), "{mode} {error}");
                assert!(up > 0.0 && down > 0.0);
            }
            assert!(directed(mode, 0.499).0 < 0.01);
        }
    }

    #[test]
    fn what_is_forbidden_stays_forbidden() {
        let directed = Directed::of(&[WET; 64], &[0.5; 64]);
        assert_eq!((directed.up, directed.down), ([WET; 64], [WET; 64]));
    }

    #[test]
    fn an_error_in_a_byte_is_nearly_the_error() {
        for step in -1000_i16..=1000 {
            let error = f32::from(step) / 2000.0;
            assert!((f32::from(kept(error)) / STEPS - error).abs() < 0.002);
        }
        let errors = [0.5, -0.5, 0.25, 0.1].map(kept);
        let mut block = [0; 64];
        block[..4].copy_from_slice(&errors);
        let directed = Directed::of_kept(&[1.0; 64], &block);
        assert_eq!((directed.up[0], directed.down[0]), (WET, WET));
        assert!(directed.down[1] <= LEAST && directed.up[1] == 1.0);
        assert!((directed.up[2] - 0.5).abs() < 0.005 && (directed.up[3] - 0.8).abs() < 0.005);
    }
}
