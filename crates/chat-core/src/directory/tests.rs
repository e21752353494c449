//! Two people and a directory in which anybody may write.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chat_crypto::{
    DeviceCertificate, DeviceId, DeviceKey, DirectoryChange, DirectoryEntry, IdentityKey, InboxKey,
    KeyPackageRecord, NewDevice, NewEntry, NewKeyPackage,
};
use chat_transport::{MemoryTransport, Partition, Record, StoredRecord, Transport};

use super::key_package_used;
use super::own::{OwnRow, Owner, Under};
use super::place::{Place, RecordKind};
use super::publish::Publisher;
use crate::client::{Client, ListenFrom};
use crate::clock::now_ms;
use crate::error::{DirectoryError, Error, ErrorKind};
use crate::groups::{DeviceCheck, StoreState};
use crate::handle::Handle;
use crate::item::{Item, Protection};
use crate::meta_row::MetaRow;
use crate::network::create::NewNetwork;
use crate::outbox::enqueue::Draft;
use crate::trust::{TrustState, meet};

const LONG: Duration = Duration::from_secs(20);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The topics of these networks have one partition.
const ONLY: Partition = Partition(0);

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

struct People {
    folder: tempfile::TempDir,
    log: MemoryTransport,
    alice: Client,
    bob: Client,
}

impl People {
    async fn new() -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), MemoryTransport::new());
        let profile = |name: &str| {
            let client = Client::create(&folder.path().join(name), &handle(name), None).unwrap();
            client.connect(Arc::new(log.clone()))
        };
        let (alice, bob) = (profile("alice"), profile("bob"));
        let brokers = vec!["localhost:9092".to_owned()];
        let mut network = NewNetwork::new("test".parse().unwrap(), brokers);
        network.partitions = Some(NonZeroU32::MIN);
        alice.create_network(&log, network).await.unwrap();
        bob.join(&alice.invite(None).unwrap()).unwrap();
        Self { folder, log, alice, bob }
    }

    /// As `new`, and bob has published.
    async fn with_bob() -> Self {
        let people = Self::new().await;
        people.publisher(&people.bob).publish().await.unwrap();
        people
    }

    /// Somebody else on the network.
    fn another(&self, folder: &str, name: &str) -> Client {
        let client = Client::create(&self.folder.path().join(folder), &handle(name), None);
        let client = client.unwrap().connect(Arc::new(self.log.clone()));
        client.join(&self.alice.invite(None).unwrap()).unwrap();
        client
    }

    fn publisher(&self, client: &Client) -> Publisher {
        let network = client.network().unwrap().unwrap();
        Publisher::new(Arc::clone(&client.profile), Arc::new(self.log.clone()), network)
    }

    fn place(&self) -> Place {
        Place::new(&self.alice.network().unwrap().unwrap())
    }

    fn records(&self) -> Vec<StoredRecord> {
        self.log.dump(&self.place().topic, ONLY).unwrap()
    }

    /// How many records lie there.
    fn count(&self) -> usize {
        self.records().len()
    }

    async fn append(&self, record: Record) {
        self.log.append(&self.place().topic, ONLY, vec![record]).await.unwrap();
    }

    /// A record as any holder of the network key can write one.
    async fn publish_entry(&self, key: [u8; 16], entry: &DirectoryEntry) {
        let record =
            self.place().seal((ONLY, Under::Newest), (key, RecordKind::Entry), entry.as_bytes());
        self.append(record.unwrap()).await;
    }

    /// An entry under the key that it belongs to.
    async fn publish_stranger(&self, stranger: &Stranger, entry: &DirectoryEntry) {
        let key = self.place().entry_key(entry.handle(), &stranger.identity.public());
        self.publish_entry(key, entry).await;
    }

    /// Lets an identity count for alice, as a signed message does.
    fn pin(&self, name: &str, identity: [u8; 32]) {
        let pin = |tx: &mut chat_store::WriteTxn<'_>| {
            let known = (identity, Protection::SignedSharedKey);
            meet::<DirectoryError>(tx, &handle(name), known, 1).map(drop)
        };
        self.alice.profile.store.write(pin).unwrap();
    }

    async fn look(&self, name: &str) -> Result<super::Published, Error> {
        self.alice.lookup(&handle(name), LONG).await
    }

    fn history(&self, client: &Client) -> Vec<Item> {
        let rows = client.history(&Default::default(), |_| true).unwrap();
        rows.into_iter().map(|row| row.what).collect()
    }
}

/// A key holder who may claim any handle.
struct Stranger {
    identity: IdentityKey,
    device: DeviceKey,
    certificate: DeviceCertificate,
}

impl Stranger {
    fn new(seed: u8, name: &str) -> Self {
        let identity = IdentityKey::from_bytes(&[seed; 32]);
        let device = DeviceKey::from_bytes(&[seed.wrapping_add(100); 32]);
        let certificate = certify(&identity, name, seed, &device);
        Self { identity, device, certificate }
    }

    fn entry(&self, valid_until_ms: u64) -> DirectoryEntry {
        let inbox = InboxKey::from_bytes(&[7; 32]).public();
        let new =
            NewEntry { device: &self.certificate, inbox_key: inbox.as_bytes(), valid_until_ms };
        DirectoryEntry::create(&self.identity, "test", &new).unwrap()
    }

    fn with_inbox(&self, entry: &DirectoryEntry, seed: u8) -> DirectoryEntry {
        let inbox = InboxKey::from_bytes(&[seed; 32]).public().as_bytes().to_vec();
        let until = entry.valid_until_ms();
        entry.append(DirectoryChange::RotateInboxKey(inbox), &self.identity, until).unwrap()
    }

    fn key_package(&self, made_at_ms: u64, bytes: &[u8]) -> KeyPackageRecord {
        let offer = NewKeyPackage { device: &self.certificate, made_at_ms, key_package: bytes };
        KeyPackageRecord::create(&self.device, "test", &offer).unwrap()
    }
}

fn certify(identity: &IdentityKey, name: &str, id: u8, device: &DeviceKey) -> DeviceCertificate {
    let key = device.public();
    let device = NewDevice { handle: name, id: DeviceId::from_bytes([id; 16]), key: &key };
    DeviceCertificate::issue(identity, &device, "test").unwrap()
}

fn kind(result: Result<super::Published, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn what_is_published_is_found_and_opens_what_is_sealed_to_it() {
    let people = People::with_bob().await;
    assert_eq!(people.count(), 2, "an entry and a KeyPackage");
    let found = people.look("bob").await.unwrap();
    assert_eq!(found.identity, people.bob.identity().unwrap());
    assert_eq!((found.devices().len(), found.key_packages.len()), (1, 1));
    assert!(found.others().is_empty() && !found.is_forked());
    let days = (found.valid_until_ms().cast_signed() - now_ms()) / DAY_MS;
    assert!((29..=30).contains(&days), "{days}");
    let sealed = found.inbox_key.seal(b"info", b"", b"hello", &mut rand::rng()).unwrap();
    let inbox = people.bob.profile.store.read(crate::client::inbox_key).unwrap();
    assert_eq!(*inbox.open(b"info", b"", &sealed).unwrap(), b"hello");
    // The KeyPackage is of the device that signed the record.
    let checker = DeviceCheck::new(&"test".parse().unwrap());
    let offered = found.key_packages[0].key_package();
    let package = chat_crypto::mls::KeyPackage::parse(offered, &checker).unwrap();
    assert_eq!(package.leaf().name.identity, *found.identity.as_bytes());
    // Nothing is new: nothing is published again, and what is known is known offline.
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(people.count(), 2);
    people.log.set_offline(true);
    assert_eq!(people.look("bob").await.unwrap().head, found.head);
    assert_eq!(kind(people.look("carol").await), ErrorKind::Unreachable);
    people.log.set_offline(false);
    assert_eq!(kind(people.look("carol").await), ErrorKind::NotFound);
}

#[tokio::test]
async fn entry_and_key_package_are_renewed_in_time_and_old_private_parts_go() {
    let people = People::with_bob().await;
    let (place, network) = (people.place(), people.bob.network().unwrap().unwrap());
    let profile = &people.bob.profile;
    let signer = profile.signer(network.namespace()).unwrap();
    let owner = Owner { place: &place, handle: &profile.handle, signer: &signer };
    let mail = network.mail_topic();
    let inboxes = network.inboxes(&profile.handle);
    let upkeep = |at_ms: i64| {
        let due =
            profile.store.write(|tx| owner.upkeep(tx, (mail.as_str(), &inboxes), at_ms)).unwrap();
        due.iter().map(|due| due.kind).collect::<Vec<_>>()
    };
    let keys = || {
        let row = profile.store.read(OwnRow::of).unwrap();
        row.private_parts().len()
    };
    let now = now_ms();
    assert_eq!(upkeep(now + 1000), []);
    assert_eq!((upkeep(now + 2 * DAY_MS), keys()), (vec![RecordKind::KeyPackage], 2));
    let both = vec![RecordKind::Entry, RecordKind::KeyPackage];
    assert_eq!((upkeep(now + 16 * DAY_MS), keys()), (both, 3));
    // Each use makes people.
    profile.store.write(key_package_used::<DirectoryError>).unwrap();
    upkeep(now + 16 * DAY_MS + 1);
    assert_eq!(keys(), 4);
    // A clock that went back does not make one that readers refuse.
    profile.store.write(key_package_used::<DirectoryError>).unwrap();
    upkeep(now - DAY_MS);
    let made_at = people.bob.published(&handle("bob")).unwrap().key_package_made_at_ms().unwrap();
    assert!(made_at.cast_signed() > now + 16 * DAY_MS, "{made_at}");
    assert_eq!(keys(), 5);
    // Nothing goes before the inbox was read past seven days behind the replacement.
    let read_up_to = |at_ms: i64| {
        let cursor = chat_store::Cursor {
            topic_id: [0; 16],
            truncations: 0,
            next: 1,
            leader_epoch: None,
            unreadable: 0,
            last_timestamp_ms: Some(at_ms),
        };
        let set = |tx: &mut chat_store::WriteTxn<'_>| {
            tx.set_cursor(mail.as_str(), inboxes[0].partition.0, None, &cursor)
        };
        profile.store.write::<_, chat_store::StoreError>(set).unwrap();
        upkeep(now - DAY_MS);
        keys()
    };
    assert_eq!(read_up_to(now + 5 * DAY_MS), 5);
    assert_eq!(read_up_to(now + 10 * DAY_MS), 3, "those of day 2 and of the clock that went back");
    assert_eq!(read_up_to(now + 30 * DAY_MS), 1);
}

/// Private parts are deleted, and not only forgotten.
#[tokio::test]
async fn a_deleted_key_package_leaves_no_state() {
    let people = People::with_bob().await;
    let profile = &people.bob.profile;
    let parts = || profile.store.read(OwnRow::of).unwrap().private_parts();
    let state = |reference: &chat_crypto::mls::KeyPackageRef| {
        let look = |tx: &chat_store::ReadTxn<'_>| {
            let state = StoreState::stored(tx);
            let mut overlay = chat_crypto::mls::Overlay::new(&state, &[]);
            chat_crypto::mls::delete_key_package(&mut overlay, reference).unwrap();
            let keys: Vec<Vec<u8>> = overlay.into_changes().into_keys().collect();
            assert!(!keys.is_empty());
            let kept = keys.iter().filter(|key| tx.session_get(key).unwrap().is_some()).count();
            Ok::<_, chat_store::StoreError>(kept)
        };
        profile.store.read(look).unwrap()
    };
    let first = parts()[0];
    assert!(state(&first) > 0);
    // Another identity has no use for it.
    people.bob.import_identity(&IdentityKey::from_bytes(&[9; 32])).unwrap();
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(state(&first), 0);
    assert_eq!(parts().len(), 1);
}

#[tokio::test]
async fn who_is_displaced_publishes_again() {
    let people = People::with_bob().await;
    people.look("bob").await.unwrap();
    let key = people.records()[0].key.clone().unwrap();
    // Junk, then a tombstone, then an older entry of our own.
    people.append(Record { key: Some(key.clone()), value: vec![1; 400].into() }).await;
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(people.count(), 5, "a KeyPackage comes behind its entry again");
    let old = people.records()[0].value.clone().unwrap();
    people.append(Record { key: Some(key.clone()), value: old.clone() }).await;
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(people.count(), 6, "it is the same as ours");
    let topic = people.place().topic;
    people.append(Record { key: Some(key.clone()), value: vec![].into() }).await;
    let erase = |record: &mut StoredRecord| {
        if record.value.as_ref().is_some_and(bytes::Bytes::is_empty) {
            record.value = None;
        }
    };
    people.log.tamper(&topic, ONLY, erase).unwrap();
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(people.count(), 9);
    // Alice has lost nothing of it.
    assert_eq!(people.look("bob").await.unwrap().key_packages.len(), 1);
    // And nobody makes bob write for ever.
    for _ in 0..50 {
        people.append(Record { key: Some(key.clone()), value: vec![2; 400].into() }).await;
        people.publisher(&people.bob).publish().await.unwrap();
    }
    assert!(people.count() < 9 + 50 + 30, "{}", people.count());
}

#[tokio::test]
async fn of_several_identities_none_counts_until_somebody_says_which() {
    let people = People::with_bob().await;
    let squatter = Stranger::new(1, "bob");
    let entry = squatter.entry(u64::MAX);
    people.publish_stranger(&squatter, &entry).await;
    let bob = people.bob.identity().unwrap().fingerprint();
    let Err(Error::Directory(DirectoryError::Conflict { claims, .. })) = people.look("bob").await
    else {
        panic!("no conflict");
    };
    assert!(claims.len() == 2 && claims.contains(&bob), "{claims:?}");
    let refused = people.alice.add_contact(&handle("bob"), None).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::HandleConflict);
    // A first message is for one of them, and nobody has said for whom.
    let refused = people.alice.enqueue(vec![Draft::text(handle("bob"), "which one?")]);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::HandleConflict);
    let contact = people.alice.add_contact(&handle("bob"), Some(&bob)).unwrap();
    assert_eq!((contact.trust, contact.fingerprint), (TrustState::Unverified, Some(bob)));
    assert_eq!(contact.claims, [squatter.identity.public().fingerprint()]);
    let found = people.look("bob").await.unwrap();
    assert_eq!((found.fingerprint(), found.others().len()), (bob, 1));
    // Whoever also claims the handle blocks nothing.
    people.alice.enqueue(vec![Draft::text(handle("bob"), "hello")]).unwrap();
    // Choosing the other one by hand is another key under the handle.
    let other = squatter.identity.public().fingerprint();
    let contact = people.alice.add_contact(&handle("bob"), Some(&other)).unwrap();
    assert_eq!((contact.trust, contact.presented), (TrustState::Changed, Some(other)));
    let refused = people.alice.enqueue(vec![Draft::text(handle("bob"), "x")]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyChanged);
    let told = people.history(&people.alice);
    assert_eq!(told.iter().filter(|item| matches!(item, Item::KeyChanged(_))).count(), 1);
}

#[tokio::test]
async fn the_one_who_counts_is_not_displaced_by_who_comes_later() {
    let people = People::with_bob().await;
    people.look("bob").await.unwrap();
    let bob = people.alice.add_contact(&handle("bob"), None).unwrap().fingerprint.unwrap();
    for seed in 1..=40 {
        let squatter = Stranger::new(seed, "bob");
        people.publish_stranger(&squatter, &squatter.entry(u64::MAX)).await;
    }
    let found = people.look("bob").await.unwrap();
    assert_eq!(found.fingerprint(), bob);
    assert_eq!(found.others().len(), 15, "no more are kept");
}

#[tokio::test]
async fn who_counts_has_room_behind_any_number_of_squatters() {
    let people = People::new().await;
    for seed in 1..=40 {
        let squatter = Stranger::new(seed, "bob");
        people.publish_stranger(&squatter, &squatter.entry(u64::MAX)).await;
    }
    assert_eq!(kind(people.look("bob").await), ErrorKind::HandleConflict);
    let bob = people.bob.identity().unwrap();
    people.pin("bob", *bob.as_bytes());
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(people.look("bob").await.unwrap().identity, bob);
    // Bob has kept his own, too.
    assert!(people.bob.own_publication(LONG).await.unwrap().unwrap().on_log);
}

#[tokio::test]
async fn an_identity_that_counts_and_published_nothing_is_no_other_one() {
    let people = People::new().await;
    // On this network only a squatter has published.
    let squatter = Stranger::new(3, "carol");
    people.publish_stranger(&squatter, &squatter.entry(u64::MAX)).await;
    people.look("carol").await.unwrap();
    let network = people.alice.network().unwrap().unwrap();
    people.pin("carol", [8; 32]);
    assert_eq!(kind(people.look("carol").await), ErrorKind::HandleConflict);
    assert_eq!(
        people.alice.add_contact(&handle("carol"), None).unwrap_err().kind(),
        ErrorKind::HandleConflict
    );
    // It is shown, and stops nothing.
    assert_eq!(people.alice.contact(&handle("carol")).unwrap().trust, TrustState::Unverified);
    assert_eq!(people.alice.contact(&handle("carol")).unwrap().claims.len(), 1);
    people.alice.profile.pin_published(&network, &handle("carol")).unwrap();
    people.alice.enqueue(vec![Draft::text(handle("carol"), "hello")]).unwrap();
}

#[tokio::test]
async fn an_older_or_forked_list_of_changes_never_takes_the_place_of_a_longer_one() {
    let people = People::new().await;
    let carol = Stranger::new(5, "carol");
    let first = carol.entry(1000);
    let second = carol.with_inbox(&first, 8);
    people.publish_stranger(&carol, &first).await;
    people.look("carol").await.unwrap();
    people.publish_stranger(&carol, &second).await;
    assert_eq!(people.look("carol").await.unwrap().head, second.head());
    people.alice.add_contact(&handle("carol"), None).unwrap();
    // A replay, and one that says that it is valid for longer.
    people.publish_stranger(&carol, &first).await;
    people.publish_stranger(&carol, &first.renew(&carol.identity, 5000).unwrap()).await;
    let found = people.look("carol").await.unwrap();
    assert_eq!((found.head, found.is_forked()), (second.head(), false));
    // The same list, valid for longer, and then the old one again.
    people.publish_stranger(&carol, &second.renew(&carol.identity, 2000).unwrap()).await;
    people.publish_stranger(&carol, &second).await;
    assert_eq!(people.look("carol").await.unwrap().valid_until_ms(), 2000);
    // Another list: refused, and said once.
    let fork = carol.with_inbox(&carol.with_inbox(&first, 9), 10);
    for _ in 0..2 {
        people.publish_stranger(&carol, &fork).await;
        let found = people.look("carol").await.unwrap();
        assert_eq!((found.head, found.is_forked()), (second.head(), true));
        // So that the next one is no repetition.
        people.publish_stranger(&carol, &carol.with_inbox(&fork, 11)).await;
    }
    let forks = people.history(&people.alice);
    let forks = forks.iter().filter(|item| matches!(item, Item::DirectoryFork(_)));
    assert_eq!(forks.count(), 1);
    let contact = people.alice.contact(&handle("carol")).unwrap();
    assert!(contact.forked && contact.trust == TrustState::Unverified);
    people.alice.enqueue(vec![Draft::text(handle("carol"), "two faces?")]).unwrap();
}

#[tokio::test]
async fn a_record_under_a_key_that_is_not_its_own_is_nothing() {
    let people = People::with_bob().await;
    let (carol, place) = (Stranger::new(5, "carol"), people.place());
    let bobs = place.entry_key("bob", &people.bob.identity().unwrap());
    let entry = carol.entry(u64::MAX);
    people.publish_entry(bobs, &entry).await;
    people.publish_entry([7; 16], &entry).await;
    assert_eq!(kind(people.look("carol").await), ErrorKind::NotFound);
    assert_eq!(people.look("bob").await.unwrap().identity, people.bob.identity().unwrap());
    // The same for KeyPackages.
    people.publish_stranger(&carol, &entry).await;
    let package = carol.key_package(1, b"one");
    let kind = RecordKind::KeyPackage;
    people
        .append(place.seal((ONLY, Under::Newest), ([7; 16], kind), package.as_bytes()).unwrap())
        .await;
    assert!(people.look("carol").await.unwrap().key_packages.is_empty());
    let own = place.key_package_key(&carol.certificate);
    people
        .append(place.seal((ONLY, Under::Newest), (own, kind), package.as_bytes()).unwrap())
        .await;
    assert_eq!(people.look("carol").await.unwrap().key_packages.len(), 1);
    // An older one is a replay.
    let older = carol.key_package(0, b"zero");
    people.append(place.seal((ONLY, Under::Newest), (own, kind), older.as_bytes()).unwrap()).await;
    assert_eq!(people.look("carol").await.unwrap().key_package_made_at_ms(), Some(1));
}

#[tokio::test]
async fn a_key_package_that_lies_before_its_entry_is_found_all_the_same() {
    let people = People::new().await;
    let (carol, place) = (Stranger::new(5, "carol"), people.place());
    let key = place.key_package_key(&carol.certificate);
    let package = carol.key_package(1, b"one");
    let record = place
        .seal((ONLY, Under::Newest), (key, RecordKind::KeyPackage), package.as_bytes())
        .unwrap();
    people.append(record).await;
    assert_eq!(kind(people.look("carol").await), ErrorKind::NotFound);
    // Compaction has moved the entry behind it, and this reader comes later.
    let later = people.another("later", "dave");
    people.publish_stranger(&carol, &carol.entry(u64::MAX)).await;
    let found = later.lookup(&handle("carol"), LONG).await.unwrap();
    assert_eq!(found.key_packages.len(), 1);
}

#[tokio::test]
async fn a_thousand_records_of_junk_hide_nothing_and_holes_are_no_gaps() {
    let people = People::with_bob().await;
    let (place, topic) = (people.place(), people.place().topic);
    let squatter = Stranger::new(6, "mallory");
    for number in 0..1000_u32 {
        let key = number.to_be_bytes().repeat(4).try_into().unwrap();
        let kind = if number % 2 == 0 { RecordKind::Entry } else { RecordKind::KeyPackage };
        let body = squatter.entry(u64::from(number));
        let record = match number % 4 {
            0 => Record { key: Some(vec![1; 16].into()), value: vec![9; 500].into() },
            1 => place.seal((ONLY, Under::Newest), (key, kind), body.as_bytes()).unwrap(),
            2 => place.seal((ONLY, Under::Newest), (key, kind), &[3; 300]).unwrap(),
            _ => Record { key: Some(vec![1; 7].into()), value: vec![].into() },
        };
        people.append(record).await;
        if number % 100 == 0 {
            people.log.skip_offsets(&topic, ONLY, 50).unwrap();
        }
    }
    people.publisher(&people.alice).publish().await.unwrap();
    let carol = Stranger::new(5, "carol");
    people.publish_stranger(&carol, &carol.entry(u64::MAX)).await;
    assert!(people.look("carol").await.is_ok());
    assert!(people.look("bob").await.is_ok());
    assert_eq!(kind(people.look("mallory").await), ErrorKind::NotFound);
    assert!(people.history(&people.alice).is_empty(), "{:?}", people.history(&people.alice));
}

#[tokio::test]
async fn a_topic_that_was_made_anew_is_read_from_its_start_and_filled_again() {
    let people = People::with_bob().await;
    people.publisher(&people.alice).publish().await.unwrap();
    let before = people.look("bob").await.unwrap();
    let topic = people.place().topic;
    people.log.recreate(&topic).unwrap();
    assert_eq!(people.look("bob").await.unwrap().head, before.head, "what is kept stays");
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(people.count(), 2);
    people.publisher(&people.alice).publish().await.unwrap();
    assert_eq!(people.count(), 4);
    // A log that was cut is as another one.
    people.log.truncate(&topic, ONLY, chat_transport::Offset(1)).unwrap();
    people.publisher(&people.alice).publish().await.unwrap();
    people.publisher(&people.bob).publish().await.unwrap();
    assert_eq!(people.count(), 4);
    assert!(people.history(&people.alice).is_empty());
    let other = people.another("other", "carol");
    assert!(other.lookup(&handle("bob"), LONG).await.is_ok());
    assert!(other.lookup(&handle("alice"), LONG).await.is_ok());
}

#[tokio::test]
async fn a_second_profile_of_an_identity_continues_its_entry() {
    let people = People::with_bob().await;
    people.look("bob").await.unwrap();
    let words = people.bob.identity_words().unwrap();
    let identity = chat_crypto::identity_backup::from_words(&words).unwrap();
    let second = people.another("second", "bob");
    second.import_identity(&identity).unwrap();
    people.publisher(&second).publish().await.unwrap();
    let found = people.look("bob").await.unwrap();
    assert_eq!((found.devices().len(), found.is_forked()), (2, false));
    assert_eq!(found.key_packages.len(), 2);
    // The first takes it over: no fight about the inbox key.
    let before = people.count();
    people.publisher(&people.bob).publish().await.unwrap();
    people.publisher(&second).publish().await.unwrap();
    assert_eq!(people.count(), before);
    assert_eq!(people.look("bob").await.unwrap().head, found.head);
}

#[tokio::test]
async fn the_first_message_publishes_and_later_ones_ask_nothing_of_the_directory() {
    let people = People::new().await;
    people.bob.send(Draft::text(handle("alice"), "one"), LONG).await.unwrap();
    assert_eq!(people.count(), 2);
    let topic = people.place().topic;
    people.log.set_leaderless(&topic, ONLY, true).unwrap();
    let begun = std::time::Instant::now();
    people.bob.send(Draft::text(handle("alice"), "two"), LONG).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Alice has published nothing yet, and cannot: her message goes out all the same.
    let sent = people.alice.send(Draft::text(handle("bob"), "three"), LONG).await.unwrap();
    assert!(matches!(sent.outcome, crate::SendOutcome::Acked(_)), "{:?}", sent.outcome);
}

#[tokio::test]
async fn a_first_message_lets_the_only_identity_count() {
    let people = People::with_bob().await;
    people.alice.enqueue(vec![Draft::text(handle("bob"), "unknown")]).unwrap();
    assert_eq!(people.alice.contact(&handle("bob")).unwrap().trust, TrustState::Unknown);
    people.look("bob").await.unwrap();
    people.alice.enqueue(vec![Draft::text(handle("bob"), "known")]).unwrap();
    let contact = people.alice.contact(&handle("bob")).unwrap();
    assert_eq!(contact.fingerprint, Some(people.bob.identity().unwrap().fingerprint()));
    assert_eq!(contact.trust, TrustState::Unverified);
}

#[tokio::test]
async fn a_listener_publishes_and_watches() {
    let people = People::with_bob().await;
    people.alice.enqueue(vec![Draft::text(handle("bob"), "hi")]).unwrap();
    let listener = people.alice.listen(ListenFrom::After(chat_store::Seq::ZERO)).unwrap();
    let both = async {
        while people.count() < 4 || people.alice.published(&handle("bob")).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, both).await.unwrap();
    drop(listener);
    let own = people.alice.own_publication(LONG).await.unwrap().unwrap();
    assert!(own.on_log && own.devices == 1, "{own:?}");
}

/// Each rule of the directory, once broken, fails the test that guards it.
#[cfg(feature = "mutants")]
#[test]
fn each_broken_rule_of_the_directory_fails_its_test() {
    use crate::mutant::{Mutant, assert_each_is_killed};
    assert_each_is_killed(&[
        (
            Mutant::TakeShorterDirectory,
            "directory::tests::an_older_or_forked_list_of_changes_never_takes_the_place_of_a_longer_one",
        ),
        (
            Mutant::SkipDirectoryKey,
            "directory::tests::a_record_under_a_key_that_is_not_its_own_is_nothing",
        ),
        (
            Mutant::LastIdentityWins,
            "directory::tests::of_several_identities_none_counts_until_somebody_says_which",
        ),
    ]);
}

/// A new device of somebody, linked while they listen.
async fn linked(people: &People, first: &Client, name: &str) -> Client {
    let code = first.offer_device(LONG * 10).unwrap();
    let folder = people.folder.path().join(name);
    let made = Client::create_device(Default::default(), &folder, (&code, name), None);
    let device = made.unwrap().connect(Arc::new(people.log.clone()));
    let mut listener = first.listen(ListenFrom::After(chat_store::Seq::ZERO)).unwrap();
    let mut linking = Box::pin(device.link(LONG));
    loop {
        tokio::select! {
            linked = &mut linking => {
                assert_eq!(linked.unwrap(), crate::client::LinkOutcome::Linked);
                break;
            }
            event = listener.next() => drop(event.unwrap()),
        }
    }
    drop(linking);
    device
}

#[tokio::test]
async fn a_removal_changes_the_key_of_the_inbox_and_the_devices_that_stay_have_it() {
    use crate::devices::{inbox_keys, promote_inbox_key};
    use crate::error::ProfileError;
    let people = People::with_bob().await;
    let alice = &people.alice;
    people.publisher(alice).publish().await.unwrap();
    let phone = linked(&people, alice, "phone").await;
    let tablet = linked(&people, alice, "tablet").await;
    people.publisher(alice).publish().await.unwrap();
    let shown = async || {
        people.bob.refresh(alice.handle(), LONG).await.unwrap();
        people.bob.published(alice.handle()).unwrap().inbox_key
    };
    let before = shown().await;
    let id = alice.devices().unwrap()[1].id.clone();
    alice.remove_device(&id).unwrap();
    assert!(alice.spread_devices(LONG).await.unwrap());
    let after = shown().await;
    assert!(before != after, "the entry shows another key");
    people.publisher(alice).publish().await.unwrap();
    assert!(shown().await == after, "and goes on showing it");
    let sealed = after.seal(b"info", &[], b"an invitation", &mut rand::rng()).unwrap();
    let opens = |client: &Client| {
        let keys = client.profile.store.read::<_, ProfileError>(inbox_keys).unwrap();
        keys.iter().any(|key| key.open(b"info", &[], &sealed).is_ok())
    };
    // What was sent to the devices that stay lies in the inbox.
    let mut listener = tablet.listen(ListenFrom::After(chat_store::Seq::ZERO)).unwrap();
    while !opens(&tablet) {
        drop(tokio::time::timeout(LONG, listener.next()).await.expect("it has no key").unwrap());
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
    let mut listener = phone.listen(ListenFrom::After(chat_store::Seq::ZERO)).unwrap();
    while tokio::time::timeout_at(deadline, listener.next()).await.is_ok() {}
    assert!(opens(alice) && opens(&tablet) && !opens(&phone));
    let promoted = tablet.profile.store.write(|tx| promote_inbox_key(tx, after.as_bytes()));
    assert!(promoted.unwrap());
    people.publisher(&tablet).publish().await.unwrap();
    assert_eq!(tablet.devices().unwrap().len(), 2);
    tablet.check_device().unwrap();
    people.publisher(&phone).publish().await.unwrap();
    assert_eq!(phone.check_device().unwrap_err().kind(), ErrorKind::DeviceRemoved);
}

#[tokio::test]
async fn a_device_that_lacks_the_key_of_the_inbox_asks_for_it() {
    use crate::devices::OwnDevices;
    let people = People::with_bob().await;
    let alice = &people.alice;
    people.publisher(alice).publish().await.unwrap();
    let phone = linked(&people, alice, "phone").await;
    // The identity's backup is used in a third place, which has no key of the inbox and draws one.
    let backup = alice.identity_words().unwrap();
    let identity = chat_crypto::identity_backup::from_words(&backup).unwrap();
    let third = people.another("third", "alice");
    third.import_identity(&identity).unwrap();
    people.publisher(&third).publish().await.unwrap();
    people.publisher(&phone).publish().await.unwrap();
    let lacks = |client: &Client| {
        let ours = client.profile.store.read(OwnDevices::of::<DirectoryError>).unwrap();
        ours.lacks_inbox_key
    };
    assert!(lacks(&phone));
    let [mut at_phone, mut at_third] = [&phone, &third]
        .map(|client| client.listen(ListenFrom::After(chat_store::Seq::ZERO)).unwrap());
    let asking = async {
        while lacks(&phone) {
            for listener in [&mut at_phone, &mut at_third] {
                let step = Duration::from_millis(50);
                drop(tokio::time::timeout(step, listener.next()).await);
            }
            people.publisher(&phone).publish().await.unwrap();
        }
    };
    tokio::time::timeout(LONG, asking).await.expect("nobody has answered");
}

/// How often a history says that the directory has two faces of somebody.
fn forks(client: &Client, whose: &str) -> usize {
    let all = client.history(&Default::default(), |_| true).unwrap().into_iter();
    all.filter(
        |item| matches!(&item.what, Item::DirectoryFork(fork) if fork.handle.as_str() == whose),
    )
    .count()
}

#[tokio::test]
async fn what_somebody_says_of_their_own_entry_is_compared_and_what_is_withheld_is_told() {
    use super::gossip::{Ahead, SeenHead};
    let people = People::with_bob().await;
    let alice = &people.alice;
    alice.lookup(&handle("bob"), LONG).await.unwrap();
    alice.add_contact(&handle("bob"), None).unwrap();
    let (bob, place) = (*people.bob.identity().unwrap().as_bytes(), people.place());
    let of = (&place, alice.handle());
    let write = |work: &dyn Fn(&mut chat_store::WriteTxn<'_>) -> Result<(), DirectoryError>| {
        alice.profile.store.write(work).unwrap();
    };
    let hears = |head: SeenHead| {
        write(&|tx| Ahead::hear(tx, of, (&handle("bob"), &bob), head));
    };
    let is_due = || alice.profile.store.read(Ahead::of::<DirectoryError>).unwrap().is_due();
    let head = SeenHead::from(alice.published(&handle("bob")).unwrap().head);
    assert_eq!(head.changes, 2);
    hears(head);
    assert!(!is_due(), "it is what was read");
    // Bob has one more device than the directory shows.
    let phone = linked(&people, &people.bob, "phone").await;
    let longer = SeenHead::from(phone.published(&handle("bob")).unwrap().head);
    assert_eq!(longer.changes, 3);
    hears(longer);
    assert!(is_due());
    alice.refresh(&handle("bob"), LONG).await.unwrap();
    write(&|tx| {
        let all = Ahead::of::<DirectoryError>(tx)?;
        Ahead::settle(tx, of, &all)
    });
    assert!(!is_due(), "now it is there");
    hears(head);
    assert!(!is_due(), "an older message");
    assert_eq!(forks(alice, "bob"), 0);
    // What never comes is withheld.
    hears(SeenHead { changes: 4, hash: [7; 16] });
    for look in 0..3 {
        assert_eq!(forks(alice, "bob"), 0, "look {look}");
        write(&|tx| {
            let all = Ahead::of::<DirectoryError>(tx)?;
            Ahead::settle(tx, of, &all)
        });
    }
    assert_eq!(forks(alice, "bob"), 1);
    write(&|tx| {
        let all = Ahead::of::<DirectoryError>(tx)?;
        Ahead::settle(tx, of, &all)
    });
    assert_eq!(forks(alice, "bob"), 1, "it is said once");
    for _ in 0..2 {
        hears(SeenHead { changes: 1, hash: [8; 16] });
        assert_eq!(forks(alice, "bob"), 2, "another list is another matter");
    }
}

#[tokio::test]
async fn two_faces_of_the_directory_are_told_as_soon_as_their_owner_writes() {
    use super::gossip::{Ahead, SeenHead};
    let people = People::with_bob().await;
    let alice = &people.alice;
    alice.lookup(&handle("bob"), LONG).await.unwrap();
    let (bob, place) = (*people.bob.identity().unwrap().as_bytes(), people.place());
    let hear = |tx: &mut chat_store::WriteTxn<'_>| {
        let head = SeenHead { changes: 2, hash: [8; 16] };
        Ahead::hear(tx, (&place, alice.handle()), (&handle("bob"), &bob), head)
    };
    alice.add_contact(&handle("bob"), None).unwrap();
    alice.profile.store.write::<_, DirectoryError>(hear).unwrap();
    assert_eq!(forks(alice, "bob"), 1);
    let stranger = |tx: &mut chat_store::WriteTxn<'_>| {
        let head = SeenHead { changes: 9, hash: [8; 16] };
        Ahead::hear(tx, (&place, alice.handle()), (&handle("carol"), &[3; 32]), head)?;
        Ok(Ahead::of::<DirectoryError>(tx)?.is_due())
    };
    assert!(!alice.profile.store.write::<_, DirectoryError>(stranger).unwrap(), "nothing is known");
}
