//! Covers for tests: costs as real pictures have them.

use crate::stc::Code;

/// The quantiles, in steps of 1/64, of the HILL costs of a photograph (`coffee` of scikit-image,
/// 600 x 400 in grey; CC0).
const HILL: [f32; 65] = [
    0.005445,
    0.01108,
    0.01401,
    0.01591,
    0.01761,
    0.01911,
    0.02062,
    0.02209,
    0.02361,
    0.02544,
    0.02767,
    0.02998,
    0.03288,
    0.03652,
    0.04107,
    0.04576,
    0.05116,
    0.05681,
    0.06304,
    0.06933,
    0.07508,
    0.08083,
    0.08726,
    0.09382,
    0.1001,
    0.1058,
    0.1113,
    0.1165,
    0.1216,
    0.1268,
    0.1327,
    0.1385,
    0.1441,
    0.15,
    0.1557,
    0.1615,
    0.1676,
    0.1739,
    0.1799,
    0.1856,
    0.1911,
    0.1967,
    0.2024,
    0.2082,
    0.2142,
    0.2204,
    0.2263,
    0.2324,
    0.2387,
    0.2452,
    0.2521,
    0.2603,
    0.2694,
    0.2794,
    0.2904,
    0.3022,
    0.3142,
    0.3273,
    0.3408,
    0.3546,
    0.3693,
    0.3883,
    0.4119,
    0.4451,
    222_200_000.0,
];

/// Random numbers that are the same everywhere (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }

    /// 0 to 1, 1 excluded.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.word() >> 8) as f32 / 16_777_216.0
    }

    pub(crate) fn bits(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.word() >> 31) as u8).collect()
    }

    pub(crate) fn symbols(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.word() >> 30) as u8).collect()
    }

    pub(crate) fn code(&mut self, height: u32, width: usize) -> Code {
        Code::from_words(height, width, std::iter::repeat_with(|| self.word())).unwrap()
    }

    /// Costs of groups of `pooled` samples each: the cheapest one's.
    pub(crate) fn hill(&mut self, count: usize, pooled: u16) -> Vec<f32> {
        (0..count).map(|_| self.hill_of_group(pooled)).collect()
    }

    fn hill_of_group(&mut self, pooled: u16) -> f32 {
        // The least of k uniform numbers is 1 - u^(1 / k).
        let place = 64.0 * (1.0 - f64::from(self.unit()).powf(1.0 / f64::from(pooled)));
        let below = (place as usize).min(63);
        let share = (place - below as f64) as f32;
        HILL[below] * (HILL[below + 1] / HILL[below]).powf(share)
    }
}
