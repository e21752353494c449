//! How to connect to a network's brokers.

use std::fmt;
use std::str::FromStr;

use chat_transport::SaslMechanism;

/// How to connect, as far as a network says so; a person's own configuration goes first.
///
/// Never holds credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionHints {
    /// What protects the connection.
    pub security: Option<SecurityKind>,
    /// How to log in.
    pub sasl_mechanism: Option<SaslMechanism>,
    /// The certificate authority of the brokers, PEM, at most 65,535 bytes.
    pub ca_pem: Option<Vec<u8>>,
}

/// What protects the connection to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityKind {
    /// Nothing.
    Plaintext,
    /// TLS.
    Tls,
    /// A login inside TLS.
    SaslTls,
    /// A login without TLS: whoever listens on the network sees it.
    SaslPlaintext,
}

impl SecurityKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Plaintext, Self::Tls, Self::SaslTls, Self::SaslPlaintext];

    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "tls",
            Self::SaslTls => "sasl-tls",
            Self::SaslPlaintext => "sasl-plaintext",
        }
    }
}

impl fmt::Display for SecurityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SecurityKind {
    type Err = UnknownSecurity;

    fn from_str(text: &str) -> Result<Self, UnknownSecurity> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownSecurity)
    }
}

/// A text names no kind of connection security.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("security is one of plaintext, tls, sasl-tls, sasl-plaintext")]
pub struct UnknownSecurity;
