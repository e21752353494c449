//! `device`: the devices of one person.

use std::time::Duration;

use chat_core::{
    Client, Device, DeviceCode, Error, HistoryQuery, LinkOutcome, ListenFrom, OfferState, Seq,
};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::invite::is_loopback;
use super::secret_line::SecretLine;
use super::{block_on, handle, qr};
use crate::args::{DeviceAddArgs, DeviceCommand, DeviceLinkArgs, DeviceRemoveArgs};
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};
use crate::passphrase::{self, Purpose};
use crate::time::local;

pub(crate) fn run(context: &Context, command: &DeviceCommand) -> Result<Exit, Failure> {
    match command {
        DeviceCommand::Add(args) => block_on(add(context, args)),
        DeviceCommand::Link(args) => link(context, args),
        DeviceCommand::List => list(context),
        DeviceCommand::Remove(args) => block_on(remove(context, args)),
    }
}

async fn add(context: &Context, args: &DeviceAddArgs) -> Result<Exit, Failure> {
    let (opened, console) = (context.open()?, context.console);
    let client = opened.connect(console)?;
    let code = client.offer_device(args.expires)?;
    let line = code.to_line();
    if code.brokers().iter().all(|broker| is_loopback(broker)) {
        console.warn("all servers of this network are this machine: the code is of use here only");
    }
    if args.qr {
        qr::draw(&line).map_err(|failure| {
            failure.hint("it carries a certificate authority; hand over the line instead: securechat device add > code.txt")
        })?;
    }
    let until = local(i64::try_from(code.expires_ms()).unwrap_or(i64::MAX));
    if console.json {
        console.print_json(&serde_json::json!({
            "v": 1, "type": "device_code", "code": line.as_str(), "expires_ms": code.expires_ms(),
        }))?;
    } else {
        console.print(&line)?;
    }
    console.note("it is a secret: whoever uses it first is a device of yours, and reads what you read from then on");
    console.note(&format!("on the new device, before {until}: securechat device link"));
    if args.no_wait {
        return Ok(Exit::Done);
    }
    await_device(&client, (&code, args.expires), console).await
}

/// Listens until the new device is linked and in all conversations.
async fn await_device(
    client: &Client,
    (code, expires): (&DeviceCode, Duration),
    console: Console,
) -> Result<Exit, Failure> {
    let known = client.devices()?.len();
    let newest =
        client.history(&HistoryQuery { limit: Some(1), ..HistoryQuery::default() }, |_| true)?;
    let newest = newest.last().map_or(Seq::ZERO, |item| item.seq);
    let mut listener = client.listen(ListenFrom::After(newest))?;
    let mut interrupted = std::pin::pin!(super::interrupted());
    let mut deadline = Instant::now() + expires;
    let mut taken = false;
    loop {
        tokio::select! {
            biased;
            () = &mut interrupted => {
                client.withdraw_offer(code)?;
                return Ok(Exit::Interrupted);
            }
            event = listener.next() => drop(event?),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        let state = client.offer_state(code)?;
        if !taken && state == OfferState::Taken {
            (taken, deadline) = (true, Instant::now() + JOINING);
            console.note("the new device has answered; it is brought into your conversations");
        }
        let devices = client.devices()?;
        let is_in = devices.len() > known && devices.iter().all(|device| device.can_join);
        let is_over = Instant::now() >= deadline;
        if taken && ((is_in && client.groups_behind()? == 0) || is_over) {
            if let Some(device) = devices.last().filter(|_| devices.len() > known) {
                match console.json {
                    true => show(console, device)?,
                    false => console.note(&format!("linked: {}", named(device))),
                }
            }
            if is_over {
                console.note("what is left is done by: securechat listen");
            }
            return Ok(Exit::Done);
        }
        if state == OfferState::Gone || (!taken && is_over) {
            client.withdraw_offer(code)?;
            return Err(Failure::new(
                Exit::Nothing,
                "not_used",
                "nobody has used the code in time",
            )
            .hint("make another one: securechat device add"));
        }
    }
}

fn link(context: &Context, args: &DeviceLinkArgs) -> Result<Exit, Failure> {
    let opened = match waiting(context, args)? {
        // The last run was interrupted behind the answer.
        Some(opened) if !opened.client.is_linking()? => {
            return linked(context.console, &opened, true);
        }
        Some(opened) => opened,
        None => make(context, args)?,
    };
    block_on(async { go_on(context, &opened, args.timeout).await })
}

/// The profile that waits to be linked, or was linked, if no code is given.
fn waiting(context: &Context, args: &DeviceLinkArgs) -> Result<Option<Opened>, Failure> {
    if args.from.is_some() || args.qr.is_some() {
        return Ok(None);
    }
    let Ok(name) = context.profile_name() else { return Ok(None) };
    let is_named = context.globals.profile.is_some();
    let opened = match context.open() {
        Ok(opened) => opened,
        Err(failure) if is_named => return Err(failure),
        Err(_) => return Ok(None),
    };
    if opened.client.is_linking()? || opened.client.is_linked()? {
        return Ok(Some(opened));
    }
    match is_named {
        true => Err(taken(&name)),
        false => Ok(None),
    }
}

/// Makes the profile that the code is for.
fn make(context: &Context, args: &DeviceLinkArgs) -> Result<Opened, Failure> {
    let line = match &args.qr {
        Some(picture) => Zeroizing::new(qr::read(
            picture,
            "or hand over the line: securechat device add > code.txt",
        )?),
        None => CODE.read(context, args.from.as_deref())?,
    };
    let code: DeviceCode = line.parse().map_err(Error::from)?;
    let name = context.globals.profile.as_deref().unwrap_or(code.handle().as_str());
    let name = handle(name)?;
    if context.places.profiles()?.iter().any(|profile| profile == name.as_str()) {
        return Err(taken(name.as_str()));
    }
    let passphrase = match args.no_passphrase {
        true => None,
        false => Some(passphrase::obtain(&context.globals, name.as_str(), Purpose::Create)?),
    };
    let folder = context.places.profile(name.as_str());
    let label = args.label.as_deref().unwrap_or(name.as_str());
    let client = Client::create_device(args.store, &folder, (&code, label), passphrase.as_ref())?;
    let settings = context.config.settings(name.as_str());
    let name = name.to_string();
    context.console.note(&format!("profile {name} is in {}", folder.display()));
    Ok(Opened { name, client, settings })
}

async fn go_on(context: &Context, opened: &Opened, timeout: Duration) -> Result<Exit, Failure> {
    let console = context.console;
    let client = opened.connect(console)?;
    console.note(&format!("waiting for the first device of {}", client.handle()));
    let outcome = tokio::select! {
        biased;
        () = super::interrupted() => return Ok(Exit::Interrupted),
        outcome = client.link(timeout) => outcome?,
    };
    if outcome == LinkOutcome::Waiting {
        let profile = &opened.name;
        return Err(Failure::new(
            Exit::Broker,
            "not_linked",
            "the device that has made the code does not answer",
        )
        .hint("let it wait for this one: securechat device add, or securechat listen")
        .hint(format!("then go on here: securechat --profile {profile} device link")));
    }
    linked(console, opened, outcome == LinkOutcome::Linked)
}

/// Says that a profile is a device.
fn linked(console: Console, opened: &Opened, published: bool) -> Result<Exit, Failure> {
    let client = &opened.client;
    let fingerprint = client.identity()?.fingerprint().to_string();
    if console.json {
        console.print_json(&serde_json::json!({
            "v": 1, "type": "linked", "profile": opened.name, "handle": client.handle().as_str(),
            "fingerprint": fingerprint, "published": published,
        }))?;
    } else {
        console.note(&format!(
            "this is a device of {} now, whose key is {fingerprint}",
            client.handle()
        ));
        console.note("what was written before stays on the other devices");
        console.note("next: securechat listen");
    }
    Ok(Exit::Done)
}

fn list(context: &Context) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let devices = opened.client.devices()?;
    if devices.is_empty() {
        return Err(Failure::new(
            Exit::Nothing,
            "not_found",
            "nothing of this profile is published yet",
        )
        .hint("publish it: securechat listen --timeout 5s"));
    }
    devices.iter().try_for_each(|device| show(context.console, device))?;
    opened.client.check_device()?;
    Ok(Exit::Done)
}

async fn remove(context: &Context, args: &DeviceRemoveArgs) -> Result<Exit, Failure> {
    let (opened, console) = (context.open()?, context.console);
    let client = opened.connect(console)?;
    let device = client.remove_device(&args.id)?;
    let is_told = client.spread_devices(args.timeout).await?;
    let groups = client.groups_behind()?;
    if console.json {
        console.print_json(&serde_json::json!({
            "v": 1, "type": "device_removed", "id": device.id, "published": is_told,
            "groups_behind": groups,
        }))?;
    } else {
        console.note(&format!("{} is no device of yours any more", named(&device)));
    }
    if !is_told {
        console.warn("the broker does not know it yet");
    }
    if groups > 0 {
        console.note(&format!("conversations that do not come back without it yet: {groups}"));
    }
    if !is_told || groups > 0 {
        console.note("what is left is done by: securechat listen");
    }
    Ok(Exit::Done)
}

fn show(console: Console, device: &Device) -> Result<(), Failure> {
    if console.json {
        let label = device.label.as_ref().map(|label| label.expose());
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "device", "id": device.id, "label": label,
            "this": device.is_self, "can_join": device.can_join,
        }));
    }
    let mut marks = Vec::new();
    if let Some(label) = &device.label {
        marks.push(one_line(label.expose()).into_owned());
    }
    if device.is_self {
        marks.push("this device".to_owned());
    }
    if !device.can_join {
        marks.push("has published no keys yet".to_owned());
    }
    console.print(format!("{}  {}", device.id, marks.join(", ")).trim_end())
}

/// A device by what people know of it.
fn named(device: &Device) -> String {
    match &device.label {
        Some(label) => format!("{} ({})", device.id, one_line(label.expose())),
        None => device.id.clone(),
    }
}

fn taken(name: &str) -> Failure {
    Failure::new(Exit::Usage, "profile_exists", format!("there is a profile {name} already"))
        .hint("give the device a profile of its own: securechat --profile NAME device link FILE")
}

const CODE: SecretLine = SecretLine {
    name: "a device code",
    prefix: DeviceCode::PREFIX,
    taken_by: "securechat device link",
    made_by: "securechat device add --no-wait",
    max: DeviceCode::MAX_LEN,
};

/// How often the store is looked at while a new device is awaited.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a new device is waited for once it has used its code.
const JOINING: Duration = Duration::from_secs(60);
