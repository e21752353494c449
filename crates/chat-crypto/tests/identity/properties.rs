//! Laws that hold for all bytes.

use chat_crypto::secrecy::SecretString;
use chat_crypto::{
    ContentPlace, DeviceCertificate, DeviceId, DeviceKey, DirectoryChange, DirectoryEntry,
    IdentityKey, IdentityPublic, InboxKey, InboxPublic, KeyPackageRecord, NewDevice, NewEntry,
    NewKeyPackage, Party, Protected, Protection, QrComparison, Relation, SafetyNumber,
    SignatureContext, SignatureKind, SignedSharedKey, Verification, identity_backup,
};
use proptest::prelude::*;

use crate::support::{CHEAP, NETWORK, alice, certify, flipped};

fn handle() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9._-]{0,63}"
}

fn namespace() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9-]{0,63}"
}

fn junk() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..600)
}

/// What may happen to an entry, in any order.
#[derive(Clone, Debug)]
enum Step {
    Add(u8),
    Remove(u8),
    Rotate(Vec<u8>),
    Renew(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..12_u8).prop_map(Step::Add),
        2 => (0..12_u8).prop_map(Step::Remove),
        1 => prop::collection::vec(any::<u8>(), 1..2049).prop_map(Step::Rotate),
        1 => any::<u64>().prop_map(Step::Renew),
    ]
}

/// The entry after a step; `None` if the step is not allowed.
fn take(entry: &DirectoryEntry, identity: &IdentityKey, step: &Step) -> Option<DirectoryEntry> {
    let change = match step {
        Step::Add(byte) => DirectoryChange::AddDevice(certify(identity, "alice", 100 + byte)),
        Step::Remove(byte) => DirectoryChange::RemoveDevice(DeviceId::from_bytes([100 + byte; 16])),
        Step::Rotate(key) => DirectoryChange::RotateInboxKey(key.clone()),
        Step::Renew(until) => return Some(entry.renew(identity, *until).unwrap()),
    };
    entry.append(change, identity, 7).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_signature_verifies_in_its_place_and_nowhere_else(
        seed: [u8; 32],
        (one, other) in (namespace(), namespace()),
        conversation in junk(),
        bytes in junk(),
        (kind, wrong) in (0..8_usize, 0..8_usize),
        id: u8,
    ) {
        let key = IdentityKey::from_bytes(&seed);
        let place = SignatureContext {
            kind: SignatureKind::ALL[kind],
            namespace: &one,
            conversation: &conversation,
            protection: Some(Protection::SignedSharedKey),
        };
        let signature = key.sign(&place, &bytes);
        let verifies = |place, bytes: &[u8]| key.public().verify(&place, bytes, &signature).is_ok();
        prop_assert!(verifies(place, &bytes));
        let moved = SignatureContext { kind: SignatureKind::ALL[wrong], ..place };
        prop_assert_eq!(verifies(moved, &bytes), kind == wrong);
        let moved = SignatureContext { namespace: &other, ..place };
        prop_assert_eq!(verifies(moved, &bytes), one == other);
        let moved = SignatureContext { conversation: &bytes, ..place };
        prop_assert_eq!(verifies(moved, &bytes), bytes == conversation);
        let moved = SignatureContext { protection: Some(Protection::Other(id)), ..place };
        prop_assert_eq!(verifies(moved, &bytes), id == 2);
        let longer = [&bytes[..], &[0]].concat();
        prop_assert!(!verifies(place, &longer));
    }

    #[test]
    fn a_certificate_is_read_as_it_was_issued_and_not_otherwise(
        (identity, device) in any::<([u8; 32], [u8; 32])>(),
        id: [u8; 16],
        handle in handle(),
        (here, there) in (namespace(), namespace()),
        at: prop::sample::Index,
        bit: u8,
    ) {
        prop_assume!(identity != device);
        let identity = IdentityKey::from_bytes(&identity);
        let key = DeviceKey::from_bytes(&device).public();
        let device = NewDevice { handle: &handle, id: DeviceId::from_bytes(id), key: &key };
        let issued = DeviceCertificate::issue(&identity, &device, &here).unwrap();
        let bytes = issued.as_bytes();
        prop_assert_eq!(&DeviceCertificate::parse(bytes, &here), &Ok(issued.clone()));
        prop_assert_eq!(DeviceCertificate::parse(bytes, &there).is_ok(), here == there);
        let at = at.index(bytes.len());
        prop_assert!(DeviceCertificate::parse(&flipped(bytes, at, bit), &here).is_err());
        prop_assert!(DeviceCertificate::parse(&bytes[..at], &here).is_err());
        prop_assert!(DeviceCertificate::parse(&[bytes, &[0]].concat(), &here).is_err());
    }

    #[test]
    fn an_entry_is_read_as_it_was_made_and_not_otherwise(
        steps in prop::collection::vec(step(), 0..10),
        at: prop::sample::Index,
        bit: u8,
    ) {
        let alice = alice();
        let mut entry = alice.entry;
        for step in &steps {
            let Some(next) = take(&entry, &alice.identity, step) else { continue };
            let renewed = matches!(step, Step::Renew(_));
            let relation = if renewed { Relation::Same } else { Relation::Newer };
            prop_assert_eq!(next.follows(&entry), relation);
            prop_assert_eq!(next.follows_head(&entry.head()), relation);
            entry = next;
        }
        let bytes = entry.as_bytes();
        prop_assert_eq!(&DirectoryEntry::parse(bytes, NETWORK), &Ok(entry.clone()));
        let at = at.index(bytes.len());
        prop_assert!(DirectoryEntry::parse(&flipped(bytes, at, bit), NETWORK).is_err());
        prop_assert!(DirectoryEntry::parse(&bytes[..at], NETWORK).is_err());
        prop_assert!(DirectoryEntry::parse(&[bytes, &[0]].concat(), NETWORK).is_err());
    }

    /// Whatever two copies of an identity do, the relation tells whether one continues the other.
    #[test]
    fn relations_tell_continued_from_forked(
        common in prop::collection::vec(step(), 0..4),
        left in prop::collection::vec(step(), 0..4),
        right in prop::collection::vec(step(), 0..4),
    ) {
        let alice = alice();
        let walk = |from: &DirectoryEntry, steps: &[Step]| {
            let next = |entry: DirectoryEntry, step| {
                take(&entry, &alice.identity, step).unwrap_or(entry)
            };
            steps.iter().fold(from.clone(), next)
        };
        let base = walk(&alice.entry, &common);
        let (left, right) = (walk(&base, &left), walk(&base, &right));
        let shorter = left.head().changes.min(right.head().changes);
        // Each entry with a prefix is made again, to compare what stands in the chains.
        let changes = |entry: &DirectoryEntry| chain(entry, shorter);
        let expected = match left.head().changes.cmp(&right.head().changes) {
            _ if changes(&left) != changes(&right) => Relation::Forked,
            std::cmp::Ordering::Less => Relation::Older,
            std::cmp::Ordering::Equal => Relation::Same,
            std::cmp::Ordering::Greater => Relation::Newer,
        };
        prop_assert_eq!(left.follows(&right), expected);
        let mirrored = match expected {
            Relation::Older => Relation::Newer,
            Relation::Newer => Relation::Older,
            other => other,
        };
        prop_assert_eq!(right.follows(&left), mirrored);
    }

    #[test]
    fn a_key_package_record_is_read_as_it_was_made_and_not_otherwise(
        key_package in prop::collection::vec(any::<u8>(), 1..600),
        made_at_ms: u64,
        at: prop::sample::Index,
        bit: u8,
    ) {
        let alice = alice();
        let offer =
            NewKeyPackage { device: &alice.certificate, made_at_ms, key_package: &key_package };
        let made = KeyPackageRecord::create(&alice.device, NETWORK, &offer).unwrap();
        let bytes = made.as_bytes();
        prop_assert_eq!(&KeyPackageRecord::parse(bytes, &alice.entry), &Ok(made.clone()));
        let at = at.index(bytes.len());
        let parse = |bytes: &[u8]| KeyPackageRecord::parse(bytes, &alice.entry).is_ok();
        prop_assert!(!parse(&flipped(bytes, at, bit)));
        prop_assert!(!parse(&bytes[..at]) && !parse(&[bytes, &[0]].concat()));
    }

    #[test]
    fn a_signed_content_opens_in_its_place_and_nowhere_else(
        content in junk(),
        (here, there) in (junk(), junk()),
        at: prop::sample::Index,
        bit: u8,
    ) {
        let alice = alice();
        let place = ContentPlace { namespace: NETWORK, conversation: &here };
        let signed =
            SignedSharedKey::protect(&content, &alice.device, &alice.certificate, place).unwrap();
        let len = SignedSharedKey::protected_len(alice.certificate.handle(), content.len());
        prop_assert_eq!(len, signed.body().len() + 1);
        let opened = SignedSharedKey::open(&signed, place);
        prop_assert_eq!(opened, Ok((alice.certificate, &content[..])));
        let elsewhere = ContentPlace { conversation: &there, ..place };
        prop_assert_eq!(SignedSharedKey::open(&signed, elsewhere).is_ok(), here == there);
        let elsewhere = ContentPlace { namespace: "elsewhere", ..place };
        prop_assert!(SignedSharedKey::open(&signed, elsewhere).is_err());
        let at = at.index(signed.body().len());
        let bad = Protected::new(Protection::SignedSharedKey, &flipped(signed.body(), at, bit));
        prop_assert!(SignedSharedKey::open(&bad, place).is_err());
        let bad = Protected::new(Protection::SignedSharedKey, &signed.body()[..at]);
        prop_assert!(SignedSharedKey::open(&bad, place).is_err());
    }

    #[test]
    fn nothing_panics_on_any_bytes(bytes in junk(), key: [u8; 32], text in ".{0,200}") {
        let alice = alice();
        prop_assert!(DeviceCertificate::parse(&bytes, NETWORK).is_err());
        prop_assert!(DirectoryEntry::parse(&bytes, NETWORK).is_err());
        prop_assert!(KeyPackageRecord::parse(&bytes, &alice.entry).is_err());
        let signed = Protected::new(Protection::SignedSharedKey, &bytes);
        let place = ContentPlace { namespace: NETWORK, conversation: &[] };
        prop_assert!(SignedSharedKey::open(&signed, place).is_err());
        prop_assert!(InboxKey::from_bytes(&key).open(&[], &[], &bytes).is_err());
        prop_assert!(InboxPublic::from_bytes(&bytes).is_err());
        let _ = IdentityPublic::from_bytes(&key);
        prop_assert!(text.parse::<SafetyNumber>().is_err());
        prop_assert!(identity_backup::from_words(&text).is_err());
        let passphrase = SecretString::from("x");
        prop_assert!(identity_backup::open(text.as_bytes(), &passphrase).is_err());
    }

    #[test]
    fn words_and_back(seed: [u8; 32]) {
        let identity = IdentityKey::from_bytes(&seed);
        let words = identity_backup::to_words(&identity);
        prop_assert_eq!(words.split(' ').count(), 24);
        prop_assert_eq!(identity_backup::from_words(&words), Ok(identity));
    }

    #[test]
    fn an_identity_file_opens_with_its_passphrase_and_unchanged(
        seed: [u8; 32], handle in handle(), at: prop::sample::Index, bit: u8,
    ) {
        let identity = IdentityKey::from_bytes(&seed);
        let (right, wrong) = (SecretString::from("right"), SecretString::from("wrong"));
        let owner = (&identity, handle.as_str());
        let file = identity_backup::seal_with(CHEAP, owner, &right, &mut rand::rng()).unwrap();
        prop_assert!(file.len() <= identity_backup::MAX_LEN && file.is_ascii());
        prop_assert!(file.lines().all(|line| line.len() <= 64));
        prop_assert!(identity_backup::open(file.as_bytes(), &wrong).is_err());
        let changed = flipped(file.as_bytes(), at.index(file.len()), bit);
        if let Ok(opened) = identity_backup::open(&changed, &right) {
            // White space at the end of a line does not count.
            prop_assert_eq!(opened, (handle.clone(), identity.clone()));
        }
        prop_assert_eq!(identity_backup::open(file.as_bytes(), &right), Ok((handle, identity)));
    }

    #[test]
    fn what_is_sealed_to_an_inbox_opens_there_and_nowhere_else(
        (seed, other) in any::<([u8; 32], [u8; 32])>(),
        (info, aad, text) in (junk(), junk(), junk()),
        at: prop::sample::Index,
        bit: u8,
    ) {
        prop_assume!(seed != other);
        let (key, other) = (InboxKey::from_bytes(&seed), InboxKey::from_bytes(&other));
        let sealed = key.public().seal(&info, &aad, &text, &mut rand::rng()).unwrap();
        let opened = key.open(&info, &aad, &sealed).unwrap();
        prop_assert_eq!(&*opened, &text);
        prop_assert!(other.open(&info, &aad, &sealed).is_err());
        prop_assert_eq!(key.open(&aad, &aad, &sealed).is_ok(), info == aad);
        prop_assert_eq!(key.open(&info, &info, &sealed).is_ok(), info == aad);
        let at = at.index(sealed.len());
        prop_assert!(key.open(&info, &aad, &flipped(&sealed, at, bit)).is_err());
        prop_assert!(key.open(&info, &aad, &sealed[..at]).is_err());
    }
}

proptest! {
    // Each takes two slow hashes of 5,200 rounds, or four.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn both_sides_see_one_value_and_other_people_another(
        (one, other, third) in any::<([u8; 32], [u8; 32], [u8; 32])>(),
        (left, right) in (handle(), handle()),
    ) {
        prop_assume!(one != other && other != third && one != third && left != right);
        let [one, other, third] =
            [one, other, third].map(|seed| IdentityKey::from_bytes(&seed).public());
        let between = |a: &str, key_a, b: &str, key_b| {
            let one = Party { handle: a, identity: key_a };
            Verification::between(one, Party { handle: b, identity: key_b })
        };
        let here = between(&left, &one, &right, &other);
        let there = between(&right, &other, &left, &one);
        prop_assert_eq!(here.safety_number(), there.safety_number());
        prop_assert_eq!((here.emoji7(), here.qr_payload()), (there.emoji7(), there.qr_payload()));
        prop_assert_eq!(here.compare_qr(&there.qr_payload()), QrComparison::Match);
        let changed = between(&left, &one, &right, &third);
        prop_assert_ne!(here.safety_number(), changed.safety_number());
        prop_assert_eq!(here.compare_qr(&changed.qr_payload()), QrComparison::Changed);
        let swapped = between(&left, &other, &right, &one);
        prop_assert_ne!(here.safety_number(), swapped.safety_number());
        prop_assert_eq!(here.compare_qr(&swapped.qr_payload()), QrComparison::Changed);
    }
}

/// The encodings of an entry's first `count` changes.
fn chain(entry: &DirectoryEntry, count: u32) -> Vec<u8> {
    let bytes = entry.as_bytes();
    let number = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let inbox_key = 1 + 2 + number(1) + 32 + 8;
    let start = inbox_key + 2 + number(inbox_key) + 4;
    let change = |at: usize, _| at + 1 + 4 + 32 + 2 + number(at + 1 + 4 + 32) + 64;
    bytes[start..(0..count).fold(start, change)].to_vec()
}

#[test]
fn an_entry_may_start_with_any_inbox_key_of_allowed_length() {
    let alice = alice();
    for (len, allowed) in [(0, false), (1, true), (1216, true), (2048, true), (2049, false)] {
        let inbox_key = &vec![7; len][..];
        let first = NewEntry { device: &alice.certificate, inbox_key, valid_until_ms: 0 };
        let made = DirectoryEntry::create(&alice.identity, NETWORK, &first);
        assert_eq!(made.is_ok(), allowed, "{len}");
    }
}
