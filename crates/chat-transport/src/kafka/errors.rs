//! From the client's errors to ours.

use std::time::Duration;

use krafka::KrafkaError;
use krafka::error::ErrorCode;

use crate::error::{Applied, TransportError};
use crate::topic::TopicName;

/// Translates errors of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Errors {
    addresses: String,
}

/// What was asked, for the error's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) operation: &'static str,
    pub(crate) topic: Option<&'a TopicName>,
    /// Whether it was an append, and so may have happened.
    pub(crate) append: bool,
    /// The bound that was set on it.
    pub(crate) within: Duration,
}

impl Errors {
    pub(crate) fn new(addresses: String) -> Self {
        Self { addresses }
    }

    /// An error while connecting: nothing was asked yet.
    pub(crate) fn connecting(&self, error: &KrafkaError, within: Duration) -> TransportError {
        let addresses = self.addresses.clone();
        match error {
            KrafkaError::Network(io) if is_tls(&io.to_string()) => {
                TransportError::Tls { addresses, reason: io.to_string() }
            }
            KrafkaError::Network(io) => {
                TransportError::Unreachable { addresses, reason: io.to_string() }
            }
            KrafkaError::Protocol { message, .. } => {
                let reason =
                    format!("the other side does not speak the expected protocol ({message})");
                TransportError::Tls { addresses, reason }
            }
            other => {
                let asked =
                    Asked { operation: "the connection", topic: None, append: false, within };
                self.translate(other, &asked)
            }
        }
    }

    pub(crate) fn translate(&self, error: &KrafkaError, asked: &Asked<'_>) -> TransportError {
        let addresses = self.addresses.clone();
        let applied = if asked.append { Applied::Maybe } else { Applied::No };
        let (operation, after) = (asked.operation, asked.within);
        match error {
            KrafkaError::Broker { code, message } => self.broker(*code, message, asked),
            KrafkaError::Network(io) if is_tls(&io.to_string()) => {
                TransportError::Tls { addresses, reason: io.to_string() }
            }
            KrafkaError::Network(io) => {
                TransportError::Disconnected { addresses, reason: io.to_string(), applied }
            }
            KrafkaError::Auth { .. } => self.authentication(error),
            KrafkaError::Timeout { .. } => {
                TransportError::Timeout { addresses, operation, after, applied }
            }
            KrafkaError::DeliveryTimeout { possibly_written, .. } => {
                let applied = if *possibly_written { Applied::Maybe } else { Applied::No };
                TransportError::Timeout { addresses, operation, after, applied }
            }
            KrafkaError::UnknownTopic { .. } if asked.topic.is_some() => self.unknown_topic(asked),
            KrafkaError::Closed { .. } => TransportError::Closed,
            KrafkaError::Protocol { .. } | KrafkaError::Compression { .. } => {
                TransportError::Protocol { what: error.to_string() }
            }
            other => TransportError::Broker {
                operation,
                reason: other.to_string(),
                transient: other.is_retriable(),
                applied,
            },
        }
    }

    /// A code of the broker: every one is retried, fatal, or for the user to mend.
    fn broker(&self, code: ErrorCode, message: &str, asked: &Asked<'_>) -> TransportError {
        let topic = asked.topic.cloned();
        let operation = asked.operation;
        match (code, topic) {
            (ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId, Some(topic)) => {
                TransportError::UnknownTopic { topic }
            }
            (ErrorCode::TopicAlreadyExists, Some(topic)) => TransportError::TopicExists { topic },
            (ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge, Some(topic)) => {
                TransportError::TooLarge { topic, size: 0 }
            }
            (ErrorCode::InvalidRecord, Some(topic)) => {
                TransportError::InvalidRecord { topic, reason: format!("{code:?} {message}") }
            }
            (
                ErrorCode::TopicAuthorizationFailed
                | ErrorCode::ClusterAuthorizationFailed
                | ErrorCode::GroupAuthorizationFailed
                | ErrorCode::PolicyViolation,
                topic,
            ) => TransportError::Denied { operation, topic },
            (
                ErrorCode::SaslAuthenticationFailed
                | ErrorCode::UnsupportedSaslMechanism
                | ErrorCode::IllegalSaslState,
                _,
            ) => TransportError::Authentication {
                addresses: self.addresses.clone(),
                reason: message.to_owned(),
            },
            _ => TransportError::Broker {
                operation,
                reason: format!("{code:?}: {message}"),
                transient: code.is_retriable(),
                applied: if asked.append { Applied::Maybe } else { Applied::No },
            },
        }
    }

    /// Nothing came within the bound that was set.
    pub(crate) fn no_answer(&self, asked: &Asked<'_>) -> TransportError {
        TransportError::Timeout {
            addresses: self.addresses.clone(),
            operation: asked.operation,
            after: asked.within,
            applied: Applied::No,
        }
    }

    fn unknown_topic(&self, asked: &Asked<'_>) -> TransportError {
        match asked.topic.cloned() {
            Some(topic) => TransportError::UnknownTopic { topic },
            None => TransportError::Protocol { what: "a topic that was not asked for".to_owned() },
        }
    }

    /// The client has one error for certificates and for logins; its text tells them apart.
    fn authentication(&self, error: &KrafkaError) -> TransportError {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if !reason.contains(&cause.to_string()) {
                reason = format!("{reason}: {cause}");
            }
            source = cause.source();
        }
        let addresses = self.addresses.clone();
        if is_tls(&reason) {
            TransportError::Tls { addresses, reason }
        } else {
            TransportError::Authentication { addresses, reason }
        }
    }
}

fn is_tls(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    !text.contains("sasl")
        && ["certificate", "tls", "handshake", "issuer", "corrupt message", "alert"]
            .iter()
            .any(|word| text.contains(word))
}
