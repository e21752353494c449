//! Carriers: how an envelope lies in a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chat_crypto::{Envelope, EnvelopeKind, Subkey};
use chat_stego::{LsbCompat, StegoCodec, StegoImage, StegoKey};
use chat_transport::{Record, StoredRecord};

use crate::item::CarrierKind;
use crate::mailbox::Mailbox;
use crate::namespace::Namespace;

impl CarrierKind {
    /// The kind that envelopes in this carrier are bound to.
    pub(crate) fn envelope_kind(self) -> EnvelopeKind {
        match self {
            Self::Plain => EnvelopeKind::Mail,
            Self::Image => EnvelopeKind::Picture,
        }
    }

    /// The record that carries `value`: an envelope under its tag, or a picture and nothing else.
    pub(crate) fn record(self, mailbox: &Mailbox, value: Vec<u8>) -> Record {
        let key = match self {
            Self::Plain => Some(Bytes::copy_from_slice(mailbox.tag.as_bytes())),
            Self::Image => None,
        };
        Record { key, value: Bytes::from(value) }
    }
}

/// What a record holds, as far as its outside tells.
#[derive(Debug)]
pub(crate) enum Carried {
    /// Not for this mailbox.
    Foreign,
    /// An envelope, and what carried it.
    Envelope(Vec<u8>, CarrierKind),
}

/// Looks for an envelope for `mailbox` in a record of its partition.
///
/// A keyed record counts by its tag alone. An unkeyed one is probed as a picture: what is hidden is
/// taken out of it only if it carries something for this network.
pub(crate) fn unpack(record: &StoredRecord, mailbox: &Mailbox, look: &Look<'_>) -> Carried {
    match (&record.key, &record.value) {
        (Some(key), value) if key.as_ref() == mailbox.tag.as_bytes() => {
            Carried::Envelope(value.as_deref().unwrap_or_default().to_vec(), CarrierKind::Plain)
        }
        // Decoders see bytes of strangers first: one that gives up must not end the reading.
        (None, Some(value)) => std::panic::catch_unwind(|| reveal(value, mailbox, look))
            .ok()
            .flatten()
            .map_or(Carried::Foreign, |envelope| Carried::Envelope(envelope, CarrierKind::Image)),
        _ => Carried::Foreign,
    }
}

/// What a probe needs to know.
pub(crate) struct Look<'a> {
    pub(crate) namespace: &'a Namespace,
    /// The keys that may open, newest first.
    pub(crate) keys: &'a [&'a Subkey],
    /// The keys that find what pictures hide for the mailbox, newest first.
    pub(crate) picture_keys: &'a [StegoKey],
}

impl Look<'_> {
    /// Whether bytes begin like an envelope for `mailbox`.
    fn knows(&self, bytes: &[u8], mailbox: &Mailbox) -> bool {
        let context = mailbox.context(self.namespace, EnvelopeKind::Picture);
        let head = bytes.get(..Envelope::HEAD);
        head.is_some_and(|head| Envelope::head_matches(head, self.keys, &context))
    }
}

fn reveal(picture: &[u8], mailbox: &Mailbox, look: &Look<'_>) -> Option<Vec<u8>> {
    reveal_lsb(picture, mailbox, look).or_else(|| reveal_keyed(picture, mailbox, look))
}

fn reveal_lsb(picture: &[u8], mailbox: &Mailbox, look: &Look<'_>) -> Option<Vec<u8>> {
    let peek = LsbCompat.peek(picture, PROBE_CHARACTERS).ok()?;
    let head = STANDARD.decode(peek.head).ok()?;
    if !look.knows(&head, mailbox) {
        return None;
    }
    let text = LsbCompat.extract(picture, &no_key()).ok()?;
    STANDARD.decode(&*text).ok()
}

/// Most pictures are not for us, so they are asked first whether they carry anything.
fn reveal_keyed(picture: &[u8], mailbox: &Mailbox, look: &Look<'_>) -> Option<Vec<u8>> {
    let image = StegoImage::read(picture).ok()?;
    look.picture_keys.iter().find_map(|key| {
        if !image.carries(key.probe()).ok()? {
            return None;
        }
        let found = image.extract(key).ok()?;
        look.knows(&found, mailbox).then(|| found.to_vec())
    })
}

/// The text that `lsb-compat` hides: the envelope in base64.
pub(crate) fn picture_text(envelope: &[u8]) -> String {
    STANDARD.encode(envelope)
}

/// How long [`picture_text`] is for an envelope of `len` bytes.
pub(crate) fn picture_text_len(len: usize) -> usize {
    len.div_ceil(3).saturating_mul(4)
}

/// `lsb-compat` hides without a key.
pub(crate) fn no_key() -> StegoKey {
    StegoKey::from_bytes([0; 32])
}

/// Base64 characters that hold the first 57 bytes, the 56 of an envelope's head among them.
const PROBE_CHARACTERS: usize = 76;
