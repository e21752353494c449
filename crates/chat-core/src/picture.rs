//! Pictures that carry messages: which cover, which codec, and what was used before.

mod cargo;
mod hidden;
mod hiding;
mod ledger;
mod note;
mod planner;
mod ready;
mod search;
mod source;

pub(crate) use cargo::Cargo;
pub(crate) use hidden::{HiddenCodec, embed};
pub use hiding::Hiding;
pub(crate) use ledger::CoverUse;
pub use note::Note;
pub(crate) use planner::{Plan, Planner, Share, max_picture};
pub(crate) use ready::Ready;
pub use source::CoverSource;
pub(crate) use source::{list, read_cover};
