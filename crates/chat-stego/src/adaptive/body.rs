//! The body: a payload, padded to its size class and covered with a keyed stream.

use zeroize::Zeroizing;

use super::check::CheckCells;
use super::division::{Division, Ranks};
use super::keying::{Keying, Purpose, Stream};
use super::medium::Medium;
use super::pool::groups;
use super::size_class::SizeClass;

/// The class of a payload; `None` if it is too long for any.
pub(crate) fn class(payload: usize) -> Option<SizeClass> {
    SizeClass::holding(payload.checked_add(1)?)
}

/// The groups of the elements of a body of this class.
pub(crate) fn divide<'a, M: Medium>(
    medium: &M,
    keying: &'a Keying,
    (cells, class): (&CheckCells, SizeClass),
) -> Division<'a> {
    let ranks = Ranks::of_body(medium, cells);
    let count = groups(class.bytes() * 8, ranks.total());
    Division::new((keying, Purpose::BodyGroups), ranks, count)
}

/// `payload | 0x80 | zeros`, as long as its class, masked.
pub(crate) fn seal(payload: &[u8], class: SizeClass, mask: &mut Stream) -> Vec<u8> {
    // In one piece: a vector that grows would leave a copy behind.
    let mut body = Vec::with_capacity(class.bytes());
    body.extend_from_slice(payload);
    body.push(END);
    body.resize(class.bytes(), 0);
    mask.mask(&mut body);
    body
}

/// The inverse of [`seal`]. With the wrong key this is noise, or nothing.
pub(crate) fn open(mut body: Zeroizing<Vec<u8>>, mask: &mut Stream) -> Option<Zeroizing<Vec<u8>>> {
    mask.mask(&mut body);
    let end = body.iter().rposition(|&byte| byte != 0)?;
    if body.get(end) != Some(&END) {
        return None;
    }
    body.truncate(end);
    Some(body)
}

/// Stands behind the payload, as in ISO/IEC 7816-4.
const END: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> Stream {
        Keying::new(&[3; 32], b"picture").stream(Purpose::BodyMask)
    }

    #[test]
    fn bodies_of_all_lengths_open_again() {
        for length in 0..600 {
            let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8 & 0x80).collect();
            let class = class(length).unwrap();
            let body = seal(&payload, class, &mut mask());
            assert_eq!(body.len(), class.bytes());
            assert_eq!(*open(Zeroizing::new(body), &mut mask()).unwrap(), payload);
        }
    }

    #[test]
    fn a_body_of_zeros_is_nothing() {
        let mut body = vec![0; 32];
        mask().mask(&mut body);
        assert_eq!(open(Zeroizing::new(body), &mut mask()), None);
    }
}
