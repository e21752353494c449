//! Small text files with a checksum: the broker's own state, a topic's settings, a log's start.
//!
//! ```text
//! chat-broker 1
//! name value
//! crc32c 1a2b3c4d
//! ```
//! The checksum covers every byte before its line.

use std::path::Path;

use super::files;
use crate::error::StartError;

/// The lines of a file: names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    lines: Vec<(String, String)>,
}

impl Notes {
    /// Adds a line. Neither part may hold a line break, nor the name a space.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.lines.push((name.to_owned(), value.to_string()));
        self
    }

    /// Reads a file that [`store`](Self::store) wrote; `None` if there is none.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, StartError> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(StartError::data("read", path))?,
        };
        Self::decode(path, &bytes).map(Some)
    }

    fn decode(path: &Path, bytes: &[u8]) -> Result<Self, StartError> {
        let unreadable = |what| StartError::Unreadable { path: path.to_owned(), what };
        let text = std::str::from_utf8(bytes).map_err(|_| unreadable("it is not text"))?;
        let version = text.lines().next().and_then(|line| line.strip_prefix(FIRST));
        let version = version.and_then(|version| version.trim().parse().ok());
        let version: u32 = version.ok_or_else(|| unreadable("its first line is wrong"))?;
        if version > VERSION {
            let path = path.to_owned();
            return Err(StartError::Newer { path, found: version, known: VERSION });
        }
        let (body, crc) = text.rsplit_once(LAST).ok_or_else(|| unreadable("it is cut short"))?;
        if crc.trim() != format!("{:08x}", crc32c::crc32c(body.as_bytes())) {
            return Err(unreadable("its checksum is wrong"));
        }
        let pairs = body.lines().skip(1).filter_map(|line| line.split_once(' '));
        Ok(Self { lines: pairs.map(|(name, value)| (name.into(), value.into())).collect() })
    }

    fn encode(&self) -> String {
        let mut text = format!("{FIRST}{VERSION}\n");
        for (name, value) in &self.lines {
            text.extend([name, " ", value, "\n"]);
        }
        let crc = crc32c::crc32c(text.as_bytes());
        text + &format!("{LAST}{crc:08x}\n")
    }

    /// Replaces the file and waits until it is durable.
    pub(crate) fn store(&self, path: &Path) -> std::io::Result<()> {
        files::replace(path, self.encode().as_bytes())
    }

    /// The first value with a name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.lines.iter().find(|line| line.0 == name).map(|line| line.1.as_str())
    }

    /// A value that must be there and of a type.
    pub(crate) fn parsed<T: std::str::FromStr>(
        &self,
        path: &Path,
        name: &str,
    ) -> Result<T, StartError> {
        let value = self.value(name).and_then(|value| value.parse().ok());
        let what = "a line is missing or wrong";
        value.ok_or_else(|| StartError::Unreadable { path: path.to_owned(), what })
    }

    /// All lines, in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The format that this program writes.
const VERSION: u32 = 1;
const FIRST: &str = "chat-broker ";
const LAST: &str = "crc32c ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        assert_eq!(Notes::load(&path).unwrap(), None);
        let notes = Notes::default().with("name", "a topic").with("partitions", 3);
        notes.store(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("chat-broker 1\nname a topic\npartitions 3\ncrc32c "), "{text}");
        let read = Notes::load(&path).unwrap().unwrap();
        assert_eq!(read, notes);
        assert_eq!(read.parsed::<i32>(&path, "partitions").unwrap(), 3);
        assert!(read.parsed::<i32>(&path, "name").is_err());

        for damaged in [text.replace("topic", "tropic"), text[..30].into(), String::new()] {
            std::fs::write(&path, damaged).unwrap();
            assert!(matches!(Notes::load(&path), Err(StartError::Unreadable { .. })));
        }
        std::fs::write(&path, text.replace("chat-broker 1", "chat-broker 2")).unwrap();
        assert!(matches!(Notes::load(&path), Err(StartError::Newer { found: 2, known: 1, .. })));
    }
}
