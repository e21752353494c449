//! A lazy walk on all processors, to the bit the same as on one.
//!
//! The chains of places depend on the input alone, and the walk forgets: once it stands at a
//! place without a match in mind, what comes depends on that place only. So parts of the input
//! are walked at the same time, each a little beyond its end, and where the walks of two
//! neighbours meet in such a place they are joined. Where they do not meet (in long runs of one
//! colour), the earlier walk goes on through the next part.

use std::{
    num::NonZero,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::{
    super::token::Token,
    effort::Effort,
    lazy::Lazy,
    places::Places,
    splice::{Border, Walked},
    stream::{StreamWriter, Verdict},
};

/// Bytes of a part.
const PART: usize = 512 * 1024;
/// Bytes that a walk goes on beyond its part.
const OVERLAP: usize = 8 * 1024;
const MOST_THREADS: usize = 8;

/// What is to be walked, and how.
#[derive(Clone, Copy)]
pub(in super::super) struct Task<'a> {
    pub(in super::super) input: &'a [u8],
    pub(in super::super) effort: Effort,
    /// zlib's memLevel, 1 to 9.
    pub(in super::super) memory: u8,
}

/// Walks over the input with up to eight threads and hands the tokens over in order; returns the
/// byte that is left at the end.
pub(in super::super) fn lazy_in_parallel<F: FnMut(&[u8], usize) -> Verdict>(
    task: Task<'_>,
    writer: &mut StreamWriter<'_, F>,
) -> (Verdict, Option<Token>) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    with_threads(task, threads, writer)
}

/// The same with a given number of threads.
pub(super) fn with_threads<F: FnMut(&[u8], usize) -> Verdict>(
    task: Task<'_>,
    threads: usize,
    writer: &mut StreamWriter<'_, F>,
) -> (Verdict, Option<Token>) {
    let threads = threads.min(task.parts());
    if threads < 2 {
        return task.alone(writer);
    }
    thread::scope(|scope| {
        let mut receivers = Vec::with_capacity(threads);
        for first in 0..threads {
            let (sender, receiver) = sync_channel(1);
            receivers.push(receiver);
            scope.spawn(move || task.every(first, threads, &sender));
        }
        task.join(&receivers, writer)
    })
}

impl Task<'_> {
    /// How many parts there are; the last one is larger than the others.
    fn parts(&self) -> usize {
        (self.input.len() / PART).max(1)
    }

    /// The end of a part.
    fn end(&self, part: usize) -> usize {
        if part + 1 == self.parts() { self.input.len() } else { (part + 1) * PART }
    }

    pub(in super::super) fn alone<F: FnMut(&[u8], usize) -> Verdict>(
        &self,
        writer: &mut StreamWriter<'_, F>,
    ) -> (Verdict, Option<Token>) {
        let mut walk = self.walk_from(0);
        let mut tokens = Vec::new();
        let mut stop = 0;
        while stop < self.input.len() {
            stop += PART / 8;
            tokens.clear();
            walk.walk(stop, &mut tokens);
            if writer.take(&tokens).is_break() {
                return (Verdict::Break(()), None);
            }
        }
        (Verdict::Continue(()), walk.rest())
    }

    /// Walks over every `step`th part, until nobody wants them any more.
    fn every(&self, first: usize, step: usize, sender: &SyncSender<Walked>) {
        for part in (first..self.parts()).step_by(step) {
            if sender.send(self.part(part * PART, part)).is_err() {
                return;
            }
        }
    }

    /// Joins the parts.
    fn join<F: FnMut(&[u8], usize) -> Verdict>(
        &self,
        receivers: &[Receiver<Walked>],
        writer: &mut StreamWriter<'_, F>,
    ) -> (Verdict, Option<Token>) {
        let receive = |part: usize| receivers[part % receivers.len()].recv().ok();
        let mut current = receive(0).unwrap_or_else(|| self.part(0, 0));
        let mut from = 0;
        for part in 1..self.parts() {
            let met = receive(part)
                .and_then(|next| current.meets(&next.tokens, part * PART).map(|met| (met, next)));
            let (until, next_from, next) = match met {
                Some(((until, next_from), next)) => (until, next_from, next),
                None => {
                    let Border { index, place } = current.last_marked();
                    (index, 0, self.part(place, part))
                }
            };
            if writer.take(&current.tokens[from..until]).is_break() {
                return (Verdict::Break(()), None);
            }
            (current, from) = (next, next_from);
        }
        (writer.take(&current.tokens[from..]), current.rest)
    }

    /// Walks from a place to the end of a part and beyond.
    fn part(&self, start: usize, part: usize) -> Walked {
        let mut walk = self.walk_from(start);
        let mut tokens = Vec::with_capacity(PART / 2);
        let end = self.end(part);
        walk.walk(end, &mut tokens);
        let border = Border { index: tokens.len(), place: walk.written() };
        walk.walk(end + OVERLAP, &mut tokens);
        let rest = if end == self.input.len() { walk.rest() } else { None };
        Walked { tokens, border, rest }
    }

    fn walk_from(&self, place: usize) -> Lazy<'_> {
        let places = Places::before(self.input, place, (self.memory, self.effort));
        Lazy::new(places, place, self.effort)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::effort::Parsing, *};

    fn compressed(input: &[u8], effort: Effort, threads: usize) -> Vec<u8> {
        let go_on = |_: &[u8], _| Verdict::Continue(());
        let mut writer = StreamWriter::new(input, [0x78, 0x9c], (Parsing::Lazy, 8), go_on);
        let task = Task { input, effort, memory: 8 };
        let (_, rest) = with_threads(task, threads, &mut writer);
        writer.finish(rest)
    }

    /// Small differences with runs of zeros across the borders of parts, and noise.
    fn input() -> Vec<u8> {
        let mut state = 1_u64;
        let mut input = vec![0; 5 * PART + 12_345];
        for byte in &mut input {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = ((state >> 60) as u8).min(6);
        }
        input[2 * PART - 5000..2 * PART + 70_000].fill(0);
        input[3 * PART - 100..4 * PART + 2 * OVERLAP].fill(9);
        input
    }

    #[test]
    fn any_number_of_threads_writes_the_same() {
        let input = input();
        for (level, filtered) in [(4, false), (6, true), (9, false)] {
            let effort = Effort::of(level, filtered);
            let alone = compressed(&input, effort, 1);
            for threads in 2..5 {
                assert!(compressed(&input, effort, threads) == alone, "{level} {threads}");
            }
        }
    }

    #[test]
    fn one_colour_is_the_same_as_well() {
        let input = vec![7; 3 * PART + 1];
        let effort = Effort::of(6, false);
        assert!(compressed(&input, effort, 3) == compressed(&input, effort, 1));
    }

    #[test]
    fn walking_ends_when_nobody_wants_more() {
        let input = input();
        let stop = |_: &[u8], _| Verdict::Break(());
        let mut writer = StreamWriter::new(&input, [0x78, 0x9c], (Parsing::Lazy, 8), stop);
        let task = Task { input: &input, effort: Effort::of(6, false), memory: 8 };
        assert!(with_threads(task, 3, &mut writer).0.is_break());
    }
}
