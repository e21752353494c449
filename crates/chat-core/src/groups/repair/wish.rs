//! Somebody's wish to be put back, as it waits until it is done.

use chat_crypto::mls::{KeyPackage, Leaf, Return};
use chat_crypto::{DeviceCertificate, InboxPublic};
use serde::{Deserialize, Serialize};

use super::{Device, device_of};
use crate::groups::letter::{RejoinReason, RejoinRequest};
use crate::groups::roster::{MemberName, Roster};
use crate::groups::{Invitee, OwnLeaf};

/// A device that asks to be put back, with all that it takes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    pub(in crate::groups) name: MemberName,
    device_key: [u8; 32],
    why: RejoinReason,
    pub(super) epoch: u64,
    state: [u8; 32],
    pub(super) made_at_ms: i64,
    #[serde(with = "serde_bytes")]
    signed: Vec<u8>,
    #[serde(with = "serde_bytes")]
    inbox_key: Vec<u8>,
    #[serde(with = "serde_bytes")]
    key_package: Vec<u8>,
}

impl Wish {
    pub(super) fn of(request: &RejoinRequest, sender: &DeviceCertificate) -> Option<Self> {
        Some(Self {
            name: MemberName {
                handle: sender.handle().parse().ok()?,
                identity: *sender.identity().as_bytes(),
            },
            device_key: *sender.device_key().as_bytes(),
            why: request.why,
            epoch: request.epoch,
            state: request.state,
            made_at_ms: request.made_at_ms,
            signed: request.wish.to_bytes().to_vec(),
            inbox_key: request.inbox_key.as_bytes().to_vec(),
            key_package: request.key_package.clone(),
        })
    }

    pub(super) fn device(&self) -> Device {
        (self.name.identity, self.device_key)
    }

    /// The device, as somebody who can be brought in; `None` if its keys are none, or somebody else's.
    pub(crate) fn invitee(&self, own: &OwnLeaf) -> Option<Invitee> {
        let package = KeyPackage::parse(&self.key_package, &own.check).ok()?;
        self.is_of(package.leaf()).then_some(())?;
        Some(Invitee {
            handle: self.name.handle.clone(),
            identity: self.name.identity,
            inbox_key: InboxPublic::from_bytes(&self.inbox_key).ok()?,
            key_packages: vec![package],
        })
    }

    /// Whether there is nothing to be done, by the group as it is now: nothing was missed.
    pub(in crate::groups) fn is_idle(&self, roster: &Roster) -> bool {
        self.why == RejoinReason::OutOfStep && self.state == roster.state()
    }

    /// Whether its keys may be gone by now.
    pub(super) fn is_old(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.made_at_ms) > OLDEST_MS
    }

    /// What lets somebody do it who is no admin.
    pub(in crate::groups) fn signed(&self) -> Option<Return> {
        self.signed.as_slice().try_into().ok().map(Return::from_bytes)
    }

    /// Whether a leaf is the one that is to be put back.
    pub(in crate::groups) fn is_of(&self, leaf: &Leaf) -> bool {
        device_of(leaf) == Some(self.device()) && leaf.name.handle == self.name.handle.as_str()
    }
}

/// How long the private part of a KeyPackage is kept once it was replaced: 7 days.
const OLDEST_MS: i64 = 7 * 24 * 60 * 60 * 1000;

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wish({}, epoch {})", self.name.handle, self.epoch)
    }
}
