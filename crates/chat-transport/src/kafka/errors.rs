//! From the client's errors to ours.

use std::time::Duration;

use krafka::KrafkaError;
use krafka::error::ErrorCode;

use super::codes::{self, Class, Need};
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
        let operation = asked.operation;
        let applied = if asked.append { Applied::Maybe } else { Applied::No };
        let number = code.to_i16();
        let Some((name, class)) = codes::look_up(number) else {
            let reason = message.to_owned();
            return TransportError::UnknownCode { operation, code: number, reason, applied };
        };
        let reason = format!("{name}: {message}");
        let refused = |transient| TransportError::Broker { operation, reason, transient, applied };
        match class {
            Class::Retry => refused(true),
            Class::Fatal => refused(false),
            Class::User(need) => self.needed(need, message, asked).unwrap_or_else(|| {
                // Without a topic of ours it is one that the cluster does not know yet.
                refused(need == Need::Topic)
            }),
        }
    }

    /// What somebody has to do; `None` if it is not about a topic and should be.
    fn needed(&self, need: Need, message: &str, asked: &Asked<'_>) -> Option<TransportError> {
        let topic = asked.topic.cloned();
        Some(match need {
            Need::Topic => TransportError::UnknownTopic { topic: topic? },
            Need::OtherName => TransportError::TopicExists { topic: topic? },
            Need::SmallerRecord => TransportError::TooLarge { topic: topic?, size: 0 },
            Need::OtherRecord => {
                let reason = format!("InvalidRecord {message}");
                TransportError::InvalidRecord { topic: topic?, reason }
            }
            Need::Right => TransportError::Denied { operation: asked.operation, topic },
            Need::Login => TransportError::Authentication {
                addresses: self.addresses.clone(),
                reason: message.to_owned(),
            },
            Need::Setting => return None,
        })
    }

    /// A connection that brings nothing of what others are given.
    pub(crate) fn silent_connection(&self) -> TransportError {
        TransportError::Disconnected {
            addresses: self.addresses.clone(),
            reason: "the broker gives nothing over this connection".to_owned(),
            applied: Applied::No,
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

/// Whether an error of the client is one of TLS, by its words; names of hosts are none.
fn is_tls(text: &str) -> bool {
    let is_word = |word: &&str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        !word.contains(['.', ':']) || word.contains("::")
    };
    let words: Vec<&str> = text.split_whitespace().filter(is_word).collect();
    let text = words.join(" ").to_ascii_lowercase();
    !text.contains("sasl")
        && ["certificate", "tls", "handshake", "issuer", "corrupt message", "alert"]
            .iter()
            .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(code: i16, topic: Option<&TopicName>) -> TransportError {
        let errors = Errors::new("broker:9092".to_owned());
        let asked = Asked { operation: "an append", topic, append: true, within: Duration::ZERO };
        errors.translate(&KrafkaError::broker(ErrorCode::from_i16(code), "said"), &asked)
    }

    #[test]
    fn the_name_of_a_host_says_nothing_of_tls() {
        assert!(is_tls("invalid peer certificate: UnknownIssuer"));
        assert!(is_tls("received fatal alert: HandshakeFailure"));
        assert!(!is_tls("not reconnecting to kafka-tls.corp:9093 for another 3s"));
        assert!(!is_tls("connection to (alerts.example.com:9092) refused"));
    }

    #[test]
    fn every_code_becomes_what_its_class_says() {
        let topic = TopicName::new("team.mail").unwrap();
        for code in -1..=133 {
            let (name, class) = codes::look_up(code).unwrap();
            let error = translated(code, Some(&topic));
            let fits = match class {
                Class::Retry => error.is_transient() && error.to_string().contains(name),
                Class::Fatal | Class::User(Need::Setting) => {
                    matches!(&error, TransportError::Broker { transient: false, reason, .. } if reason.contains(name))
                }
                Class::User(Need::Topic) => matches!(error, TransportError::UnknownTopic { .. }),
                Class::User(Need::OtherName) => matches!(error, TransportError::TopicExists { .. }),
                Class::User(Need::SmallerRecord) => {
                    matches!(error, TransportError::TooLarge { .. })
                }
                Class::User(Need::OtherRecord) => {
                    matches!(error, TransportError::InvalidRecord { .. })
                }
                Class::User(Need::Right) => matches!(error, TransportError::Denied { .. }),
                Class::User(Need::Login) => matches!(error, TransportError::Authentication { .. }),
            };
            assert!(fits, "{code} {name} is {class:?} and became {error:?}");
        }
    }

    #[test]
    fn a_code_of_a_newer_broker_is_shown_with_its_number_and_is_fatal() {
        for code in [134, 999, i16::MAX, -2, i16::MIN] {
            let error = translated(code, None);
            assert!(error.to_string().contains(&code.to_string()), "{error}");
            assert!(!error.is_transient(), "{error}");
            assert_eq!(error.applied(), Applied::Maybe);
        }
    }
}
