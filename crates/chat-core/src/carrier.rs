//! Carriers: how an envelope lies in a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chat_crypto::{Envelope, EnvelopeKind, Subkey};
use chat_stego::{LsbCompat, ProbeKey, StegoCodec, StegoImage, StegoKey};
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
    /// For none of the mailboxes.
    Foreign,
    /// An envelope.
    Envelope {
        sealed: Vec<u8>,
        /// What carried it.
        carrier: CarrierKind,
        /// The place of its addressee.
        to: usize,
    },
}

/// What is looked for in the records of a partition.
pub(crate) struct Look<'a> {
    pub(crate) namespace: &'a Namespace,
    /// The keys that tell which pictures carry something for the network: one of each network key, the newest first.
    pub(crate) probes: Vec<&'a ProbeKey>,
    pub(crate) addressees: Vec<Addressee<'a>>,
}

/// A mailbox that takes records of the partition.
pub(crate) struct Addressee<'a> {
    pub(crate) mailbox: &'a Mailbox,
    /// The keys that may open, newest first.
    pub(crate) keys: Vec<&'a Subkey>,
    /// The first offset that it takes.
    pub(crate) from: u64,
}

/// Looks for an envelope for one of the mailboxes in a record of their partition.
///
/// A keyed record counts by its tag alone. An unkeyed one is probed as a picture: what is hidden is
/// taken out of it only if it carries something for this network.
pub(crate) fn unpack(record: &StoredRecord, look: &Look<'_>) -> Carried {
    let takes = |addressee: &Addressee<'_>| addressee.from <= record.offset.0;
    if !look.addressees.iter().any(takes) {
        return Carried::Foreign;
    }
    match (&record.key, &record.value) {
        (Some(tag), value) => {
            let sealed = value.as_deref().unwrap_or_default();
            look.named(tag, sealed, takes).map_or(Carried::Foreign, |to| Carried::Envelope {
                sealed: sealed.to_vec(),
                carrier: CarrierKind::Plain,
                to,
            })
        }
        // Decoders see bytes of strangers first: one that gives up must not end the reading.
        (None, Some(value)) => {
            std::panic::catch_unwind(|| reveal(value, look, takes)).ok().flatten().map_or(
                Carried::Foreign,
                |(to, sealed)| Carried::Envelope { sealed, carrier: CarrierKind::Image, to },
            )
        }
        (None, None) => Carried::Foreign,
    }
}

impl Look<'_> {
    /// The place of the mailbox with this tag. Whoever invites to a mailbox names its tag, so that several
    /// may have the same: that one counts whose keys open the envelope.
    fn named(
        &self,
        tag: &[u8],
        sealed: &[u8],
        takes: impl Fn(&Addressee<'_>) -> bool,
    ) -> Option<usize> {
        let named = || {
            let all = self.addressees.iter().enumerate();
            all.filter(|(_, to)| to.mailbox.tag.as_bytes() == tag && takes(to))
        };
        let mut others = named().skip(1).peekable();
        let opens = others
            .peek()
            .is_some()
            .then(|| named().find(|(_, to)| self.knows(sealed, to, EnvelopeKind::Mail)));
        opens.flatten().or_else(|| named().next()).map(|(place, _)| place)
    }

    /// Whether bytes begin like an envelope for a mailbox.
    fn knows(&self, bytes: &[u8], to: &Addressee<'_>, kind: EnvelopeKind) -> bool {
        let context = to.mailbox.context(self.namespace, kind);
        let head = bytes.get(..Envelope::HEAD);
        head.is_some_and(|head| Envelope::head_matches(head, &to.keys, &context))
    }
}

/// The envelope that a picture hides, and the place of its addressee.
fn reveal(
    picture: &[u8],
    look: &Look<'_>,
    takes: impl Fn(&Addressee<'_>) -> bool + Copy,
) -> Option<(usize, Vec<u8>)> {
    reveal_lsb(picture, look, takes).or_else(|| reveal_keyed(picture, look, takes))
}

fn reveal_lsb(
    picture: &[u8],
    look: &Look<'_>,
    takes: impl Fn(&Addressee<'_>) -> bool,
) -> Option<(usize, Vec<u8>)> {
    let peek = LsbCompat.peek(picture, PROBE_CHARACTERS).ok()?;
    let head = STANDARD.decode(peek.head).ok()?;
    let is_for = |to: &Addressee<'_>| takes(to) && look.knows(&head, to, EnvelopeKind::Picture);
    let place = look.addressees.iter().position(is_for)?;
    let text = LsbCompat.extract(picture, &no_key()).ok()?;
    Some((place, STANDARD.decode(&*text).ok()?))
}

/// Most pictures are not for us, so they are asked first, once, whether they carry anything.
fn reveal_keyed(
    picture: &[u8],
    look: &Look<'_>,
    takes: impl Fn(&Addressee<'_>) -> bool,
) -> Option<(usize, Vec<u8>)> {
    let image = StegoImage::read(picture).ok()?;
    let carries = |probe: &&&ProbeKey| image.carries(probe).is_ok_and(|carries| carries);
    let probe = *look.probes.iter().find(carries)?;
    let candidates = look.addressees.iter().enumerate().filter(|(_, to)| takes(to));
    let mut keys = candidates.flat_map(|(place, to)| {
        to.keys.iter().map(move |key| (place, to, to.stego_key((key, probe), look.namespace)))
    });
    keys.find_map(|(place, to, key)| {
        let found = image.extract(&key).ok()?;
        look.knows(&found, to, EnvelopeKind::Picture).then(|| (place, found.to_vec()))
    })
}

impl Addressee<'_> {
    /// The key that finds what pictures hide for the mailbox under one of its keys.
    fn stego_key(&self, (key, probe): (&Subkey, &ProbeKey), namespace: &Namespace) -> StegoKey {
        let context = self.mailbox.context(namespace, EnvelopeKind::Picture);
        StegoKey::with_probe(probe.clone(), *context.picture_key(key).expose_bytes())
    }
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
