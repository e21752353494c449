//! Tests on whole files.

mod changes;
mod corpus;
mod hostile;

use std::path::PathBuf;

use super::*;

pub(super) const FIXTURES: [&str; 12] = [
    "cmyk.jpg",
    "grey.jpg",
    "progressive-420.jpg",
    "progressive-440-rows.jpg",
    "progressive-grey.jpg",
    "progressive-successive.jpg",
    "segments-trailing.jpg",
    "sequential-411-blocks.jpg",
    "sequential-420.jpg",
    "sequential-422-optimal.jpg",
    "sequential-444-rows.jpg",
    "sequential-separate.jpg",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jpeg")
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// The file with segments put behind its start-of-image marker.
pub(super) fn with_segments(file: &[u8], segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = file[..2].to_vec();
    for (marker, bytes) in segments {
        out.extend([0xff, *marker]);
        out.extend((bytes.len() as u16 + 2).to_be_bytes());
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(&file[2..]);
    out
}

#[test]
fn files_are_written_again_bit_for_bit() {
    for name in FIXTURES {
        let file = fixture(name);
        let mut jpeg = Jpeg::read(&file).unwrap();
        assert!(jpeg.write().unwrap() == file, "{name}");
        assert_eq!(jpeg.check_round_trip(&file), Ok(()), "{name}");
        // With the optima computed anew.
        jpeg.luma_mut();
        assert!(jpeg.write().unwrap() == file, "{name} after a look");
    }
}

#[test]
fn coefficients_are_those_that_libjpeg_reads() {
    let known = ["cmyk.jpg", "progressive-successive.jpg", "sequential-422-optimal.jpg"];
    for name in known {
        let expected = fixture(&format!("{name}.coefficients"));
        assert!(coefficients(&Jpeg::read(&fixture(name)).unwrap()) == expected, "{name}");
    }
}

#[test]
fn kinds_of_tables_and_scans_are_told() {
    let of = |name| {
        let mut jpeg = Jpeg::read(&fixture(name)).unwrap();
        (jpeg.is_progressive(), jpeg.table_style())
    };
    assert_eq!(of("sequential-420.jpg"), (false, TableStyle::Standard));
    assert_eq!(of("sequential-422-optimal.jpg"), (false, TableStyle::Optimal));
    assert_eq!(of("progressive-420.jpg"), (true, TableStyle::Optimal));
    let mut file = fixture("sequential-420.jpg");
    // Two codes of DC change places: neither standard nor optimal.
    let at = file.windows(12).position(|w| w == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).unwrap();
    file.swap(at + 10, at + 11);
    assert_eq!(Jpeg::read(&file).unwrap().table_style(), TableStyle::Other);
}

#[test]
fn components_have_the_size_of_the_picture() {
    let jpeg = Jpeg::read(&fixture("sequential-422-optimal.jpg")).unwrap();
    assert_eq!((jpeg.width(), jpeg.height()), (37, 29));
    let sizes: Vec<_> =
        jpeg.components().iter().map(|c| (c.wide, c.high, c.stride, c.blocks.len())).collect();
    assert_eq!(sizes, [(5, 4, 6, 24), (3, 4, 3, 12), (3, 4, 3, 12)]);
    assert!(jpeg.luma().quant.iter().all(|&step| step > 0));
}

/// The shown blocks as `scripts/jpeg-corpus` writes them.
fn coefficients(jpeg: &Jpeg) -> Vec<u8> {
    let mut out = Vec::new();
    for component in jpeg.components() {
        out.extend((component.high as u32).to_le_bytes());
        out.extend((component.wide as u32).to_le_bytes());
        for row in 0..component.high {
            let values = component.row(row).iter().flatten();
            out.extend(values.flat_map(|value| value.to_le_bytes()));
        }
    }
    out
}
