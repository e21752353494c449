//! `cover`: what fits into pictures.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use chat_core::{CoverCapacity, cover_capacity};

use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};

pub(crate) fn capacity(files: &[PathBuf], console: Console) -> Result<Exit, Failure> {
    let mut worst = Exit::Done;
    for path in files {
        match look(path) {
            Ok(fits) => print(path, fits, console)?,
            Err(failure) => {
                worst = worst.max(failure.exit);
                console.fail(&failure);
            }
        }
    }
    Ok(worst)
}

fn look(path: &Path) -> Result<CoverCapacity, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    read.map_err(|error| Failure { exit: Exit::Cover, ..Failure::file(path, &error) })?;
    cover_capacity(&bytes).map_err(|error| {
        let failure = Failure::from(error);
        let message = format!("{}: {}", path.display(), failure.message);
        Failure {
            message,
            hints: vec!["use a PNG, JPEG or BMP photograph: securechat cover capacity FILE".into()],
            ..failure
        }
    })
}

fn print(path: &Path, fits: CoverCapacity, console: Console) -> Result<(), Failure> {
    if console.json {
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "capacity", "file": path, "width": fits.width, "height": fits.height,
            "raw_bytes": fits.raw_bytes, "text_bytes": fits.text_bytes, "codec": "lsb-compat",
        }));
    }
    let name = path.display().to_string();
    let name = one_line(&name);
    console.print(&format!(
        "{name}: {}x{}, a text of up to {} bytes fits",
        fits.width, fits.height, fits.text_bytes
    ))
}

/// Larger files are no covers, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;
