//! `config.toml`: a person's choices, and how to connect. No secret and nobody's name is in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod file;

pub(crate) use self::file::Settings;
use self::file::{File, Problem};
use crate::failure::{Exit, Failure};
use crate::nearest::nearest;

/// The configuration file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// The profile of a command that names none.
    pub(crate) default_profile: Option<String>,
    /// Connections of all profiles.
    settings: Settings,
    /// Connections of one profile; what is set here goes first.
    profiles: BTreeMap<String, Settings>,
}

/// Who says where the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody: it is where it usually is, if there is one.
    Usual,
    /// A person: there must be one.
    Named,
}

impl Settings {
    /// The keys, as the file and the environment name them.
    pub(crate) const KEYS: [&str; 10] = [
        "brokers",
        "security",
        "ca_file",
        "cert_file",
        "key_file",
        "sasl_mechanism",
        "sasl_username",
        "sasl_password_file",
        "sasl_password_command",
        "trust",
    ];

    /// What the environment sets.
    pub(crate) fn from_environment() -> Self {
        let text = |key: &str| {
            let value = std::env::var(format!("SECURECHAT_{}", key.to_uppercase())).ok()?;
            (!value.is_empty()).then_some(value)
        };
        let path = |key: &str| text(key).map(PathBuf::from);
        Self {
            brokers: text("brokers").map(|list| split_list(&list)),
            security: text("security"),
            ca_file: path("ca_file"),
            cert_file: path("cert_file"),
            key_file: path("key_file"),
            sasl_mechanism: text("sasl_mechanism"),
            sasl_username: text("sasl_username"),
            sasl_password_file: path("sasl_password_file"),
            sasl_password_command: text("sasl_password_command"),
            trust: text("trust"),
        }
    }

    /// These settings; what is not set comes from `other`.
    #[must_use]
    pub(crate) fn or(self, other: &Self) -> Self {
        let other = other.clone();
        Self {
            brokers: self.brokers.or(other.brokers),
            security: self.security.or(other.security),
            ca_file: self.ca_file.or(other.ca_file),
            cert_file: self.cert_file.or(other.cert_file),
            key_file: self.key_file.or(other.key_file),
            sasl_mechanism: self.sasl_mechanism.or(other.sasl_mechanism),
            sasl_username: self.sasl_username.or(other.sasl_username),
            sasl_password_file: self.sasl_password_file.or(other.sasl_password_file),
            sasl_password_command: self.sasl_password_command.or(other.sasl_password_command),
            trust: self.trust.or(other.trust),
        }
    }
}

impl Config {
    /// Reads the file; one that does not exist sets nothing, unless somebody has named it.
    pub(crate) fn read(path: &Path, origin: Origin) -> Result<Self, Failure> {
        let bytes = match read_bounded(path) {
            Ok(bytes) => bytes,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && origin == Origin::Usual =>
            {
                return Ok(Self::default());
            }
            Err(error) => {
                let failure = Failure { code: "config", ..Failure::file(path, &error) };
                return Err(failure.hint(LOOK));
            }
        };
        let file = File::parse(&bytes).map_err(|problem| refusal(&problem, path))?;
        Ok(Self::from(file).relative_to(path.parent().unwrap_or(Path::new(""))))
    }

    /// Files that are named without a folder lie beside the configuration.
    fn relative_to(mut self, folder: &Path) -> Self {
        for settings in self.profiles.values_mut().chain([&mut self.settings]) {
            let Settings { ca_file, cert_file, key_file, sasl_password_file, .. } = settings;
            for path in [ca_file, cert_file, key_file, sasl_password_file].into_iter().flatten() {
                *path = folder.join(&*path);
            }
        }
        self
    }

    /// The names of the profiles that have a table of their own.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// What the environment, the profile's table and the top of the file set, in this order.
    pub(crate) fn settings(&self, profile: &str) -> Settings {
        let own = self.profiles.get(profile).cloned().unwrap_or_default();
        Settings::from_environment().or(&own).or(&self.settings)
    }
}

/// What is wrong with the file, as the user is told.
fn refusal(problem: &Problem, path: &Path) -> Failure {
    let place = problem.line.map_or(String::new(), |line| format!("line {line}: "));
    let failure = wrong(path, &format!("{place}{}", problem.message));
    let keys = Settings::KEYS.into_iter().chain(["default_profile", "profiles"]);
    match problem.unknown_key.as_deref().and_then(|key| nearest(key, keys)) {
        Some(key) => failure.hint(format!("did you mean {key}?")),
        None => failure.hint(LOOK),
    }
}

impl From<File> for Config {
    fn from(file: File) -> Self {
        Self {
            default_profile: file.default_profile,
            profiles: file.profiles,
            settings: Settings {
                brokers: file.brokers,
                security: file.security,
                ca_file: file.ca_file,
                cert_file: file.cert_file,
                key_file: file.key_file,
                sasl_mechanism: file.sasl_mechanism,
                sasl_username: file.sasl_username,
                sasl_password_file: file.sasl_password_file,
                sasl_password_command: file.sasl_password_command,
                trust: file.trust,
            },
        }
    }
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::new(Exit::Usage, "config", format!("{}: {what}", path.display()))
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Splits `a:9092, b:9092`.
pub(crate) fn split_list(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Works with any configuration.
const LOOK: &str = "look at the file; this prints where it is: securechat config path";
/// A configuration is shorter, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_goes_before_the_top_of_the_file() {
        let file = File::parse(
            b"security = 'tls'\nbrokers = ['a:1']\n[profiles.bob]\nsecurity = 'plaintext'\n",
        );
        let settings = Config::from(file.unwrap()).settings("bob");
        assert_eq!(settings.security.as_deref(), Some("plaintext"));
        assert_eq!(settings.brokers, Some(vec!["a:1".to_owned()]));
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_neighbour() {
        let problem = File::parse(b"security = 'tls'\nbrokrs = ['a:1']\n").unwrap_err();
        assert_eq!((problem.line, problem.unknown_key.as_deref()), (Some(2), Some("brokrs")));
        let failure = refusal(&problem, Path::new("config.toml"));
        assert_eq!(failure.message, "config.toml: line 2: there is no key \"brokrs\"");
        assert_eq!(failure.hints, ["did you mean brokers?"]);
    }

    #[test]
    fn every_key_is_known_to_the_file() {
        for key in Settings::KEYS {
            let value = if key == "brokers" { "['a:1']" } else { "'x'" };
            assert!(File::parse(format!("{key} = {value}").as_bytes()).is_ok(), "{key}");
            assert!(
                File::parse(format!("[profiles.bob]\n{key} = {value}").as_bytes()).is_ok(),
                "{key}"
            );
        }
        let no_list = File::parse(b"brokers = 'a:1'").unwrap_err();
        assert!(no_list.message.ends_with("brokers = [\"HOST:9092\"]"), "{}", no_list.message);
        assert!(File::parse(b"brokers = [").is_err());
    }

    #[test]
    fn files_are_found_from_every_folder() {
        let file = File::parse(
            b"ca_file = 'ca.pem'\nkey_file = '/k.pem'\n[profiles.bob]\ncert_file = 'bob/c.pem'\n",
        );
        let config = Config::from(file.unwrap()).relative_to(Path::new("/etc/chat"));
        let settings = config.settings("bob");
        assert_eq!(settings.ca_file.as_deref(), Some(Path::new("/etc/chat/ca.pem")));
        assert_eq!(settings.key_file.as_deref(), Some(Path::new("/k.pem")));
        assert_eq!(settings.cert_file.as_deref(), Some(Path::new("/etc/chat/bob/c.pem")));
    }

    #[test]
    fn lists_are_split_at_commas() {
        assert_eq!(split_list("a:1, b:2,,"), ["a:1", "b:2"]);
    }
}
