//! From a record to a row of history.

#[cfg(test)]
mod adversary;
mod gathering;
mod opened;
mod reader;
mod reconcile;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::opened::{Inbox, Opened, Refusal};
pub(crate) use self::reader::{Live, Reader, SharedLive};
pub use self::store::Skipped;
pub(crate) use self::store::{Batch, Stored, reopen_newer, store_batch};
