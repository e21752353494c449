#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod device;
mod directory_entry;
mod directory_key;
mod ed25519;
mod encoding;
mod envelope;
mod identity;
pub mod identity_backup;
mod inbox_key;
pub mod key_file;
mod key_package_record;
mod mailbox_tag;
#[cfg(feature = "mls")]
pub mod mls;
mod name;
mod network_key;
mod padding;
mod protection;
mod reader;
mod safety_number;
mod shared_key;
mod signature;
mod signed_shared_key;
mod subkey;
mod vault;

// The public interface is:
pub use crate::device::{
    CertificateError, DeviceCertificate, DeviceId, DeviceKey, DevicePublic, KnownCertificates,
    NewDevice,
};
pub use crate::directory_entry::{
    ChangeError, DirectoryChange, DirectoryEntry, DirectoryHead, EntryError, NewEntry, Relation,
};
pub use crate::directory_key::DirectoryKey;
pub use crate::envelope::{Envelope, EnvelopeContext, EnvelopeKind, OpenError, SealError};
pub use crate::identity::{Fingerprint, IdentityKey, IdentityPublic, KeyError};
pub use crate::identity_backup::{BackupError, WordsError};
pub use crate::inbox_key::{InboxError, InboxKey, InboxPublic};
pub use crate::key_file::KeyFileError;
pub use crate::key_package_record::{KeyPackageRecord, KeyPackageRecordError, NewKeyPackage};
pub use crate::mailbox_tag::MailboxTag;
pub use crate::network_key::{KeyId, NetworkKey, SubkeyLabel};
pub use crate::protection::{Protected, Protection};
pub use crate::safety_number::{
    Emoji, EmojiNonce, Party, QrComparison, SafetyNumber, SafetyNumberError, Verification,
};
pub use crate::shared_key::SharedKey;
pub use crate::signature::{Signature, SignatureContext, SignatureError, SignatureKind};
pub use crate::signed_shared_key::{
    ContentPlace, ReceivedContent, SignedContentError, SignedSharedKey,
};
pub use crate::subkey::Subkey;
pub use crate::vault::{Argon2Cost, DataKey, Vault, VaultError};

// Crates that appear in the signatures above.
pub use rand_core;
pub use secrecy;
