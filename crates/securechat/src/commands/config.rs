//! `config`: what is set, and where.

use crate::args::ConfigCommand;
use crate::config::Settings;
use crate::connection;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};
use crate::places::Places;

pub(crate) fn run(context: &Context, command: ConfigCommand) -> Result<Exit, Failure> {
    let console = context.console;
    match command {
        ConfigCommand::Path => path(&context.places, console)?,
        ConfigCommand::Show => {
            let profile = context.profile_name().ok();
            let settings = context.config.settings(profile.as_deref().unwrap_or_default());
            let rows = rows(&settings);
            if console.json {
                let set: serde_json::Map<_, _> =
                    rows.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
                console.print_json(&serde_json::json!({"v": 1, "type": "settings", "profile": profile, "settings": set}))?;
            } else {
                console.note(&format!("profile {}", profile.as_deref().unwrap_or("(none chosen)")));
                for (key, value) in rows {
                    console.print(&format!(
                        "{key} = {}",
                        value.map_or("(not set)".to_owned(), |v| one_line(&v).into_owned())
                    ))?;
                }
            }
        }
        ConfigCommand::Check => check(context)?,
    }
    Ok(Exit::Done)
}

/// Where things lie; works with a configuration that is broken, too.
pub(crate) fn path(places: &Places, console: Console) -> Result<(), Failure> {
    if console.json {
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "places", "config": places.config(), "data": places.data(),
        }));
    }
    console.print(&places.config().display().to_string())?;
    console.note(&format!("data is in {}", places.data().display()));
    Ok(())
}

/// The file was read before the command began; what it says must make sense, for every profile.
fn check(context: &Context) -> Result<(), Failure> {
    for profile in std::iter::once("").chain(context.config.tables()) {
        connection::check(&context.config.settings(profile))?;
    }
    let file = context.places.config();
    if context.console.json {
        return context.console.print_json(&serde_json::json!({
            "v": 1, "type": "check", "state": "ok", "name": "configuration", "detail": file, "hints": [],
        }));
    }
    context.console.note(&format!("{} is fine", file.display()));
    Ok(())
}

/// Every key with its value; passwords are not among the keys.
fn rows(settings: &Settings) -> Vec<(&'static str, Option<String>)> {
    let path =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let values = [
        settings.brokers.as_ref().map(|brokers| brokers.join(",")),
        settings.security.clone(),
        path(&settings.ca_file),
        path(&settings.cert_file),
        path(&settings.key_file),
        settings.sasl_mechanism.clone(),
        settings.sasl_username.clone(),
        path(&settings.sasl_password_file),
        settings.sasl_password_command.clone(),
    ];
    Settings::KEYS.into_iter().zip(values).collect()
}
