//! The trust gate: to whom nothing is sent, and of whom the sender should know something.

use std::sync::{Arc, PoisonError};

use chat_crypto::mls::GroupId;

use crate::client::{Profile, TrustPolicy};
use crate::conversation::Conversation;
use crate::error::SendError;
use crate::groups::{MemberName, Ratchets};
use crate::handle::Handle;
use crate::item::Protection;
use crate::mutant::{Mutant, breaks};
use crate::network::Network;
use crate::peer::Peer;
use crate::trust::{Standing, TrustState};

/// A member of a group of whom whoever writes to it should know something. They read it all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberDoubt {
    /// Who.
    pub handle: Handle,
    /// What it is.
    pub why: Doubt,
}

/// What whoever writes to a group should know of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// Another key came under the handle, or the member's is not the one that counts.
    KeyChanged,
    /// This profile has blocked them.
    Blocked,
}

impl Profile {
    /// The conversation with somebody; `None` with ourselves.
    pub(crate) fn conversation_with(&self, network: &Network, to: &Peer) -> Option<Conversation> {
        match to {
            Peer::Person(to) => Conversation::pair(network.namespace(), &self.handle, to),
            Peer::Group(group) => Some(Conversation::group(network.namespace(), group.as_bytes())),
        }
    }

    /// Whether something may be sent, and of whom its sender should know something.
    pub(super) fn may_write_to(
        &self,
        network: &Network,
        to: &Peer,
    ) -> Result<Vec<MemberDoubt>, SendError> {
        match to {
            Peer::Person(to) => self.may_write_to_person(to).map(|()| Vec::new()),
            Peer::Group(group) => {
                self.may_write_to_group(network, GroupId::from_bytes(*group.as_bytes()))
            }
        }
    }

    /// Nothing is sent to somebody who is blocked, whose key has changed, or who is not verified where all must be.
    pub(crate) fn may_write_to_person(&self, to: &Handle) -> Result<(), SendError> {
        let standing = self.store.read(|tx| Standing::of::<SendError>(tx, to))?;
        let handle = to.clone();
        if standing.blocked {
            return Err(SendError::Blocked { handle });
        }
        if breaks(Mutant::SendToChangedKey) {
            return Ok(());
        }
        if let (Some(pin), Some(other)) = (&standing.pin, &standing.presented) {
            let (old, new) = ((pin.identity, pin.since_ms), (other.identity, other.since_ms));
            return Err(SendError::KeyChanged { handle, old, new });
        }
        match self.trust_policy() {
            TrustPolicy::AlwaysVerify if standing.state() != TrustState::Verified => {
                Err(SendError::NotVerified { handle })
            }
            _ => Ok(()),
        }
    }

    /// Nothing is sent with less protection than somebody uses, unless a person has said so.
    pub(super) fn may_go_unprotected(&self, to: &Handle) -> Result<(), SendError> {
        let standing = self.store.read(|tx| Standing::of::<SendError>(tx, to))?;
        if standing.is_below(Protection::SignedSharedKey) && !standing.shared_key {
            return Err(SendError::Weaker { handle: to.clone() });
        }
        Ok(())
    }

    /// A group is written to although members are doubtful, unless everybody must be verified.
    fn may_write_to_group(
        &self,
        network: &Network,
        id: GroupId,
    ) -> Result<Vec<MemberDoubt>, SendError> {
        let own = self.own_leaf(network)?;
        let (mut doubts, mut unverified) = (Vec::new(), Vec::new());
        self.store.read::<_, SendError>(|tx| {
            let roster = Ratchets::new(Arc::clone(&own)).roster(tx, id)?;
            for MemberName { handle, identity } in roster.people() {
                if roster.is_us(&identity) {
                    continue;
                }
                let standing = Standing::of::<SendError>(tx, &handle)?;
                let other_pin = standing.pin.is_some_and(|pin| pin.identity != identity);
                if other_pin || standing.state() != TrustState::Verified || standing.blocked {
                    unverified.push(handle.clone());
                }
                if standing.blocked {
                    doubts.push(MemberDoubt { handle, why: Doubt::Blocked });
                } else if other_pin || standing.presented.is_some() {
                    doubts.push(MemberDoubt { handle, why: Doubt::KeyChanged });
                }
            }
            Ok(())
        })?;
        match self.trust_policy() {
            TrustPolicy::AlwaysVerify if !unverified.is_empty() => {
                Err(SendError::MembersNotVerified { handles: unverified })
            }
            _ => Ok(doubts),
        }
    }

    fn trust_policy(&self) -> TrustPolicy {
        *self.policy.read().unwrap_or_else(PoisonError::into_inner)
    }
}
