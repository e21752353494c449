//! The bytes of `config.toml`, parsed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// How to connect. Every key may be set in the environment too: `SECURECHAT_` and the key in capitals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Bootstrap servers, instead of the network's own.
    pub(crate) brokers: Option<Vec<String>>,
    /// `plaintext`, `tls`, `sasl-tls` or `sasl-plaintext`.
    pub(crate) security: Option<String>,
    /// The certificate authority to trust, as PEM, instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// The client's certificate chain, as PEM.
    pub(crate) cert_file: Option<PathBuf>,
    /// The client's private key, as PEM, readable by nobody else.
    pub(crate) key_file: Option<PathBuf>,
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub(crate) sasl_mechanism: Option<String>,
    /// The user at the broker.
    pub(crate) sasl_username: Option<String>,
    /// A file with the password at the broker, readable by nobody else.
    pub(crate) sasl_password_file: Option<PathBuf>,
    /// A shell command that prints the password at the broker.
    pub(crate) sasl_password_command: Option<String>,
    /// `first-use` or `always-verify`.
    pub(crate) trust: Option<String>,
}

/// The file as it is parsed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) default_profile: Option<String>,
    pub(crate) profiles: BTreeMap<String, Settings>,
    pub(crate) brokers: Option<Vec<String>>,
    pub(crate) security: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) sasl_mechanism: Option<String>,
    pub(crate) sasl_username: Option<String>,
    pub(crate) sasl_password_file: Option<PathBuf>,
    pub(crate) sasl_password_command: Option<String>,
    pub(crate) trust: Option<String>,
}

impl File {
    /// Parses the file.
    ///
    /// # Errors
    /// [`Problem`], with the line where there is one, for what is not UTF-8, no TOML, has a key that is not known,
    /// or a table for what cannot be a profile.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| Problem::of_the_file("it is not UTF-8"))?;
        let file: Self = toml::from_str(text).map_err(|error| Problem::new(text, &error))?;
        let strange = file.profiles.keys().find(|name| name.parse::<chat_core::Handle>().is_err());
        match strange {
            Some(name) => Err(Problem::of_the_file(&format!("[profiles.{name}] names no profile"))),
            None => Ok(file),
        }
    }
}

/// What is wrong with the file, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Counted from 1, where one line is to blame.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
    /// The key that nobody knows, if that is the problem.
    pub(crate) unknown_key: Option<String>,
}

impl Problem {
    fn of_the_file(message: &str) -> Self {
        Self { line: None, message: message.to_owned(), unknown_key: None }
    }

    fn new(text: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count().saturating_add(1));
        let said = error.message();
        let unknown = said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let message = match unknown {
            Some(key) => format!("there is no key {key:?}"),
            None if said.ends_with("expected a sequence") => {
                format!("{said}; write a list: brokers = [\"HOST:9092\"]")
            }
            None => said.lines().next().unwrap_or("it is no TOML").to_owned(),
        };
        Self { line, message, unknown_key: unknown.map(str::to_owned) }
    }
}
