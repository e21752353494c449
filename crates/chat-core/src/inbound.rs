//! From a record to a row of history.

#[cfg(test)]
mod adversary;
mod batch;
mod conversations;
mod course;
mod gathering;
mod group_mail;
mod lagging;
mod live;
mod mail;
mod mailboxes;
mod newer;
mod opened;
mod page;
#[cfg(test)]
mod post;
mod reader;
mod readers;
mod reconcile;
mod restored;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::batch::{Batch, Stored, store_batch};
pub(crate) use self::lagging::{begin_reading, begin_reading_inbox};
pub(crate) use self::live::{Live, SharedLive};
pub(crate) use self::mail::Mail;
pub(crate) use self::mailboxes::Mailboxes;
pub(crate) use self::newer::reopen_newer;
pub(crate) use self::opened::{Inbox, Opened, OpenedLetter, OpenedMls, Refusal};
pub(crate) use self::reader::Reader;
pub(crate) use self::readers::read_to_end;
pub(crate) use self::readers::{Outcome, Readers};
pub(crate) use self::restored::note_restored;
pub use self::store::Skipped;
