//! Conversations that MLS protects: one for every two people, and those that people make.

#![allow(dead_code, unused_imports, reason = "the parts that follow use it")]

mod chain;
mod credential;
mod found;
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

pub(crate) use self::credential::DeviceCheck;
pub(crate) use self::found::{FoundedPair, Invitee, Place};
pub(crate) use self::join::{Arrival, Joined, NotJoined};
pub(crate) use self::letter::{Addressee, Letter, LetterError, ReceivedLetter};
pub(crate) use self::own_leaf::OwnLeaf;
pub(crate) use self::ratchets::{Ratchets, sealed_len};
pub(crate) use self::receive::{GroupContent, Read};
pub(crate) use self::row::{GroupKind, GroupRow, GroupState, NewGroup};
pub(crate) use self::state::{StoreState, write_changes};
pub(crate) use crate::error::GroupError;
