//! What `Debug` shows of secrets: nothing. And that they are wiped.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test crate")]

use chat_crypto::secrecy::SecretString;
use chat_crypto::{
    Argon2Cost, DataKey, Envelope, EnvelopeContext, EnvelopeKind, MailboxTag, NetworkKey,
    SharedKey, Subkey, SubkeyLabel, Vault,
};
use insta::assert_debug_snapshot;
use zeroize::ZeroizeOnDrop;

const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 };

#[test]
fn keys() {
    let key = NetworkKey::from_bytes([0xab; 32]);
    assert_debug_snapshot!(key, @"NetworkKey(id 697e4545e32e874c)");
    assert_debug_snapshot!(key.id(), @"KeyId(697e4545e32e874c)");
    assert_debug_snapshot!(key.subkey(SubkeyLabel::Envelope), @"Subkey([redacted])");
}

#[test]
fn vaults_and_what_is_in_them() {
    let mut rng = rand::rng();
    let (vault, key) = Vault::create(None, &mut rng).unwrap();
    assert_debug_snapshot!(key, @"DataKey([redacted])");
    assert_debug_snapshot!(vault, @"Vault([redacted], no passphrase)");
    let passphrase = SecretString::from("hunter2");
    let (vault, _) = Vault::create_with(CHEAP, Some(&passphrase), &mut rng).unwrap();
    assert_debug_snapshot!(vault, @"Vault([redacted], Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 })");
}

#[test]
fn messages() {
    let protected = SharedKey::protect(b"meet me at noon");
    assert_debug_snapshot!(protected, @"Protected(SharedKey, 16 bytes)");
    let tag = MailboxTag::from_bytes([0x5a; 16]);
    let context =
        EnvelopeContext { namespace: "ops", kind: EnvelopeKind::Mail, partition: 1, tag: &tag };
    let key = Subkey::from_bytes([1; 32]);
    let envelope = Envelope::seal(&key, &context, &protected, &mut rand::rng()).unwrap();
    assert_debug_snapshot!(envelope, @"Envelope(328 bytes)");
}

#[test]
fn keys_are_wiped_and_may_cross_threads() {
    fn wiped<T: ZeroizeOnDrop>() {}
    fn crosses<T: Send + Sync>() {}
    wiped::<NetworkKey>();
    wiped::<Subkey>();
    wiped::<DataKey>();
    crosses::<NetworkKey>();
    crosses::<Vault>();
    crosses::<Envelope>();
}
