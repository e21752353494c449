//! What somebody wants a Commit to do: kept beside it, because another one may win.

use chat_crypto::mls::{CommitPlan, Departure, GroupFacts, GroupView, Leaf, MAX_MEMBERS};
use serde::{Deserialize, Serialize};

use super::repair::Wish;
use super::roster::{MemberName, Roster};
use super::{GroupError, GroupTitle, Invitee, OwnLeaf};
use crate::devices::RemovedDevice;

/// What a Commit is to do. It is weighed anew against each state of the group that it meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Intent {
    /// Renew our own leaf, and nothing else.
    Renew,
    /// Bring people in.
    Add(Vec<MemberName>),
    /// Put people out.
    Remove(Vec<MemberName>),
    /// Call it otherwise.
    Rename { from: String, to: String },
    /// Let people change the group, or no more.
    SetAdmins { add: Vec<MemberName>, remove: Vec<MemberName> },
    /// Let somebody go who has signed that they leave: a [`Departure`]'s bytes.
    Answer(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Give new keys to a device that has asked for it.
    PutBack(Wish),
    /// Bring in our own devices that are missing, and put out those that are ours no more.
    Devices {
        /// Tells the list from all others.
        mark: [u8; 32],
        /// The public keys of all our devices.
        keys: Vec<[u8; 32]>,
        /// Devices that were ours.
        gone: Vec<RemovedDevice>,
    },
    /// Put out devices that others have removed.
    PutOut {
        /// Tells the list from all others.
        mark: [u8; 32],
        devices: Vec<RemovedDevice>,
    },
}

impl Intent {
    /// To bring in people whose keys were looked up.
    pub(crate) fn add(invitees: &[Invitee]) -> Self {
        Self::Add(invitees.iter().map(Invitee::name).collect())
    }

    /// To call a group otherwise.
    pub(crate) fn rename(from: &str, to: &GroupTitle) -> Self {
        Self::Rename { from: from.to_owned(), to: to.as_str().to_owned() }
    }

    /// Whether somebody has asked for it: all else falls due by itself, and again where it is not done.
    pub(super) fn is_asked(&self) -> bool {
        !matches!(
            self,
            Self::Renew
                | Self::Answer(_)
                | Self::PutBack(_)
                | Self::Devices { .. }
                | Self::PutOut { .. }
        )
    }

    /// Whether it puts out devices that were removed by their owner.
    pub(super) fn removes_devices(&self) -> bool {
        match self {
            Self::Devices { gone, .. } => !gone.is_empty(),
            Self::PutOut { .. } => true,
            _ => false,
        }
    }

    /// Whether only an admin may do it, whatever else is so.
    fn needs_admin(&self) -> bool {
        self.is_asked()
    }

    /// What is left of it after another Commit has won.
    ///
    /// Returns `None` if nothing is.
    ///
    /// # Errors
    /// Why it is given up: only an admin may do it and we are none any more, or somebody has decided otherwise.
    pub(super) fn left_over(self, roster: &Roster) -> Result<Option<Self>, GroupError> {
        let needs_admin = self.needs_admin();
        let rest = match self {
            Self::Add(names) => some(names, |name| !roster.has(&name.identity)).map(Self::Add),
            Self::Remove(names) => some(names, |name| roster.has(&name.identity)).map(Self::Remove),
            Self::PutBack(wish) if !roster.leaves.iter().any(|leaf| wish.is_of(leaf)) => None,
            // It falls due again by itself.
            Self::Devices { .. } | Self::PutOut { .. } => None,
            Self::Rename { to, .. } if roster.facts.name == to => None,
            Self::Rename { from, .. } if roster.facts.name != from => {
                return Err(GroupError::Overtaken);
            }
            Self::SetAdmins { add, remove } => {
                let is_admin = |name: &MemberName| roster.is_admin(&name.identity);
                let add = some(add, |name| roster.has(&name.identity) && !is_admin(name));
                let remove = some(remove, is_admin);
                let is_done = add.is_none() && remove.is_none();
                let (add, remove) = (add.unwrap_or_default(), remove.unwrap_or_default());
                (!is_done).then_some(Self::SetAdmins { add, remove })
            }
            other => Some(other),
        };
        match rest {
            Some(_) if needs_admin && !roster.are_we_admin() => Err(GroupError::NotAdmin),
            rest => Ok(rest),
        }
    }

    /// The Commit that does it in a group as it is now; `None` if nothing is left to do.
    pub(super) fn plan<'a>(
        &self,
        view: &GroupView<'_>,
        own: &OwnLeaf,
        invitees: &'a [Invitee],
    ) -> Result<Option<CommitPlan<'a>>, GroupError> {
        let roster = Roster::of(view, own)?;
        if self.needs_admin() && !roster.are_we_admin() {
            return Err(GroupError::NotAdmin);
        }
        match self {
            Self::Renew => Ok(Some(CommitPlan::new())),
            Self::Add(names) => roster.adding(names, invitees).map(Some),
            Self::Remove(names) => roster.removing(names).map(Some),
            Self::Rename { to, .. } => {
                let facts = GroupFacts { name: to.clone(), ..roster.facts };
                Ok(Some(CommitPlan::new().with_facts(facts)))
            }
            Self::SetAdmins { add, remove } => roster.changing_admins(add, remove).map(Some),
            Self::PutBack(wish) => roster.putting_back(wish, invitees),
            Self::Devices { keys, gone, .. } => roster.with_devices(own, (keys, gone), invitees),
            Self::PutOut { devices, .. } => roster.without_devices(own, devices),
            Self::Answer(departure) => {
                let Some(departure) = departure_of(departure) else { return Ok(None) };
                let leaving = view.departing(&departure, &own.check);
                Ok(leaving.and_then(|leaf| roster.letting_go(&leaf, departure)))
            }
        }
    }
}

impl Invitee {
    /// Who it is.
    pub(crate) fn name(&self) -> MemberName {
        MemberName { handle: self.handle.clone(), identity: self.identity }
    }
}

impl Roster {
    fn adding<'a>(
        &self,
        names: &[MemberName],
        invitees: &'a [Invitee],
    ) -> Result<CommitPlan<'a>, GroupError> {
        let mut plan = CommitPlan::new();
        let mut leaves = self.leaves.len();
        for name in names {
            let handle = name.handle.clone();
            if self.has(&name.identity) {
                return Err(GroupError::AlreadyMember { handle });
            }
            if self.leaves.iter().any(|leaf| leaf.name.handle == handle.as_str()) {
                return Err(GroupError::HandleInUse { handle });
            }
            let invitee = invitees.iter().find(|invitee| invitee.identity == name.identity);
            let invitee = invitee.filter(|invitee| !invitee.key_packages.is_empty());
            let invitee = invitee.ok_or(GroupError::NoKeys { handle })?;
            leaves += invitee.key_packages.len();
            plan = invitee.key_packages.iter().fold(plan, CommitPlan::adding);
        }
        if leaves > MAX_MEMBERS {
            return Err(GroupError::TooMany { most: MAX_MEMBERS });
        }
        Ok(self.with_admins(plan, |_| true))
    }

    /// Takes a device out and brings it in again, with new keys.
    fn putting_back<'a>(
        &self,
        wish: &Wish,
        invitees: &'a [Invitee],
    ) -> Result<Option<CommitPlan<'a>>, GroupError> {
        let leaf = self.leaves.iter().find(|leaf| wish.is_of(leaf)).and_then(|leaf| leaf.index);
        let Some(leaf) = leaf.filter(|_| !wish.is_idle(self)) else { return Ok(None) };
        let packages = invitees.iter().flat_map(|invitee| &invitee.key_packages);
        let mut theirs = packages.filter(|package| wish.is_of(package.leaf()));
        let package =
            theirs.next().ok_or_else(|| GroupError::NoKeys { handle: wish.name.handle.clone() })?;
        let plan = CommitPlan::new().removing(leaf).adding(package);
        if self.are_we_admin() {
            return Ok(Some(plan));
        }
        let signed = wish.signed().ok_or(GroupError::NotAdmin)?;
        Ok(Some(plan.with_return(signed)))
    }

    fn removing<'a>(&self, names: &[MemberName]) -> Result<CommitPlan<'a>, GroupError> {
        let mut plan = CommitPlan::new();
        for name in names {
            if self.is_us(&name.identity) {
                return Err(GroupError::RemovesSelf);
            }
            if !self.has(&name.identity) {
                return Err(GroupError::NotAMember { handle: name.handle.clone() });
            }
            plan = self.without(plan, &name.identity);
        }
        Ok(self.with_admins(plan, |admin| names.iter().all(|name| name.identity != *admin)))
    }

    fn changing_admins<'a>(
        &self,
        add: &[MemberName],
        remove: &[MemberName],
    ) -> Result<CommitPlan<'a>, GroupError> {
        if let Some(name) = add.iter().chain(remove).find(|name| !self.has(&name.identity)) {
            return Err(GroupError::NotAMember { handle: name.handle.clone() });
        }
        let mut admins = self.admins();
        admins.extend(add.iter().map(|name| name.identity));
        admins.retain(|admin| remove.iter().all(|name| name.identity != *admin));
        if admins.is_empty() {
            return Err(GroupError::LastAdmin);
        }
        Ok(CommitPlan::new().with_facts(GroupFacts { admins, ..self.facts.clone() }))
    }

    /// Takes out everybody whom a departure speaks for.
    fn letting_go<'a>(&self, leaf: &Leaf, departure: Departure) -> Option<CommitPlan<'a>> {
        let identity = leaf.name.identity;
        if self.is_us(&identity) {
            return None;
        }
        let plan = self.without(CommitPlan::new().with_departure(departure), &identity);
        Some(self.with_admins(plan, |admin| *admin != identity))
    }

    fn without<'a>(&self, plan: CommitPlan<'a>, identity: &[u8; 32]) -> CommitPlan<'a> {
        let leaves = self.leaves.iter().filter(|leaf| leaf.name.identity == *identity);
        leaves.filter_map(|leaf| leaf.index).fold(plan, CommitPlan::removing)
    }

    /// An admin's Commit names no admin who is gone: added again they would be one.
    fn with_admins<'a>(
        &self,
        plan: CommitPlan<'a>,
        stays: impl Fn(&[u8; 32]) -> bool,
    ) -> CommitPlan<'a> {
        let mut admins = self.admins();
        admins.retain(|admin| stays(admin));
        if admins == self.facts.admins || !self.are_we_admin() || admins.is_empty() {
            return plan;
        }
        plan.with_facts(GroupFacts { admins, ..self.facts.clone() })
    }
}

/// A departure that was kept as bytes.
pub(super) fn departure_of(bytes: &[u8]) -> Option<Departure> {
    bytes.try_into().ok().map(Departure::from_bytes)
}

/// Those that `stays` takes; `None` if there are none.
fn some(
    mut names: Vec<MemberName>,
    stays: impl Fn(&MemberName) -> bool,
) -> Option<Vec<MemberName>> {
    names.retain(|name| stays(name));
    (!names.is_empty()).then_some(names)
}
