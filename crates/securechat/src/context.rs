//! What every command has: places, configuration, the chosen profile, the console.

use chat_core::secrecy::SecretString;
use chat_core::{Client, TrustPolicy};

use crate::args::Globals;
use crate::config::{Config, Origin, Settings};
use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::nearest::nearest;
use crate::output::Console;
use crate::passphrase::{self, Purpose};
use crate::places::Places;

/// The surroundings of a command.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) places: Places,
    pub(crate) config: Config,
    pub(crate) console: Console,
}

/// A profile that is open.
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) settings: Settings,
}

impl Context {
    pub(crate) fn new(globals: Globals, console: Console) -> Result<Self, Failure> {
        let places = Places::new(globals.home.as_deref(), globals.config.as_deref())?;
        let origin = if globals.config.is_some() { Origin::Named } else { Origin::Usual };
        let config = Config::read(places.config(), origin)?;
        Ok(Self { globals, places, config, console })
    }

    /// Which profile is meant: the one that is named, the default one, or the only one.
    pub(crate) fn profile_name(&self) -> Result<String, Failure> {
        let existing = self.places.profiles()?;
        let named = self.globals.profile.as_deref().or(self.config.default_profile.as_deref());
        if let Some(name) = named {
            if existing.iter().any(|profile| profile == name) {
                return Ok(name.to_owned());
            }
            return Err(no_such_profile(name, &existing));
        }
        match existing.as_slice() {
            [] => Err(Failure::new(Exit::Usage, "no_profile", "there is no profile yet")
                .hint("make one: securechat init HANDLE")),
            [only] => Ok(only.clone()),
            several => {
                let names = several.join(", ");
                let failure = format!("there are several profiles, and none is named: {names}");
                Err(Failure::new(Exit::Usage, "which_profile", failure)
                    .hint("name one: securechat --profile NAME …")
                    .hint("or for a whole terminal: export SECURECHAT_PROFILE=NAME"))
            }
        }
    }

    /// Opens the profile, asking for its passphrase where it has one.
    pub(crate) fn open(&self) -> Result<Opened, Failure> {
        let name = self.profile_name()?;
        let passphrase = self.passphrase(&name)?;
        let client = Client::open(&self.places.profile(&name), passphrase.as_ref())?;
        let settings = self.config.settings(&name);
        client.set_trust_policy(policy(settings.trust.as_deref())?);
        Ok(Opened { name, client, settings })
    }

    /// The passphrase of a profile, where it has one.
    pub(crate) fn passphrase(&self, name: &str) -> Result<Option<SecretString>, Failure> {
        match Client::needs_passphrase(&self.places.profile(name))? {
            true => passphrase::obtain(&self.globals, name, Purpose::Open).map(Some),
            false => Ok(None),
        }
    }
}

impl Opened {
    /// The profile with a transport to its network.
    pub(crate) fn connect(&self, console: Console) -> Result<Client, Failure> {
        Ok(self.client.connect(self.connection()?.open(console)))
    }

    /// How the profile's network is reached.
    pub(crate) fn connection(&self) -> Result<Connection, Failure> {
        let network = self.client.network()?.ok_or_else(|| self.no_network())?;
        Connection::to_network(&self.settings, &network)
    }

    pub(crate) fn no_network(&self) -> Failure {
        Failure::new(
            Exit::Usage,
            "no_network",
            format!("profile {} has joined no network", self.name),
        )
        .hint("make a network: securechat network create --brokers HOST:9092")
        .hint("or join one: securechat join FILE")
    }
}

/// Whom a profile writes to, as the configuration says.
fn policy(trust: Option<&str>) -> Result<TrustPolicy, Failure> {
    match trust {
        None | Some("first-use") => Ok(TrustPolicy::FirstUse),
        Some("always-verify") => Ok(TrustPolicy::AlwaysVerify),
        Some(other) => Err(Failure::new(
            Exit::Usage,
            "config",
            format!("trust is {other:?}; it is first-use or always-verify"),
        )
        .hint("see where it is set: securechat config show")),
    }
}

fn no_such_profile(name: &str, existing: &[String]) -> Failure {
    let failure = Failure::new(Exit::Usage, "no_profile", format!("there is no profile {name:?}"));
    match nearest(name, existing.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean: securechat --profile {near} …")),
        None if existing.is_empty() => failure.hint("make one: securechat init HANDLE"),
        None => failure.hint(format!("there are: {}", existing.join(", "))),
    }
}
