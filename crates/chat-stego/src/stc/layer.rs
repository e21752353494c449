//! One application of a code to all elements, segment by segment.

use std::fmt;
use std::ops::Range;

use super::layout::Layout;
use super::trellis::Trellis;
use super::{Code, StcError, parallel, part_of, syndrome};

/// Which layer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The only one of a binary embedding.
    Binary,
    /// The first half of a ternary message: the second-lowest bits.
    SecondLowest,
    /// The second half of a ternary message: the lowest bits.
    Lowest,
}

impl Layer {
    /// Which bit of a symbol is meant, counted from the lowest.
    fn plane(self) -> u32 {
        match self {
            Self::Binary | Self::Lowest => 0,
            Self::SecondLowest => 1,
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "the layer",
            Self::SecondLowest => "the layer of second-lowest bits",
            Self::Lowest => "the layer of lowest bits",
        })
    }
}

/// The flips in this layer, ascending, after which `symbols` carry `message`.
///
/// * `costs` - of the flips of these elements, in units of 1 / lambda; infinite, negative or NaN:
///   wet
pub(super) fn flips(
    (code, layer, threads): (&Code, Layer, usize),
    symbols: &[u8],
    costs: impl Fn(Range<usize>) -> Vec<f32> + Sync,
    message: &[u8],
) -> Result<Vec<usize>, StcError> {
    let layout = Layout::new(code, symbols.len(), message.len())?;
    let parts = parallel::map(&layout.segments(), threads, |space, segment| {
        let elements = segment.elements();
        let part = part_of(symbols, &elements);
        let mut target = syndrome::of(code, segment, part, layer.plane());
        syndrome::add(&mut target, part_of(message, &segment.bits()));
        let costs = costs(elements.clone());
        let flips = Trellis { code, segment, costs: &costs, target: &target }.solve(space);
        let flips = flips.ok_or(StcError::Wet { layer })?;
        Ok(flips.into_iter().map(|flip| elements.start + flip).collect::<Vec<_>>())
    })?;
    Ok(parts.concat())
}

/// The message that this layer of `symbols` carries, one bit a byte.
pub(super) fn message(
    (code, layer): (&Code, Layer),
    symbols: &[u8],
    bits: usize,
) -> Result<Vec<u8>, StcError> {
    let layout = Layout::new(code, symbols.len(), bits)?;
    let mut message = Vec::with_capacity(bits);
    for segment in layout.segments() {
        let part = part_of(symbols, &segment.elements());
        message.extend(syndrome::of(code, &segment, part, layer.plane()));
    }
    Ok(message)
}
