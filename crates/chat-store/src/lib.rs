#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod codec;
mod engine;
mod error;
#[doc(hidden)]
pub mod failpoint;
mod ids;
mod schema;
mod sealed;
mod store;
mod tables;
mod txn;
mod verify;

// The public interface is:
pub use crate::engine::kind::{EngineKind, UnknownEngine};
pub use crate::error::{OpenError, StoreError};
pub use crate::ids::{Generation, OutboxId, Seq};
pub use crate::sealed::StoreKey;
pub use crate::store::Store;
pub use crate::store::copy::Copied;
pub use crate::store::origin::{Restored, note_files};
pub use crate::store::repair::Repaired;
pub use crate::tables::contacts::Contact;
pub use crate::tables::cursors::{Cursor, CursorRow};
pub use crate::tables::messages::{Head, HistoryRow};
pub use crate::tables::newer::NewerRow;
pub use crate::tables::outbox::OutboxRow;
pub use crate::tables::own::OwnRow;
pub use crate::tables::seen::{SeenEntry, StreamKey};
pub use crate::tables::streams::StreamTip;
pub use crate::tables::unreadable::Unreadable;
pub use crate::txn::{ReadTxn, WriteTxn};
pub use crate::verify::{Damage, VerifyReport};
