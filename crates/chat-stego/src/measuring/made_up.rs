//! Costs of a made-up picture.

use crate::cost::hill::{Channel, Hill};
use crate::cost::juniward::Juniward;
use crate::jpeg::Component;
use crate::stripes;

/// A grey picture of waves and noise, as coefficients and as pixels that have nothing to do with
/// each other.
#[expect(missing_debug_implementations, reason = "it lives for one measurement")]
pub struct Picture {
    component: Component,
    samples: Vec<u8>,
}

impl Picture {
    /// A picture of `8 * wide` by `8 * high` samples.
    #[must_use]
    pub fn of_blocks(wide: usize, high: usize) -> Self {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3].cast_signed()
        };
        let samples = (0..64 * wide * high).map(|_| noise().cast_unsigned() / 4).collect();
        let blocks = (0..wide * high).map(|_| {
            std::array::from_fn(|mode| i16::from(noise()) / if mode % 4 == 0 { 30 } else { 130 })
        });
        let component = Component {
            id: 1,
            horizontal: 1,
            vertical: 1,
            quant: [12; 64],
            wide,
            high,
            stride: wide,
            blocks: blocks.collect(),
        };
        Self { component, samples }
    }

    /// J-UNIWARD of all blocks: the sum of the costs of one mode.
    #[must_use]
    pub fn juniward(&self, threads: usize) -> f32 {
        let costs = Juniward::of(&self.component);
        let stripes = stripes::share(costs.high(), threads, |stripe| {
            let mut sum = 0.0;
            costs.rows(stripe, |_, row| sum += row.iter().map(|block| block[9]).sum::<f32>());
            sum
        });
        stripes.iter().sum()
    }

    /// HILL of all samples: the sum of the costs.
    #[must_use]
    pub fn hill(&self, threads: usize) -> f32 {
        let channel = Channel::of(&self.samples, 8 * self.component.wide, 1, 0);
        let stripes = stripes::share(channel.high(), threads, |stripe| {
            let mut sum = 0.0;
            Hill::of(channel).rows(stripe, |_, row| sum += row.iter().sum::<f32>());
            sum
        });
        stripes.iter().sum()
    }
}
