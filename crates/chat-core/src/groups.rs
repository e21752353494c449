//! Conversations that MLS protects: one for every two people, and those that people make.

mod chain;
mod credential;
mod found;
mod invitee;
mod join;
mod letter;
mod own_leaf;
mod own_messages;
mod pairs;
mod payload;
mod place;
mod ratchets;
mod receive;
mod renew;
mod row;
mod state;
#[cfg(test)]
mod tests;
mod upkeep;

pub(crate) use self::credential::DeviceCheck;
pub(crate) use self::found::{Invitee, Place};
pub(crate) use self::join::{Arrival, NotJoined};
pub(crate) use self::letter::{Addressee, Invitation, Letter, LetterError, ReceivedLetter};
pub(crate) use self::own_leaf::{OwnLeaf, own_member};
pub(crate) use self::ratchets::{Ratchets, sealed_len};
pub(crate) use self::receive::{GroupContent, Read};
pub(crate) use self::row::{GroupKind, GroupRow, GroupState};
pub(crate) use self::state::{StoreState, write_changes};
#[cfg(test)]
pub(crate) use self::{join::Joined, row::NewGroup};
pub(crate) use crate::error::GroupError;
