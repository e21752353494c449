//! `doctor --repair`: a damaged store is made anew from what is whole of it.

use chat_core::{Client, Repair};

use super::Checks;
use crate::context::Context;
use crate::failure::Failure;

/// Repairs the profile's store if it needs it; whether it is of use now.
pub(super) fn run(context: &Context, checks: &mut Checks) -> Result<bool, Failure> {
    let name = context.profile_name()?;
    let folder = context.places.profile(&name);
    let passphrase = context.passphrase(&name)?;
    let sound = |client: Client| client.verify().is_ok_and(|report| report.is_sound());
    match Client::open(&folder, passphrase.as_ref()) {
        Ok(client) if sound(client.clone()) => {
            checks.good("repair", "nothing is damaged, and nothing was changed")?;
            return Ok(true);
        }
        // Closed again by now: repairing needs the profile alone.
        Ok(_) => {}
        Err(error) => checks.doubtful("repair", &error.to_string())?,
    }
    let repaired = Client::repair(&folder, passphrase.as_ref()).map_err(|error| {
        let failure = Failure::from(error);
        if failure.code != "store_damaged" {
            return failure;
        }
        // Repairing again would end the same.
        let folder = crate::output::shell_word(&folder.display().to_string());
        Failure { hints: Vec::new(), ..failure }.hint(format!(
            "put back a copy of {folder}, or keep it aside and begin anew: securechat init HANDLE"
        ))
    });
    let Some(repaired) = checks.step("repair", repaired)? else { return Ok(false) };
    tell(checks, &repaired)?;
    Ok(true)
}

fn tell(checks: &Checks, repair: &Repair) -> Result<(), Failure> {
    let Repair { report, kept_at, .. } = repair;
    checks.good("repair", &format!("{} rows were saved into a new store", report.kept))?;
    for (table, rows) in &report.unauthentic {
        checks.doubtful(
            "repair",
            &format!("{table}: {rows} rows are gone: they were not what was written"),
        )?;
    }
    for table in &report.unreadable {
        checks.doubtful("repair", &format!("{table}: part of it cannot be read, and is gone"))?;
    }
    for (first, last) in &report.history {
        let rows =
            if first == last { format!("row {first}") } else { format!("rows {first} to {last}") };
        checks.doubtful(
            "repair",
            &format!("{rows} of the history are gone; each is marked as lost"),
        )?;
    }
    checks.good("repair", &format!("the damaged store is kept in {}", kept_at.display()))?;
    checks.good("repair", "messages from now on are a new stream; what is gone stays marked as lost, and the broker is read on from where the store knows to be")
}
