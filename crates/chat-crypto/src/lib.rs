#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod encoding;
mod envelope;
pub mod key_file;
mod mailbox_tag;
mod network_key;
mod padding;
mod protection;
mod shared_key;
mod subkey;
mod vault;

// The public interface is:
pub use crate::envelope::{Envelope, EnvelopeContext, EnvelopeKind, OpenError, SealError};
pub use crate::key_file::KeyFileError;
pub use crate::mailbox_tag::MailboxTag;
pub use crate::network_key::{KeyId, NetworkKey, SubkeyLabel};
pub use crate::protection::{Protected, Protection};
pub use crate::shared_key::SharedKey;
pub use crate::subkey::Subkey;
pub use crate::vault::{Argon2Cost, DataKey, Vault, VaultError};

// Crates that appear in the signatures above.
pub use rand_core;
pub use secrecy;
