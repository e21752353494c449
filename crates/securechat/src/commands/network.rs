//! `network`: making and showing one.

use std::path::Path;
use std::time::Duration;

use chat_core::{
    Client, ConnectionHints, Error, ErrorKind, Handle, KeyRotation, Namespace, Network, NetworkKey,
    NetworkOutcome, NewNetwork, WhyLeftOut, key_file,
};

use super::handle;
use crate::args::{NetworkCreateArgs, NetworkRotateArgs, NetworkShareKeyArgs};
use crate::config::split_list;
use crate::connection::Connection;
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::output::{Console, shell_word};

pub(crate) async fn create(context: &Context, args: &NetworkCreateArgs) -> Result<Exit, Failure> {
    let key = args.key.as_deref().map(read_key).transpose()?;
    let opened = context.open()?;
    let begun = opened.client.network()?;
    let namespace = namespace(args.namespace.as_deref(), begun.as_ref())?;
    let connection = connection(&opened, args, begun.as_ref())?;
    let transport = connection.open(context.console);
    let new = NewNetwork {
        namespace,
        brokers: connection.brokers().to_vec(),
        key,
        partitions: args.partitions,
        retention: args.retention,
        replication: args.replication,
        hints: connection.hints().clone(),
    };
    let outcome = opened.client.create_network(transport.as_ref(), new).await;
    match outcome.map_err(not_created)? {
        NetworkOutcome::Ready { network, warnings } => {
            warnings.iter().for_each(|warning| context.console.warn(warning));
            print(&network, context.console)?;
            context.console.note("next: securechat invite > invite.txt, and give that file to somebody over a safe way");
            Ok(Exit::Done)
        }
        NetworkOutcome::NeedsAdministrator { commands, reason, .. } => {
            for command in &commands {
                if context.console.json {
                    let line =
                        serde_json::json!({"v": 1, "type": "administrator", "command": command});
                    context.console.print_json(&line)?;
                } else {
                    context.console.print(command)?;
                }
            }
            let failure = format!("this principal may not make the network's topics: {reason}");
            Err(Failure::new(Exit::Broker, "needs_administrator", failure)
                .hint("have the cluster's administrator run the commands above")
                .hint("then finish: securechat network create"))
        }
        _ => Ok(Exit::Done),
    }
}

/// A cluster that takes no such topics was asked for something that it cannot have, now or when they were begun.
fn not_created(error: Error) -> Failure {
    let refused = error.kind() == ErrorKind::BrokerOther;
    let mut failure = Failure::from(error);
    let about = |what: &str| failure.message.to_lowercase().contains(what);
    let (copies, partitions) = (about("replica"), about("partition"));
    if refused && copies {
        let fewer = "ask for as many copies as there are brokers: securechat network create --replication 1";
        failure.hints.insert(0, fewer.to_owned());
    }
    if refused && partitions {
        let fewer = "ask for another number: securechat network create --partitions 16";
        failure.hints.insert(0, fewer.to_owned());
    }
    failure
}

pub(crate) fn show(context: &Context) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let network = opened.client.network()?.ok_or_else(|| opened.no_network())?;
    print(&network, context.console)?;
    Ok(Exit::Done)
}

pub(crate) async fn rotate(context: &Context, args: &NetworkRotateArgs) -> Result<Exit, Failure> {
    let (to, timeout) = (handles(&args.to)?, args.spread.timeout);
    let client = client(context)?;
    let rotation = client.rotate_network_key(&to, timeout).await?;
    let name = format!("the network has a new key: {}", rotation.key_id);
    hand_out(context, &client, (&rotation, &name, timeout)).await
}

pub(crate) async fn share_key(
    context: &Context,
    args: &NetworkShareKeyArgs,
) -> Result<Exit, Failure> {
    let (to, timeout) = (handles(&args.to)?, args.spread.timeout);
    let client = client(context)?;
    let rotation = client.share_network_key(&to, timeout).await?;
    let name = format!("the key of the network is {}", rotation.key_id);
    hand_out(context, &client, (&rotation, &name, timeout)).await
}

fn client(context: &Context) -> Result<Client, Failure> {
    let opened = context.open()?;
    opened.connect(context.console)
}

fn handles(texts: &[String]) -> Result<Vec<Handle>, Failure> {
    texts.iter().map(|text| handle(text)).collect()
}

/// Brings a network key to whom it was handed, and says who that is.
async fn hand_out(
    context: &Context,
    client: &Client,
    (rotation, said, timeout): (&KeyRotation, &str, Duration),
) -> Result<Exit, Failure> {
    let console = context.console;
    let spread = client.spread_network_key(timeout).await?;
    if console.json {
        let left_out = rotation.left_out.iter().map(
            |left| serde_json::json!({ "handle": left.handle.as_str(), "why": why_word(left.why) }),
        );
        let left_out: Vec<_> = left_out.collect();
        let sent_to: Vec<&str> = rotation.sent_to.iter().map(Handle::as_str).collect();
        console.print_json(&serde_json::json!({
            "v": 1, "type": "network_key", "key_id": rotation.key_id.to_string(), "number": rotation.number,
            "dropped": rotation.dropped.map(|dropped| dropped.to_string()), "sent_to": sent_to, "left_out": left_out, "looked_up": rotation.looked_up, "spread": spread,
        }))?;
        return Ok(Exit::Done);
    }
    console.print(said)?;
    if !rotation.sent_to.is_empty() {
        let names: Vec<&str> = rotation.sent_to.iter().map(Handle::as_str).collect();
        console.print(&format!("on its way to {}", names.join(", ")))?;
    }
    for left in &rotation.left_out {
        console.print(&why_not(&left.handle, left.why))?;
    }
    if let Some(dropped) = rotation.dropped {
        console.warn(&format!(
            "three keys are kept: what still comes under {dropped} is not read any more"
        ));
    }
    if !rotation.looked_up {
        console.warn("the directory could not be read: who is left out may have published keys by now; then: securechat network share-key HANDLE");
    }
    if !spread {
        console.warn("not all of it has reached the broker; the next send or listen goes on");
    }
    console.note("everybody else needs a new invite within 30 days, and invites from before are of no use by then: securechat invite");
    Ok(Exit::Done)
}

fn why_word(why: WhyLeftOut) -> &'static str {
    match why {
        WhyLeftOut::NotVerified => "not_verified",
        WhyLeftOut::NotPublished => "not_published",
        WhyLeftOut::KeyChanged => "key_changed",
        WhyLeftOut::Blocked => "blocked",
        _ => "other",
    }
}

fn why_not(handle: &Handle, why: WhyLeftOut) -> String {
    match why {
        WhyLeftOut::NotVerified => format!(
            "not to {handle}, whose key was never compared: securechat contact verify {handle}, then securechat network share-key {handle}"
        ),
        WhyLeftOut::NotPublished => {
            format!("not to {handle}, of whom no keys are known: they need a new invite")
        }
        WhyLeftOut::KeyChanged => format!(
            "not to {handle}, whose key has changed: securechat contact trust {handle}, then securechat network share-key {handle}"
        ),
        WhyLeftOut::Blocked => format!("not to {handle}, who is blocked"),
        _ => format!("not to {handle}"),
    }
}

/// The one that is named, or that was begun before, or the usual one.
fn namespace(named: Option<&str>, begun: Option<&Network>) -> Result<Namespace, Failure> {
    match (named, begun) {
        (Some(text), _) => text.parse().map_err(|error| {
            Failure::new(Exit::Usage, "bad_namespace", format!("{text:?} is no namespace: {error}"))
                .hint("take another: securechat network create --namespace NAME")
        }),
        (None, Some(network)) => Ok(network.namespace().clone()),
        (None, None) => Ok(Namespace::default()),
    }
}

fn connection(
    opened: &Opened,
    args: &NetworkCreateArgs,
    begun: Option<&Network>,
) -> Result<Connection, Failure> {
    let mut settings = opened.settings.clone();
    settings.security = args.security.clone().or(settings.security);
    let brokers = args.brokers.as_deref().map(split_list).or_else(|| settings.brokers.clone());
    let brokers = brokers.or_else(|| begun.map(|network| network.brokers().to_vec()));
    let brokers = brokers.ok_or_else(|| {
        Failure::usage("no broker is named")
            .hint("name one: securechat network create --brokers localhost:9092")
    })?;
    let hints = begun.map_or_else(ConnectionHints::default, |network| network.connection().clone());
    Connection::new(&settings, &brokers, &hints)
}

fn print(network: &Network, console: Console) -> Result<(), Failure> {
    let hints = network.connection();
    let security =
        hints.security.map_or("plaintext, to this machine only", |security| security.as_str());
    let state =
        if network.is_pending() { "pending: its topics are still to be made" } else { "ready" };
    let older: Vec<String> = network.older_keys().iter().map(ToString::to_string).collect();
    if console.json {
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "network", "namespace": network.namespace().as_str(), "brokers": network.brokers(),
            "partitions": network.partitions(), "max_record": network.max_record(),
            "key_id": network.key_id().to_string(), "key_number": network.key_number(),
            "older_keys": older, "security": hints.security.map(|security| security.as_str()),
            "topics": [network.mail_topic().as_str(), network.directory_topic().as_str()],
            "protection": "mls", "pending": network.is_pending(),
        }));
    }
    console.print(&format!(
        "network     {}\nstate       {state}\nbrokers     {}\nsecurity    {security}\ntopics      {}, {}\n\
         partitions  {}\nlargest     {} bytes a record\nkey id      {}{}\n\
         protection  MLS between people who have published their keys; else the shared key, without forward secrecy",
        network.namespace(),
        network.brokers().join(","),
        network.mail_topic(),
        network.directory_topic(),
        network.partitions(),
        network.max_record(),
        network.key_id(),
        match older.as_slice() {
            [] => String::new(),
            older => format!(", number {}; read as well: {}", network.key_number(), older.join(", ")),
        },
    ))
}

fn read_key(path: &Path) -> Result<NetworkKey, Failure> {
    let limit = u64::try_from(key_file::MAX_LEN).unwrap_or(u64::MAX);
    let bytes = chat_core::private_file::read(path, limit).map_err(|error| {
        let mut failure = Failure::from(Error::from(error));
        if failure.exit == Exit::Nothing {
            failure.exit = Exit::Usage;
        }
        failure
    })?;
    key_file::parse(&bytes).map_err(|error| {
        let exit = match error {
            key_file::KeyFileError::Damaged { .. } => Exit::Authentication,
            _ => Exit::Usage,
        };
        let path = path.display().to_string();
        Failure::new(exit, "key_file", format!("{path}: {error}"))
            .hint(format!("compare it with its source: sha256sum {}", shell_word(&path)))
    })
}
