//! Frozen vectors.

use std::num::NonZeroU32;

use chat_crypto::secrecy::SecretString;
use chat_crypto::{
    Argon2Cost, ContentPlace, DeviceCertificate, DeviceId, DeviceKey, DirectoryChange,
    DirectoryEntry, DirectoryKey, Emoji, EmojiNonce, IdentityKey, IdentityPublic, InboxKey,
    InboxPublic, KeyPackageRecord, NetworkKey, NewDevice, NewEntry, NewKeyPackage, Party,
    Protection, QrComparison, Signature, SignatureContext, SignatureKind, SignedSharedKey,
    SubkeyLabel, Verification, identity_backup,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::support::{Given, Hex, cases};

#[derive(Deserialize)]
struct IdentityCase {
    seed: Hex,
    public: Hex,
    fingerprint: String,
}

#[test]
fn identities_and_their_fingerprints() {
    for case in cases::<IdentityCase>(include_str!("../vectors/identity.json")) {
        let identity = IdentityKey::from_bytes(&case.seed.array());
        let public = IdentityPublic::from_bytes(&case.public.array()).unwrap();
        assert_eq!(identity.public(), public);
        assert_eq!(public.fingerprint().to_string(), case.fingerprint);
        assert_eq!(IdentityKey::generate(&mut Given::new(&[&case.seed])), identity);
    }
}

#[derive(Deserialize)]
struct SignatureCase {
    seed: Hex,
    kind: String,
    namespace: String,
    conversation: Hex,
    protection: u8,
    bytes: Hex,
    signature: Hex,
}

#[test]
fn signatures_of_all_kinds_by_identities_and_devices() {
    let cases = cases::<SignatureCase>(include_str!("../vectors/signature.json"));
    let kinds: Vec<_> = cases.iter().map(|case| case.kind.as_str()).collect();
    assert_eq!(kinds, SignatureKind::ALL.map(SignatureKind::as_str));
    for (case, kind) in cases.iter().zip(SignatureKind::ALL) {
        let protection = match case.protection {
            0 => None,
            1 => Some(Protection::SharedKey),
            2 => Some(Protection::SignedSharedKey),
            _ => Some(Protection::Mls),
        };
        let (namespace, conversation) = (case.namespace.as_str(), &case.conversation.0[..]);
        let context = SignatureContext { kind, namespace, conversation, protection };
        let seed = case.seed.array();
        let (identity, device) = (IdentityKey::from_bytes(&seed), DeviceKey::from_bytes(&seed));
        let signature = Signature::from_bytes(case.signature.array());
        assert_eq!(identity.sign(&context, &case.bytes.0), signature, "{}", case.kind);
        assert_eq!(device.sign(&context, &case.bytes.0), signature, "{}", case.kind);
        assert_eq!(identity.public().verify(&context, &case.bytes.0, &signature), Ok(()));
        assert_eq!(device.public().verify(&context, &case.bytes.0, &signature), Ok(()));
    }
}

#[derive(Deserialize)]
struct CertificateCase {
    identity: Hex,
    handle: String,
    device_id: Hex,
    device: Hex,
    namespace: String,
    certificate: Hex,
}

#[test]
fn device_certificates_in_both_directions() {
    for case in cases::<CertificateCase>(include_str!("../vectors/device_certificate.json")) {
        let identity = IdentityKey::from_bytes(&case.identity.array());
        let key = DeviceKey::from_bytes(&case.device.array()).public();
        let id = DeviceId::from_bytes(case.device_id.array());
        let device = NewDevice { handle: &case.handle, id, key: &key };
        let issued = DeviceCertificate::issue(&identity, &device, &case.namespace).unwrap();
        assert_eq!(issued.as_bytes(), case.certificate.0);
        let read = DeviceCertificate::parse(&case.certificate.0, &case.namespace).unwrap();
        assert_eq!(read, issued);
        assert_eq!((read.handle(), read.device_id()), (case.handle.as_str(), id));
        assert_eq!((read.identity(), read.device_key()), (&identity.public(), &key));
        assert!(read.as_bytes().len() <= DeviceCertificate::MAX_LEN);
    }
}

#[derive(Deserialize)]
struct EntryCase {
    identity: Hex,
    namespace: String,
    laptop: Hex,
    phone: Hex,
    inbox_key: Hex,
    valid_until_ms: u64,
    changes: u32,
    head: Hex,
    devices: Vec<Hex>,
    entry: Hex,
}

/// Each case has one change more than the one before; the first has two.
#[test]
fn directory_entries_in_both_directions() {
    let cases = cases::<EntryCase>(include_str!("../vectors/directory_entry.json"));
    assert_eq!(cases.iter().map(|case| case.changes).collect::<Vec<_>>(), [2, 3, 4, 5]);
    let mut made: Option<DirectoryEntry> = None;
    for case in cases {
        let identity = IdentityKey::from_bytes(&case.identity.array());
        let certificate = |hex: &Hex| DeviceCertificate::parse(&hex.0, &case.namespace).unwrap();
        let (laptop, phone) = (certificate(&case.laptop), certificate(&case.phone));
        let (valid_until_ms, inbox_key) = (case.valid_until_ms, &case.inbox_key.0);
        let append = |change| {
            let entry = made.as_ref().unwrap();
            entry.append(change, &identity, valid_until_ms).unwrap()
        };
        let entry = match case.changes {
            2 => {
                let first = NewEntry { device: &laptop, inbox_key, valid_until_ms };
                DirectoryEntry::create(&identity, &case.namespace, &first).unwrap()
            }
            3 => append(DirectoryChange::AddDevice(phone)),
            4 => append(DirectoryChange::RemoveDevice(laptop.device_id())),
            _ => append(DirectoryChange::RotateInboxKey(inbox_key.clone())),
        };
        assert_eq!(entry.as_bytes(), case.entry.0, "{} changes", case.changes);
        let read = DirectoryEntry::parse(&case.entry.0, &case.namespace).unwrap();
        assert_eq!(read, entry);
        assert_eq!((read.head().changes, read.head().hash), (case.changes, case.head.array()));
        let ids = read.devices().iter().map(|device| device.device_id().as_bytes().to_vec());
        assert!(ids.eq(case.devices.into_iter().map(|id| id.0)));
        assert_eq!((read.inbox_key(), read.valid_until_ms()), (&inbox_key[..], valid_until_ms));
        assert_eq!((read.handle(), read.identity()), ("alice", &identity.public()));
        made = Some(read);
    }
}

#[derive(Deserialize)]
struct DirectoryKeyCase {
    key: Hex,
    namespace: String,
    certificate: Hex,
    entry: Hex,
    key_package: Hex,
    partition_of: Vec<(u32, u32)>,
}

#[test]
fn directory_keys_and_partitions() {
    for case in cases::<DirectoryKeyCase>(include_str!("../vectors/directory_key.json")) {
        let key = NetworkKey::from_bytes(case.key.array()).subkey(SubkeyLabel::DirectoryTag);
        let namespace = case.namespace.as_str();
        let device = DeviceCertificate::parse(&case.certificate.0, namespace).unwrap();
        let entry = DirectoryKey::entry(&key, namespace, device.handle(), device.identity());
        assert_eq!(entry, DirectoryKey::from_bytes(case.entry.array()));
        let key_package = DirectoryKey::key_package(&key, namespace, &device);
        assert_eq!(key_package, DirectoryKey::from_bytes(case.key_package.array()));
        assert_eq!(entry.tag().as_bytes(), entry.as_bytes());
        for (partitions, partition) in case.partition_of {
            let partitions = NonZeroU32::new(partitions).unwrap();
            let falls = DirectoryKey::partition(&key, namespace, device.handle(), partitions);
            assert_eq!(falls, partition);
        }
    }
}

#[derive(Deserialize)]
struct KeyPackageCase {
    entry: Hex,
    namespace: String,
    device: Hex,
    made_at_ms: u64,
    key_package_len: usize,
    key_package_sha256: Hex,
    record_len: usize,
    record_sha256: Hex,
    record: Option<Hex>,
}

#[test]
fn key_package_records_in_both_directions() {
    let cases = cases::<KeyPackageCase>(include_str!("../vectors/key_package_record.json"));
    assert!(cases.iter().any(|c| c.key_package_len == KeyPackageRecord::MAX_KEY_PACKAGE));
    for case in cases {
        let entry = DirectoryEntry::parse(&case.entry.0, &case.namespace).unwrap();
        let key_package: Vec<u8> = match case.key_package_len {
            1 => vec![5],
            len => (0..=255).cycle().take(len).collect(),
        };
        assert_eq!(Sha256::digest(&key_package)[..], case.key_package_sha256.0);
        let (device, made_at_ms) = (&entry.devices()[0], case.made_at_ms);
        let key = DeviceKey::from_bytes(&case.device.array());
        let offer = NewKeyPackage { device, made_at_ms, key_package: &key_package };
        let made = KeyPackageRecord::create(&key, &case.namespace, &offer).unwrap();
        assert_eq!(made.as_bytes().len(), case.record_len);
        assert_eq!(Sha256::digest(made.as_bytes())[..], case.record_sha256.0);
        assert!(case.record.is_none_or(|record| record.0 == made.as_bytes()));
        let read = KeyPackageRecord::parse(made.as_bytes(), &entry).unwrap();
        assert_eq!(read, made);
        assert_eq!((read.key_package(), read.made_at_ms()), (&key_package[..], made_at_ms));
        assert_eq!(read.device_id(), device.device_id());
    }
}

#[derive(Deserialize)]
struct SafetyNumberCase {
    one: (String, Hex),
    other: (String, Hex),
    number: String,
    emoji: [usize; 7],
    first_nonce: Hex,
    second_nonce: Hex,
    commitment: Hex,
    emoji_live: [usize; 7],
    qr: String,
}

#[test]
fn safety_numbers_emoji_and_qr_codes_from_both_sides() {
    for case in cases::<SafetyNumberCase>(include_str!("../vectors/safety_number.json")) {
        let public = |hex: &Hex| IdentityPublic::from_bytes(&hex.array()).unwrap();
        let keys = [public(&case.one.1), public(&case.other.1)];
        let one = Party { handle: &case.one.0, identity: &keys[0] };
        let other = Party { handle: &case.other.0, identity: &keys[1] };
        let verification = Verification::between(one, other);
        assert_eq!(verification, Verification::between(other, one));
        assert_eq!(verification.safety_number().to_string(), case.number);
        assert_eq!(case.number.parse(), Ok(verification.safety_number()));
        assert_eq!(verification.emoji7(), case.emoji.map(|number| Emoji::ALL[number]));
        let first = EmojiNonce::from_bytes(case.first_nonce.array());
        let second = EmojiNonce::from_bytes(case.second_nonce.array());
        assert!(first.fits(&case.commitment.array()));
        let live = verification.emoji7_live(&first, &second);
        assert_eq!(live, case.emoji_live.map(|number| Emoji::ALL[number]));
        assert_eq!(verification.qr_payload(), case.qr);
        assert_eq!(verification.compare_qr(&case.qr), QrComparison::Match);
    }
}

/// The table stands in the documentation too; a changed one shows other emoji to one side.
#[test]
fn the_table_of_emoji_is_frozen() {
    let row = |(at, emoji): (usize, &Emoji)| format!("{at} {emoji}\n");
    let table: String = Emoji::ALL.iter().enumerate().map(row).collect();
    let hash: String = Sha256::digest(&table).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hash, "dd7a463543cb4c652024c7087b090db375c66059c460aea541435adf747e4ad9");
}

#[derive(Deserialize)]
struct BackupCase {
    identity: Hex,
    handle: String,
    passphrase: String,
    cost: (u32, u32, u32),
    data_key: Hex,
    salt: Hex,
    nonce: Hex,
    file: String,
}

#[test]
fn identity_files_in_both_directions() {
    for case in cases::<BackupCase>(include_str!("../vectors/identity_backup.json")) {
        let identity = IdentityKey::from_bytes(&case.identity.array());
        let passphrase = SecretString::from(case.passphrase);
        let (memory_kib, passes, lanes) = case.cost;
        let cost = Argon2Cost { memory_kib, passes, lanes };
        let rng = || Given::new(&[&case.data_key, &case.salt, &case.nonce]);
        let owner = (&identity, case.handle.as_str());
        let sealed = identity_backup::seal_with(cost, owner, &passphrase, &mut rng());
        assert_eq!(sealed.as_deref(), Ok(&case.file[..]));
        if cost == Argon2Cost::default() {
            let sealed = identity_backup::seal(&identity, &case.handle, &passphrase, &mut rng());
            assert_eq!(sealed.as_deref(), Ok(&case.file[..]));
        }
        let opened = identity_backup::open(case.file.as_bytes(), &passphrase);
        assert_eq!(opened, Ok((case.handle, identity)));
    }
}

#[derive(Deserialize)]
struct SignedContentCase {
    device: Hex,
    certificate: Hex,
    namespace: String,
    conversation: Hex,
    content: Hex,
    body: Hex,
}

#[test]
fn signed_contents_in_both_directions() {
    for case in cases::<SignedContentCase>(include_str!("../vectors/signed_shared_key.json")) {
        let key = DeviceKey::from_bytes(&case.device.array());
        let place = ContentPlace { namespace: &case.namespace, conversation: &case.conversation.0 };
        let device = DeviceCertificate::parse(&case.certificate.0, &case.namespace).unwrap();
        let signed = SignedSharedKey::protect(&case.content.0, &key, &device, place).unwrap();
        assert_eq!(signed.protection(), Protection::SignedSharedKey);
        assert_eq!(signed.body(), case.body.0);
        assert_eq!(SignedSharedKey::parse(&signed).unwrap().unverified(), case.content.0);
        assert_eq!(SignedSharedKey::open(&signed, place), Ok((device, &case.content.0[..])));
    }
}

#[derive(Deserialize)]
struct InboxCase {
    seed: Hex,
    public: Hex,
    randomness: Hex,
    info: Hex,
    aad: Hex,
    plaintext: Hex,
    sealed: Hex,
}

#[test]
fn inbox_keys_seal_and_open() {
    for case in cases::<InboxCase>(include_str!("../vectors/inbox_key.json")) {
        let key = InboxKey::from_bytes(&case.seed.array());
        assert_eq!(key.public().as_bytes(), case.public.0);
        let public = InboxPublic::from_bytes(&case.public.0).unwrap();
        assert_eq!(public, key.public());
        let mut rng = Given::new(&[&case.randomness]);
        let (info, aad) = (&case.info.0, &case.aad.0);
        let sealed = public.seal(info, aad, &case.plaintext.0, &mut rng).unwrap();
        assert_eq!(sealed, case.sealed.0);
        assert_eq!(sealed.len(), case.plaintext.0.len() + InboxPublic::OVERHEAD);
        assert_eq!(**key.open(info, aad, &case.sealed.0).as_ref().unwrap(), case.plaintext.0);
    }
}
