//! What became of messages that somebody waits for.

use std::ops::RangeInclusive;

use super::enqueue::Queued;
use crate::error::Error;
use crate::message_id::MessageId;

/// What became of the messages that somebody waits for.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Delivery {
    /// Messages of those waited for that are on the log.
    pub delivered: usize,
    /// Messages of those waited for that are still in the outbox.
    pub waiting: usize,
    /// Messages that were accepted earlier and are on the log now.
    pub others: usize,
    /// Messages that can never be sent, with the reason; they are closed.
    pub closed: Vec<(MessageId, String)>,
    /// Messages that were taken back before they were sent.
    pub withdrawn: Vec<MessageId>,
    /// Where the newest of those messages landed, if this call brought it there.
    pub last: Option<Landed>,
    /// Why it stopped, if messages wait.
    pub failure: Option<Error>,
    /// Whether a mailbox was left to another process that is sending to it.
    pub(crate) passed_over: bool,
    /// Numbers in the outbox of messages that nobody waited for and that are on the log now; rising.
    pub(crate) brought: Vec<RangeInclusive<u64>>,
}

impl Delivery {
    /// Whether it brought a message to the log that nobody waited for: one of [`others`](Self::others).
    pub fn brought(&self, message: &Queued) -> bool {
        let behind = self.brought.partition_point(|numbers| *numbers.start() <= message.id);
        let last = behind.checked_sub(1).and_then(|place| self.brought.get(place));
        last.is_some_and(|numbers| numbers.contains(&message.id))
    }

    /// A message that nobody waited for is on the log; [`Drain`](super::deliver::Drain) orders them at its end.
    pub(crate) fn bring(&mut self, number: u64) {
        match self.brought.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(number) => {
                *last = *last.start()..=number;
            }
            _ => self.brought.push(number..=number),
        }
    }
}

/// Where a message is on the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Landed {
    /// The partition of the mail topic.
    pub partition: u32,
    /// The offset there; `None` if an earlier attempt had put it there already.
    pub offset: Option<u64>,
}
