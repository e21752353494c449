//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Creates `path` at mode 0600 with `bytes`; on disk, with its folder entry, when this returns.
///
/// An existing file is never touched.
///
/// # Errors
/// [`PrivateFileError::Exists`] if there is a file already; a file that could not be written
/// whole is removed again.
pub fn create_new(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| PrivateFileError::from_io(path, e))?;
    let written =
        file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_folder(path));
    written.map_err(|e| {
        // The name was ours alone (create_new), so nobody else's file is removed.
        drop(std::fs::remove_file(path));
        PrivateFileError::from_io(path, e)
    })
}

/// Puts `bytes` in the place of `path`, in one step: a reader sees the old file or the new one. Durable when this returns.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    let failed = |e| PrivateFileError::from_io(path, e);
    // Made at mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path)).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    sync_folder(path).map_err(failed)
}

/// Reads a file of at most `max` bytes that nobody else may read.
///
/// # Errors
/// [`PrivateFileError::LoosePermissions`] if its group or others have any right to it.
pub fn read(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let file = File::open(path).map_err(|e| PrivateFileError::from_io(path, e))?;
    let metadata = file.metadata().map_err(|e| PrivateFileError::from_io(path, e))?;
    // A pipe or a terminal has no rights that would tell anything.
    if metadata.is_file() {
        refuse_loose(path, &metadata)?;
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| PrivateFileError::from_io(path, e))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > max) {
        return Err(PrivateFileError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

/// Checks that nobody else may use a file or folder.
///
/// # Errors
/// [`PrivateFileError::LoosePermissions`] if its group or others have any right to it.
pub(crate) fn check(path: &Path) -> Result<(), PrivateFileError> {
    let metadata = std::fs::metadata(path).map_err(|e| PrivateFileError::from_io(path, e))?;
    refuse_loose(path, &metadata)
}

/// Why a private file could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
    /// Somebody else may read it: `chmod 600` it, and think about who has.
    #[error("{} is readable by others (mode {mode:03o})", path.display())]
    LoosePermissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is a file of that name already; choose another name.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file is longer than such a file can be.
    #[error("{} is longer than {max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        max: u64,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PrivateFileError {
    fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::NotFound => Self::NotFound { path },
            _ => Self::Io { path, source },
        }
    }
}

#[cfg(unix)]
fn refuse_loose(path: &Path, metadata: &std::fs::Metadata) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::LoosePermissions { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_loose(_: &Path, _: &std::fs::Metadata) -> Result<(), PrivateFileError> {
    Ok(())
}

/// Makes the entry of `path` in its folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path)).and_then(|folder| folder.sync_all())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn makes_0600_files_once_and_reads_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_new(&path, b"secret").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(**read(&path, 6).unwrap(), *b"secret");
        assert!(matches!(create_new(&path, b"x"), Err(PrivateFileError::Exists { .. })));
        assert!(matches!(read(&path, 5), Err(PrivateFileError::TooLarge { max: 5, .. })));
        assert!(matches!(
            read(&folder.path().join("no"), 5),
            Err(PrivateFileError::NotFound { .. })
        ));
    }

    #[test]
    fn refuses_what_others_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_new(&path, b"secret").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = read(&path, 10);
            assert!(
                matches!(refused, Err(PrivateFileError::LoosePermissions { mode: m, .. }) if m == mode)
            );
        }
    }
}
