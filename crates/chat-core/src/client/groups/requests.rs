//! Groups that strangers have invited to: accepted or declined by a person.

use chat_store::{SeenEntry, WriteTxn};

use super::queue::Queue;
use super::{Group, GroupChange, GroupStanding, id_of};
use crate::client::Client;
use crate::clock::now_ms;
use crate::content::Body;
use crate::error::{Error, SendError};
use crate::groups::{GroupContent, Parting};
use crate::item::{CarrierKind, GroupEvent, Item, Message, MessageState, Protection};
use crate::peer::GroupName;
use crate::remote_text::RemoteText;
use crate::trust::{Standing, meet};

impl Client {
    /// The groups that strangers have invited to, and that nobody has accepted or declined.
    ///
    /// # Errors
    /// When no network is joined or the store cannot be read.
    pub fn requests(&self) -> Result<Vec<Group>, Error> {
        let mut groups = self.groups()?;
        groups.retain(|group| group.standing == GroupStanding::Requested);
        Ok(groups)
    }

    /// Accepts a stranger's group: it is a group as any other from now on, and what was said in it is shown. Their
    /// key counts as that of a contact, if no other does.
    ///
    /// # Errors
    /// [`GroupError::NoRequest`](crate::GroupError::NoRequest), or when the store fails.
    pub fn accept_request(&self, group: &GroupName) -> Result<GroupChange, Error> {
        let id = id_of(group);
        Ok(self.profile.in_group(id, |queue, tx| {
            let said = queue.ratchets.accept(tx, id)?;
            let inviter = queue.ratchets.row(tx, id)?.inviter.clone();
            if let Some(inviter) = inviter {
                let known = Standing::of::<SendError>(tx, &inviter.handle)?.pin.is_some();
                let signed = (inviter.identity, Protection::SignedSharedKey);
                if !known {
                    meet::<SendError>(tx, &inviter.handle, signed, now_ms())?;
                }
            }
            if let Some(joined) = queue.ratchets.joined_event(tx, id, GroupEvent::Joined)? {
                queue.append(tx, joined)?;
            }
            said.iter().try_for_each(|content| queue.show(tx, content))
        })?)
    }

    /// Declines a stranger's group: this profile leaves it, and nothing of it is ever shown.
    ///
    /// # Errors
    /// [`GroupError::NoRequest`](crate::GroupError::NoRequest), or when the store fails.
    pub fn decline_request(&self, group: &GroupName) -> Result<GroupChange, Error> {
        let id = id_of(group);
        Ok(self.profile.in_group(id, |queue, tx| match queue.ratchets.decline(tx, id)? {
            Parting::Asked(handshake) => queue.push(tx, handshake),
            Parting::Forgotten => Ok(()),
        })?)
    }
}

impl Queue<'_> {
    /// Stores what was said before anybody had said yes.
    fn show(&mut self, tx: &mut WriteTxn<'_>, said: &GroupContent) -> Result<(), SendError> {
        let GroupContent { forked: _, content, encoded, identity, device: _, head: _ } = said;
        let standing = Standing::of::<SendError>(tx, &content.sender)?;
        let conversation = self.conversation();
        let stream = tx.stream_key(&conversation, content.sender.as_str(), &content.stream_id.0);
        if standing.blocked || !tx.seen(&stream, content.number)?.is_empty() {
            return Ok(());
        }
        let signed = (*identity, Protection::SignedSharedKey);
        let (standing, _) = meet::<SendError>(tx, &content.sender, signed, now_ms())?;
        let text = match &content.body {
            Body::Text(text) => text.as_str(),
            _ => "",
        };
        let is_text = matches!(content.body, Body::Text(_));
        let message = Message {
            id: content.message_id,
            with: self.ratchets.row(tx, self.id())?.name().into(),
            from: content.sender.clone(),
            outgoing: false,
            sent_at_ms: i64::try_from(content.sent_at_ms).unwrap_or(i64::MAX),
            text: RemoteText::new(text),
            carrier: CarrierKind::Plain,
            protection: Protection::Mls,
            sender: standing.trust_of(identity),
            conflict: false,
            broken_chain: false,
            state: if is_text { MessageState::Normal } else { MessageState::Withdrawn },
        };
        let row = crate::history_row::HistoryRow::now(Item::Message(message));
        let history = row.append::<SendError>(tx, &conversation)?;
        let entry = SeenEntry {
            message_id: *content.message_id.as_bytes(),
            content_hash: content.chain_hash(encoded),
            history,
        };
        Ok(tx.set_seen(&stream, content.number, &[entry])?)
    }
}
