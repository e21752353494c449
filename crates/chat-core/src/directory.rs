//! The directory: what people publish about themselves, so that others can write to them while they are away.
//!
//! Each identity publishes an *entry* (its devices, its inbox key, all changes that led there), and each device
//! a KeyPackage. Both are envelopes in the network's compacted topic, under keys that only members can compute.
//! Whoever holds the network key may publish: what is read here says who claims a handle, never who has it. See
//! PROTOCOL section 9 in `docs/wire-format.md`, and `trust` for who counts.

mod gossip;
mod kept;
mod lookup;
mod own;
mod place;
mod publish;
mod published;
mod read;
mod take;
#[cfg(test)]
mod tests;

pub(crate) use self::gossip::{Ahead, SeenHead};
pub(crate) use self::kept::{Rivals, rivals};
pub(crate) use self::lookup::refresh;
pub use self::own::OwnPublication;
pub(crate) use self::own::{forget_directory_log, key_package_used, own_key_package};
pub(crate) use self::place::Place;
pub(crate) use self::publish::Publisher;
pub use self::published::Published;
pub(crate) use self::published::{has_removed, inbox_key_of, note_removed};
pub(crate) use self::take::note_devices_changed;
