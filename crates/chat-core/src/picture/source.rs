//! Where covers come from.

use std::fmt;
use std::fs::File;
use std::io::{Error, Read};
use std::path::{Path, PathBuf};

use crate::error::SendError;

/// Where the cover of a picture message comes from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoverSource {
    /// This image: JPEG, PNG, WebP or BMP.
    Bytes(Vec<u8>),
    /// The image in this file.
    File(PathBuf),
    /// An image of this folder that fits and that this profile has not used: of a few taken at random, the one
    /// that the message disturbs least.
    Folder(PathBuf),
}

impl fmt::Debug for CoverSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Folder(path) => f.debug_tuple("Folder").field(path).finish(),
        }
    }
}

/// The files of a folder.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, SendError> {
    let unreadable = |source| SendError::CoverFile { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// An image file, within the limit.
pub(crate) fn read_cover(path: &Path) -> Result<Vec<u8>, SendError> {
    let unreadable = |source| SendError::CoverFile { path: path.to_owned(), source };
    // A pipe has no end that anybody could wait for.
    let kind = path.metadata().map_err(unreadable)?;
    if !kind.is_file() && !kind.is_dir() {
        return Err(unreadable(Error::other("this is no file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_COVER_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_COVER_FILE {
        return Err(unreadable(Error::other("longer than 64 MiB")));
    }
    Ok(bytes)
}

/// The longest image file that is read, in bytes.
const MAX_COVER_FILE: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_picture() {
        let said = format!("{:?}", CoverSource::Bytes(vec![7; 12_345]));
        assert_eq!(said, "Bytes(12345 bytes)");
        assert_eq!(format!("{:?}", CoverSource::File("a".into())), "File(\"a\")");
    }
}
