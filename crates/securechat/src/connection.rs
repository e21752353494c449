//! From the configuration and the network's own hints to a connection.

use std::path::Path;
use std::sync::Arc;

use chat_core::chat_transport::{
    ConfigError, KafkaConfig, KafkaTransport, SaslMechanism, SaslOptions, Security, TlsOptions,
};
use chat_core::{ConnectionHints, Network, SecurityKind};
use secrecy::SecretString;

use crate::config::Settings;
use crate::failure::{Exit, Failure};
use crate::output::Console;
use crate::passphrase;

/// How a cluster is reached: the person's settings first, then what the network says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    config: KafkaConfig,
    hints: ConnectionHints,
}

impl Connection {
    /// The connection of a network that the profile has joined.
    pub(crate) fn to_network(settings: &Settings, network: &Network) -> Result<Self, Failure> {
        let brokers = settings.brokers.as_deref().unwrap_or(network.brokers());
        Self::new(settings, brokers, network.connection())
    }

    /// The connection to a cluster.
    pub(crate) fn new(
        settings: &Settings,
        brokers: &[String],
        network: &ConnectionHints,
    ) -> Result<Self, Failure> {
        let chosen = chosen_security(settings)?.or(network.security);
        let security = security(settings, network, chosen)?;
        let mut hints = network.clone();
        hints.security = chosen;
        if let Security::SaslTls(sasl, _) | Security::SaslPlaintext(sasl) = &security {
            hints.sasl_mechanism = Some(sasl.mechanism);
        }
        if let Security::Tls(tls) | Security::SaslTls(_, tls) = &security {
            hints.ca_pem.clone_from(&tls.ca_pem);
        }
        let config = KafkaConfig::new(brokers, security).map_err(refused)?;
        Ok(Self { config, hints })
    }

    /// The addresses, each with its port.
    pub(crate) fn brokers(&self) -> &[String] {
        self.config.bootstrap()
    }

    /// What others need to know to connect; no secret is in it.
    pub(crate) fn hints(&self) -> &ConnectionHints {
        &self.hints
    }

    /// The transport. Nothing is connected before it is used.
    pub(crate) fn open(&self, console: Console) -> Arc<KafkaTransport> {
        for warning in self.config.warnings() {
            console.warn(&warning);
        }
        Arc::new(KafkaTransport::new(self.config.clone()))
    }
}

/// Whether settings make sense by themselves; no file of secrets is read.
pub(crate) fn check(settings: &Settings) -> Result<(), Failure> {
    let wrong = |message: &str| {
        Failure::new(Exit::Usage, "config", message)
            .hint("see the settings: securechat config show")
    };
    let chosen = chosen_security(settings)?;
    if let Some(text) = &settings.sasl_mechanism {
        let parsed: Result<SaslMechanism, _> = text.parse();
        parsed.map_err(|error| wrong(&format!("sasl_mechanism = {text:?}: {error}")))?;
    }
    if settings.cert_file.is_some() != settings.key_file.is_some() {
        return Err(wrong("cert_file and key_file go together"));
    }
    let login = matches!(chosen, Some(SecurityKind::SaslTls | SecurityKind::SaslPlaintext));
    if login && settings.sasl_username.is_none() {
        return Err(wrong("the broker wants a login, and sasl_username is not set"));
    }
    let files = [&settings.ca_file, &settings.cert_file, &settings.key_file];
    for path in files.into_iter().chain([&settings.sasl_password_file]).flatten() {
        if let Err(error) = std::fs::metadata(path) {
            return Err(wrong(&format!("{}: {error}", path.display())));
        }
    }
    let certificates = [("ca_file", &settings.ca_file), ("cert_file", &settings.cert_file)];
    for (key, path) in
        certificates.into_iter().filter_map(|(key, path)| Some((key, path.as_ref()?)))
    {
        read_certificates(key, path)?;
    }
    Ok(())
}

/// What the person asks for; a user name or an authority asks for the protection that goes with it.
fn chosen_security(settings: &Settings) -> Result<Option<SecurityKind>, Failure> {
    if let Some(text) = &settings.security {
        let kind = text.parse().map_err(|error| {
            Failure::new(Exit::Usage, "config", format!("security = {text:?}: {error}"))
                .hint("see the settings: securechat config show")
        })?;
        return Ok(Some(kind));
    }
    let tls = settings.ca_file.is_some() || settings.cert_file.is_some();
    let inferred = if settings.sasl_username.is_some() {
        Some(SecurityKind::SaslTls)
    } else {
        tls.then_some(SecurityKind::Tls)
    };
    Ok(inferred)
}

fn security(
    settings: &Settings,
    network: &ConnectionHints,
    chosen: Option<SecurityKind>,
) -> Result<Security, Failure> {
    Ok(match chosen {
        None => Security::LoopbackOnly,
        Some(SecurityKind::Plaintext) => Security::Plaintext,
        Some(SecurityKind::Tls) => Security::Tls(tls(settings, network)?),
        Some(SecurityKind::SaslTls) => {
            Security::SaslTls(sasl(settings, network)?, tls(settings, network)?)
        }
        Some(SecurityKind::SaslPlaintext) => Security::SaslPlaintext(sasl(settings, network)?),
        Some(other) => {
            return Err(Failure::new(
                Exit::Usage,
                "config",
                format!("security = {other} is not known here"),
            ));
        }
    })
}

fn tls(settings: &Settings, network: &ConnectionHints) -> Result<TlsOptions, Failure> {
    let ca_pem = match &settings.ca_file {
        Some(path) => Some(read_certificates("ca_file", path)?),
        None => network.ca_pem.clone(),
    };
    let identity_pem = match (&settings.cert_file, &settings.key_file) {
        (Some(chain), Some(key)) => Some((read_certificates("cert_file", chain)?, read_key(key)?)),
        (None, None) => None,
        _ => {
            return Err(Failure::new(Exit::Usage, "config", "cert_file and key_file go together")
                .hint("see the settings: securechat config show"));
        }
    };
    Ok(TlsOptions { ca_pem, identity_pem })
}

fn sasl(settings: &Settings, network: &ConnectionHints) -> Result<SaslOptions, Failure> {
    let config = |message: String| {
        Failure::new(Exit::Usage, "config", message)
            .hint("set it in the file that this prints: securechat config path")
    };
    let mechanism = match &settings.sasl_mechanism {
        Some(text) => {
            text.parse().map_err(|error| config(format!("sasl_mechanism = {text:?}: {error}")))?
        }
        None => network.sasl_mechanism.unwrap_or(SaslMechanism::ScramSha512),
    };
    let username = settings.sasl_username.clone();
    let username = username.ok_or_else(|| {
        config("the broker wants a login, and sasl_username is not set".to_owned())
    })?;
    let password = password(settings)?.ok_or_else(|| {
        config("no broker password is set: sasl_password_file, sasl_password_command or SECURECHAT_SASL_PASSWORD".to_owned())
    })?;
    Ok(SaslOptions { mechanism, username, password })
}

fn password(settings: &Settings) -> Result<Option<SecretString>, Failure> {
    if let Ok(password) = std::env::var("SECURECHAT_SASL_PASSWORD") {
        return Ok(Some(SecretString::from(password)));
    }
    let look = |failure: Failure| failure.hint("see the settings: securechat config show");
    let line = match (&settings.sasl_password_file, &settings.sasl_password_command) {
        (Some(path), _) => passphrase::from_file(path).map_err(look)?,
        (None, Some(command)) => passphrase::from_command(command).map_err(look)?,
        (None, None) => return Ok(None),
    };
    if line.is_empty() {
        return Err(look(Failure::new(Exit::Usage, "config", "the broker password is empty")));
    }
    Ok(Some(SecretString::from(line.as_str())))
}

/// Certificates as PEM; a file without any would look like a fault of the broker.
fn read_certificates(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let look = "see the settings: securechat config show";
    use std::io::Read;
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MAX_PEM).read_to_end(&mut bytes));
    read.map_err(|error| {
        let failure = Failure { code: "config", ..Failure::file(path, &error) };
        failure.hint(look)
    })?;
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    if !bytes.windows(BEGIN.len()).any(|window| window == BEGIN) {
        let said = format!("{key}: {} holds no certificate in PEM", path.display());
        return Err(Failure::new(Exit::Usage, "config", said).hint(look));
    }
    Ok(bytes)
}

fn read_key(path: &Path) -> Result<SecretString, Failure> {
    let bytes = chat_core::private_file::read(path, MAX_PEM).map_err(chat_core::Error::from)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::new(Exit::Usage, "config", format!("{} is no PEM file", path.display()))
    })?;
    Ok(SecretString::from(text))
}

fn refused(error: ConfigError) -> Failure {
    let unprotected = matches!(error, ConfigError::Unprotected { .. });
    let failure = Failure::new(Exit::Usage, "config", error.to_string());
    if unprotected {
        failure
            .hint("use TLS: --security tls, or security = \"tls\" in the file that this prints: securechat config path")
            .hint("or ask for it in so many words: security = \"plaintext\"")
    } else {
        failure.hint("write servers as HOST:PORT, with commas: securechat network create --brokers a:9092,b:9092")
    }
}

/// Certificates and keys are shorter, in bytes.
const MAX_PEM: u64 = 1024 * 1024;
