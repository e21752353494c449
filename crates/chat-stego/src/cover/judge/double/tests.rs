use super::*;
use crate::cover::samples;
use crate::decode::{self, Rendering};
use crate::jpeg::Jpeg;

/// Findings about a picture that was a JPEG of each quality in turn.
fn after(qualities: &[u8]) -> Option<Finding> {
    let mut raster = samples::photo(1000, 800, 1);
    let mut file = Vec::new();
    for &quality in qualities {
        file = samples::jpeg(&raster, quality);
        raster = decode::pixels(&file, Rendering::AsViewer).unwrap();
    }
    compression(Jpeg::read(&file).unwrap().luma())
}

#[test]
fn one_compression_leaves_no_trace() {
    for quality in [60, 75, 85, 90, 95] {
        assert_eq!(after(&[quality]), None, "{quality}");
    }
}

#[test]
fn an_earlier_coarser_compression_is_found_with_its_quality() {
    for (first, second) in [(60, 90), (75, 90), (75, 95)] {
        let expected = Finding::CompressedTwice { sure: Sureness::Certain, former: Some(first) };
        assert_eq!(after(&[first, second]), Some(expected), "{first} {second}");
    }
}

#[test]
fn the_same_quality_again_leaves_no_trace() {
    assert_eq!(after(&[85, 85]), None);
}
