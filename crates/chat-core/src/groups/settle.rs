//! After a Commit was taken over: what it means for a pending one of ours, and what is to be told.

use chat_crypto::Protected;
use chat_crypto::mls::{GroupId, LoadError};
use chat_store::ReadTxn;

use super::GroupError;
use super::changed::Changed;
use super::intent::{Intent, departure_of};
use super::letter::{Invitation, Letter};
use super::ratchets::Ratchets;
use super::roster::Roster;
use super::row::{GroupState, Pending};
use super::{Invitee, OwnLeaf};
use crate::clock::now_ms;
use crate::handle::Handle;
use crate::item::Item;
use crate::mutant::{Mutant, breaks};

/// What a merged Commit comes to.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// For the inboxes of those whom our own Commit has added.
    pub(crate) letters: Vec<HeldLetter>,
    /// For the group's conversation, in their order.
    pub(crate) events: Vec<Item>,
    /// What has lost its race and is to be tried again, after a while by chance. The row keeps it too.
    pub(crate) retry: Option<Intent>,
}

/// An invitation that waited for its Commit.
#[derive(Debug)]
pub(crate) struct HeldLetter {
    pub(crate) to: Handle,
    pub(crate) letter: Protected,
}

impl HeldLetter {
    /// Seals a letter to somebody's inbox.
    pub(super) fn seal(letter: &Letter, own: &OwnLeaf, to: &Invitee) -> Result<Self, GroupError> {
        let letter = letter.seal(own, (&to.inbox_key, &to.identity))?;
        Ok(Self { to: to.handle.clone(), letter })
    }
}

/// Where on the log a Commit was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Landing {
    pub(crate) topic_id: [u8; 16],
    pub(crate) offset: u64,
}

impl Ratchets {
    /// Draws the conclusions from a Commit that [`read`](Self::read) has just taken over, in the same transaction.
    pub(crate) fn settle(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        changed: &Changed,
        landing: Landing,
    ) -> Result<Settled, GroupError> {
        let mut settled = Settled::default();
        let pending = self.change(tx, id, |row| row.pending.take())?;
        let roster = if changed.change.removes_us { None } else { Some(self.roster(tx, id)?) };
        if let Some(roster) = &roster {
            self.keep_departures(tx, id)?;
            settled.events = self.events(tx, id, (changed, roster))?;
        } else {
            settled.events = self.events_of_our_end(tx, id, changed)?;
        }
        let Some(pending) = pending else { return Ok(settled) };
        let has_won = changed.own == Some(pending.hash) || breaks(Mutant::KeepLostCommit);
        match roster {
            _ if has_won => settled.letters = self.release(tx, id, (&pending, landing))?,
            None => {}
            Some(roster) => match self.lost(tx, id, (pending.intent, &roster)) {
                Ok(retry) => settled.retry = retry,
                Err(error) if error.concerns_store() => return Err(error),
                Err(why) => settled.events.extend(self.not_made(tx, id, &why)?),
            },
        }
        if has_won {
            self.change(tx, id, |row| row.tries = 0)?;
        }
        Ok(settled)
    }

    /// What was held for those whom our Commit has added.
    pub(crate) fn release(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (pending, landing): (&Pending, Landing),
    ) -> Result<Vec<HeldLetter>, GroupError> {
        if pending.guests.is_empty() {
            return Ok(Vec::new());
        }
        let tree = self.step::<_, LoadError>(tx, id, |group, overlay, _| {
            Ok(group.view(overlay)?.ratchet_tree())
        })?;
        let letter = Letter::Invitation(Invitation {
            topic_id: landing.topic_id,
            mailbox: self.row(tx, id)?.mailbox(),
            // The Commit itself is sealed under the epoch before.
            start: landing.offset.saturating_add(1),
            welcome: pending.welcome.clone(),
            tree,
        });
        let own = std::sync::Arc::clone(&self.own);
        let seal = |guest: &super::row::Guest| {
            let to = (&guest.inbox_key()?, &guest.name.identity);
            Ok(HeldLetter { to: guest.name.handle.clone(), letter: letter.seal(&own, to)? })
        };
        pending.guests.iter().map(seal).collect()
    }

    /// Another Commit has won over ours: what is left of its purpose is kept, to be tried again.
    fn lost(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (intent, roster): (Intent, &Roster),
    ) -> Result<Option<Intent>, GroupError> {
        // A departure and a wish stay in the row, a renewal falls due again: only what somebody has asked for is kept here.
        let is_asked = intent.is_asked();
        let rest = intent.left_over(roster)?;
        let row = self.row(tx, id)?;
        let holds = |rest: &Intent| match rest {
            Intent::Answer(departure) => row.departures.iter().any(|one| one == departure),
            Intent::PutBack(wish) => row.repair.has(wish),
            _ => true,
        };
        let rest = rest.filter(holds);
        let tries = self.change(tx, id, |row| {
            row.tries = row.tries.saturating_add(1);
            row.tries
        })?;
        if tries > MOST_TRIES {
            self.change(tx, id, |row| row.tries = 0)?;
            return if is_asked && rest.is_some() { Err(GroupError::Outrun) } else { Ok(None) };
        }
        let wanted = rest.clone().filter(|_| is_asked);
        self.change(tx, id, |row| row.wanted = wanted)?;
        Ok(rest)
    }

    /// What was due cannot be done: it is not tried again. Returns what is to be told.
    pub(crate) fn give_up(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (intent, why): (&Intent, &GroupError),
    ) -> Result<Vec<Item>, GroupError> {
        self.change(tx, id, |row| row.forget(intent))?;
        if *intent == Intent::Renew {
            // Tried again when it is due the next time.
            self.change(tx, id, |row| row.renewed_ms = now_ms())?;
        }
        if intent.is_asked() { self.not_made(tx, id, why) } else { Ok(Vec::new()) }
    }

    /// Forgets the departures that prove nothing any more.
    fn keep_departures(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<(), GroupError> {
        let kept = self.row(tx, id)?.departures.clone();
        if kept.is_empty() {
            return Ok(());
        }
        let valid = self.step::<_, LoadError>(tx, id, |group, overlay, own| {
            let view = group.view(overlay)?;
            let holds = |bytes: &&serde_bytes::ByteBuf| {
                departure_of(bytes).is_some_and(|one| view.departing(&one, &own.check).is_some())
            };
            Ok(kept.iter().filter(holds).cloned().collect::<Vec<_>>())
        })?;
        self.change(tx, id, |row| row.departures = valid)
    }

    /// Whether what happens in a group is shown.
    pub(super) fn is_shown(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<bool, GroupError> {
        let row = self.row(tx, id)?;
        let is_ours = matches!(
            row.state,
            GroupState::Member | GroupState::Stranded | GroupState::Leaving | GroupState::Gone
        );
        Ok(row.is_named() && is_ours)
    }
}

/// How often a change that has lost its race is tried again.
pub(crate) const MOST_TRIES: u8 = 8;
