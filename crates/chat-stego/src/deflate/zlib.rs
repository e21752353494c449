//! C zlib as a compressor: its settings, and its output to the bit.

use super::encode::{
    Effort, Greedy, Parsing, StreamWriter, Task, Verdict, Window, lazy_in_parallel,
};

/// zlib's compression level, 1 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(u8);

impl Level {
    /// None if the level is not 1 to 9.
    #[cfg(test)]
    pub(crate) const fn new(level: u8) -> Option<Self> {
        match level {
            1..=9 => Some(Self(level)),
            _ => None,
        }
    }

    /// All levels.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (1..=9).map(Self)
    }

    /// What the level leaves in a stream's header, bits 6 and 7 of the second byte.
    fn flag(self) -> u8 {
        match self.0 {
            1 => 0,
            2..=5 => 1,
            6 => 2,
            _ => 3,
        }
    }
}

/// zlib's memLevel: how large its hash and its blocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// zlib's own default, and libpng's.
    Eight,
    /// What Pillow and other programs ask for.
    Nine,
}

/// zlib's strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Every match counts.
    Default,
    /// For filtered samples: no matches of five bytes and fewer. No different at levels 1 to 3.
    Filtered,
}

/// Settings of C zlib's `deflate`, with its window of 32 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zlib {
    pub(crate) level: Level,
    pub(crate) memory: Memory,
    pub(crate) strategy: Strategy,
}

impl Zlib {
    /// The zlib stream that C zlib 1.2.11 to 1.3.1 makes of `raw`, byte for byte, if it gets it in
    /// one go. In pieces it makes the same, but for a case that real pictures hardly have: a
    /// match that reaches back exactly 32,506 bytes from the edge of its window.
    ///
    /// Uses up to eight threads from level 4 on; memory is the stream and some 10 MB a thread.
    pub(crate) fn compress(&self, raw: &[u8]) -> Vec<u8> {
        self.compress_watched(raw, |_, _| Verdict::Continue(())).unwrap_or_default()
    }

    /// Whether these settings make `stream` of `raw`. Stops at the first block that differs.
    pub(crate) fn reproduces(&self, stream: &[u8], raw: &[u8]) -> bool {
        let mut follow = Follow::new(stream);
        self.begins(stream)
            && self.compress_watched(raw, |so_far, _| follow.see(so_far)).as_deref() == Some(stream)
    }

    /// Level (1 to 9), memLevel (8 or 9), and whether the strategy is for filtered samples.
    pub(crate) fn settings(&self) -> (u8, u8, bool) {
        (self.level.0, self.memory(), self.strategy == Strategy::Filtered)
    }

    /// Whether the stream's header is that of these settings.
    pub(super) fn begins(&self, stream: &[u8]) -> bool {
        stream.starts_with(&self.header())
    }

    /// Compresses on one thread; `watch` sees the stream after each block but the last.
    pub(super) fn walk<F: FnMut(&[u8], usize) -> Verdict>(
        &self,
        raw: &[u8],
        watch: F,
    ) -> Option<Vec<u8>> {
        let effort = self.effort();
        let mut writer = self.writer(raw, watch);
        match effort.parsing {
            Parsing::Greedy => {
                let mut walk = Greedy::new(Window::at_place(raw, 0, self.memory()), effort);
                let mut tokens = Vec::new();
                for stop in (0..raw.len()).step_by(GREEDY_STEP).map(|start| start + GREEDY_STEP) {
                    tokens.clear();
                    walk.walk(stop, &mut tokens);
                    writer.take(&tokens).continue_value()?;
                }
                Some(writer.finish(None))
            }
            Parsing::Lazy => {
                let task = Task { input: raw, effort, memory: self.memory() };
                let (verdict, rest) = task.alone(&mut writer);
                verdict.continue_value()?;
                Some(writer.finish(rest))
            }
        }
    }

    fn compress_watched<F: FnMut(&[u8], usize) -> Verdict>(
        &self,
        raw: &[u8],
        watch: F,
    ) -> Option<Vec<u8>> {
        let effort = self.effort();
        if effort.parsing == Parsing::Greedy {
            return self.walk(raw, watch);
        }
        let mut writer = self.writer(raw, watch);
        let task = Task { input: raw, effort, memory: self.memory() };
        let (verdict, rest) = lazy_in_parallel(task, &mut writer);
        verdict.continue_value()?;
        Some(writer.finish(rest))
    }

    fn writer<'a, F: FnMut(&[u8], usize) -> Verdict>(
        &self,
        raw: &'a [u8],
        watch: F,
    ) -> StreamWriter<'a, F> {
        StreamWriter::new(raw, self.header(), (self.effort().parsing, self.memory()), watch)
    }

    fn effort(&self) -> Effort {
        Effort::of(self.level.0, self.strategy == Strategy::Filtered)
    }

    fn memory(&self) -> u8 {
        match self.memory {
            Memory::Eight => 8,
            Memory::Nine => 9,
        }
    }

    /// The two bytes before the blocks: RFC 1950 section 2.2.
    fn header(&self) -> [u8; 2] {
        let method = 0x78;
        let flags = self.level.flag() << 6;
        let check = 31 - u16::from_be_bytes([method, flags]) % 31;
        [method, flags + check as u8]
    }
}

/// Bytes between two looks at a greedy walk's tokens.
const GREEDY_STEP: usize = 64 * 1024;

/// Compares a stream that comes into being with another.
pub(super) struct Follow<'a> {
    wanted: &'a [u8],
    seen: usize,
}

impl<'a> Follow<'a> {
    pub(super) fn new(wanted: &'a [u8]) -> Self {
        Self { wanted, seen: 0 }
    }

    /// Whether all is the same as far as it goes; looks at what is new.
    pub(super) fn see(&mut self, so_far: &[u8]) -> Verdict {
        let fresh = self.seen..so_far.len();
        let same =
            so_far.get(fresh.clone()).zip(self.wanted.get(fresh)).is_some_and(|(a, b)| a == b);
        self.seen = so_far.len();
        if same { Verdict::Continue(()) } else { Verdict::Break(()) }
    }
}
