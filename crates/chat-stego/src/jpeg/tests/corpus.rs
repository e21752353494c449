//! A folder of files, made by `scripts/jpeg-corpus` or taken from cameras.

use std::path::Path;

use super::*;

/// Names a folder of JPEG files.
const FOLDER: &str = "SECURECHAT_TEST_JPEGS";

#[test]
#[ignore = "needs a folder of files: see scripts/jpeg-corpus"]
fn every_file_of_the_folder_is_written_again_bit_for_bit() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        println!("skipped: {FOLDER} names no folder of JPEG files");
        return;
    };
    let (mut files, mut compared, mut optimal, mut faults) = (0, 0, 0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jpg") {
            continue;
        }
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
    assert!(files > 0);
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
    if jpeg.is_progressive() && style != TableStyle::Optimal {
        return Err("progressive, but its tables are not optimal".to_owned());
    }
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
