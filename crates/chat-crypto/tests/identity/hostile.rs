//! What enemies send: people with good keys who do what honest ones never do.

use base64::Engine as _;
use chat_crypto::secrecy::SecretString;
use chat_crypto::{
    BackupError, CertificateError, ChangeError, ContentPlace, DeviceCertificate, DeviceId,
    DeviceKey, DirectoryChange, DirectoryEntry, DirectoryHead, EntryError, IdentityKey, InboxError,
    InboxKey, InboxPublic, KeyPackageRecord, KeyPackageRecordError, NewDevice, NewEntry,
    NewKeyPackage, Party, Protected, Protection, QrComparison, Relation, SafetyNumber,
    SafetyNumberError, SharedKey, SignatureContext, SignatureKind, SignedContentError,
    SignedSharedKey, Vault, Verification, identity_backup,
};
use sha2::{Digest, Sha256};

use crate::support::{CHEAP, NETWORK, Person, alice, bob, certify};

fn lp(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    Sha256::digest(parts.concat()).to_vec()
}

fn signed(key: &IdentityKey, kind: SignatureKind, bytes: &[u8]) -> Vec<u8> {
    let signature = key.sign(&SignatureContext::network(kind, NETWORK), bytes);
    [bytes, signature.as_bytes()].concat()
}

/// An entry as somebody with the identity's key can write it, by hand.
struct Draft<'a> {
    identity: &'a IdentityKey,
    handle: &'a str,
    inbox_key: &'a [u8],
    changes: Vec<Vec<u8>>,
}

impl<'a> Draft<'a> {
    /// The same as the entry of a [`Person`], and without its changes.
    fn of(person: &'a Person) -> Self {
        let (identity, handle) = (&person.identity, person.handle);
        Self { identity, handle, inbox_key: person.entry.inbox_key(), changes: Vec::new() }
    }

    fn start(&self) -> Vec<u8> {
        let (network, handle) = (lp(NETWORK.as_bytes()), lp(self.handle.as_bytes()));
        let public = self.identity.public();
        sha256(&[b"securechat/v1/directory-start", &network, &handle, public.as_bytes()])
    }

    /// A change behind the last one, signed by `signer`.
    fn change_by(mut self, signer: &IdentityKey, kind: u8, body: &[u8]) -> Self {
        let number = u32::try_from(self.changes.len()).unwrap().to_be_bytes();
        let hash = |change: &Vec<u8>| sha256(&[b"securechat/v1/directory-change", change]);
        let previous = self.changes.last().map_or_else(|| self.start(), hash);
        let bytes = [&[kind], &number[..], &previous, &lp(body)].concat();
        self.changes.push(signed(signer, SignatureKind::DirectoryChange, &bytes));
        self
    }

    fn change(self, kind: u8, body: &[u8]) -> Self {
        let identity = self.identity;
        self.change_by(identity, kind, body)
    }

    fn device(self, certificate: &DeviceCertificate) -> Self {
        self.change(1, certificate.as_bytes())
    }

    fn inbox(self) -> Self {
        let hash = sha256(&[b"securechat/v1/inbox-key", self.inbox_key]);
        self.change(3, &hash)
    }

    fn unsigned(&self, count: u32) -> Vec<u8> {
        let public = self.identity.public();
        let head = [&[1], &lp(self.handle.as_bytes())[..], public.as_bytes()].concat();
        let until = 1_000_u64.to_be_bytes();
        let tail = [&lp(self.inbox_key)[..], &count.to_be_bytes(), &self.changes.concat()].concat();
        [&head[..], &until, &tail].concat()
    }

    fn finish(&self) -> Vec<u8> {
        self.finish_by(self.identity)
    }

    fn finish_by(&self, signer: &IdentityKey) -> Vec<u8> {
        let count = u32::try_from(self.changes.len()).unwrap();
        signed(signer, SignatureKind::DirectoryEntry, &self.unsigned(count))
    }
}

fn refused(bytes: &[u8]) -> EntryError {
    DirectoryEntry::parse(bytes, NETWORK).unwrap_err()
}

fn refused_change(bytes: &[u8]) -> (u32, ChangeError) {
    match refused(bytes) {
        EntryError::Change { number, source } => (number, source),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_by_hand_is_the_same_as_one_that_was_made() {
    let alice = alice();
    let draft = Draft::of(&alice).device(&alice.certificate).inbox();
    assert_eq!(draft.finish(), alice.entry.as_bytes());
}

#[test]
fn an_entry_signed_by_another_identity_or_for_another_network_is_refused() {
    let (alice, mallory) = (alice(), bob());
    let draft = Draft::of(&alice).device(&alice.certificate).inbox();
    assert_eq!(refused(&draft.finish_by(&mallory.identity)), EntryError::Signature);
    let elsewhere = DirectoryEntry::parse(alice.entry.as_bytes(), "elsewhere");
    assert_eq!(elsewhere.unwrap_err(), EntryError::Signature);
    let draft = Draft::of(&alice).device(&alice.certificate);
    let hash = sha256(&[b"securechat/v1/inbox-key", alice.entry.inbox_key()]);
    let draft = draft.change_by(&mallory.identity, 3, &hash);
    assert_eq!(refused(&draft.finish()), EntryError::ChangeSignature { number: 1 });
}

#[test]
fn changes_of_another_handle_identity_or_network_do_not_fit() {
    let (alice, bob) = (alice(), bob());
    let chain = EntryError::Chain { number: 0 };
    // The changes of bob's entry under alice's name, and alice's own under another handle.
    let foreign = Draft::of(&bob).device(&bob.certificate).inbox().changes;
    assert_eq!(refused(&Draft { changes: foreign, ..Draft::of(&alice) }.finish()), chain);
    let own = Draft::of(&alice).device(&alice.certificate).inbox().changes;
    let renamed = Draft { changes: own, handle: "bob", ..Draft::of(&alice) };
    assert_eq!(refused(&renamed.finish()), chain);
    // A certificate of another identity, and one for another handle.
    let stranger = (0, ChangeError::Stranger);
    let draft = Draft::of(&alice).device(&bob.certificate).inbox();
    assert_eq!(refused_change(&draft.finish()), stranger);
    let other_name = certify(&alice.identity, "alicia", 9);
    let draft = Draft::of(&alice).device(&other_name).inbox();
    assert_eq!(refused_change(&draft.finish()), stranger);
    // A certificate for another network.
    let key = DeviceKey::from_bytes(&[9; 32]).public();
    let device = NewDevice { handle: "alice", id: DeviceId::from_bytes([9; 16]), key: &key };
    let elsewhere = DeviceCertificate::issue(&alice.identity, &device, "elsewhere").unwrap();
    let draft = Draft::of(&alice).device(&elsewhere).inbox();
    let source = ChangeError::Certificate(CertificateError::Signature);
    assert_eq!(refused_change(&draft.finish()), (0, source));
}

#[test]
fn changes_in_another_order_left_out_or_doubled_are_refused() {
    let alice = alice();
    let phone = certify(&alice.identity, "alice", 9);
    let draft = || Draft::of(&alice).device(&alice.certificate).inbox().device(&phone);
    let changes = draft().changes;
    let refused_at = |order: &[usize]| {
        let changes = order.iter().map(|at| changes[*at].clone()).collect();
        refused(&Draft { changes, ..draft() }.finish())
    };
    assert_eq!(refused_at(&[1, 0, 2]), EntryError::Chain { number: 0 });
    assert_eq!(refused_at(&[0, 2, 1]), EntryError::Chain { number: 1 });
    assert_eq!(refused_at(&[0, 2]), EntryError::Chain { number: 1 });
    assert_eq!(refused_at(&[0, 1, 1]), EntryError::Chain { number: 2 });
    assert_eq!(refused_at(&[1, 2]), EntryError::Chain { number: 0 });
}

#[test]
fn an_entry_without_device_or_inbox_key_is_refused() {
    let alice = alice();
    let last = ChangeError::LastDevice;
    let none = Draft::of(&alice);
    assert!(matches!(refused(&none.finish()), EntryError::Malformed { .. }));
    assert_eq!(refused_change(&Draft::of(&alice).inbox().finish()), (0, last));
    let gone = Draft::of(&alice).device(&alice.certificate).inbox();
    let gone = gone.change(2, alice.certificate.device_id().as_bytes());
    assert_eq!(refused_change(&gone.finish()), (2, last));
    let removed = DirectoryChange::RemoveDevice(alice.certificate.device_id());
    let error = EntryError::Change { number: 2, source: last };
    assert_eq!(alice.entry.append(removed, &alice.identity, 0).unwrap_err(), error);
    // No change to the inbox key, and another key than that of the change.
    let draft = Draft::of(&alice).device(&alice.certificate);
    assert_eq!(refused(&draft.finish()), EntryError::InboxKey);
    let changes = draft.inbox().changes;
    let other = Draft { changes, inbox_key: b"mallory's", ..Draft::of(&alice) };
    assert_eq!(refused(&other.finish()), EntryError::InboxKey);
}

#[test]
fn a_device_comes_once_and_never_again() {
    let alice = alice();
    let phone = certify(&alice.identity, "alice", 9);
    let entry = &alice.entry;
    let append = |entry: &DirectoryEntry, change| entry.append(change, &alice.identity, 0);
    let refused = |entry: &DirectoryEntry, change| match append(entry, change).unwrap_err() {
        EntryError::Change { source, .. } => source,
        other => panic!("{other:?}"),
    };
    let add = |device: &DeviceCertificate| DirectoryChange::AddDevice(device.clone());
    let remove = |device: &DeviceCertificate| DirectoryChange::RemoveDevice(device.device_id());
    assert_eq!(refused(entry, remove(&phone)), ChangeError::Unknown);
    assert_eq!(refused(entry, add(&alice.certificate)), ChangeError::Known);
    let two = append(entry, add(&phone)).unwrap();
    let one = append(&two, remove(&phone)).unwrap();
    assert_eq!(one.device(phone.device_id()), None);
    assert_eq!(refused(&one, add(&phone)), ChangeError::Known);
    // The same key under a new id, and a new key under the old id.
    let new_key = DeviceKey::from_bytes(&[10; 32]).public();
    for (id, key) in
        [(DeviceId::from_bytes([10; 16]), phone.device_key()), (phone.device_id(), &new_key)]
    {
        let device = NewDevice { handle: "alice", id, key };
        let again = DeviceCertificate::issue(&alice.identity, &device, NETWORK).unwrap();
        assert_eq!(refused(&one, add(&again)), ChangeError::Known);
    }
}

#[test]
fn kinds_of_change_that_do_not_exist_are_refused() {
    let alice = alice();
    for (kind, body) in [(0, &[][..]), (4, &[0; 16]), (255, &[]), (2, &[0; 15]), (3, &[0; 33])] {
        let draft = Draft::of(&alice).device(&alice.certificate).inbox().change(kind, body);
        assert_eq!(refused_change(&draft.finish()), (2, ChangeError::Malformed), "{kind}");
    }
}

#[test]
fn the_sixty_fifth_device_is_refused() {
    let alice = alice();
    let mut draft = Draft::of(&alice).device(&alice.certificate).inbox();
    for byte in 10..73 {
        draft = draft.device(&certify(&alice.identity, "alice", byte));
    }
    let full = DirectoryEntry::parse(&draft.finish(), NETWORK).unwrap();
    assert_eq!(full.devices().len(), DirectoryEntry::MAX_DEVICES);
    let draft = draft.device(&certify(&alice.identity, "alice", 73));
    assert_eq!(refused_change(&draft.finish()), (65, ChangeError::TooManyDevices));
}

#[test]
fn the_change_behind_the_last_is_refused() {
    let alice = alice();
    let mut draft = Draft::of(&alice).device(&alice.certificate);
    while draft.changes.len() < DirectoryEntry::MAX_CHANGES {
        draft = draft.inbox();
    }
    let full = DirectoryEntry::parse(&draft.finish(), NETWORK).unwrap();
    let rotated = DirectoryChange::RotateInboxKey(vec![1]);
    let source = ChangeError::TooManyChanges;
    let refusal = full.append(rotated, &alice.identity, 0).unwrap_err();
    assert_eq!(refusal, EntryError::Change { number: 1024, source });
    let longer = draft.inbox().finish();
    assert!(matches!(refused(&longer), EntryError::Malformed { .. }));
}

#[test]
fn lengths_are_bounded_before_memory_is_taken() {
    let alice = alice();
    let len = DirectoryEntry::MAX_LEN + 1;
    let error = EntryError::TooLong { len, max: DirectoryEntry::MAX_LEN };
    assert_eq!(refused(&vec![1; len]), error);
    let draft = Draft::of(&alice).device(&alice.certificate).inbox();
    for count in [0, 1, 3, 1025, u32::MAX] {
        let bytes = signed(&alice.identity, SignatureKind::DirectoryEntry, &draft.unsigned(count));
        assert!(matches!(refused(&bytes), EntryError::Malformed { .. }), "{count}");
    }
    for inbox_key in [&[][..], &[0; 2049]] {
        let bytes = Draft { inbox_key, ..Draft::of(&alice) }.device(&alice.certificate).inbox();
        assert!(matches!(refused(&bytes.finish()), EntryError::Malformed { .. }));
    }
    // Lengths that promise more than there is.
    let long = [&[1, 0xff, 0xff], &[b'a'; 300][..]].concat();
    assert!(matches!(refused(&long), EntryError::Malformed { .. }));
    let certificate = DeviceCertificate::parse(&long, NETWORK);
    assert!(matches!(certificate, Err(CertificateError::Malformed { .. })));
    let offer = NewKeyPackage { device: &alice.certificate, made_at_ms: 0, key_package: &[1] };
    let record = KeyPackageRecord::create(&alice.device, NETWORK, &offer).unwrap();
    let mut bytes = record.as_bytes().to_vec();
    let at = bytes.len() - 64 - 1 - 4;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let error = KeyPackageRecord::parse(&bytes, &alice.entry).unwrap_err();
    assert!(matches!(error, KeyPackageRecordError::Malformed { .. }));
}

#[test]
fn later_versions_are_told_from_noise() {
    let alice = alice();
    for version in [2, 255] {
        let certificate = DeviceCertificate::parse(&[version], NETWORK);
        assert_eq!(certificate, Err(CertificateError::Newer));
        assert_eq!(refused(&[version, 1, 2]), EntryError::Newer);
        let record = KeyPackageRecord::parse(&[version], &alice.entry);
        assert_eq!(record, Err(KeyPackageRecordError::Newer));
    }
    for noise in [&[][..], &[0], &[1]] {
        let certificate = DeviceCertificate::parse(noise, NETWORK);
        assert!(matches!(certificate, Err(CertificateError::Malformed { .. })));
        assert!(matches!(refused(noise), EntryError::Malformed { .. }));
    }
}

#[test]
fn certificates_with_weak_keys_or_bad_handles_are_refused() {
    let alice = alice();
    let build = |handle: &[u8], identity: &[u8], device: &[u8]| {
        let bytes = [&[1], &lp(handle)[..], identity, &[7; 16], device].concat();
        let certificate = signed(&alice.identity, SignatureKind::DeviceCertificate, &bytes);
        DeviceCertificate::parse(&certificate, NETWORK)
    };
    let (public, device) = (alice.identity.public(), alice.device.public());
    let (public, device) = (public.as_bytes(), device.as_bytes());
    assert!(build(b"alice", public, device).is_ok());
    let mut order_one = [0; 32];
    order_one[0] = 1;
    for (identity, device) in
        [(public, &order_one), (&order_one, device), (public, public), (&[0xff; 32], device)]
    {
        assert_eq!(build(b"alice", identity, device), Err(CertificateError::Key));
    }
    for handle in [&b""[..], b"Alice", b"al ice", b"\xff", &[b'a'; 65]] {
        assert_eq!(build(handle, public, device), Err(CertificateError::Handle));
    }
    let key = alice.identity.expose_bytes();
    let same = DeviceKey::from_bytes(key).public();
    let device = NewDevice { handle: "alice", id: DeviceId::from_bytes([1; 16]), key: &same };
    let refusal = DeviceCertificate::issue(&alice.identity, &device, NETWORK);
    assert_eq!(refusal, Err(CertificateError::Key));
    let device = NewDevice { handle: "Alice", key: &alice.device.public(), ..device };
    let refusal = DeviceCertificate::issue(&alice.identity, &device, NETWORK);
    assert_eq!(refusal, Err(CertificateError::Handle));
}

#[test]
fn two_continuations_of_one_entry_are_a_fork_in_every_comparison() {
    let alice = alice();
    let append = |entry: &DirectoryEntry, byte: u8| {
        entry.append(DirectoryChange::RotateInboxKey(vec![byte]), &alice.identity, 0).unwrap()
    };
    let base = &alice.entry;
    let (left, right) = (append(base, 1), append(base, 2));
    let longer = append(&right, 3);
    for (one, other) in [(&left, &right), (&left, &longer), (&longer, &left)] {
        assert_eq!(one.follows(other), Relation::Forked);
    }
    assert_eq!(longer.follows_head(&left.head()), Relation::Forked);
    // A head that is further tells nothing yet.
    assert_eq!(left.follows_head(&longer.head()), Relation::Older);
    assert_eq!(longer.follows(base), Relation::Newer);
    assert_eq!(base.follows(&longer), Relation::Older);
    assert_eq!(base.follows(base), Relation::Same);
    let nothing = DirectoryHead { changes: 0, hash: [0; 32] };
    assert_eq!(base.follows_head(&nothing), Relation::Forked);
}

#[test]
fn entries_of_two_identities_or_networks_are_no_fork_but_a_conflict() {
    let (alice, mallory) = (alice(), Person::new("alice", 3));
    assert_eq!(alice.entry.follows(&mallory.entry), Relation::Unrelated);
    let key = alice.device.public();
    let device = NewDevice { handle: "alice", id: DeviceId::from_bytes([1; 16]), key: &key };
    let device = DeviceCertificate::issue(&alice.identity, &device, "elsewhere").unwrap();
    let first = NewEntry { device: &device, inbox_key: &[1], valid_until_ms: 0 };
    let elsewhere = DirectoryEntry::create(&alice.identity, "elsewhere", &first).unwrap();
    assert_eq!(alice.entry.follows(&elsewhere), Relation::Unrelated);
}

#[test]
fn only_the_owner_makes_and_changes_an_entry() {
    let (alice, bob) = (alice(), bob());
    let first = NewEntry { device: &alice.certificate, inbox_key: &[1], valid_until_ms: 0 };
    let made = DirectoryEntry::create(&bob.identity, NETWORK, &first);
    assert_eq!(made.unwrap_err(), EntryError::NotOwner);
    assert_eq!(alice.entry.renew(&bob.identity, 0).unwrap_err(), EntryError::NotOwner);
    let change = DirectoryChange::RotateInboxKey(vec![1]);
    assert_eq!(alice.entry.append(change, &bob.identity, 0).unwrap_err(), EntryError::NotOwner);
}

#[test]
fn key_packages_of_others_and_of_removed_devices_are_refused() {
    let (alice, bob) = (alice(), bob());
    let offer = |person: &Person, key: &DeviceKey, network: &str| {
        let offer =
            NewKeyPackage { device: &person.certificate, made_at_ms: 1, key_package: b"package" };
        KeyPackageRecord::create(key, network, &offer)
    };
    let record = offer(&alice, &alice.device, NETWORK).unwrap();
    let parse = |record: &KeyPackageRecord, entry| {
        KeyPackageRecord::parse(record.as_bytes(), entry).map(|_| ())
    };
    assert_eq!(parse(&record, &alice.entry), Ok(()));
    assert_eq!(parse(&record, &bob.entry), Err(KeyPackageRecordError::Stranger));
    let elsewhere = offer(&alice, &alice.device, "elsewhere").unwrap();
    assert_eq!(parse(&elsewhere, &alice.entry), Err(KeyPackageRecordError::Signature));
    let refusal = offer(&alice, &bob.device, NETWORK).map(|_| ());
    assert_eq!(refusal, Err(KeyPackageRecordError::NotOwner));
    // Alice's phone comes and the first device goes; its id does not make another's record good.
    let phone = certify(&alice.identity, "alice", 9);
    let two = DirectoryChange::AddDevice(phone);
    let two = alice.entry.append(two, &alice.identity, 0).unwrap();
    assert_eq!(parse(&record, &two), Ok(()));
    let gone = DirectoryChange::RemoveDevice(alice.certificate.device_id());
    let gone = two.append(gone, &alice.identity, 0).unwrap();
    assert_eq!(parse(&record, &gone), Err(KeyPackageRecordError::UnknownDevice));
    // A second identity of the handle, with a device of the same id.
    let mallory = Person::new("alice", 3);
    let key = mallory.device.public();
    let device = NewDevice { handle: "alice", id: alice.certificate.device_id(), key: &key };
    let certificate = DeviceCertificate::issue(&mallory.identity, &device, NETWORK).unwrap();
    let mallory = Person { certificate, ..mallory };
    let record = offer(&mallory, &mallory.device, NETWORK).unwrap();
    assert_eq!(parse(&record, &alice.entry), Err(KeyPackageRecordError::Stranger));
    for len in [0, KeyPackageRecord::MAX_KEY_PACKAGE + 1] {
        let key_package = &vec![0; len][..];
        let offer = NewKeyPackage { device: &alice.certificate, made_at_ms: 1, key_package };
        let made = KeyPackageRecord::create(&alice.device, NETWORK, &offer);
        let max = KeyPackageRecord::MAX_KEY_PACKAGE;
        assert_eq!(made.map(|_| ()), Err(KeyPackageRecordError::Length { len, max }));
    }
}

#[test]
fn nobody_takes_over_what_another_signed() {
    let (alice, bob) = (alice(), bob());
    let place = ContentPlace { namespace: NETWORK, conversation: b"alice and bob" };
    let protect = |key, certificate| SignedSharedKey::protect(b"hello", key, certificate, place);
    let refusal = protect(&bob.device, &alice.certificate).map(|_| ());
    assert_eq!(refusal, Err(SignedContentError::NotOwner));
    let good = protect(&alice.device, &alice.certificate).unwrap();
    // Mallory says that alice's device is its own, and puts this certificate over the other.
    let mallory = IdentityKey::from_bytes(&[3; 32]);
    let key = alice.device.public();
    let device = NewDevice { handle: "mallory", id: alice.certificate.device_id(), key: &key };
    let stolen = DeviceCertificate::issue(&mallory, &device, NETWORK).unwrap();
    let rest = &good.body()[2 + alice.certificate.as_bytes().len()..];
    let body = [&lp(stolen.as_bytes())[..], rest].concat();
    let forged = Protected::new(Protection::SignedSharedKey, &body);
    assert_eq!(SignedSharedKey::open(&forged, place), Err(SignedContentError::Signature));
    let unsigned = SharedKey::protect(b"hello");
    assert_eq!(SignedSharedKey::open(&unsigned, place), Err(SignedContentError::NotSigned));
    for id in [1, 3, 4] {
        let other = if id == 1 { Protection::SharedKey } else { Protection::Other(id) };
        let moved = Protected::new(other, good.body());
        assert_eq!(SignedSharedKey::open(&moved, place), Err(SignedContentError::NotSigned));
    }
}

#[test]
fn qr_codes_of_others_changed_keys_and_damage_are_told_apart() {
    let [alice, bob, carol] = [1, 2, 3].map(|byte| IdentityKey::from_bytes(&[byte; 32]).public());
    let between = |one, one_key, other, other_key| {
        let one = Party { handle: one, identity: one_key };
        Verification::between(one, Party { handle: other, identity: other_key })
    };
    let here = between("alice", &alice, "bob", &bob);
    let payload = |verification: &Verification| verification.qr_payload();
    let compared = |text: &str| here.compare_qr(text);
    let other = between("alice", &alice, "carol", &carol);
    assert_eq!(compared(&payload(&other)), QrComparison::OtherPerson);
    let changed = between("alice", &alice, "bob", &carol);
    assert_eq!(compared(&payload(&changed)), QrComparison::Changed);
    let good = payload(&here);
    assert_eq!(compared(&format!("  {good}\r\n")), QrComparison::Match);
    let mut damaged = good.clone().into_bytes();
    damaged[40] = if damaged[40] == b'A' { b'B' } else { b'A' };
    let damaged = String::from_utf8(damaged).unwrap();
    let long = format!("{good}{}", "A".repeat(100_000));
    let invite = good.replace("verify1", "1");
    let newer = good.replace("verify1", "verify2");
    // Whoever else writes one writes it in the one order.
    let sides = [("bob", &bob), ("alice", &alice)];
    let fields = sides.map(|(handle, key)| [&lp(handle.as_bytes()), &key.as_bytes()[..]].concat());
    let fields = fields.concat();
    let fields = [&fields[..], &sha256(&[&fields])[..4]].concat();
    let unsorted = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(fields);
    let unsorted = format!("securechat-verify1:{unsorted}");
    for text in
        ["", "securechat-verify1:", &unsorted, &damaged, &long, &invite, &newer, &good[..60]]
    {
        assert_eq!(compared(text), QrComparison::NotAVerification, "{text:.40}");
    }
}

#[test]
fn safety_numbers_are_taken_as_people_write_them() {
    let digits = "12345".repeat(12);
    let number: SafetyNumber = digits.parse().unwrap();
    let groups = number.to_string();
    assert_eq!(groups, ["12345"; 12].join(" "));
    for text in [&groups, &groups.replace(' ', "-"), &groups.replace(' ', "\n"), &digits] {
        assert_eq!(text.parse(), Ok(number));
    }
    for text in
        ["", &digits[1..], &format!("{digits}0"), &digits.replace('1', "x"), &"1".repeat(2000)]
    {
        assert_eq!(text.parse::<SafetyNumber>(), Err(SafetyNumberError));
    }
}

#[test]
fn identity_files_that_are_something_else_are_told_from_damaged_ones() {
    let alice = alice();
    let passphrase = SecretString::from("correct horse");
    let owner = (&alice.identity, "alice");
    let mut rng = rand::rng();
    let seal = |owner, rng: &mut _| identity_backup::seal_with(CHEAP, owner, &passphrase, rng);
    let good = seal(owner, &mut rng).unwrap();
    let open = |text: &str| identity_backup::open(text.as_bytes(), &passphrase).map(|_| ());
    assert_eq!(open(&format!("my identity:\r\n{}", good.replace('\n', "\r\n"))), Ok(()));
    assert_eq!(seal((&alice.identity, "Alice"), &mut rng), Err(BackupError::Handle));
    for text in ["", "hello", "-----BEGIN SECURECHAT NETWORK KEY-----"] {
        assert_eq!(open(text), Err(BackupError::NotABackup));
    }
    assert_eq!(open(&format!("{good}{}", " ".repeat(5000))), Err(BackupError::NotABackup));
    assert_eq!(open(&good.replace("Version: 1", "Version: 2")), Err(BackupError::Newer));
    for (from, to) in
        [("Version: 1", "Version: x"), ("\n\n", "\n"), ("-----END", "-----"), ("\n=", "\n-")]
    {
        let text = good.replace(from, to);
        assert!(matches!(open(&text), Err(BackupError::Damaged { .. })), "{from}");
    }
    let wrong = SecretString::from("wrong");
    let refusal = identity_backup::open(good.as_bytes(), &wrong).map(|_| ());
    assert_eq!(refusal, Err(BackupError::WrongPassphrase));
}

/// Somebody who can write the file cannot make a program open one without a passphrase.
#[test]
fn an_identity_file_without_passphrase_is_refused() {
    let (vault, _) = Vault::create(None, &mut rand::rng()).unwrap();
    let body = [&vault.encode()[..], &[0; 120]].concat();
    let sum = sha256(&[b"securechat/v1/identity-file", &body]);
    let sum: String = sum[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let text = base64::engine::general_purpose::STANDARD.encode(&body);
    let (begin, end) = ("-----BEGIN SECURECHAT IDENTITY-----", "-----END SECURECHAT IDENTITY-----");
    let file = format!("{begin}\nVersion: 1\n\n{text}\n={sum}\n{end}\n");
    let opened = identity_backup::open(file.as_bytes(), &SecretString::from("x")).map(|_| ());
    assert!(matches!(opened, Err(BackupError::Damaged { .. })), "{opened:?}");
}

#[test]
fn inbox_keys_of_another_length_or_encoding_are_refused() {
    let public = InboxKey::from_bytes(&[1; 32]).public();
    let bytes = public.as_bytes();
    for wrong in [&[][..], &bytes[1..], &[bytes, &[0]].concat(), &[0xff; 1216]] {
        assert_eq!(InboxPublic::from_bytes(wrong), Err(InboxError::NotAKey));
    }
    let long = vec![0; InboxPublic::MAX_INFO + 1];
    let refusal = public.seal(&long, &[], &[], &mut rand::rng());
    let (len, max) = (long.len(), InboxPublic::MAX_INFO);
    assert_eq!(refusal, Err(InboxError::TooLong { len, max }));
    let long = vec![0; InboxPublic::MAX_PLAINTEXT + 1];
    let refusal = public.seal(&[], &[], &long, &mut rand::rng());
    let (len, max) = (long.len(), InboxPublic::MAX_PLAINTEXT);
    assert_eq!(refusal, Err(InboxError::TooLong { len, max }));
}
