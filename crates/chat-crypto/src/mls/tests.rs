//! The room with the real OpenMLS; durable state is a map that can fail.

mod crash;
mod groups;
mod hostile;
mod pairs;
mod rules;
mod sizes;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use openmls::prelude::{OpenMlsCrypto, SignatureScheme};
use openmls_rust_crypto::RustCrypto;
use zeroize::Zeroizing;

use super::*;
use crate::mailbox_tag::MailboxTag;
use crate::network_key::NetworkKey;

/// Durable rows. Reads and flushes are the points at which a test can make it fail.
#[derive(Default)]
pub(super) struct Disk {
    rows: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
    points: Cell<u32>,
    fuse: Cell<Option<u32>>,
}

/// The failure that a test asked for.
#[derive(Debug, thiserror::Error)]
#[error("the fuse has blown")]
pub(super) struct Blown;

impl Disk {
    /// Passes a point at which things can fail.
    fn pass(&self) -> Result<(), Blown> {
        self.points.set(self.points.get() + 1);
        match self.fuse.get() {
            Some(0) => {
                self.fuse.set(None);
                Err(Blown)
            }
            left => {
                self.fuse.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    fn write(&self, changes: MlsChanges) {
        let mut rows = self.rows.borrow_mut();
        for (key, value) in changes {
            match value {
                Some(value) => rows.insert(key, value.to_vec()),
                None => rows.remove(&key),
            };
        }
    }

    fn bytes(&self) -> usize {
        self.rows.borrow().iter().map(|(key, value)| key.len() + value.len()).sum()
    }
}

impl MlsState for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, MlsStateError> {
        self.pass().map_err(MlsStateError::new)?;
        Ok(self.rows.borrow().get(key).map(|value| Zeroizing::new(value.clone())))
    }
}

/// Credentials of the tests: `identity 32 | signature key 32 | handle | 0 | serial`. A handle with
/// `!` is bad.
pub(super) struct Checker;

impl CheckLeaf for Checker {
    fn check(&self, credential: &[u8], signature_key: &[u8]) -> Result<LeafName, RefusedLeaf> {
        let Some((identity, rest)) = credential.split_first_chunk() else {
            return Err(RefusedLeaf::new("too short"));
        };
        let handle = rest.strip_prefix(signature_key).ok_or(RefusedLeaf::new("another key"))?;
        let text = str::from_utf8(handle).map_err(|_| RefusedLeaf::new("not UTF-8"))?;
        let (handle, _) = text.split_once('\0').ok_or(RefusedLeaf::new("no serial"))?;
        if handle.contains('!') {
            return Err(RefusedLeaf::new("a bad handle"));
        }
        Ok(LeafName { identity: *identity, handle: handle.to_owned() })
    }
}

/// A device and all that it holds.
pub(super) struct Client {
    pub(super) me: MlsMember,
    seed: [u8; 32],
    pub(super) disk: Disk,
    pub(super) secrets: Vec<JoinSecret>,
    pub(super) group: Option<MlsGroup>,
}

pub(super) fn network() -> NetworkKey {
    NetworkKey::from_bytes([0x4e; 32])
}

/// The identity that a handle of the tests has.
pub(super) fn identity(handle: &str) -> [u8; 32] {
    let mut identity = [0x1d; 32];
    identity.iter_mut().zip(handle.bytes()).for_each(|(to, from)| *to = from);
    identity
}

fn credential(handle: &str, public: &[u8; 32], serial: &str) -> Vec<u8> {
    [&identity(handle), public.as_slice(), handle.as_bytes(), &[0], serial.as_bytes()].concat()
}

pub(super) fn facts(admins: &[&str]) -> GroupFacts {
    GroupFacts {
        mailbox: GroupMailbox { tag: MailboxTag::from_bytes([0x7a; 16]), partition: 3 },
        generation: 1,
        admins: admins.iter().map(|handle| identity(handle)).collect::<BTreeSet<_>>(),
        name: "test".to_owned(),
    }
}

impl Client {
    pub(super) fn new(handle: &str) -> Self {
        let (seed, public) =
            RustCrypto::default().signature_key_gen(SignatureScheme::ED25519).unwrap();
        let seed = <[u8; 32]>::try_from(seed).unwrap();
        let public = <[u8; 32]>::try_from(public).unwrap();
        let credential = credential(handle, &public, "");
        Self {
            me: MlsMember::new(Zeroizing::new(seed), public, credential),
            seed,
            disk: Disk::default(),
            secrets: vec![JoinSecret::new(&network())],
            group: None,
        }
    }

    /// The same device under another credential.
    pub(super) fn renew_credential(&mut self, handle: &str, serial: &str) {
        let public = *self.me.signature_key();
        let credential = credential(handle, &public, serial);
        self.me = MlsMember::new(Zeroizing::new(self.seed), public, credential);
    }

    /// A new credential for the identity of one handle, under another one.
    pub(super) fn renew_credential_as(&mut self, owner: &str, handle: &str) {
        let public = *self.me.signature_key();
        let mut credential = credential(handle, &public, "");
        credential.splice(..32, identity(owner));
        self.me = MlsMember::new(Zeroizing::new(self.seed), public, credential);
    }

    /// Runs one operation and writes its changes.
    pub(super) fn with<T>(
        &mut self,
        operation: impl FnOnce(&MlsMember, &mut Option<MlsGroup>, &mut Overlay<'_>) -> T,
    ) -> T {
        let mut overlay = Overlay::new(&self.disk, &self.secrets);
        let value = operation(&self.me, &mut self.group, &mut overlay);
        let changes = overlay.into_changes();
        self.disk.write(changes);
        value
    }

    pub(super) fn key_package(&mut self) -> KeyPackage {
        KeyPackage::parse(&self.key_package_bytes(), &Checker).unwrap()
    }

    pub(super) fn key_package_bytes(&mut self) -> Vec<u8> {
        self.with(|me, _, overlay| me.make_key_package(overlay).unwrap().bytes)
    }

    /// Founds a group and keeps it; gives Welcome and tree.
    pub(super) fn found(
        &mut self,
        facts: GroupFacts,
        members: Vec<&KeyPackage>,
    ) -> (Vec<u8>, Vec<u8>) {
        let plan = FoundingPlan { facts, members };
        let founded = self.with(|me, _, overlay| MlsGroup::found(overlay, me, &plan, &Checker));
        let Founded { group, welcome, tree, start: _ } = founded.unwrap();
        self.group = Some(group);
        (welcome.unwrap_or_default(), tree)
    }

    pub(super) fn join(&mut self, welcome: &[u8], tree: &[u8]) -> Result<Leaf, JoinError> {
        self.join_as(welcome, tree, Rejoin::No)
    }

    pub(super) fn join_as(
        &mut self,
        welcome: &[u8],
        tree: &[u8],
        rejoin: Rejoin,
    ) -> Result<Leaf, JoinError> {
        let invitation = Invitation { welcome, tree, rejoin };
        self.with(|me, group, overlay| {
            let joined = MlsGroup::join(overlay, me, &invitation, &Checker)?;
            *group = Some(joined.group);
            Ok(joined.inviter)
        })
    }

    pub(super) fn encrypt(&mut self, text: &str) -> Vec<u8> {
        self.with(|me, group, overlay| {
            group.as_mut().unwrap().encrypt(overlay, me, text.as_bytes()).unwrap()
        })
    }

    pub(super) fn process(&mut self, bytes: &[u8]) -> Result<Processed, ProcessError> {
        self.with(|_, group, overlay| group.as_mut().unwrap().process(overlay, bytes, &Checker))
    }

    /// The text of a message that must be readable.
    pub(super) fn read(&mut self, bytes: &[u8]) -> String {
        let Processed::Content(received) = self.process(bytes).unwrap() else { panic!("no text") };
        String::from_utf8(received.content.to_vec()).unwrap()
    }

    pub(super) fn commit(&mut self, plan: &CommitPlan<'_>) -> Result<PendingCommit, CommitError> {
        self.with(|me, group, overlay| group.as_mut().unwrap().commit(overlay, me, plan, &Checker))
    }

    /// Makes a Commit without asking whether it is valid.
    pub(super) fn commit_unchecked(&mut self, plan: &CommitPlan<'_>) -> PendingCommit {
        self.with(|me, group, overlay| {
            group.as_mut().unwrap().commit_unchecked(overlay, me, plan).unwrap()
        })
    }

    /// Takes over a Commit from the log, our own or another's.
    pub(super) fn merge(&mut self, bytes: &[u8]) -> Merged {
        let processed = self.process(bytes).unwrap();
        self.with(|_, group, overlay| {
            let group = group.as_mut().unwrap();
            match processed {
                Processed::Commit(staged) => group.merge(overlay, staged).unwrap(),
                Processed::OwnCommit(hash) => {
                    group.merge_pending(overlay, &hash, &Checker).unwrap()
                }
                Processed::Content(content) => panic!("{content:?}"),
            }
        })
    }

    pub(super) fn view<T>(&mut self, look: impl FnOnce(GroupView<'_>) -> T) -> T {
        self.with(|_, group, overlay| look(group.as_mut().unwrap().view(overlay).unwrap()))
    }

    pub(super) fn epoch(&mut self) -> u64 {
        self.view(|view| view.epoch())
    }

    pub(super) fn start(&mut self) -> EpochStart {
        self.view(|view| view.epoch_start()).unwrap()
    }

    pub(super) fn tree(&mut self) -> Vec<u8> {
        self.view(|view| view.ratchet_tree())
    }

    pub(super) fn handles(&mut self) -> Vec<String> {
        let members = self.view(|view| view.members(&Checker).unwrap());
        members.into_iter().map(|leaf| leaf.name.handle).collect()
    }

    pub(super) fn leaf_of(&mut self, handle: &str) -> LeafIndex {
        let members = self.view(|view| view.members(&Checker).unwrap());
        members.into_iter().find(|leaf| leaf.name.handle == handle).unwrap().index.unwrap()
    }
}

/// Alice and Bob in a group of two, both at its first epoch.
pub(super) fn pair() -> (Client, Client) {
    let mut all = group_of(&["alice", "bob"], &["alice", "bob"]);
    let bob = all.pop().unwrap();
    (all.pop().unwrap(), bob)
}

/// A group that the first one has founded with all others.
pub(super) fn group_of(handles: &[&str], admins: &[&str]) -> Vec<Client> {
    let mut all: Vec<_> = handles.iter().map(|handle| Client::new(handle)).collect();
    let (founder, others) = all.split_first_mut().unwrap();
    let packages: Vec<_> = others.iter_mut().map(Client::key_package).collect();
    let (welcome, tree) = founder.found(facts(admins), packages.iter().collect());
    for other in others {
        other.join(&welcome, &tree).unwrap();
    }
    all
}

/// All take over one Commit; gives what it did.
pub(super) fn merge_all(all: &mut [Client], commit: &[u8]) -> Change {
    let mut changes: Vec<_> = all.iter_mut().map(|one| one.merge(commit).change).collect();
    let change = changes.pop().unwrap();
    for other in changes {
        assert_eq!(Change { removes_us: change.removes_us, ..other }, change);
    }
    change
}

/// Whether all are in one epoch of one group.
pub(super) fn assert_together(all: &mut [Client]) {
    let starts: Vec<_> = all.iter_mut().map(Client::start).collect();
    assert!(starts.windows(2).all(|two| two[0] == two[1]), "{starts:?}");
}
