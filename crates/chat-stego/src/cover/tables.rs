//! The quantisation tables that most of the world's JPEGs carry.

use crate::jpeg::Component;

/// Steps of a component, in the order of a [`Block`](crate::jpeg::Block), each 1 to 255.
pub(crate) type Steps = [u16; 64];

/// How finely a JPEG is quantised, on the scale that libjpeg made usual: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quality(u8);

impl Quality {
    /// A quality of 1 to 100; others become the nearest of these.
    pub(crate) const fn new(quality: u8) -> Self {
        Self(match quality {
            0 => 1,
            101.. => 100,
            _ => quality,
        })
    }

    /// The number.
    pub(crate) fn value(self) -> u8 {
        self.0
    }

    /// The steps of brightness.
    pub(crate) fn luma(self) -> Steps {
        self.scaled(&LUMA)
    }

    /// The steps of colour.
    pub(crate) fn chroma(self) -> Steps {
        self.scaled(&CHROMA)
    }

    /// The quality whose table of brightness a component has, if any has it.
    pub(crate) fn of_luma(component: &Component) -> Option<Self> {
        (1..=100).map(Self).find(|quality| quality.luma() == component.quant)
    }

    /// Percent of the table: 5000 / q below 50, 200 - 2 q from there, rounded, 1 to 255.
    fn scaled(self, table: &Steps) -> Steps {
        let quality = u32::from(self.0);
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        table.map(|step| {
            let scaled = (u32::from(step) * percent + 50) / 100;
            u16::try_from(scaled.clamp(1, 255)).unwrap_or(255)
        })
    }
}

/// ITU-T T.81, table K.1.
#[rustfmt::skip]
const LUMA: Steps = [
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];

/// ITU-T T.81, table K.2.
#[rustfmt::skip]
const CHROMA: Steps = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

#[cfg(test)]
mod tests {
    use super::*;

    // Means and numbers of ones in files that Pillow has written.
    #[test]
    fn tables_are_those_of_libjpeg() {
        let facts = [(97, 3.45, 19), (98, 2.36, 23), (99, 1.34, 42), (100, 1.0, 64)];
        for (quality, mean, ones) in facts {
            let steps = Quality::new(quality).luma();
            let sum: u32 = steps.iter().map(|&step| u32::from(step)).sum();
            assert!((f64::from(sum) / 64.0 - mean).abs() < 0.006, "{quality}");
            assert_eq!(steps.iter().filter(|&&step| step == 1).count(), ones);
        }
        assert_eq!(Quality::new(50).luma(), LUMA);
        assert_eq!(Quality::new(1).chroma(), [255; 64]);
        assert_eq!(Quality::new(90).chroma()[..4], [3, 4, 5, 9]);
    }

    #[test]
    fn quality_stays_in_its_range() {
        assert_eq!(Quality::new(0).value(), 1);
        assert_eq!(Quality::new(255).value(), 100);
    }
}
