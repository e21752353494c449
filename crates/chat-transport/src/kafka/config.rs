//! How to connect to a Kafka cluster.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use krafka::Kafka;
use krafka::auth::{AuthConfig, TlsConfig};
use secrecy::{ExposeSecret, SecretString};

/// Everything that a connection needs. `Debug` shows no password and no private key.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    bootstrap: Vec<String>,
    security: Security,
    timeouts: Timeouts,
}

/// What protects a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Security {
    /// Nothing; only to addresses of this machine.
    LoopbackOnly,
    /// Nothing, to any address, because somebody asked for it.
    Plaintext,
    /// TLS.
    Tls(TlsOptions),
    /// A login inside TLS.
    SaslTls(SaslOptions, TlsOptions),
    /// A login without TLS, because somebody asked for it in so many words: whoever listens sees it.
    SaslPlaintext(SaslOptions),
}

/// Certificates.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// The authorities that may sign the brokers' certificates, PEM; `None` for the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// This client's certificate chain and private key, PEM.
    pub identity_pem: Option<(Vec<u8>, SecretString)>,
}

/// A login.
#[derive(Clone)]
pub struct SaslOptions {
    /// How it is proved.
    pub mechanism: SaslMechanism,
    /// Who logs in.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// How a login is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SaslMechanism {
    /// The password itself.
    Plain,
    /// Challenge and response over SHA-256.
    ScramSha256,
    /// Challenge and response over SHA-512.
    ScramSha512,
}

/// How long is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection. Default 3 s.
    pub connect: Duration,
    /// For an answer. Default 10 s.
    pub request: Duration,
    /// For the acknowledgement of a record, with all retries. Default 30 s.
    pub delivery: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { connect: secs(3), request: secs(10), delivery: secs(30) }
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No bootstrap server was named.
    #[error("no broker is named")]
    NoBroker,
    /// A bootstrap server is not `host:port`.
    #[error("{address:?} is no broker address: host:port is needed")]
    Address {
        /// What was given.
        address: String,
    },
    /// An address of another machine would be reached without protection.
    #[error("{address} is another machine, and nothing protects the connection")]
    Unprotected {
        /// The address.
        address: String,
    },
}

impl KafkaConfig {
    /// A configuration with the default timeouts.
    ///
    /// * `bootstrap` - at least one `host:port`; a missing port is 9092
    ///
    /// # Errors
    /// [`ConfigError`] names the address that is malformed, or that is reached unprotected without
    /// having been asked for.
    pub fn new(bootstrap: &[String], security: Security) -> Result<Self, ConfigError> {
        let bootstrap = bootstrap
            .iter()
            .map(|address| parse_address(address))
            .collect::<Result<Vec<_>, _>>()?;
        if bootstrap.is_empty() {
            return Err(ConfigError::NoBroker);
        }
        if matches!(security, Security::LoopbackOnly)
            && let Some(far) = bootstrap.iter().find(|address| !is_loopback(address))
        {
            return Err(ConfigError::Unprotected { address: far.clone() });
        }
        Ok(Self { bootstrap, security, timeouts: Timeouts::default() })
    }

    /// The same with other timeouts.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The bootstrap servers, as `host:port`.
    pub fn bootstrap(&self) -> &[String] {
        &self.bootstrap
    }

    /// The timeouts.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// What a person should be told about this configuration, in one line each.
    pub fn warnings(&self) -> Vec<String> {
        let far = self.bootstrap.iter().find(|address| !is_loopback(address));
        match (&self.security, far) {
            (Security::Plaintext, Some(address)) => vec![format!(
                "the connection to {address} is not encrypted: others on the way see who talks, when and how much"
            )],
            (Security::SaslPlaintext(_), _) => {
                vec!["the broker password is sent without TLS: whoever listens on the network sees it".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    /// A client handle with connections of its own.
    pub(crate) async fn open(&self) -> krafka::Result<Kafka> {
        let builder = Kafka::builder(self.bootstrap.join(","))
            .client_id("")
            .connect_timeout(self.timeouts.connect)
            .request_timeout(self.timeouts.request)
            .allow_auto_create_topics(false)
            .tcp_nodelay(true)
            .max_response_size(MAX_RESPONSE)
            .security(self.auth()?);
        builder.connect().await
    }

    fn auth(&self) -> krafka::Result<AuthConfig> {
        Ok(match &self.security {
            Security::LoopbackOnly | Security::Plaintext => AuthConfig::plaintext(),
            Security::Tls(tls) => AuthConfig::ssl(tls.to_krafka()?),
            Security::SaslTls(sasl, tls) => sasl.to_krafka().with_tls(tls.to_krafka()?),
            Security::SaslPlaintext(sasl) => sasl.to_krafka(),
        })
    }
}

impl TlsOptions {
    fn to_krafka(&self) -> krafka::Result<TlsConfig> {
        let mut config = TlsConfig::new();
        if let Some(ca) = &self.ca_pem {
            config = config.with_ca_cert_pem(ca.clone());
        }
        if let Some((chain, key)) = &self.identity_pem {
            config =
                config.with_client_cert_pem(chain.clone(), key.expose_secret().as_bytes().to_vec());
        }
        Ok(config)
    }
}

impl SaslOptions {
    fn to_krafka(&self) -> AuthConfig {
        let (username, password) = (self.username.as_str(), self.password.expose_secret());
        match self.mechanism {
            SaslMechanism::Plain => AuthConfig::sasl_plain(username, password),
            SaslMechanism::ScramSha256 => AuthConfig::sasl_scram_sha256(username, password),
            SaslMechanism::ScramSha512 => AuthConfig::sasl_scram_sha512(username, password),
        }
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ca_pem, identity_pem } = self;
        let identity = identity_pem.as_ref().map(|(_, _)| "[redacted]");
        f.debug_struct("TlsOptions")
            .field("own_ca", &ca_pem.is_some())
            .field("identity", &identity)
            .finish()
    }
}

impl fmt::Debug for SaslOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mechanism, username, password: _ } = self;
        f.debug_struct("SaslOptions")
            .field("mechanism", mechanism)
            .field("username", username)
            .field("password", &"[redacted]")
            .finish()
    }
}

impl SaslMechanism {
    /// All mechanisms.
    pub const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// The mechanism's registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl fmt::Display for SaslMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SaslMechanism {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found =
            Self::ALL.into_iter().find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(text));
        found
            .ok_or_else(|| "the mechanism is one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512".to_owned())
    }
}

/// `host:port`, with 9092 where the port is missing; `[::1]:9092` for IPv6.
fn parse_address(text: &str) -> Result<String, ConfigError> {
    let malformed = || ConfigError::Address { address: text.to_owned() };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && (!host.contains(':') || host.ends_with(']')) => {
            (host, port)
        }
        Some(_) if !text.ends_with(']') => return Err(malformed()),
        _ => (text, "9092"),
    };
    let port: u16 = port.parse().map_err(|_| malformed())?;
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    if port == 0 || host.is_empty() || host.len() > 255 || !host.bytes().all(fine) {
        return Err(malformed());
    }
    Ok(format!("{host}:{port}"))
}

/// Whether an address is certainly this machine.
pub(crate) fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The longest answer that is read, in bytes: a fetch of the largest batch, and room.
const MAX_RESPONSE: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(address: &str, security: Security) -> Result<KafkaConfig, ConfigError> {
        KafkaConfig::new(&[address.to_owned()], security)
    }

    #[test]
    fn addresses_are_checked_and_completed() {
        for (text, parsed) in [
            ("localhost", "localhost:9092"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:9093", "[::1]:9093"),
            ("[::1]", "[::1]:9092"),
        ] {
            assert_eq!(config(text, Security::LoopbackOnly).unwrap().bootstrap(), [parsed]);
        }
        for bad in [
            "",
            ":9092",
            "host:",
            "host:0",
            "host:x",
            "::1:9092",
            "a b:1",
            "host:99999",
            "h\u{1b}:1",
        ] {
            let refused = config(bad, Security::Plaintext);
            assert!(matches!(refused, Err(ConfigError::Address { .. })), "{bad}: {refused:?}");
        }
        assert_eq!(KafkaConfig::new(&[], Security::Plaintext).unwrap_err(), ConfigError::NoBroker);
    }

    #[test]
    fn plaintext_is_silent_here_and_asked_for_and_loud_elsewhere() {
        assert!(config("127.0.0.1:1", Security::LoopbackOnly).unwrap().warnings().is_empty());
        let far = config("kafka.example:9092", Security::LoopbackOnly);
        assert!(matches!(far, Err(ConfigError::Unprotected { .. })));
        assert_eq!(config("kafka.example:9092", Security::Plaintext).unwrap().warnings().len(), 1);
    }

    #[test]
    fn debug_shows_no_secret() {
        let sasl = SaslOptions {
            mechanism: SaslMechanism::ScramSha512,
            username: "alice".to_owned(),
            password: "canary".to_owned().into(),
        };
        let tls =
            TlsOptions { ca_pem: None, identity_pem: Some((vec![1], "canary".to_owned().into())) };
        let config = config("localhost:1", Security::SaslTls(sasl, tls)).unwrap();
        insta::assert_snapshot!(format!("{config:?}"), @r#"KafkaConfig { bootstrap: ["localhost:1"], security: SaslTls(SaslOptions { mechanism: ScramSha512, username: "alice", password: "[redacted]" }, TlsOptions { own_ca: false, identity: Some("[redacted]") }), timeouts: Timeouts { connect: 3s, request: 10s, delivery: 30s } }"#);
    }
}
