//! Which elements belong to which message bit, and which bits are embedded together.

use std::ops::Range;

use super::{Code, StcError};

/// Elements of a segment at most, unless one bit alone owns more.
///
/// The trellis keeps 2^height bits for each element that it looks at.
const SEGMENT: usize = 65_536;

/// How many elements carry how many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    elements: usize,
    bits: usize,
}

/// A run of message bits and their elements: a code word of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    layout: Layout,
    first: usize,
    end: usize,
}

impl Layout {
    /// Checks that the elements, the bits and the code fit together.
    pub(super) fn new(code: &Code, elements: usize, bits: usize) -> Result<Self, StcError> {
        if bits > elements {
            return Err(StcError::TooLong { bits, elements });
        }
        let (needed, got) = (
            elements.checked_div(bits).map_or(0, |_| elements.div_ceil(bits)),
            code.columns().len(),
        );
        if needed > got {
            return Err(StcError::Narrow { needed, got });
        }
        Ok(Self { elements, bits })
    }

    /// Cuts the bits into runs of nearly equal length.
    pub(super) fn segments(self) -> Vec<Segment> {
        let Self { elements, bits } = self;
        if bits == 0 {
            return Vec::new();
        }
        let longest = scaled(bits, SEGMENT, elements).max(1);
        let count = bits.div_ceil(longest);
        let cut = |index| scaled(index, bits, count);
        let segment = |index| Segment { layout: self, first: cut(index), end: cut(index + 1) };
        (0..count).map(segment).collect()
    }

    /// The first element of message bit `bit`.
    fn start(self, bit: usize) -> usize {
        scaled(bit, self.elements, self.bits)
    }
}

impl Segment {
    /// Its message bits.
    pub(super) fn bits(&self) -> Range<usize> {
        self.first..self.end
    }

    /// Its elements.
    pub(super) fn elements(&self) -> Range<usize> {
        self.layout.start(self.first)..self.layout.start(self.end)
    }

    /// The elements of each of its bits, counted from the segment's first element.
    pub(super) fn blocks(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        let (layout, base) = (self.layout, self.layout.start(self.first));
        self.bits().map(move |bit| layout.start(bit) - base..layout.start(bit + 1) - base)
    }
}

/// `floor(value * times / over)` without overflow; `over` is not 0.
fn scaled(value: usize, times: usize, over: usize) -> usize {
    let wide = value as u128 * times as u128 / (over.max(1)) as u128;
    usize::try_from(wide).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code() -> Code {
        Code::from_words(7, 70_000, 0..70_000).unwrap()
    }

    proptest! {
        #[test]
        fn segments_share_out_all_bits_and_elements_in_order(
            elements in 1_usize..400_000,
            share in 1_usize..5_000,
        ) {
            let bits = (elements / share).max(elements / 70_000 + 1).min(elements);
            let layout = Layout::new(&code(), elements, bits).unwrap();
            let (mut bit, mut element) = (0, 0);
            for segment in layout.segments() {
                prop_assert_eq!(segment.bits().start, bit);
                prop_assert_eq!(segment.elements().start, element);
                prop_assert!(segment.elements().len() <= SEGMENT.max(elements.div_ceil(bits)));
                let mut within = 0;
                for block in segment.blocks() {
                    prop_assert_eq!(block.start, within);
                    prop_assert!((elements / bits..=elements.div_ceil(bits)).contains(&block.len()));
                    within = block.end;
                }
                prop_assert_eq!(within, segment.elements().len());
                (bit, element) = (segment.bits().end, segment.elements().end);
            }
            prop_assert_eq!((bit, element), (bits, elements));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let code = Code::from_words(7, 3, 0..3).unwrap();
        let too_long = Err(StcError::TooLong { bits: 5, elements: 4 });
        assert_eq!(Layout::new(&code, 4, 5), too_long);
        assert_eq!(Layout::new(&code, 7, 2), Err(StcError::Narrow { needed: 4, got: 3 }));
        assert!(Layout::new(&code, 0, 0).is_ok());
        assert!(Layout::new(&code, 9, 0).unwrap().segments().is_empty());
    }
}
