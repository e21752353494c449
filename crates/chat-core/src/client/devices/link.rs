//! Linking a new profile, and what a linked one asks the others for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chat_store::{EngineKind, Seq};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::client::{Client, ListenFrom, Profile, inbox_key, put_network};
use crate::clock::now_ms;
use crate::devices::{
    DeviceCode, DeviceCodeError, Linked, Linking, OwnDevices, device_inbox_key,
    make_device_inbox_key,
};
use crate::directory::{Publisher, inbox_key_of};
use crate::error::{DeviceError, Error, HistoryError, ProfileError, SendError};
use crate::groups::{DeviceRequest, Letter};
use crate::meta_row::MetaRow;
use crate::network::Network;
use crate::outbox::Sealer;
use crate::remote_text::RemoteText;

/// How far a new device came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkOutcome {
    /// It is a device of its identity, and others can bring it into groups.
    Linked,
    /// It is a device of its identity; what others need is published by the next `listen`.
    Unpublished,
    /// Nobody has answered yet. It goes on from here.
    Waiting,
}

impl Client {
    /// Makes a profile in `folder` that waits to be linked with a code, in the code's network.
    ///
    /// * `label` - what its owner calls the device: 1 to 64 bytes
    ///
    /// # Errors
    /// As [`create`](Self::create); when the code has expired or the label is not fit.
    pub fn create_device(
        engine: EngineKind,
        folder: &Path,
        (code, label): (&DeviceCode, &str),
        passphrase: Option<&SecretString>,
    ) -> Result<Self, Error> {
        code.check_time(now_ms())?;
        let max = DeviceRequest::MAX_LABEL;
        if label.is_empty() || label.len() > max || label.chars().any(char::is_control) {
            return Err(DeviceError::BadLabel { max }.into());
        }
        let network = Network { fields: code.network.clone(), pending: None };
        Self::create_as(engine, folder, (code.handle(), passphrase), |tx| {
            put_network::<ProfileError>(tx, &network)?;
            Linking::begin(tx, code, label)
        })
    }

    /// Whether this profile waits to be linked.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_linking(&self) -> Result<bool, Error> {
        let linking = self.profile.store.read(Linking::stored::<ProfileError>)?;
        Ok(linking.is_some())
    }

    /// Whether another device has linked this profile, so that it does not hold the identity's secret by itself.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_linked(&self) -> Result<bool, Error> {
        let linked = self.profile.store.read(Linked::stored::<ProfileError>)?;
        Ok(linked.is_some())
    }

    /// Links this profile: asks the device that has made its code, and waits for the answer, for `timeout` at most.
    /// It may be called again, and goes on where it was.
    ///
    /// # Errors
    /// [`DeviceError::NotLinking`]; [`DeviceCodeError::Expired`] once nobody will answer any more; when the owner's
    /// entry of the directory cannot be read, or the store fails. A device that does not answer is no error.
    pub async fn link(&self, timeout: Duration) -> Result<LinkOutcome, Error> {
        let deadline = Instant::now() + timeout;
        if !self.is_linking()? {
            return Err(DeviceError::NotLinking.into());
        }
        self.ask_to_be_linked(deadline).await?;
        if !self.await_answer(deadline).await? {
            let linking = self.profile.store.read(Linking::stored::<DeviceError>)?;
            let is_over = linking.is_some_and(|linking| now_ms() >= linking.expires_ms);
            return if is_over {
                Err(DeviceCodeError::Expired.into())
            } else {
                Ok(LinkOutcome::Waiting)
            };
        }
        self.profile.forget_signer();
        let network = self.profile.joined_network()?;
        while Instant::now() < deadline {
            let publisher =
                Publisher::new(Arc::clone(&self.profile), self.transport()?, network.clone());
            let published = tokio::time::timeout_at(deadline, publisher.publish()).await;
            if let Ok(Err(error)) = &published {
                tracing::debug!(%error, "the directory does not answer");
            }
            if self.devices()?.iter().any(|device| device.is_self) {
                return Ok(LinkOutcome::Linked);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(LinkOutcome::Unpublished)
    }

    /// Puts the request on its way, once.
    async fn ask_to_be_linked(&self, deadline: Instant) -> Result<(), Error> {
        let network = self.profile.joined_network()?;
        loop {
            let time = deadline.saturating_duration_since(Instant::now());
            let read = self.refresh(&self.profile.handle, time).await;
            if self.profile.post_link_request(&network)? {
                return Ok(());
            }
            if Instant::now() + LOOK_AGAIN >= deadline {
                read?;
                let handle = self.profile.handle.clone();
                return Err(DeviceError::NotPublished { handle }.into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Reads and delivers until the answer is here. Returns whether it is.
    async fn await_answer(&self, deadline: Instant) -> Result<bool, Error> {
        let newest = self
            .profile
            .store
            .read::<_, HistoryError>(|tx| Ok(tx.history_last()?.unwrap_or(Seq::ZERO)))?;
        let mut listener = self.listen_anyway(ListenFrom::After(newest))?;
        while self.is_linking()? {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            if let Ok(Err(error)) = tokio::time::timeout(LOOK_AGAIN, listener.next()).await {
                return Err(error);
            }
        }
        Ok(true)
    }
}

impl Profile {
    /// Asks the device that has made our code, if its entry is known. Returns whether the request is on its way.
    fn post_link_request(&self, network: &Network) -> Result<bool, DeviceError> {
        let own = self.own_leaf(network)?;
        self.store.write(|tx| {
            let Some(mut linking) = Linking::stored::<DeviceError>(tx)? else { return Ok(true) };
            if linking.asked {
                return Ok(true);
            }
            if now_ms() >= linking.expires_ms {
                return Err(DeviceError::Code(DeviceCodeError::Expired));
            }
            let owner = (&self.handle, &linking.identity);
            let Some(to) = inbox_key_of::<DeviceError>(tx, network.namespace(), owner)? else {
                return Ok(false);
            };
            let label = RemoteText::new(linking.label.as_str());
            let request = DeviceRequest { inbox_key: inbox_key(tx)?.public(), label };
            let letter = Letter::DeviceRequest(request);
            let letter = letter.seal(&own, (&to, &linking.identity)).map_err(SendError::from)?;
            let sealer = Sealer { network, signer: &own.signer };
            sealer.post(tx, &self.handle, &letter)?;
            linking.asked = true;
            linking.put::<DeviceError>(tx)?;
            Ok(true)
        })
    }

    /// A device that does not hold the key of its inbox asks the others for it.
    pub(crate) fn ask_for_inbox_key(&self, network: &Network) -> Result<(), SendError> {
        let ours = self.store.read(OwnDevices::of::<SendError>)?;
        let now = now_ms();
        let is_early = (0..ASK_AGAIN_MS).contains(&(now - ours.asked_ms));
        if !ours.lacks_inbox_key || ours.is_removed || is_early {
            return Ok(());
        }
        let own = self.own_leaf(network)?;
        let identity = own.identity();
        self.store.write(|tx| {
            let who = (&self.handle, &identity);
            let Some(to) = inbox_key_of::<SendError>(tx, network.namespace(), who)? else {
                return Ok(());
            };
            let mut ours = OwnDevices::of::<SendError>(tx)?;
            ours.asked_ms = now;
            ours.put::<SendError>(tx)?;
            let inbox_key = match device_inbox_key(tx)? {
                Some(key) => key.public(),
                None => make_device_inbox_key(tx)?,
            };
            let request = DeviceRequest { inbox_key, label: RemoteText::new("") };
            let letter = Letter::DeviceRequest(request).seal(&own, (&to, &identity))?;
            let sealer = Sealer { network, signer: &own.signer };
            sealer.post(tx, &self.handle, &letter).map(drop)
        })
    }
}

/// How often a device that waits looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a question for the key of the inbox waits for its answer: an hour.
const ASK_AGAIN_MS: i64 = 60 * 60 * 1000;
