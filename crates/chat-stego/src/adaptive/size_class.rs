//! The sizes that a hidden body can have.

/// A size class: `(16 + step) * 2^octave` bytes, sixteen steps an octave, so that at most a
/// seventeenth of a body is padding (above 16 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SizeClass(u16);

impl SizeClass {
    /// The largest body, in bytes.
    #[cfg(test)]
    pub(crate) const MAX_BYTES: usize = 31 << 16;

    /// The smallest class that holds `bytes`; `None` above [`MAX_BYTES`](Self::MAX_BYTES).
    pub(crate) fn holding(bytes: usize) -> Option<Self> {
        (0..=LARGEST).map(Self).find(|class| class.bytes() >= bytes)
    }

    /// The class of a code; `None` if no class has it.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        u16::try_from(code).ok().filter(|code| *code <= LARGEST).map(Self)
    }

    /// Its code, 0 to 271.
    pub(crate) fn code(self) -> u16 {
        self.0
    }

    /// Bytes of a body of this class.
    pub(crate) fn bytes(self) -> usize {
        (16 + usize::from(self.0 % 16)) << (self.0 / 16)
    }
}

/// Sixteen steps in each of the octaves 0 to 16.
const LARGEST: u16 = 17 * 16 - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_the_frozen_ones() {
        let sizes: Vec<usize> = [0, 1, 15, 16, 17, 79, LARGEST.into()]
            .map(|code| SizeClass::from_code(code).unwrap().bytes())
            .into();
        assert_eq!(sizes, [16, 17, 31, 32, 34, 496, SizeClass::MAX_BYTES]);
        assert_eq!(SizeClass::from_code(u32::from(LARGEST) + 1), None);
    }

    #[test]
    fn holding_finds_the_smallest() {
        for bytes in 1..5000 {
            let class = SizeClass::holding(bytes).unwrap();
            assert!(class.bytes() >= bytes);
            assert!(class.code() == 0 || SizeClass(class.code() - 1).bytes() < bytes);
            assert_eq!(SizeClass::from_code(class.code().into()), Some(class));
        }
        assert_eq!(SizeClass::holding(SizeClass::MAX_BYTES + 1), None);
    }
}
