//! Damaged, foreign and malicious files: refused with a reason, and never in part.

use std::error::Error;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::picture::PictureError;

/// The reason for which a file is refused.
fn refusal(file: &[u8]) -> String {
    let error = Jpeg::read(file).map(|_| ()).unwrap_err();
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The place of a marker's second byte.
fn marker(file: &[u8], code: u8) -> usize {
    file.windows(2).position(|pair| pair == [0xff, code]).unwrap() + 1
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Jpeg::read(&bytes).is_err());
        let headed = [&[0xff, 0xd8, 0xff][..], &bytes].concat();
        prop_assert!(Jpeg::read(&headed).is_err());
    }

    #[test]
    fn changed_files_are_refused_or_written_again(
        which in 0..FIXTURES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut file = fixture(FIXTURES[which]);
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        for keep in [Keep::default(), Keep { extras: true, provenance: false }] {
            if let Ok(Ok(left)) = trim(&file, keep) {
                prop_assert!(left.len() <= file.len());
            }
        }
        if let Ok(mut jpeg) = Jpeg::read(&file) {
            // Some changes leave a valid file, which may not be one that can be written again.
            if jpeg.check_round_trip(&file).is_ok() {
                prop_assert!(jpeg.write().unwrap() == file);
            }
            jpeg.luma_mut().row_mut(0)[0][1] ^= 1;
            let _ = jpeg.write();
        }
    }
}

#[test]
fn files_cut_anywhere_are_refused() {
    for name in FIXTURES {
        let file = fixture(name);
        let end = Jpeg::read(&file).unwrap().trailing_len();
        for length in 0..file.len() - end {
            assert!(Jpeg::read(&file[..length]).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn entropy_coded_data_is_whole_or_refused() {
    let file = fixture("sequential-444-rows.jpg");
    let restart = marker(&file, 0xd0);
    let mut wrong = file.clone();
    wrong[restart] = 0xd1;
    assert!(refusal(&wrong).starts_with("another marker than the restart marker that is due"));
    let mut longer = file.clone();
    longer.splice(restart - 1..restart - 1, [0x55, 0x55]);
    assert!(refusal(&longer).starts_with("entropy-coded data behind the last block"));
    let mut shorter = file.clone();
    shorter.drain(restart - 9..restart - 1);
    assert!(Jpeg::read(&shorter).is_err());
}

#[test]
fn scans_out_of_order_are_refused() {
    let file = fixture("sequential-separate.jpg");
    let first = marker(&file, 0xda) - 1;
    let second = first + 2 + marker(&file[first + 2..], 0xda) - 1;
    let twice = [&file[..second], &file[first..]].concat();
    assert!(refusal(&twice).starts_with("a scan that is out of order"));
    let one_alone = [&file[..second], &[0xff, 0xd9]].concat();
    assert!(refusal(&one_alone).starts_with("a component without its scans"));
}

#[test]
fn kinds_that_are_not_read_are_named() {
    let mut file = fixture("sequential-420.jpg");
    let frame = marker(&file, 0xc0);
    for (code, name) in [
        (0xc3, "a lossless JPEG"),
        (0xc6, "a hierarchical JPEG"),
        (0xc9, "an arithmetic coded JPEG"),
        (0xca, "an arithmetic coded JPEG"),
        (0xdc, "a JPEG whose height is told after its first scan"),
        (0xde, "a hierarchical JPEG"),
    ] {
        file[frame] = code;
        assert_eq!(refusal(&file), format!("{name} cannot be used"));
    }
    file[frame] = 0xc1;
    file[frame + 3] = 12;
    assert_eq!(refusal(&file), "a JPEG with other than 8 bits a sample cannot be used");
    file[frame + 3] = 8;
    file[frame + 4..frame + 6].fill(0);
    assert!(refusal(&file).contains("whose height is told after"));
}

#[test]
fn irregular_files_are_read_but_not_called_reproducible() {
    let mut file = fixture("sequential-444-rows.jpg");
    let read = Jpeg::read(&file).unwrap();
    let last = file.len() - 3;
    // The last bit of a file fills its last byte; in other intervals there are ones.
    file[last] ^= 1;
    let mut jpeg = Jpeg::read(&file).unwrap();
    assert!(jpeg.components() == read.components());
    assert_eq!(jpeg.check_round_trip(&file), Err(JpegWriteError::MixedPadding));
}

#[test]
fn files_that_name_huge_pictures_are_refused_at_once() {
    let started = Instant::now();
    for name in ["sequential-420.jpg", "progressive-420.jpg"] {
        let mut file = fixture(name);
        let frame = file.windows(2).position(|w| matches!(w, [0xff, 0xc0 | 0xc2])).unwrap();
        for side in [8192_u16, 16_384, 65_535] {
            file[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
            file[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
            assert!(Jpeg::read(&file).is_err());
        }
    }
    assert!(started.elapsed() < Duration::from_millis(100));
}

#[test]
fn files_of_a_thousand_scans_are_refused() {
    let file = fixture("progressive-420.jpg");
    let scan = marker(&file, 0xda) - 1;
    let many = [&file[..scan], &file[scan..file.len() - 2].repeat(200), &[0xff, 0xd9]].concat();
    assert!(Jpeg::read(&many).is_err());
    let segments = vec![(0xfe, &b""[..]); 5000];
    assert!(refusal(&with_segments(&file, &segments)).starts_with("more markers than any picture"));
    assert!(matches!(Jpeg::read(b""), Err(PictureError::Damaged { .. })));
}
