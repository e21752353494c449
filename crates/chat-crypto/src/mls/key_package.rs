//! KeyPackages: how a device can be added to groups while it is away.

use openmls::prelude::tls_codec::{DeserializeBytes, Serialize};
use openmls::prelude::{
    Capabilities, CredentialType, ExtensionType, KeyPackage as Inner, KeyPackageRef as InnerRef,
    Lifetime, ProtocolVersion,
};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::storage::StorageProvider;

use super::cause::MlsCause;
use super::credential::{CheckLeaf, RefusedLeaf};
use super::facts::EXTENSION_TYPE;
use super::leaf::Leaf;
use super::member::MlsMember;
use super::state::{MlsStateError, Overlay};
use super::{SUITE, parse};

/// Somebody's KeyPackage: verified, checked, ready to be added to a group.
#[derive(Clone, Debug)]
pub struct KeyPackage {
    inner: Inner,
    leaf: Leaf,
}

/// Our own new KeyPackage. Its private part is in the overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKeyPackage {
    /// What is published.
    pub bytes: Vec<u8>,
    /// Names the private part, for [`delete_key_package`].
    pub reference: KeyPackageRef,
}

/// Names a KeyPackage: a hash over it (RFC 9420, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPackageRef([u8; 48]);

/// Why a KeyPackage could not be made or taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyPackageError {
    /// The store could not be read.
    #[error(transparent)]
    State(#[from] MlsStateError),
    /// It is no KeyPackage, or its signature does not verify.
    #[error("not a KeyPackage")]
    Garbage,
    /// It is for another suite, of limited lifetime or for one use only: not one of ours.
    #[error("a KeyPackage of another kind")]
    Kind,
    /// Its leaf is not who it says.
    #[error(transparent)]
    Leaf(#[from] RefusedLeaf),
    /// The library could not make one.
    #[error("no KeyPackage could be made")]
    Library(#[source] MlsCause),
}

impl KeyPackage {
    /// Verifies and checks published bytes.
    ///
    /// How old it is, and whether its owner is who we think, is for the caller to judge.
    ///
    /// # Errors
    /// See [`KeyPackageError`].
    pub fn parse(bytes: &[u8], checker: &dyn CheckLeaf) -> Result<Self, KeyPackageError> {
        let crypto = RustCrypto::default();
        let package = parse::key_package(bytes).map_err(|_| KeyPackageError::Garbage)?;
        let inner = package
            .validate(&crypto, ProtocolVersion::Mls10)
            .map_err(|_| KeyPackageError::Garbage)?;
        let ours = inner.ciphersuite() == SUITE
            && inner.last_resort()
            && *inner.life_time() == unlimited()
            && inner.leaf_node().capabilities().extensions().contains(&EXTENSION_TYPE);
        if !ours {
            return Err(KeyPackageError::Kind);
        }
        let node = inner.leaf_node();
        let leaf = Leaf::check(None, node.credential(), node.signature_key().as_slice(), checker)?;
        Ok(Self { inner, leaf })
    }

    /// Whose it is.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// Names it.
    pub(super) fn reference(&self, crypto: &RustCrypto) -> Option<KeyPackageRef> {
        KeyPackageRef::of(&self.inner, crypto)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl MlsMember {
    /// Makes a KeyPackage of last resort: any number of inviters may use it, because nobody on a
    /// log can take one away.
    ///
    /// It has no end of its own: a Commit must not be valid for one member and expired for
    /// another. Replace it daily and after each use, and delete the private part when no Welcome
    /// for it can be on its way.
    ///
    /// # Security
    /// Whoever gets the private part can read the Welcomes made for it, so the first act in a group
    /// is an update of the own leaf.
    ///
    /// # Errors
    /// [`KeyPackageError::Library`]; nothing was changed.
    pub fn make_key_package(
        &self,
        overlay: &mut Overlay<'_>,
    ) -> Result<NewKeyPackage, KeyPackageError> {
        overlay.step(|room| {
            let bundle = Inner::builder()
                .leaf_node_capabilities(capabilities())
                .key_package_lifetime(unlimited())
                .mark_as_last_resort()
                .build(SUITE, room, &self.signer(), self.credential_with_key())
                .map_err(|error| KeyPackageError::Library(MlsCause::new(&error)))?;
            let bytes = bundle
                .key_package()
                .tls_serialize_detached()
                .map_err(|error| KeyPackageError::Library(MlsCause::new(&error)))?;
            let reference = KeyPackageRef::of(bundle.key_package(), room.overlay().crypto());
            Ok(NewKeyPackage { bytes, reference: reference.ok_or(KeyPackageError::Kind)? })
        })
    }
}

/// Deletes the private part of a KeyPackage: Welcomes for it open no more.
///
/// # Errors
/// [`MlsStateError`] is not to be expected: nothing is read.
pub fn delete_key_package(
    overlay: &mut Overlay<'_>,
    reference: &KeyPackageRef,
) -> Result<(), MlsStateError> {
    overlay.step(|room| {
        if let Some(inner) = reference.inner() {
            room.delete_key_package(&inner).map_err(MlsStateError::new)?;
        }
        Ok(())
    })
}

impl KeyPackageRef {
    /// Wraps 48 bytes.
    pub fn from_bytes(bytes: [u8; 48]) -> Self {
        Self(bytes)
    }

    /// The 48 bytes.
    pub fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }

    pub(super) fn of(package: &Inner, crypto: &RustCrypto) -> Option<Self> {
        package.hash_ref(crypto).ok()?.as_slice().try_into().ok().map(Self)
    }

    fn inner(&self) -> Option<InnerRef> {
        InnerRef::tls_deserialize_exact_bytes(&[[48].as_slice(), &self.0].concat()).ok()
    }
}

/// What our leaves can do: this suite, Basic credentials, our facts, KeyPackages of last resort.
pub(super) fn capabilities() -> Capabilities {
    Capabilities::builder()
        .ciphersuites(vec![SUITE])
        .extensions(vec![EXTENSION_TYPE, ExtensionType::LastResort])
        .credentials(vec![CredentialType::Basic])
        .build()
}

/// The only lifetime that is valid here: from the beginning of time to its end.
pub(super) fn unlimited() -> Lifetime {
    Lifetime::init(0, u64::MAX)
}
