//! The side information behind a prepared photo's end.
//!
//! Layout: the JPEG; [`MAGIC`]; the number of errors, four bytes, big-endian; the errors, a byte
//! each; the SHA-256 of the JPEG and the errors. The magic text is a sentence: whoever finds the
//! file in the wrong place shall know what it is.

use sha2::{Digest, Sha256};

use crate::decode::jpeg_markers;
use crate::picture::PictureFormat;

/// Puts the side information behind a JPEG.
pub(super) fn append(jpeg: &mut Vec<u8>, errors: &[i8]) {
    let length = u32::try_from(errors.len()).unwrap_or(u32::MAX);
    let checksum = checksum(jpeg, errors);
    jpeg.reserve_exact(MAGIC.len() + 4 + errors.len() + checksum.len());
    jpeg.extend_from_slice(MAGIC);
    jpeg.extend_from_slice(&length.to_be_bytes());
    jpeg.extend(errors.iter().map(|error| error.to_le_bytes()[0]));
    jpeg.extend_from_slice(&checksum);
}

/// Takes a prepared photo apart: the JPEG that may be sent, and the rounding errors of its luma.
///
/// Returns `None` for every other file. The errors are 64 for each block that shows a part of the
/// picture, from left to right and down, row by row of a block:
/// coefficient less rounded coefficient, in 254ths of a quantisation step, -127 to 127. The
/// coefficients plus these are the picture before it was a JPEG.
///
/// # Security
/// The checksum finds damage, not malice: errors made up by somebody else lead to a worse choice
/// of changes, no more. **The trailer must never be sent**: a picture with it is known at first
/// sight, and with it the changes can be seen.
pub fn split_side_information(file: &[u8]) -> Option<(&[u8], Vec<i8>)> {
    if PictureFormat::of(file) != Some(PictureFormat::Jpeg) {
        return None;
    }
    let frame = jpeg_markers::read(file).ok()?;
    let (jpeg, trailer) = file.split_at_checked(frame.end)?;
    let (length, rest) = trailer.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    let length = u64::from(u32::from_be_bytes(*length));
    if length != frame.luma_blocks * 64 {
        return None;
    }
    let (errors, found) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let errors: Vec<i8> = errors.iter().map(|&error| i8::from_le_bytes([error])).collect();
    let whole = found == checksum(jpeg, &errors) && !errors.contains(&i8::MIN);
    whole.then_some((jpeg, errors))
}

/// Whether a file is a prepared photo that still carries what must not be sent.
pub(crate) fn has_side_information(file: &[u8]) -> bool {
    jpeg_markers::read(file)
        .is_ok_and(|frame| file.get(frame.end..).is_some_and(|rest| rest.starts_with(MAGIC)))
}

fn checksum(jpeg: &[u8], errors: &[i8]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(jpeg);
    for errors in errors.chunks(4096) {
        let bytes: Vec<u8> = errors.iter().map(|error| error.to_le_bytes()[0]).collect();
        hash.update(&bytes);
    }
    hash.finalize().into()
}

const MAGIC: &[u8] = b"\nsecurechat cover, side information 1: keep here, do not send\n\0";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 16 x 8 pixels, grey: two blocks. Only its markers are read here.
    const JPEG: &[u8] = &[
        0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 8, 0, 16, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0,
        63, 0, 0x12, 0xff, 0xd9,
    ];

    fn prepared() -> (Vec<u8>, Vec<i8>) {
        let errors: Vec<i8> = (0..128).map(|at| i8::try_from(at).unwrap() - 64).collect();
        let mut file = JPEG.to_vec();
        append(&mut file, &errors);
        (file, errors)
    }

    #[test]
    fn what_was_appended_is_split_off_again() {
        let (file, errors) = prepared();
        assert_eq!(split_side_information(&file), Some((JPEG, errors)));
        assert!(has_side_information(&file));
    }

    #[test]
    fn other_files_have_none() {
        let (file, errors) = prepared();
        assert_eq!(split_side_information(JPEG), None);
        assert!(!has_side_information(JPEG));
        assert_eq!(split_side_information(b""), None);
        let mut short = JPEG.to_vec();
        append(&mut short, &errors[1..]);
        assert_eq!(split_side_information(&short), None);
        assert_eq!(split_side_information(&[file.as_slice(), b"more"].concat()), None);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let (file, _) = prepared();
        for at in JPEG.len()..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            assert_eq!(split_side_information(&flipped), None, "{at}");
            assert_eq!(split_side_information(&file[..at]), None, "{at}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), keep in 0_usize..200) {
            let (file, _) = prepared();
            let mixed = [&file[..keep.min(file.len())], &bytes].concat();
            drop(split_side_information(&mixed));
            drop(split_side_information(&bytes));
        }
    }
}
