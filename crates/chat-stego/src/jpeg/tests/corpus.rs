//! A folder of files, made by `scripts/jpeg-corpus` or taken from cameras.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::*;

/// Names a folder of JPEG files.
const FOLDER: &str = "SECURECHAT_TEST_JPEGS";

#[test]
#[ignore = "needs a folder of files: see scripts/jpeg-corpus"]
fn every_file_of_the_folder_is_written_again_bit_for_bit() {
    let (mut files, mut compared, mut optimal, mut faults) = (0, 0, 0, Vec::new());
    for path in paths() {
        files += 1;
        match check(&path) {
            Ok(found) => {
                compared += usize::from(found.is_compared);
                optimal += usize::from(found.style == TableStyle::Optimal);
            }
            Err(fault) => faults.push(format!("{}: {fault}", path.display())),
        }
    }
    println!("{files} files, {optimal} with optimal tables, {compared} compared with libjpeg");
    assert!(faults.is_empty(), "{} of {files}:\n{}", faults.len(), faults.join("\n"));
}

#[test]
#[ignore = "prints times of the files of a folder; no check"]
fn times_of_every_file_of_the_folder() {
    for path in paths() {
        let file = std::fs::read(&path).unwrap();
        let read = fastest(|| drop(Jpeg::read(&file).unwrap()));
        let mut jpeg = Jpeg::read(&file).unwrap();
        let settle =
            fastest(|| jpeg.clone().settle()).saturating_sub(fastest(|| drop(jpeg.clone())));
        let kept = fastest(|| drop(jpeg.write().unwrap()));
        jpeg.luma_mut();
        let renewed = fastest(|| drop(jpeg.write().unwrap()));
        let name = path.file_name().unwrap().display();
        let pixels = jpeg.width() * jpeg.height();
        println!(
            "{name}: {pixels} pixels; read {read:.1?}, tables judged {settle:.1?}, written \
             {kept:.1?}, with new optima {renewed:.1?}"
        );
    }
}

fn fastest(mut what: impl FnMut()) -> Duration {
    let runs = (0..15).map(|_| {
        let started = spent();
        what();
        spent() - started
    });
    runs.min().unwrap()
}

/// The time that this thread has had a processor, where the system tells it.
fn spent() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The files of the folder; none, and a line that says so, if none is named.
fn paths() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os(FOLDER) else {
        println!("skipped: {FOLDER} names no folder of JPEG files");
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "jpg")).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no file in the folder ends with .jpg");
    paths
}

struct Found {
    style: TableStyle,
    is_compared: bool,
}

fn check(path: &Path) -> Result<Found, String> {
    let file = std::fs::read(path).unwrap();
    let mut jpeg = Jpeg::read(&file).map_err(|error| with_sources(&error))?;
    jpeg.check_round_trip(&file).map_err(|error| error.to_string())?;
    let style = jpeg.table_style();
    let expected = std::fs::read(format!("{}.coefficients", path.display())).ok();
    if expected.as_ref().is_some_and(|expected| *expected != coefficients(&jpeg)) {
        return Err("coefficients differ from libjpeg's".to_owned());
    }
    jpeg.luma_mut();
    if jpeg.write().map_err(|error| error.to_string())? != file {
        return Err("differs once its optimal tables are made anew".to_owned());
    }
    Ok(Found { style, is_compared: expected.is_some() })
}

fn with_sources(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
