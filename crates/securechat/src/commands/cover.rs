//! `cover`: what fits into pictures.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use chat_core::{CoverCapacity, cover_capacity};

use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};

pub(crate) fn capacity(
    files: &[PathBuf],
    max_record: u32,
    console: Console,
) -> Result<Exit, Failure> {
    let mut worst = Exit::Done;
    for path in files {
        match look(path, max_record) {
            Ok(fits) => {
                print(path, fits, max_record, console)?;
                if fits.text_bytes == 0 {
                    worst = worst.max(Exit::Cover);
                }
            }
            Err(failure) => {
                worst = worst.max(failure.exit);
                console.fail(&failure);
            }
        }
    }
    Ok(worst)
}

fn look(path: &Path, max_record: u32) -> Result<CoverCapacity, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    read.map_err(|error| Failure { exit: Exit::Cover, ..Failure::file(path, &error) })?;
    cover_capacity(&bytes, max_record).map_err(|error| {
        let failure = Failure::from(error);
        let message = format!("{}: {}", path.display(), failure.message);
        Failure {
            message,
            hints: vec!["use a PNG, JPEG or BMP photograph: securechat cover capacity FILE".into()],
            ..failure
        }
    })
}

fn print(
    path: &Path,
    fits: CoverCapacity,
    max_record: u32,
    console: Console,
) -> Result<(), Failure> {
    if console.json {
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "capacity", "file": path, "width": fits.width, "height": fits.height,
            "raw_bytes": fits.raw_bytes, "text_bytes": fits.text_bytes, "codec": "lsb-compat",
            "max_record": max_record,
            "scaled_to": fits.scaled_to.map(|(width, height)| serde_json::json!({
                "width": width, "height": height,
            })),
        }));
    }
    let name = path.display().to_string();
    let name = one_line(&name);
    let CoverCapacity { width, height, text_bytes, .. } = fits;
    console.print(&match fits.scaled_to {
        _ if text_bytes == 0 => format!("{name}: {width}x{height}, too small for any message"),
        None => format!("{name}: {width}x{height}, a text of up to {text_bytes} bytes fits"),
        Some((smaller, lower)) => format!(
            "{name}: {width}x{height}, a text of up to {text_bytes} bytes fits, scaled down to \
             {smaller}x{lower} for records of {max_record} bytes"
        ),
    })
}

/// Larger files are no covers, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;
