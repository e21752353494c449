//! Asking to be put back, and what is answered.

use chat_crypto::mls::{GroupId, KeyPackage};
use chat_crypto::{DeviceCertificate, InboxPublic};
use chat_store::ReadTxn;

use crate::groups::letter::{Finding, Letter, RejoinAnswer, RejoinRequest};
use crate::groups::ratchets::Ratchets;
use crate::groups::roster::MemberName;
use crate::groups::settle::HeldLetter;
use crate::groups::{GroupError, GroupRow, GroupState};
use crate::item::{GroupChanged, GroupEvent, Item};

/// The keys that a request to be put back brings along.
pub(crate) struct NewKeys {
    pub(crate) inbox_key: InboxPublic,
    pub(crate) key_package: Vec<u8>,
}

impl Ratchets {
    /// Who can put us back: the group's admins, and where we are its only one, everybody else.
    pub(crate) fn whom_to_ask(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Vec<MemberName>, GroupError> {
        let roster = self.roster(tx, id)?;
        let mut people = roster.people();
        people.retain(|name| !roster.is_us(&name.identity));
        let is_admin = |name: &MemberName| roster.is_admin(&name.identity);
        if people.iter().any(is_admin) {
            people.retain(is_admin);
        }
        Ok(people)
    }

    /// Asks members to put us back: a letter for each.
    pub(crate) fn ask(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (members, keys): (&[(MemberName, InboxPublic)], &NewKeys),
        now_ms: i64,
    ) -> Result<Vec<HeldLetter>, GroupError> {
        let row = self.row(tx, id)?;
        let (why, epoch) = (row.rejoin_reason().ok_or(GroupError::NoGroup)?, row.newest_epoch());
        let state = self.roster(tx, id)?.state();
        let package = KeyPackage::parse(&keys.key_package, &self.own.check);
        let package = package.map_err(|_| GroupError::NoGroup)?;
        let wish = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            group.view(overlay)?.sign_return(&own.member, &package).ok_or(GroupError::Left)
        })?;
        let letter = Letter::RejoinRequest(RejoinRequest {
            group: id,
            why,
            epoch,
            state,
            made_at_ms: now_ms,
            wish,
            inbox_key: keys.inbox_key.clone(),
            key_package: keys.key_package.clone(),
        });
        let letters = members.iter().map(|(name, inbox_key)| {
            let letter = letter.seal(&self.own, (inbox_key, &name.identity))?;
            Ok(HeldLetter { to: name.handle.clone(), letter })
        });
        let letters = letters.collect::<Result<_, GroupError>>()?;
        let asked = members.iter().map(|(name, _)| name.identity).collect();
        self.change(tx, id, |row| row.note_asking(asked, now_ms))?;
        Ok(letters)
    }

    /// An admin whom we have asked says how we stand in a group. Who was put out by a Commit that they have missed is
    /// out once all say so.
    ///
    /// Returns what is to be told.
    pub(crate) fn note_answer(
        &mut self,
        tx: &ReadTxn<'_>,
        (answer, sender): (&RejoinAnswer, &DeviceCertificate),
    ) -> Result<Vec<Item>, GroupError> {
        let (id, by) = (answer.group, sender.identity().as_bytes());
        let Some(row) = self.known(tx, id)?.cloned() else { return Ok(Vec::new()) };
        let is_ours = matches!(row.state, GroupState::Member | GroupState::Stranded);
        let is_answer = row.repair.awaits(by, answer.made_at_ms);
        // Something else has come up since.
        let is_late = answer.finding == Finding::InStep && row.repair.is_due();
        let is_out = answer.finding == Finding::NotAMember;
        if !is_ours || !is_answer || is_late || (is_out && !self.roster(tx, id)?.is_admin(by)) {
            return Ok(Vec::new());
        }
        if !self.change(tx, id, |row| row.repair.note_said(by, answer.finding))? {
            return Ok(Vec::new());
        }
        match answer.finding {
            Finding::InStep => self.change(tx, id, GroupRow::settle_doubt)?,
            Finding::NotAMember => {
                self.change(tx, id, GroupRow::end)?;
                self.wipe(tx, id)?;
                self.forget_early(tx, id)?;
                let by = sender.handle().parse().map_err(|_| GroupError::NoGroup)?;
                let what = GroupEvent::Removed(vec![self.own.handle()?]);
                let group = row.name();
                return Ok(vec![Item::GroupChanged(GroupChanged { group, by, what })]);
            }
        }
        Ok(Vec::new())
    }
}

/// Members that are asked at once.
pub(crate) const MOST_ASKED: usize = 3;
