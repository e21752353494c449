//! `doctor`: every step that a conversation needs, one line each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chat_core::chat_transport::{KafkaTransport, Partition, TimestampType, TopicInfo, Transport};
use chat_core::{Client, Contact, Network};

use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};
use crate::time::local;

mod repair;

pub(crate) async fn run(context: &Context, repair: bool) -> Result<Exit, Failure> {
    let mut checks = Checks { console: context.console, worst: Exit::Done };
    let config = context.places.config();
    let there = if config.exists() { "" } else { " (there is none, and none is needed)" };
    checks.good("config", &format!("{}{there}", config.display()))?;
    if repair && !repair::run(context, &mut checks)? {
        return Ok(checks.worst);
    }
    let Some(opened) = checks.step("profile", context.open())? else { return Ok(checks.worst) };
    checks.good("profile", &format!("{}, handle {}", opened.name, opened.client.handle()))?;
    permissions(&mut checks, &context.places.profile(&opened.name))?;
    store(&mut checks, &opened.client)?;
    let network = opened.client.network()?;
    let Some(network) = checks.step("network", network.ok_or_else(|| opened.no_network()))? else {
        return Ok(checks.worst);
    };
    checks.good("network", &format!("{}, key {}", network.namespace(), network.key_id()))?;
    outbox(&mut checks, &opened.client)?;
    cluster(&mut checks, context.console, &opened, &network).await?;
    Ok(checks.worst)
}

/// The lines, and the worst exit code of all.
struct Checks {
    console: Console,
    worst: Exit,
}

impl Checks {
    fn good(&self, name: &str, detail: &str) -> Result<(), Failure> {
        self.line("ok", name, detail, &[])
    }

    fn doubtful(&self, name: &str, detail: &str) -> Result<(), Failure> {
        self.line("warn", name, detail, &[])
    }

    fn bad(&mut self, name: &str, failure: &Failure) -> Result<(), Failure> {
        self.worst = self.worst.max(failure.exit);
        // Elsewhere these lead here.
        let elsewhere = |hint: &&String| !hint.ends_with("securechat doctor");
        let mut hints: Vec<String> = failure.hints.iter().filter(elsewhere).cloned().collect();
        if failure.code == "store_damaged" && name != "repair" {
            hints.push("save what is whole: securechat doctor --repair".to_owned());
        }
        if hints.is_empty() && failure.exit == Exit::Store {
            hints.push("keep a copy of the profile's folder before anything else".to_owned());
        }
        self.line("FAIL", name, &failure.message, &hints)
    }

    /// The value, or a line about why there is none.
    fn step<T>(&mut self, name: &str, result: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(failure) => self.bad(name, &failure).map(|()| None),
        }
    }

    fn line(&self, state: &str, name: &str, detail: &str, hints: &[String]) -> Result<(), Failure> {
        if self.console.json {
            return self.console.print_json(&serde_json::json!({
                "v": 1, "type": "check", "state": state.to_lowercase(), "name": name, "detail": detail, "hints": hints,
            }));
        }
        self.console.print(&format!("{state:<4}  {name:<12} {}", one_line(detail)))?;
        hints
            .iter()
            .try_for_each(|hint| self.console.print(&format!("      hint: {}", one_line(hint))))
    }
}

fn permissions(checks: &mut Checks, folder: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for name in ["vault.key", "store.db", "store.sled"] {
            let path = folder.join(name);
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                let said = format!("{} is readable by others (mode {mode:03o})", path.display());
                let failure = Failure::new(Exit::Store, "loose_permissions", said);
                let word = crate::output::shell_word(&path.display().to_string());
                checks.bad(
                    "permissions",
                    &failure.hint(format!("make it yours alone: chmod 600 {word}")),
                )?;
                return Ok(());
            }
        }
    }
    checks.good("permissions", &format!("{} is yours alone", folder.display()))
}

fn store(checks: &mut Checks, client: &Client) -> Result<(), Failure> {
    let Some(report) = checks.step("store", client.verify().map_err(Failure::from))? else {
        return Ok(());
    };
    if client.was_restored() {
        checks.doubtful(
            "store",
            "its newest changes were gone, or it was copied: messages go on as a new stream, and the history says so",
        )?;
    }
    if report.is_sound() {
        return checks.good("store", &format!("{} rows, every one of them whole", report.rows));
    }
    for damage in report.damage.iter().take(MOST_DAMAGE) {
        let failure = Failure::new(
            Exit::Store,
            "store_damaged",
            format!("{}: {}", damage.table, damage.what),
        );
        checks.bad(
            "store",
            &failure.hint("keep a copy of the profile's folder before anything else"),
        )?;
    }
    match report.damage.len().saturating_sub(MOST_DAMAGE) {
        0 => Ok(()),
        more => checks.doubtful("store", &format!("and {more} more")),
    }
}

/// Whether others can find this profile.
async fn published(checks: &mut Checks, client: &Client) -> Result<(), Failure> {
    let asked = client.own_publication(PATIENCE).await.map_err(Failure::from);
    let Some(own) = checks.step("published", asked)? else { return Ok(()) };
    if checks.step("device", client.check_device().map_err(Failure::from))?.is_none() {
        return Ok(());
    }
    match own {
        Some(own) if own.on_log => {
            let until = local(own.valid_until_ms.cast_signed());
            let devices = own.devices;
            checks.good("published", &format!("{devices} devices, valid until {until}"))
        }
        Some(_) => checks.doubtful(
            "published",
            "the directory does not show what this profile has published; a listen publishes it again",
        ),
        None => checks.doubtful(
            "published",
            "nothing yet: nobody finds this profile in the directory; a listen or send publishes it",
        ),
    }?;
    contested(checks, client)
}

/// Whether others claim the handles of contacts.
fn contested(checks: &mut Checks, client: &Client) -> Result<(), Failure> {
    let Some(contacts) = checks.step("contacts", client.contacts().map_err(Failure::from))? else {
        return Ok(());
    };
    let doubtful = |contact: &&Contact| !contact.claims.is_empty() || contact.forked;
    contacts.iter().filter(doubtful).try_for_each(|contact| {
        let (handle, claims) = (&contact.handle, contact.claims.len());
        let what = match (claims, contact.forked) {
            (0, _) => format!("the directory has shown two faces of the key of {handle}"),
            (_, _) => format!("{claims} keys claim {handle} that do not count; see: securechat contact show {handle}"),
        };
        checks.doubtful("contacts", &what)
    })
}

/// How long the directory may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Damaged places that are told one by one.
const MOST_DAMAGE: usize = 20;

fn outbox(checks: &mut Checks, client: &Client) -> Result<(), Failure> {
    match client.outbox()?.len() {
        0 => checks.good("outbox", "empty"),
        waiting => checks.doubtful(
            "outbox",
            &format!("{waiting} messages wait; a send or listen delivers them"),
        ),
    }
}

async fn cluster(
    checks: &mut Checks,
    console: Console,
    opened: &Opened,
    network: &Network,
) -> Result<(), Failure> {
    let Some(connection) = checks.step("connection", opened.connection())? else { return Ok(()) };
    let transport = connection.open(console);
    for (name, topic) in [("mail", network.mail_topic()), ("directory", network.directory_topic())]
    {
        let asked = transport
            .topic(&topic)
            .await
            .map_err(|error| Failure::from(chat_core::Error::from(error)));
        let Some(info) = checks.step(name, asked)? else { return Ok(()) };
        let detail =
            format!("{topic}, {} partitions, {} copies", info.partitions, info.replication);
        let problems = problems(name, &info, network);
        if problems.is_empty() {
            checks.good(name, &detail)?;
        }
        for problem in problems {
            checks
                .bad(name, &Failure::new(Exit::Broker, "topic", format!("{topic}: {problem}")))?;
        }
        if info.settings.as_ref().is_some_and(|settings| settings.compressed == Some(true)) {
            checks.doubtful(name, "compression.type should be uncompressed: strangers' batches are unpacked by readers")?;
        }
        if let (true, Some(least)) = (
            info.replication >= 3,
            info.settings.as_ref().and_then(|settings| settings.min_insync_replicas),
        ) && least < 2
        {
            checks.doubtful(name, "min.insync.replicas should be 2: what one broker alone has acknowledged dies with it")?;
        }
        if info.settings.is_none() {
            checks.doubtful(name, "this principal may not see the topic's settings")?;
        }
    }
    bounds(checks, &transport, network).await?;
    let transport: Arc<dyn Transport> = transport;
    published(checks, &opened.client.connect(transport)).await
}

fn problems(name: &str, info: &TopicInfo, network: &Network) -> Vec<String> {
    let mut problems = Vec::new();
    if name == "mail" && info.partitions < network.partitions().get() {
        problems.push(format!(
            "it has {} partitions, and needs {}",
            info.partitions,
            network.partitions()
        ));
    }
    let Some(settings) = &info.settings else { return problems };
    if settings.timestamp_type == Some(TimestampType::Create) {
        problems.push("message.timestamp.type must be LogAppendTime".to_owned());
    }
    if settings.compacted.is_some_and(|compacted| compacted != (name == "directory")) {
        problems.push("its cleanup.policy is wrong".to_owned());
    }
    if name == "mail" && settings.max_record_bytes.is_some_and(|limit| limit < network.max_record())
    {
        problems
            .push(format!("its max.message.bytes is below the network's {}", network.max_record()));
    }
    problems
}

async fn bounds(
    checks: &mut Checks,
    transport: &KafkaTransport,
    network: &Network,
) -> Result<(), Failure> {
    let partitions: Vec<Partition> = (0..network.partitions().get()).map(Partition).collect();
    let asked = transport.bounds(&network.mail_topic(), &partitions).await;
    let asked = asked.map_err(|error| Failure::from(chat_core::Error::from(error)));
    let Some(bounds) = checks.step("log", asked)? else { return Ok(()) };
    let records: u64 =
        bounds.iter().map(|bounds| bounds.end.0.saturating_sub(bounds.start.0)).sum();
    checks.good("log", &format!("{records} records in {} partitions", bounds.len()))
}
