//! Conversations that MLS protects: one for every two people, and those that people make.

mod chain;
mod changed;
mod commit;
mod credential;
mod device_list;
mod found;
mod getting_back;
mod intent;
mod invitee;
mod join;
mod leave;
mod letter;
mod newer;
mod own_leaf;
mod own_messages;
mod pairs;
mod payload;
mod place;
mod ratchets;
mod receive;
mod renew;
mod repair;
mod request;
mod roster;
mod row;
mod settle;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod title;
mod upkeep;

pub(crate) use self::changed::Changed;
pub(crate) use self::commit::Handshake;
pub(crate) use self::credential::DeviceCheck;
pub(crate) use self::found::{FoundedPair, Invitee, Place};
pub(crate) use self::intent::Intent;
pub(crate) use self::invitee::MAX_KEY_PACKAGE_AGE_MS;
pub(crate) use self::join::{Arrival, NotJoined};
pub(crate) use self::leave::Parting;
pub(crate) use self::letter::fuzz_letter;
pub(crate) use self::letter::{
    Addressee, DeviceAnswer, DeviceRequest, Invitation, Letter, LetterError, OfferedKeys,
    ReceivedLetter, RejoinAnswer, RejoinRequest,
};
pub(crate) use self::newer::NewerContent;
pub(crate) use self::own_leaf::{OwnLeaf, own_member};
pub(crate) use self::ratchets::{Ratchets, sealed_len};
pub(crate) use self::receive::{GroupContent, Read};
pub(crate) use self::repair::{Answer, MOST_ASKED, NewKeys};
pub(crate) use self::roster::{MemberName, Roster};
pub(crate) use self::row::{GroupKind, GroupRow, GroupState};
pub(crate) use self::settle::Landing;
pub(crate) use self::state::{StoreState, write_changes};
pub(crate) use self::title::GroupTitle;
#[cfg(test)]
pub(crate) use self::{
    found::FoundedGroup, join::Joined, row::NewGroup, settle::HeldLetter, settle::Settled,
};
pub(crate) use crate::error::GroupError;
