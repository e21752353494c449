//! Letters: what one member sends to another's inbox, sealed for its owner alone.
//!
//! ```text
//! body of the envelope = HPKE (X-Wing) to the inbox key of:
//! version u8 = 1 | kind u8 | lp(device certificate) | signature 64 | text
//! ```
//! The sender's device signs `lp(device certificate) | text` for the network, the kind and the recipient's
//! identity. HPKE's `info` is `lp(namespace) | recipient's identity 32`.

mod device_answer;
mod device_request;
mod invitation;
mod network_keys;
mod rejoin_answer;
mod rejoin_request;

use chat_crypto::{
    DeviceCertificate, InboxKey, InboxPublic, Protected, Protection, Signature, SignatureContext,
    SignatureKind,
};
use zeroize::Zeroizing;

pub(crate) use self::device_answer::DeviceAnswer;
pub(crate) use self::device_request::DeviceRequest;
pub(crate) use self::invitation::Invitation;
pub(crate) use self::network_keys::OfferedKeys;
pub(crate) use self::rejoin_answer::{Finding, RejoinAnswer};
pub(crate) use self::rejoin_request::{RejoinReason, RejoinRequest};
use super::{GroupError, OwnLeaf};
use crate::namespace::Namespace;
use crate::wire::{Reader, Writer};

/// What a letter says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    /// To join a group.
    Invitation(Invitation),
    /// To be put back into a group.
    RejoinRequest(RejoinRequest),
    /// An answer to such a request.
    RejoinAnswer(RejoinAnswer),
    /// To be a device of its reader's identity, or for the key to its inbox.
    DeviceRequest(DeviceRequest),
    /// An answer to such a request.
    DeviceAnswer(DeviceAnswer),
    /// The keys of the network.
    NetworkKeys(OfferedKeys),
}

/// A letter that was opened, and who has signed it.
#[derive(Debug)]
pub(crate) struct ReceivedLetter {
    pub(crate) letter: Letter,
    pub(crate) sender: DeviceCertificate,
}

/// Why a letter counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LetterError {
    /// It is sealed to another key.
    #[error("sealed to another inbox key")]
    Sealed,
    /// It is not encoded as letters are.
    #[error("malformed at its {0}")]
    Malformed(&'static str),
    /// A later version wrote it.
    #[error("of a newer version")]
    Newer,
    /// It is not signed by who it says, for this network and us.
    #[error("not signed by who it says")]
    Forged,
}

/// Whom a letter is for.
#[derive(Clone, Copy)]
pub(crate) struct Addressee<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) identity: &'a [u8; 32],
}

impl Letter {
    /// Signs the letter and seals it to somebody's inbox key.
    pub(crate) fn seal(
        &self,
        own: &OwnLeaf,
        (to, identity): (&InboxPublic, &[u8; 32]),
    ) -> Result<Protected, GroupError> {
        let addressee = Addressee { namespace: &own.namespace, identity };
        let text = self.text();
        let mut signed = Writer::with_capacity(text.len() + DeviceCertificate::MAX_LEN + 2);
        signed.lp(own.signer.certificate.as_bytes()).raw(&text);
        let signature = own.signer.key.sign(&addressee.context(self.kind()), &signed.finish());
        let mut letter = Writer::with_capacity(text.len() + DeviceCertificate::MAX_LEN + 80);
        letter
            .u8(VERSION)
            .u8(self.kind() as u8)
            .lp(own.signer.certificate.as_bytes())
            .raw(signature.as_bytes())
            .raw(&text);
        let sealed = to.seal(&addressee.info(), &[], &letter.finish(), &mut rand::rng())?;
        Ok(Protected::new(Protection::Mls, &sealed))
    }

    /// Opens what came in an envelope to our inbox.
    pub(crate) fn open(
        sealed: &[u8],
        keys: &[InboxKey],
        me: Addressee<'_>,
    ) -> Result<ReceivedLetter, LetterError> {
        let opened = keys.iter().find_map(|key| key.open(&me.info(), &[], sealed).ok());
        ReceivedLetter::parse(&opened.ok_or(LetterError::Sealed)?, me)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Invitation(_) => Kind::Invitation,
            Self::RejoinRequest(_) => Kind::RejoinRequest,
            Self::RejoinAnswer(_) => Kind::RejoinAnswer,
            Self::DeviceRequest(_) => Kind::DeviceRequest,
            Self::DeviceAnswer(_) => Kind::DeviceAnswer,
            Self::NetworkKeys(_) => Kind::NetworkKeys,
        }
    }

    fn text(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Invitation(invitation) => invitation.encode(),
            Self::RejoinRequest(request) => request.encode(),
            Self::RejoinAnswer(answer) => answer.encode(),
            Self::DeviceRequest(request) => request.encode(),
            Self::DeviceAnswer(answer) => answer.encode(),
            Self::NetworkKeys(keys) => keys.encode(),
        }
    }
}

impl ReceivedLetter {
    fn parse(bytes: &[u8], me: Addressee<'_>) -> Result<Self, LetterError> {
        let at = LetterError::Malformed;
        let mut reader = Reader::new(bytes);
        match reader.u8().ok_or(at("version"))? {
            VERSION => {}
            0 => return Err(at("version")),
            _ => return Err(LetterError::Newer),
        }
        let kind = match reader.u8().ok_or(at("kind"))? {
            1 => Kind::Invitation,
            2 => Kind::RejoinRequest,
            3 => Kind::RejoinAnswer,
            4 => Kind::DeviceRequest,
            5 => Kind::DeviceAnswer,
            6 => Kind::NetworkKeys,
            0 => return Err(at("kind")),
            _ => return Err(LetterError::Newer),
        };
        let certificate = reader.lp().ok_or(at("certificate"))?;
        let signature = Signature::from_bytes(reader.array().ok_or(at("signature"))?);
        let text = reader.rest();
        let sender = DeviceCertificate::parse(certificate, me.namespace.as_str())
            .map_err(|_| LetterError::Forged)?;
        let mut signed = Writer::with_capacity(certificate.len() + 2 + text.len());
        signed.lp(certificate).raw(text);
        sender
            .device_key()
            .verify(&me.context(kind), &signed.finish(), &signature)
            .map_err(|_| LetterError::Forged)?;
        let letter = match kind {
            Kind::Invitation => Letter::Invitation(Invitation::decode(text).map_err(at)?),
            Kind::RejoinRequest => Letter::RejoinRequest(RejoinRequest::decode(text).map_err(at)?),
            Kind::RejoinAnswer => Letter::RejoinAnswer(RejoinAnswer::decode(text).map_err(at)?),
            Kind::DeviceRequest => Letter::DeviceRequest(DeviceRequest::decode(text).map_err(at)?),
            Kind::DeviceAnswer => Letter::DeviceAnswer(DeviceAnswer::decode(text).map_err(at)?),
            Kind::NetworkKeys => Letter::NetworkKeys(OfferedKeys::decode(text).map_err(at)?),
        };
        Ok(Self { letter, sender })
    }
}

impl<'a> Addressee<'a> {
    fn context(&self, kind: Kind) -> SignatureContext<'a> {
        let kind = match kind {
            Kind::Invitation => SignatureKind::Invitation,
            Kind::RejoinRequest => SignatureKind::RejoinRequest,
            Kind::RejoinAnswer => SignatureKind::RejoinAnswer,
            Kind::DeviceRequest => SignatureKind::DeviceRequest,
            Kind::DeviceAnswer => SignatureKind::DeviceAnswer,
            Kind::NetworkKeys => SignatureKind::NetworkKey,
        };
        SignatureContext {
            kind,
            namespace: self.namespace.as_str(),
            conversation: self.identity,
            protection: Some(Protection::Mls),
        }
    }

    fn info(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.lp(self.namespace.as_str().as_bytes()).raw(self.identity);
        writer.finish().to_vec()
    }
}

/// Parses what is inside a letter's seal, and what is inside a message.
pub(crate) fn fuzz_letter(bytes: &[u8]) {
    let Ok(namespace) = "fuzz".parse() else { return };
    let me = Addressee { namespace: &namespace, identity: &[7; 32] };
    drop(ReceivedLetter::parse(bytes, me));
    drop(Invitation::decode(bytes));
    drop(RejoinRequest::decode(bytes));
    drop(RejoinAnswer::decode(bytes));
    drop(DeviceRequest::decode(bytes));
    drop(DeviceAnswer::decode(bytes));
    drop(OfferedKeys::decode(bytes));
    let _parsed = super::payload::Payload::parse(bytes);
}

/// What a letter is; the numbers are on the wire.
#[derive(Clone, Copy)]
enum Kind {
    Invitation = 1,
    RejoinRequest = 2,
    RejoinAnswer = 3,
    DeviceRequest = 4,
    DeviceAnswer = 5,
    NetworkKeys = 6,
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
