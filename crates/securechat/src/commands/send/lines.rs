//! Lines of stdin, read as they come.

use std::io::{self, BufRead, Read};

use super::{MAX_TEXT, Text, check};
use crate::failure::Failure;

/// How a batch of lines ended.
pub(super) enum End {
    More,
    Input,
    Bad(Failure),
}

/// The lines of stdin. A thread of their own reads them: it may wait for ever.
pub(super) struct Lines {
    read: tokio::sync::mpsc::Receiver<Result<String, Failure>>,
    pub(super) skipped: usize,
}

impl Lines {
    pub(super) fn start() -> Self {
        let (found, read) = tokio::sync::mpsc::channel(WAITING_LINES);
        // It ends with the input, with the receiver, or with the process.
        std::thread::spawn(move || {
            let mut input = io::stdin().lock();
            let mut number = 0;
            while let Some(line) = next_line(&mut input, &mut number).transpose() {
                let last = line.is_err();
                if found.blocking_send(line).is_err() || last {
                    break;
                }
            }
        });
        Self { read, skipped: 0 }
    }

    /// The next lines: at least one, and as many more as are there already, up to a batch.
    pub(super) async fn batch(&mut self) -> (Vec<String>, End) {
        let (mut texts, mut bytes) = (Vec::new(), 0);
        let mut next = self.read.recv().await;
        loop {
            match next {
                Some(Ok(text)) if text.is_empty() => self.skipped += 1,
                Some(Ok(text)) => {
                    bytes += text.len();
                    texts.push(text);
                }
                Some(Err(failure)) => return (texts, End::Bad(failure)),
                None => return (texts, End::Input),
            }
            if texts.len() >= BATCH || bytes >= BATCH_BYTES {
                return (texts, End::More);
            }
            next = match self.read.try_recv() {
                Ok(line) => Some(line),
                Err(tokio::sync::mpsc::error::TryRecvError::Empty) => return (texts, End::More),
                Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => None,
            };
        }
    }
}

/// The next line, empty ones included; `None` at the end of the input.
fn next_line(input: &mut impl BufRead, number: &mut u64) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_TEXT + 2).unwrap_or(u64::MAX);
    let read = input.by_ref().take(limit).read_until(b'\n', &mut line);
    read.map_err(|error| Failure::file("stdin".as_ref(), &error))?;
    if line.is_empty() {
        return Ok(None);
    }
    *number += 1;
    match line.strip_suffix(b"\n").unwrap_or(&line) {
        [] => Ok(Some(String::new())),
        text => check(text, Text::Line(*number)).map(Some),
    }
}

/// Lines that are accepted in one transaction and sent in one go.
const BATCH: usize = 4096;
/// Lines that are read ahead.
const WAITING_LINES: usize = 4096;
/// Bytes of text after which a batch is closed.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
