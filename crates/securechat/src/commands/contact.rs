//! `contact`: whom this profile knows, and how far their keys are trusted.

use chat_core::{
    Client, Compared, Contact, DirectoryError, Error, Fingerprint, Handle, Published, SafetyNumber,
    TrustState,
};

use super::{block_on, handle, qr};
use crate::args::{ContactCommand, TrustArgs, VerifyArgs};
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::output::Console;
use crate::time::{local, rfc3339};

mod add;

pub(crate) fn run(context: &Context, command: &ContactCommand) -> Result<Exit, Failure> {
    if let ContactCommand::Add(args) = command {
        return block_on(add::run(context, args));
    }
    let opened = context.open()?;
    let console = context.console;
    match command {
        ContactCommand::Add(_) => {}
        ContactCommand::List => {
            let contacts = opened.client.contacts()?;
            if contacts.is_empty() {
                console.note("nobody is known yet");
            }
            contacts.iter().try_for_each(|contact| row(console, contact))?;
        }
        ContactCommand::Show { handle: who } => {
            show(console, &opened.client, &opened.client.contact(&handle(who)?)?)?;
        }
        ContactCommand::Verify(args) => return verify(console, &opened, args),
        ContactCommand::Trust(args) => return trust(console, &opened, args),
        ContactCommand::Block { handle: who, undo } => {
            let who = handle(who)?;
            opened.client.block(&who, !undo)?;
            row(console, &opened.client.contact(&who)?)?;
        }
        ContactCommand::Remove { handle: who } => {
            let who = handle(who)?;
            opened.client.forget_contact(&who)?;
            console
                .note(&format!("the keys of {who} are forgotten; the next one that comes counts"));
        }
    }
    Ok(Exit::Done)
}

fn row(console: Console, contact: &Contact) -> Result<(), Failure> {
    if console.json {
        return console.print_json(&fields(contact));
    }
    let blocked = if contact.blocked { ", blocked" } else { "" };
    let key = contact.fingerprint.map_or("no key yet".to_owned(), |key| key.to_string());
    let trust = format!("{}{blocked}", contact.trust.as_str());
    console.print(&format!("{:<20} {trust:<20} {key}", contact.handle.as_str()))?;
    doubts(contact).iter().try_for_each(|doubt| console.print(&format!("{:<20} {doubt}", "")))
}

fn fields(contact: &Contact) -> serde_json::Value {
    let lookalikes: Vec<&str> = contact.lookalikes.iter().map(Handle::as_str).collect();
    serde_json::json!({
        "v": 1, "type": "contact", "handle": contact.handle.as_str(), "trust": contact.trust.as_str(),
        "fingerprint": contact.fingerprint.map(|key| key.to_string()),
        "since": contact.since_ms.map(rfc3339), "presented": contact.presented.map(|key| key.to_string()),
        "blocked": contact.blocked, "last_heard": contact.last_heard_ms.map(rfc3339),
        "shared_key": contact.shared_key, "claims": printed(&contact.claims), "forked": contact.forked,
        "lookalikes": lookalikes,
    })
}

fn printed(prints: &[Fingerprint]) -> Vec<String> {
    prints.iter().map(ToString::to_string).collect()
}

/// What people should know before they take somebody for who the handle says.
fn doubts(contact: &Contact) -> Vec<String> {
    let mut doubts = Vec::new();
    if !contact.lookalikes.is_empty() {
        let alike: Vec<&str> = contact.lookalikes.iter().map(Handle::as_str).collect();
        doubts.push(format!("looks like {}", alike.join(", ")));
    }
    match contact.claims.len() {
        0 => {}
        1 => doubts.push("another key claims this handle".to_owned()),
        several if contact.fingerprint.is_none() => {
            doubts.push(format!("{several} keys claim this handle"));
        }
        several => doubts.push(format!("{several} other keys claim this handle")),
    }
    if contact.forked {
        doubts.push("the directory has shown two faces of this key".to_owned());
    }
    doubts
}

fn show(console: Console, client: &Client, contact: &Contact) -> Result<(), Failure> {
    let published = published(client, &contact.handle)?;
    if console.json {
        let mut fields = fields(contact);
        if let Some(object) = fields.as_object_mut() {
            object.insert("published".to_owned(), published.as_ref().map(published_json).into());
        }
        return console.print_json(&fields);
    }
    console.print(&format!("handle       {}", contact.handle))?;
    let blocked = if contact.blocked { ", blocked" } else { "" };
    console.print(&format!("trust        {}{blocked}", contact.trust.as_str()))?;
    if let (Some(key), Some(since)) = (contact.fingerprint, contact.since_ms) {
        console.print(&format!("fingerprint  {key}\nsince        {}", local(since)))?;
    }
    if let Some(other) = contact.presented {
        console.print(&format!("also came    {other}"))?;
    }
    contact.claims.iter().try_for_each(|key| console.print(&format!("also claims  {key}")))?;
    if contact.shared_key {
        console.print("protection   shared key")?;
    }
    match &published {
        Some(published) => {
            let devices = published.devices().len();
            let plural = if devices == 1 { "" } else { "s" };
            let until = local(published.valid_until_ms().cast_signed());
            console
                .print(&format!("published    {devices} device{plural}, valid until {until}"))?;
        }
        None => console.print("published    nothing that counts")?,
    }
    doubts(contact).iter().try_for_each(|doubt| console.print(&format!("careful      {doubt}")))?;
    match contact.last_heard_ms {
        Some(at) => console.print(&format!("last heard   {}", local(at))),
        None => Ok(()),
    }
}

/// What is known of what somebody has published; `None` if nothing is, or nothing that counts.
fn published(client: &Client, who: &Handle) -> Result<Option<Published>, Failure> {
    match client.published(who) {
        Ok(published) => Ok(Some(published)),
        Err(Error::Directory(
            DirectoryError::NotPublished { .. }
            | DirectoryError::Conflict { .. }
            | DirectoryError::OtherIdentity { .. }
            | DirectoryError::InboxKey { .. }
            | DirectoryError::Network(_),
        )) => Ok(None),
        Err(Error::Network(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn published_json(published: &Published) -> serde_json::Value {
    let time = |ms: u64| rfc3339(ms.cast_signed());
    serde_json::json!({
        "fingerprint": published.fingerprint().to_string(), "devices": published.devices(),
        "valid_until": time(published.valid_until_ms()),
        "key_package_made_at": published.key_package_made_at_ms().map(time),
    })
}

fn verify(console: Console, opened: &Opened, args: &VerifyArgs) -> Result<Exit, Failure> {
    let who = handle(&args.handle)?;
    if let Some(number) = &args.safety_number {
        let compared = opened.client.verify_number(&who, &parse_number(number)?)?;
        return told(console, opened, &who, compared);
    }
    if let Some(path) = &args.qr {
        let compared = opened.client.verify_qr(
            &who,
            &qr::read(path, "or compare the digits: securechat contact verify HANDLE")?,
        )?;
        return told(console, opened, &who, compared);
    }
    let verification = opened.client.verification(&who)?;
    let number = verification.safety_number();
    if console.json {
        console.print_json(&serde_json::json!({
            "v": 1, "type": "verification", "handle": who.as_str(), "safety_number": number.to_string(),
            "qr": verification.qr_payload(),
        }))?;
        return Ok(Exit::Done);
    }
    let digits = number.to_string();
    let groups: Vec<&str> = digits.split(' ').collect();
    for line in groups.chunks(4) {
        console.print(&format!("  {}", line.join("  ")))?;
    }
    qr::draw(&verification.qr_payload())?;
    console.note(&format!(
        "compare this with what {who} sees, in person or on the phone: securechat contact verify {}",
        opened.client.handle()
    ));
    console.note(&format!(
        "if it is the same: securechat contact verify {who} --safety-number '{number}'"
    ));
    Ok(Exit::Done)
}

fn told(
    console: Console,
    opened: &Opened,
    who: &Handle,
    compared: Compared,
) -> Result<Exit, Failure> {
    match compared {
        Compared::Match => {
            row(console, &opened.client.contact(who)?)?;
            console.note(&format!("{who} is verified"));
            Ok(Exit::Done)
        }
        Compared::OtherPeople => Err(Failure::new(
            Exit::Trust,
            "other_people",
            format!("this code is not of you and {who}"),
        )
        .hint(format!("let {who} show theirs: securechat contact verify {}", opened.client.handle()))),
        _ => Err(Failure::new(
            Exit::Trust,
            "not_the_same",
            format!("this is not the key that came under {who}: somebody else may be writing, or reading"),
        )
        .hint(format!("see what came: securechat contact show {who}"))),
    }
}

fn trust(console: Console, opened: &Opened, args: &TrustArgs) -> Result<Exit, Failure> {
    let who = handle(&args.handle)?;
    if let Some(number) = &args.safety_number {
        let compared = opened.client.verify_number(&who, &parse_number(number)?)?;
        return told(console, opened, &who, compared);
    }
    let before = opened.client.contact(&who)?;
    let contact = opened.client.trust(&who)?;
    row(console, &contact)?;
    if before.trust == TrustState::Changed {
        console.warn(&format!(
            "nobody has compared this key: it may be anybody's who calls himself {who}"
        ));
    }
    Ok(Exit::Done)
}

fn parse_number(text: &str) -> Result<SafetyNumber, Failure> {
    text.parse().map_err(|_| {
        Failure::usage("a safety number has 60 digits")
            .hint("see yours: securechat contact verify HANDLE")
    })
}
