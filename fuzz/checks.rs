//! What each fuzz target does with its bytes. The corpora are replayed by an ordinary test as well.

use std::num::NonZeroU32;

use chat_core::{DeviceCode, Invite, NetworkKey, key_file};
use chat_crypto::mls::{
    CheckLeaf, FoundingPlan, GroupFacts, GroupMailbox, Invitation, JoinSecret, KeyPackage,
    LeafName, MlsGroup, MlsMember, MlsState, MlsStateError, Overlay, RefusedLeaf, Rejoin,
};
use chat_crypto::{
    DeviceCertificate, DeviceKey, DirectoryEntry, Envelope, EnvelopeContext, EnvelopeKind,
    KeyPackageRecord, MailboxTag, Subkey,
};
use chat_stego::cover::{judge, split_side_information};
use chat_stego::{CodecId, EmbedOptions, LsbCompat, StegoCodec, StegoImage, StegoKey};

#[path = "../crates/securechat/src/config/file.rs"]
#[allow(dead_code, missing_docs)]
mod config_file;
#[path = "../crates/securechat/src/output/escape.rs"]
#[allow(dead_code, missing_docs)]
mod escape;

/// Looks at bytes, and panics over a finding.
pub type Check = fn(&[u8]);

/// The targets, by their names.
pub const TARGETS: [(&str, Check); 14] = [
    ("envelope", envelope),
    ("content", chat_core::fuzzing::content),
    ("key_file", key),
    ("invite", invite),
    ("config", config),
    ("store_values", chat_core::fuzzing::store_values),
    ("broker_frame", chat_broker::fuzzing::frame),
    ("broker_batch", chat_broker::fuzzing::batch),
    ("picture", picture),
    ("stego_image", stego_image),
    ("terminal", terminal),
    ("directory", directory),
    ("letter", chat_core::fuzzing::letter),
    ("mls", mls),
];

/// What is read from the directory is written the same, and counts only where it is signed.
pub fn directory(bytes: &[u8]) {
    if let Ok(entry) = DirectoryEntry::parse(bytes, "fuzz") {
        assert_eq!(entry.as_bytes(), bytes);
    }
    if let Ok(certificate) = DeviceCertificate::parse(bytes, "fuzz") {
        assert_eq!(certificate.as_bytes(), bytes);
    }
    let _owner = KeyPackageRecord::claimed_owner(bytes);
}

/// Nothing that a stranger sends makes MLS give up, or joins us to anything.
pub fn mls(bytes: &[u8]) {
    struct Nothing;
    impl MlsState for Nothing {
        fn get(&self, _: &[u8]) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, MlsStateError> {
            Ok(None)
        }
    }
    struct Anybody;
    impl CheckLeaf for Anybody {
        fn check(&self, credential: &[u8], _: &[u8]) -> Result<LeafName, RefusedLeaf> {
            let handle = String::from_utf8_lossy(credential).into_owned();
            Ok(LeafName { identity: [7; 32], handle })
        }
    }
    drop(KeyPackage::parse(bytes, &Anybody));
    let key = DeviceKey::from_bytes(&[5; 32]);
    let seed = zeroize::Zeroizing::new([5; 32]);
    let member = MlsMember::new(seed, *key.public().as_bytes(), b"bob".to_vec());
    let secrets = [JoinSecret::new(&NetworkKey::from_bytes([3; 32]))];
    let mut overlay = Overlay::new(&Nothing, &secrets);
    let (welcome, tree) = bytes.split_at(bytes.len() / 2);
    let invitation = Invitation { welcome, tree, rejoin: Rejoin::No };
    assert!(MlsGroup::join(&mut overlay, &member, &invitation, &Anybody).is_err());
    let facts = GroupFacts {
        mailbox: GroupMailbox { tag: MailboxTag::from_bytes([1; 16]), partition: 0 },
        generation: 0,
        admins: [[7; 32]].into(),
        name: "fuzz".to_owned(),
    };
    let plan = FoundingPlan { facts, members: Vec::new() };
    let mut founded = MlsGroup::found(&mut overlay, &member, &plan, &Anybody).unwrap();
    assert!(founded.group.process(&mut overlay, bytes, &Anybody).is_err());
}

/// Nobody without the key makes an envelope that opens.
pub fn envelope(bytes: &[u8]) {
    let key = Subkey::from_bytes([7; 32]);
    let tag = MailboxTag::inbox(&key, "fuzz", "bob");
    let partition = tag.derived_partition(NonZeroU32::MIN);
    let context =
        EnvelopeContext { namespace: "fuzz", kind: EnvelopeKind::Mail, partition, tag: &tag };
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert!(envelope.open(&[&key], &context).is_err(), "a forged envelope opened");
    }
}

/// A key file that is read is written the same.
pub fn key(bytes: &[u8]) {
    if let Ok(key) = key_file::parse(bytes) {
        let again: NetworkKey = key_file::parse(key_file::encode(&key).as_bytes()).unwrap();
        assert_eq!(again.expose_bytes(), key.expose_bytes());
    }
}

/// An invite, or a device code, that is read is written the same.
pub fn invite(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else { return };
    if let Ok(code) = line.parse::<DeviceCode>() {
        let written = code.to_line();
        let again: DeviceCode = written.parse().unwrap();
        assert_eq!(*again.to_line(), *written);
    }
    if let Ok(invite) = line.parse::<Invite>() {
        let written = invite.to_line();
        let again: Invite = written.parse().unwrap();
        assert_eq!(*again.to_line(), *written);
    }
}

/// What is wrong with a configuration is said with a line that the file has.
pub fn config(bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    if let Err(problem) = config_file::File::parse(bytes) {
        assert!(!problem.message.is_empty());
        assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem:?}");
    }
}

/// Pictures of at most 64 KiB: larger ones take all their time in decoders.
pub fn picture(bytes: &[u8]) {
    if bytes.len() <= 65_536 {
        drop(LsbCompat.inspect(bytes));
        drop(LsbCompat.extract(bytes, &StegoKey::from_bytes([0; 32])));
    }
}

/// Files that the keyed codecs read and write, of at most 64 KiB and 256 x 256 pixels.
///
/// What is embedded is found again, and a picture that nobody has embedded in says nothing.
pub fn stego_image(bytes: &[u8]) {
    let key = StegoKey::from_bytes([0; 32]);
    let Ok(seen) = LsbCompat.inspect(bytes) else { return };
    if bytes.len() > 65_536 || seen.width.max(seen.height) > 256 {
        return;
    }
    if let Ok(image) = StegoImage::read(bytes) {
        drop(image.carries(key.probe()));
        drop(image.extract(&key));
    }
    drop(judge(bytes));
    drop(split_side_information(bytes));
    for id in [CodecId::JpegJuniward, CodecId::JpegSi, CodecId::PngHill] {
        let options = EmbedOptions::default().accept_any_cover();
        if let Ok(done) = id.codec().embed(bytes, b"found again", &key, &options) {
            assert_eq!(*id.codec().extract(&done.file, &key).unwrap(), b"found again");
        }
    }
}

/// Nothing that a terminal acts on comes out.
pub fn terminal(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let acts = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let line = escape::one_line(&text);
    assert!(!line.chars().any(|c| acts(c) || c == '\n' || c == '\t'), "{line:?}");
    assert!(!escape::indented(&text, "    ").chars().any(acts));
    assert!(!escape::json(&text).chars().any(acts));
}
