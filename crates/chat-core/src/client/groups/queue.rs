//! One transaction that changes a group: its rows of the outbox, and what the history tells of it.

use std::sync::Arc;

use chat_crypto::mls::GroupId;
use chat_crypto::{Envelope, Protected};
use chat_store::{ReadTxn, WriteTxn};

use super::GroupChange;
use crate::client::Profile;
use crate::clock::now_ms;
use crate::conversation::Conversation;
use crate::error::{GroupError, SendError};
use crate::groups::{
    GroupRow, GroupTitle, Handshake, Intent, Invitee, Landing, MemberName, Parting, Ratchets,
};
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::inbound::begin_reading;
use crate::item::{GroupChanged, GroupEvent, Item, Protection};
use crate::mutant::{Mutant, breaks};
use crate::outbox::{OutboxRow, Sealer};
use crate::trust::meet;

/// One transaction that changes a group.
pub(super) struct Queue<'a> {
    id: GroupId,
    sealer: Sealer<'a>,
    pub(super) ratchets: Ratchets,
    rows: usize,
}

impl Profile {
    /// Founds a group, with an invitation on its way to everybody.
    pub(crate) fn found_group(
        &self,
        title: &GroupTitle,
        invitees: &[Invitee],
    ) -> Result<GroupChange, SendError> {
        self.check_is_device()?;
        let network = self.joined_network()?;
        let signer = self.signer(network.namespace())?;
        let sealer = Sealer { network: &network, signer: &signer };
        let place = self.new_place(&network)?;
        let ours = self.own_invitee(&network)?;
        let own = self.own_leaf(&network)?;
        self.store.write(|tx| {
            let mut ratchets = Ratchets::new(Arc::clone(&own));
            let founded = ratchets.found_named(tx, (title, invitees, ours.as_ref()), &place)?;
            let topic = network.mail_topic();
            begin_reading(tx, topic.as_str(), ratchets.row(tx, founded.id)?)?;
            let mut queue = Queue { id: founded.id, sealer, ratchets, rows: 0 };
            for letter in &founded.letters {
                let len = Envelope::sealed_len(Protected::len_for(letter.letter.body().len()));
                sealer.check_fits(len.unwrap_or(usize::MAX / 2))?;
                sealer.post(tx, &letter.to, &letter.letter)?;
                queue.rows += 1;
            }
            queue.meet(tx, invitees)?;
            let us = queue.own_handle()?;
            let others = invitees.iter().map(|invitee| invitee.handle.clone()).collect();
            queue.tell(tx, (us, GroupEvent::Founded(others)))?;
            queue.finish(tx)
        })
    }

    /// Brings people into a group.
    pub(crate) fn invite_to_group(
        &self,
        id: GroupId,
        invitees: &[Invitee],
    ) -> Result<GroupChange, SendError> {
        self.change_group(id, invitees, |_, _| Ok(Intent::add(invitees)))
    }

    /// Puts a Commit on its way that does what `intent` makes of the members.
    pub(crate) fn change_group(
        &self,
        id: GroupId,
        invitees: &[Invitee],
        intent: impl Fn(&[MemberName], &GroupRow) -> Result<Intent, GroupError>,
    ) -> Result<GroupChange, SendError> {
        self.check_is_device()?;
        self.in_group(id, |queue, tx| {
            let row = queue.ratchets.row(tx, id)?.clone();
            row.state.check_we_write()?;
            if row.pending.is_some() || row.wanted.is_some() {
                return Err(GroupError::Pending.into());
            }
            let people = queue.ratchets.roster(tx, id)?.people();
            let intent = intent(&people, &row)?;
            let made = queue.ratchets.commit(tx, id, (&intent, invitees))?;
            queue.push(tx, made.ok_or(GroupError::Pending)?)?;
            queue.meet(tx, invitees)?;
            if breaks(Mutant::WelcomeBeforeCommit) {
                queue.invite_at_once(tx)?;
            }
            Ok(())
        })
    }

    /// Puts on its way what is due in a group: what has lost its race, the answer to a departure, a renewal of our
    /// leaf. Returns whether anything was. Whoever calls it waits a while by chance before, because others may
    /// find the same due.
    ///
    /// # Errors
    /// When the store fails. What cannot be done any more is told in the group's conversation instead.
    pub(crate) fn commit_due(&self, id: GroupId) -> Result<bool, SendError> {
        let network = self.joined_network()?;
        let own = self.own_leaf(&network)?;
        let due = self.store.read::<_, SendError>(|tx| {
            Ok(Ratchets::new(Arc::clone(&own)).due(tx, id, now_ms())?)
        })?;
        let Some(intent) = due else { return Ok(false) };
        let mut invitees = Vec::new();
        if let Intent::Add(names) = &intent {
            for name in names {
                invitees.extend(self.invitee(&network, &name.handle)?);
            }
        }
        if let Intent::Devices { .. } = &intent {
            invitees.extend(self.own_invitee(&network)?);
        }
        if let Intent::PutBack(wish) = &intent {
            invitees.extend(wish.invitee(&own));
        }
        let change = self.in_group(id, |queue, tx| {
            // Another process may have been quicker.
            if queue.ratchets.due(tx, id, now_ms())?.as_ref() != Some(&intent) {
                return Ok(());
            }
            let mut made = queue.ratchets.commit(tx, id, (&intent, &invitees));
            if made.is_err() && matches!(intent, Intent::Devices { .. }) {
                // Whoever goes, goes, also where nobody can come.
                made = queue.ratchets.commit(tx, id, (&intent, &[]));
            }
            match made {
                Ok(Some(handshake)) => queue.push(tx, handshake),
                Ok(None) => Ok(()),
                Err(error) if error.concerns_store() => Err(error.into()),
                Err(why) => {
                    let told = queue.ratchets.give_up(tx, id, (&intent, &why))?;
                    told.into_iter().try_for_each(|item| queue.append(tx, item))
                }
            }
        })?;
        Ok(change.rows > 0)
    }

    /// Runs one transaction on a group.
    pub(super) fn in_group(
        &self,
        id: GroupId,
        work: impl Fn(&mut Queue<'_>, &mut WriteTxn<'_>) -> Result<(), SendError>,
    ) -> Result<GroupChange, SendError> {
        let network = self.joined_network()?;
        let signer = self.signer(network.namespace())?;
        let sealer = Sealer { network: &network, signer: &signer };
        let own = self.own_leaf(&network)?;
        self.store.write(|tx| {
            let mut queue =
                Queue { id, sealer, ratchets: Ratchets::new(Arc::clone(&own)), rows: 0 };
            work(&mut queue, tx)?;
            queue.finish(tx)
        })
    }
}

impl Queue<'_> {
    /// Puts a record for the group's mailbox into the outbox.
    pub(super) fn push(
        &mut self,
        tx: &mut WriteTxn<'_>,
        handshake: Handshake,
    ) -> Result<(), SendError> {
        let group = self.ratchets.row(tx, self.id)?.name();
        // A Commit that no record holds would be pending for ever.
        self.sealer.check_fits(handshake.envelope.as_bytes().len())?;
        let row = OutboxRow::letter(group, handshake.envelope);
        tx.outbox_push(&handshake.mailbox.to_bytes(), &row.to_bytes()?)?;
        self.rows += 1;
        Ok(())
    }

    pub(super) fn id(&self) -> GroupId {
        self.id
    }

    pub(super) fn leave(&mut self, tx: &ReadTxn<'_>) -> Result<Parting, GroupError> {
        self.ratchets.leave(tx, self.id)
    }

    /// Notes in the group's conversation what somebody has done.
    pub(super) fn tell(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (by, what): (Handle, GroupEvent),
    ) -> Result<(), SendError> {
        let group = self.ratchets.row(tx, self.id)?.name();
        self.append(tx, Item::GroupChanged(GroupChanged { group, by, what }))
    }

    pub(super) fn append(&self, tx: &mut WriteTxn<'_>, item: Item) -> Result<(), SendError> {
        HistoryRow::now(item).append::<SendError>(tx, &self.conversation())?;
        Ok(())
    }

    pub(super) fn own_handle(&self) -> Result<Handle, GroupError> {
        self.ratchets.own.handle()
    }

    pub(super) fn conversation(&self) -> Vec<u8> {
        Conversation::group(self.sealer.network.namespace(), self.id.as_bytes()).encode()
    }

    /// The keys of whoever we invite count from now on, if none did.
    fn meet(&self, tx: &mut WriteTxn<'_>, invitees: &[Invitee]) -> Result<(), SendError> {
        for invitee in invitees {
            let signed = (invitee.identity, Protection::SignedSharedKey);
            meet::<SendError>(tx, &invitee.handle, signed, now_ms())?;
        }
        Ok(())
    }

    /// A broken rule: whoever is added is invited before anybody knows whether the Commit wins.
    fn invite_at_once(&mut self, tx: &mut WriteTxn<'_>) -> Result<(), SendError> {
        let pending = self.ratchets.row(tx, self.id)?.pending.clone();
        let Some(pending) = pending else { return Ok(()) };
        let landing = Landing { topic_id: [0; 16], offset: 0 };
        for held in self.ratchets.release(tx, self.id, (&pending, landing))? {
            self.sealer.post(tx, &held.to, &held.letter)?;
        }
        Ok(())
    }

    fn finish(mut self, tx: &mut WriteTxn<'_>) -> Result<GroupChange, SendError> {
        let group = self.ratchets.row(tx, self.id)?.name();
        self.ratchets.finish(tx)?;
        Ok(GroupChange { group, rows: self.rows })
    }
}
