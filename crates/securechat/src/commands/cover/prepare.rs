//! `cover prepare`: the best covers, made of photos.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use chat_core::private_file::{self, PrivateFileError};
use chat_core::{PreparedPhoto, Severity, judge_cover, prepare_cover};

use crate::args::PrepareArgs;
use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};

pub(super) fn run(args: &PrepareArgs, console: Console) -> Result<Exit, Failure> {
    let photos = photos(&args.photos)?;
    if photos.is_empty() {
        return Err(Failure::new(Exit::Nothing, "no_photos", "there are no files to prepare")
            .hint("name photos or a folder of them: securechat cover prepare PHOTO --out covers"));
    }
    fs::create_dir_all(&args.out).map_err(|error| Failure::file(&args.out, &error))?;
    let limit = usize::try_from(args.max_bytes).unwrap_or(usize::MAX);
    Ok(super::for_each(&photos, console, |path, bytes| {
        let made = prepare_cover(bytes, limit).map_err(|error| super::named(path, error))?;
        let judged = judge_cover(&made.file).map_err(|error| super::named(path, error))?;
        if let Some(found) = judged.findings.iter().find(|f| f.severity() == Severity::Refuse) {
            let said = format!("{}: no good cover: {found}", path.display());
            return Err(Failure::new(Exit::Cover, "cover_refused", said));
        }
        let written = write(&args.out, path, &made)?;
        tell(path, &written, &made, console)?;
        Ok(Exit::Done)
    }))
}

/// Files, and those that lie in folders.
fn photos(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut photos = Vec::new();
    for path in given {
        if !path.is_dir() {
            photos.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| Failure::file(path, &error))? {
            let entry = entry.map_err(|error| Failure::file(path, &error))?.path();
            if entry.is_file() {
                inside.push(entry);
            }
        }
        inside.sort();
        photos.extend(inside);
    }
    Ok(photos)
}

/// Writes a cover under the photo's name; never over another file.
fn write(folder: &Path, photo: &Path, made: &PreparedPhoto) -> Result<PathBuf, Failure> {
    let stem = photo.file_stem().unwrap_or(OsStr::new("cover"));
    for number in 1..MOST_OF_A_NAME {
        let mut name = stem.to_owned();
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name.push(".jpg");
        let path = folder.join(name);
        match private_file::create_new(&path, &made.file) {
            Ok(()) => return Ok(path),
            Err(PrivateFileError::Exists { .. }) => {}
            Err(error) => return Err(chat_core::Error::from(error).into()),
        }
    }
    Err(Failure::usage(format!("{} holds too many covers of one name", folder.display())))
}

fn tell(photo: &Path, cover: &Path, made: &PreparedPhoto, console: Console) -> Result<(), Failure> {
    let PreparedPhoto { width, height, jpeg_len, .. } = made;
    if console.json {
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "prepared", "photo": photo.to_string_lossy(), "cover": cover.to_string_lossy(), "width": width, "height": height,
            "bytes": jpeg_len,
        }));
    }
    let names = [photo, cover].map(|path| path.display().to_string());
    let [photo, cover] = &names;
    console.print(&format!(
        "{}: {width}x{height}, {} kB when sent, in {}",
        one_line(photo),
        jpeg_len / 1000,
        one_line(cover)
    ))
}

const MOST_OF_A_NAME: u32 = 10_000;
