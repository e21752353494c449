//! What protects a message, and where it goes.

use std::sync::Arc;

use chat_crypto::Subkey;
use chat_crypto::mls::GroupId;
use chat_stego::StegoKey;
use chat_store::ReadTxn;
use chat_transport::TopicId;

use crate::client::Profile;
use crate::error::{GroupError, SendError};
use crate::groups::{GroupRow, Invitee, Place};
use crate::handle::Handle;
use crate::item::Protection;
use crate::mailbox::Mailbox;
use crate::network::Network;
use crate::outbox::enqueue::sealed_len;
use crate::peer::Peer;
use crate::trust::Standing;

/// What protects a message, and where it goes.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// The network key and a signature, to the recipient's inbox.
    SharedKey(Mailbox),
    /// The group of the two, to its mailbox.
    Pair(Arc<Pair>),
    /// A named group, to its mailbox.
    Group(Arc<NamedGroup>),
}

/// A named group that we write to.
#[derive(Debug)]
pub(crate) struct NamedGroup {
    pub(crate) id: GroupId,
    mailbox: Mailbox,
    /// What seals its envelopes.
    wrap: Subkey,
}

/// The group of us and one other person, there or to be founded.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) identity: [u8; 32],
    pub(crate) mailbox: Mailbox,
    /// What seals its envelopes; `None` if it is to be founded.
    wrap: Option<Subkey>,
    /// What it takes to found it.
    pub(crate) founding: Option<Founding>,
}

/// What it takes to found the group of two people.
#[derive(Clone, Debug)]
pub(crate) struct Founding {
    pub(crate) invitee: Invitee,
    /// Our other devices, where there are any.
    pub(crate) ours: Option<Invitee>,
    pub(crate) place: Place,
}

impl Route {
    /// Whether its group is founded with the message.
    pub(crate) fn is_founding(&self) -> bool {
        matches!(self, Self::Pair(pair) if pair.founding.is_some())
    }

    /// Nothing of a group that is to be founded can lie before the end of its partition's log.
    pub(crate) fn begin_at(&mut self, (topic, end): (TopicId, u64)) {
        if let Self::Pair(pair) = self
            && let Some(founding) = &mut Arc::make_mut(pair).founding
        {
            (founding.place.topic_id, founding.place.start) = (topic.0, end);
        }
    }

    /// Where its records go, as far as is known before the transaction that accepts the message.
    pub(crate) fn mailbox(&self) -> Mailbox {
        match self {
            Self::SharedKey(mailbox) => *mailbox,
            Self::Pair(pair) => pair.mailbox,
            Self::Group(group) => group.mailbox,
        }
    }

    pub(crate) fn protection(&self) -> Protection {
        match self {
            Self::SharedKey(_) => Protection::SignedSharedKey,
            Self::Pair(_) | Self::Group(_) => Protection::Mls,
        }
    }

    /// How long the envelope of a content of `me` is, in bytes.
    pub(crate) fn sealed_len(&self, me: &Handle, content: usize) -> Option<usize> {
        match self {
            Self::SharedKey(_) => sealed_len(me, content),
            Self::Pair(_) | Self::Group(_) => crate::groups::sealed_len(content),
        }
    }

    /// The key that hides what its pictures carry. For a group that is to be founded it is one of the same kind:
    /// what fits under it fits under the group's.
    pub(crate) fn picture_key(&self, network: &Network) -> StegoKey {
        match self {
            Self::SharedKey(mailbox) => network.picture_key(mailbox),
            Self::Pair(pair) => {
                let wrap = pair.wrap.clone().unwrap_or_else(|| Subkey::from_bytes([0; 32]));
                network.picture_key_of_group(&pair.mailbox, &wrap)
            }
            Self::Group(group) => network.picture_key_of_group(&group.mailbox, &group.wrap),
        }
    }
}

impl Profile {
    /// How a message to somebody travels: in the group, if it is for one; in the group of the two, if there is one
    /// or it can be founded.
    pub(crate) fn route(&self, network: &Network, to: &Peer) -> Result<Route, SendError> {
        let to = match to {
            Peer::Person(to) => to,
            Peer::Group(group) => {
                let id = GroupId::from_bytes(*group.as_bytes());
                let group = self.store.read::<_, SendError>(|tx| named(tx, id))?;
                return Ok(Route::Group(Arc::new(group)));
            }
        };
        let standing = self.store.read(|tx| Standing::of::<SendError>(tx, to))?;
        if standing.shared_key {
            return Ok(Route::SharedKey(network.inbox(to)));
        }
        let pair = standing.pin.map(|pin| self.store.read(|tx| pair_of(tx, &pin.identity)));
        match pair.transpose()?.flatten() {
            Some(pair) => Ok(Route::Pair(Arc::new(pair))),
            None => Ok(self
                .founding(network, to)?
                .unwrap_or_else(|| Route::SharedKey(network.inbox(to)))),
        }
    }

    /// The group that can be founded with somebody, from what they have published.
    fn founding(&self, network: &Network, to: &Handle) -> Result<Option<Route>, SendError> {
        let Some(invitee) = self.invitee(network, to)? else { return Ok(None) };
        let (place, ours) = (self.new_place(network)?, self.own_invitee(network)?);
        Ok(Some(Route::Pair(Arc::new(Pair {
            identity: invitee.identity,
            mailbox: place.mailbox,
            wrap: None,
            founding: Some(Founding { invitee, ours, place }),
        }))))
    }
}

/// The group of us and an identity.
fn pair_of(tx: &ReadTxn<'_>, identity: &[u8; 32]) -> Result<Option<Pair>, SendError> {
    let Some(row) = GroupRow::pair_with(tx, identity)? else { return Ok(None) };
    let (_, wrap) = row.newest_wrap().ok_or(GroupError::NoGroup)?;
    let (identity, mailbox) = (*identity, row.mailbox());
    Ok(Some(Pair { identity, mailbox, wrap: Some(wrap), founding: None }))
}

/// A named group that we write to.
fn named(tx: &ReadTxn<'_>, id: GroupId) -> Result<NamedGroup, SendError> {
    let row = GroupRow::of::<SendError>(tx, id)?.ok_or(GroupError::NoGroup)?;
    row.state.check_we_write()?;
    let (_, wrap) = row.newest_wrap().ok_or(GroupError::NoGroup)?;
    Ok(NamedGroup { id, mailbox: row.mailbox(), wrap })
}
