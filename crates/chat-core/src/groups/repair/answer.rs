//! Being asked to put somebody back.

use chat_crypto::DeviceCertificate;
use chat_crypto::mls::{GroupId, Leaf};
use chat_store::ReadTxn;

use super::device_of;
use super::wish::Wish;
use crate::clock::now_ms;
use crate::groups::letter::{Finding, Letter, RejoinAnswer, RejoinRequest};
use crate::groups::ratchets::Ratchets;
use crate::groups::settle::HeldLetter;
use crate::groups::{GroupError, GroupState};
use crate::mutant::{Mutant, breaks};

/// What becomes of a request to be put back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is done when it is its turn.
    Kept,
    /// It is not ours to do, or was done already.
    None,
    /// Nothing is to be done: for the inbox of whoever asks.
    Said(HeldLetter),
}

impl Ratchets {
    /// Somebody asks to be put back. It is kept if we can do it and it still counts; [`due`](Self::due) then asks us
    /// to.
    pub(crate) fn note_request(
        &mut self,
        tx: &ReadTxn<'_>,
        (request, sender): (&RejoinRequest, &DeviceCertificate),
    ) -> Result<Answer, GroupError> {
        let id = request.group;
        let Some(row) = self.known(tx, id)?.cloned() else { return Ok(Answer::None) };
        let Some(wish) = Wish::of(request, sender) else { return Ok(Answer::None) };
        let is_ours = row.state == GroupState::Member && row.is_named();
        if !is_ours || row.repair.was_answered(&wish) || wish.is_old(now_ms()) {
            return Ok(Answer::None);
        }
        let roster = self.roster(tx, id)?;
        let is_here = roster.leaves.iter().any(|leaf| wish.is_of(leaf));
        let is_idle = is_here && wish.is_idle(&roster);
        if !is_here || is_idle {
            // Who knows the group was in it. An admin who has read further knows better than they do.
            let is_out = roster.epoch > wish.epoch && !roster.has(&wish.name.identity);
            let is_only_admin = roster.admins().iter().eq([&wish.name.identity]);
            let is_sure = match roster.are_we_admin() {
                true => is_idle || is_out,
                false => is_idle && is_only_admin,
            };
            // Who is in doubt themselves tells nobody anything.
            if !is_sure || row.repair.is_in_doubt() {
                return Ok(Answer::None);
            }
            let finding = if is_here { Finding::InStep } else { Finding::NotAMember };
            return self.say(tx, (id, request), (wish, finding));
        }
        if row.repair.is_void(&wish) && !breaks(Mutant::PutBackAgain) {
            return Ok(Answer::None);
        }
        let Some(invitee) = wish.invitee(&self.own) else { return Ok(Answer::None) };
        let signed = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            let view = group.view(overlay)?;
            let mut packages = invitee.key_packages.iter();
            Ok(packages.find_map(|package| view.returning((&request.wish, package), &own.check)))
        })?;
        if !roster.are_we_admin() && !signed.is_some_and(|leaf| wish.is_of(&leaf)) {
            return Ok(Answer::None);
        }
        self.change(tx, id, |row| row.repair.keep(wish))
    }

    /// Answers, once, that nothing is to be done.
    fn say(
        &mut self,
        tx: &ReadTxn<'_>,
        (group, request): (GroupId, &RejoinRequest),
        (wish, finding): (Wish, Finding),
    ) -> Result<Answer, GroupError> {
        if !self.change(tx, group, |row| row.repair.note_answered(&wish))? {
            return Ok(Answer::None);
        }
        let made_at_ms = request.made_at_ms;
        let answer = Letter::RejoinAnswer(RejoinAnswer { group, made_at_ms, finding });
        let letter = answer.seal(&self.own, (&request.inbox_key, &wish.name.identity))?;
        Ok(Answer::Said(HeldLetter { to: wish.name.handle, letter }))
    }

    /// A Commit was taken over: what the devices that it takes out have asked for before is done, or over.
    pub(in crate::groups) fn note_returned(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        removed: &[Leaf],
        now_ms: i64,
    ) -> Result<(), GroupError> {
        if removed.is_empty() {
            return Ok(());
        }
        let (epoch, _) = self.row(tx, id)?.newest_wrap().ok_or(GroupError::NoGroup)?;
        self.change(tx, id, |row| {
            let devices = removed.iter().filter_map(device_of);
            devices.for_each(|device| row.repair.note_returned(device, (epoch, now_ms)));
        })
    }
}
