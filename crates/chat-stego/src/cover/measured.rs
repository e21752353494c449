//! Measurements on real pictures, run by hand. `STEGO_PICTURES` names a folder of pictures.
//!
//! `STEGO_PICTURES=photos STEGO_OUT=out cargo test -p chat-stego --lib measured -- --ignored
//! --nocapture --test-threads 1`

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::judge::judge;
use super::likeness::Likeness;
use super::photo::{PhotoOptions, prepare_photo, split_side_information};
use super::scale::resize;
use crate::decode::{self, Rendering};
use crate::encode;

fn pictures() -> Vec<PathBuf> {
    let folder = std::env::var_os("STEGO_PICTURES").expect("STEGO_PICTURES names a folder");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(path: &std::path::Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// A line for each picture: name, findings, elements, comfort, likeness.
#[test]
#[ignore = "needs a folder of pictures"]
fn measured_judgements() {
    for path in pictures() {
        let file = fs::read(&path).unwrap();
        match judge(&file) {
            Ok(judgement) => {
                let likeness = decode::pixels(&file, Rendering::AsViewer)
                    .map(|raster| format!("{:?}", Likeness::of(&raster)));
                let findings: Vec<String> = judgement
                    .findings
                    .iter()
                    .map(|finding| format!("{:?}:{finding:?}", finding.severity()))
                    .collect();
                println!(
                    "{}\t{}\t{}\t{}\t{}",
                    name(&path),
                    findings.join("; "),
                    judgement.elements,
                    judgement.sizes().comfort,
                    likeness.unwrap_or_default(),
                );
            }
            Err(error) => println!("{}\terror: {error}", name(&path)),
        }
    }
}

/// Writes the JPEG of each prepared photo, and the pixels that it was made of as PNG.
#[test]
#[ignore = "needs a folder of pictures"]
fn measured_preparation() {
    let out = PathBuf::from(std::env::var_os("STEGO_OUT").expect("STEGO_OUT names a folder"));
    for path in pictures() {
        let file = fs::read(&path).unwrap();
        let start = Instant::now();
        let prepared = match prepare_photo(&file, &PhotoOptions::default()) {
            Ok(prepared) => prepared,
            Err(error) => {
                println!("{}\t{error}", name(&path));
                continue;
            }
        };
        let elapsed = start.elapsed();
        let (jpeg, _) = split_side_information(&prepared.file).unwrap();
        fs::write(out.join(name(&path)).with_extension("jpg"), jpeg).unwrap();
        let original = decode::pixels(&file, Rendering::AsViewer).unwrap();
        if original.layout == crate::raster::Layout::Rgb {
            let scaled = resize(&original, prepared.width, prepared.height);
            fs::write(out.join(name(&path)).with_extension("png"), encode::png(&scaled).unwrap())
                .unwrap();
        }
        let (width, height) = prepared.scaled_from;
        println!(
            "{}\t{width}x{height} -> {}x{}\t{} bytes\t{:.2} s",
            name(&path),
            prepared.width,
            prepared.height,
            jpeg.len(),
            elapsed.as_secs_f64(),
        );
    }
}
