//! Locks between the processes of one profile.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::hash::sha256;

/// A lock that this process holds; the system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `purpose`/`name` in `folder`; `None` if another process (or task) holds it.
    ///
    /// The file's name is a hash: names of people and mailboxes do not show on disk.
    pub(crate) fn try_take(folder: &Path, purpose: &str, name: &[u8]) -> io::Result<Option<Self>> {
        let file = open(folder, purpose, name)?;
        held(file.try_lock()).map(|held| held.then_some(Self { _file: file }))
    }

    /// Takes a share of the lock: any number may, as long as nobody has it [whole](Self::try_take).
    pub(crate) fn try_share(folder: &Path, purpose: &str, name: &[u8]) -> io::Result<Option<Self>> {
        let file = open(folder, purpose, name)?;
        held(file.try_lock_shared()).map(|held| held.then_some(Self { _file: file }))
    }
}

fn held(lock: Result<(), TryLockError>) -> io::Result<bool> {
    match lock {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(folder: &Path, purpose: &str, name: &[u8]) -> io::Result<File> {
    let hash = sha256(&[purpose.as_bytes(), &[0], name]);
    let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(format!("{purpose}-{short}.lock")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_a_name_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let take = |name: &[u8]| Lock::try_take(folder.path(), "drain", name).unwrap();
        let held = take(b"a").unwrap();
        assert!(take(b"a").is_none());
        assert!(take(b"b").is_some());
        drop(held);
        assert!(take(b"a").is_some());
        let share = || Lock::try_share(folder.path(), "drain", b"a").unwrap();
        let shares = (share().unwrap(), share().unwrap());
        assert!(take(b"a").is_none());
        drop(shares);
        let _whole = take(b"a").unwrap();
        assert!(share().is_none());
    }
}
