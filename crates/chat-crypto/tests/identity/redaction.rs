//! What `Debug` shows of secrets: nothing. And that they are wiped.

use chat_crypto::{
    ContentPlace, DeviceKey, EmojiNonce, IdentityKey, InboxKey, Signature, SignedSharedKey,
};
use insta::assert_debug_snapshot;
use zeroize::ZeroizeOnDrop;

use crate::support::{NETWORK, alice};

#[test]
fn secret_keys() {
    let identity = IdentityKey::from_bytes(&[0xab; 32]);
    assert_debug_snapshot!(identity, @"IdentityKey([redacted])");
    assert_debug_snapshot!(DeviceKey::from_bytes(&[0xab; 32]), @"DeviceKey([redacted])");
    assert_debug_snapshot!(InboxKey::from_bytes(&[0xab; 32]), @"InboxKey([redacted])");
    assert_debug_snapshot!(EmojiNonce::from_bytes([0xab; 32]), @"EmojiNonce([redacted])");
}

#[test]
fn signed_contents() {
    let alice = alice();
    let place = ContentPlace { namespace: NETWORK, conversation: &[1] };
    let signed =
        SignedSharedKey::protect(b"meet me at noon", &alice.device, &alice.certificate, place);
    assert_debug_snapshot!(signed.as_ref().unwrap(), @"Protected(SignedSharedKey, 234 bytes)");
    assert_debug_snapshot!(SignedSharedKey::parse(&signed.unwrap()).unwrap(), @"ReceivedContent([redacted], 15 bytes)");
}

#[test]
fn public_values_say_what_they_are() {
    let alice = alice();
    assert_debug_snapshot!(alice.identity.public(), @"IdentityPublic(8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c)");
    assert_debug_snapshot!(alice.identity.public().fingerprint(), @"Fingerprint(5c10 6722 acb0 2539 dec3 011a 1b77 6a5d 38ba 2578 f853 2d68 8a55 28c0 a57e bd2e)");
    assert_debug_snapshot!(alice.device.public(), @"DevicePublic(93db9f2ee0f7e39e942fb59441190bf20b9c43cfcc8a051a152499cf392b7a37)");
    assert_debug_snapshot!(alice.certificate, @"DeviceCertificate(alice, IdentityPublic(8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c), DeviceId(81818181818181818181818181818181))");
    assert_debug_snapshot!(alice.entry, @"DirectoryEntry(alice, IdentityPublic(8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c), 1 devices, DirectoryHead(2 changes, a9e74f32dae6e6337af0d05574d30472cf2b01c93c97ab1797bb7596b48aa20b))");
    assert_debug_snapshot!(InboxKey::from_bytes(&[1; 32]).public(), @"InboxPublic(ec7b50cddc8360f9.., 1216 bytes)");
    assert_debug_snapshot!(Signature::from_bytes([0; 64]), @"Signature(00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)");
}

#[test]
fn keys_are_wiped_and_may_cross_threads() {
    fn wiped<T: ZeroizeOnDrop>() {}
    fn crosses<T: Send + Sync>() {}
    wiped::<IdentityKey>();
    wiped::<DeviceKey>();
    wiped::<InboxKey>();
    wiped::<EmojiNonce>();
    crosses::<IdentityKey>();
    crosses::<DeviceKey>();
    crosses::<InboxKey>();
    crosses::<chat_crypto::DirectoryEntry>();
    crosses::<chat_crypto::Verification>();
}
