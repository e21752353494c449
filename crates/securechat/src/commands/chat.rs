//! `chat`: groups with a name.

use std::time::Duration;

use chat_core::{Client, Group, GroupChange, GroupDetail, GroupStanding, Handle};

use super::{block_on, group_named, handle};
use crate::args::{ChatCommand, RequestCommand, Wait};
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::output::{Console, human};

pub(crate) fn run(context: &Context, command: &ChatCommand) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let (client, console) = (&opened.client, context.console);
    match command {
        ChatCommand::List => list(console, &client.groups()?, "this profile is in no group"),
        ChatCommand::Requests { what: None } => {
            list(console, &client.requests()?, "no group of a stranger waits")
        }
        ChatCommand::Show { group } => show(console, &client.group(&group_named(client, group)?)?),
        ChatCommand::Admins { group, add, remove, .. } if add.is_empty() && remove.is_empty() => {
            admins(console, &client.group(&group_named(client, group)?)?)
        }
        command => {
            look_up(context, &opened, command)?;
            let (changed, said, wait) = change(client, command)?;
            finish(context, &opened, &changed, (said, wait))
        }
    }
}

/// Reads what those who are invited have published by now. A broker that does not answer is no error: what is known
/// counts.
fn look_up(context: &Context, opened: &Opened, command: &ChatCommand) -> Result<(), Failure> {
    let (handles, wait) = match command {
        ChatCommand::Create { handles, wait, .. } => (each(handles)?, wait),
        ChatCommand::Invite(args) => (each(&args.handles)?, &args.wait),
        _ => return Ok(()),
    };
    if wait.no_wait || handles.is_empty() {
        return Ok(());
    }
    block_on(async {
        let client = opened.connect(context.console)?;
        for handle in &handles {
            if client.refresh(handle, LOOK_UP.min(wait.timeout)).await.is_err() {
                break;
            }
        }
        Ok(Exit::Done)
    })
    .map(drop)
}

/// How long one lookup may take.
const LOOK_UP: Duration = Duration::from_secs(3);

/// Changes a group; what that is told as, and how long to wait for the broker.
fn change(
    client: &Client,
    command: &ChatCommand,
) -> Result<(GroupChange, &'static str, Wait), Failure> {
    let named = |group: &str| group_named(client, group);
    Ok(match command {
        ChatCommand::Create { name, handles, wait } => {
            (client.create_group(name, &each(handles)?)?, "is made", *wait)
        }
        ChatCommand::Invite(args) => {
            (client.invite_to(&named(&args.group)?, &each(&args.handles)?)?, ON_ITS_WAY, args.wait)
        }
        ChatCommand::Remove(args) => {
            let changed = client.remove_from(&named(&args.group)?, &each(&args.handles)?)?;
            (changed, ON_ITS_WAY, args.wait)
        }
        ChatCommand::Rename { group, name, wait } => {
            (client.rename_group(&named(group)?, name)?, ON_ITS_WAY, *wait)
        }
        ChatCommand::Admins { group, add, remove, wait } => {
            let changed = client.set_admins(&named(group)?, &each(add)?, &each(remove)?)?;
            (changed, ON_ITS_WAY, *wait)
        }
        ChatCommand::Leave(args) => {
            let changed = client.leave_group(&named(&args.group)?)?;
            let said = match changed.rows {
                0 => "is forgotten: nobody else was in it",
                _ => "is left once a member has taken it up",
            };
            (changed, said, args.wait)
        }
        ChatCommand::Requests { what: Some(RequestCommand::Accept(args)) } => {
            (client.accept_request(&named(&args.group)?)?, "is accepted", args.wait)
        }
        ChatCommand::Requests { what: Some(RequestCommand::Decline(args)) } => {
            (client.decline_request(&named(&args.group)?)?, "is declined", args.wait)
        }
        ChatCommand::List | ChatCommand::Show { .. } | ChatCommand::Requests { what: None } => {
            return Err(Failure::new(Exit::Internal, "internal", "this command changes nothing"));
        }
    })
}

const ON_ITS_WAY: &str = "changes once this has come back: securechat listen";

/// Delivers what a change has put into the outbox, and says what became of it.
fn finish(
    context: &Context,
    opened: &Opened,
    changed: &GroupChange,
    (said, wait): (&str, Wait),
) -> Result<Exit, Failure> {
    let console = context.console;
    let group = human::group(&changed.group);
    if changed.rows == 0 || wait.no_wait {
        report(console, changed, if changed.rows == 0 { "done" } else { "outbox" })?;
        console.note(&format!("{group} {said}"));
        return Ok(Exit::Done);
    }
    block_on(async {
        let client = opened.connect(console)?;
        let delivery = client.deliver(&[], wait.timeout).await?;
        let Some(error) = delivery.failure else {
            report(console, changed, "acked")?;
            console.note(&format!("{group} {said}"));
            return Ok(Exit::Done);
        };
        report(console, changed, "outbox")?;
        let failure = Failure::from(error);
        let message = format!("the change is in the outbox and not yet sent: {}", failure.message);
        let exit = if failure.exit == Exit::Store { Exit::Store } else { Exit::Broker };
        Err(Failure { exit, message, ..failure }
            .hint("any later send or listen delivers it: securechat listen"))
    })
}

fn report(console: Console, changed: &GroupChange, state: &str) -> Result<(), Failure> {
    if !console.json {
        return Ok(());
    }
    console.print_json(&serde_json::json!({
        "v": 1, "type": "group_change", "with": changed.group.to_text().expose(),
        "group": changed.group.id(), "state": state,
    }))
}

fn list(console: Console, groups: &[Group], nothing: &str) -> Result<Exit, Failure> {
    if groups.is_empty() {
        console.note(nothing);
    }
    groups.iter().try_for_each(|group| row(console, group))?;
    if groups.iter().any(|group| group.standing == GroupStanding::Requested) {
        console.note("accept or decline a request: securechat chat requests accept '#NAME'");
    }
    Ok(Exit::Done)
}

fn row(console: Console, group: &Group) -> Result<(), Failure> {
    if console.json {
        return console.print_json(&group_json(group, "group"));
    }
    let role = if group.is_admin { "admin" } else { group.standing.as_str() };
    let people =
        if group.people == 1 { "1 member".to_owned() } else { format!("{} members", group.people) };
    let by = group.inviter.as_ref().map_or(String::new(), |by| format!(", invited by {by}"));
    let name = human::group(&group.name);
    console.print(&format!("{name:<24} ~{}  {people}, {role}{by}", group.id_prefix))
}

fn group_json(group: &Group, kind: &str) -> serde_json::Value {
    serde_json::json!({
        "v": 1, "type": kind, "with": group.name.to_text().expose(), "group": group.name.id(),
        "id_prefix": group.id_prefix, "standing": group.standing.as_str(), "is_admin": group.is_admin,
        "people": group.people, "inviter": group.inviter.as_ref().map(Handle::as_str),
    })
}

fn show(console: Console, detail: &GroupDetail) -> Result<Exit, Failure> {
    if console.json {
        let mut line = group_json(&detail.group, "group");
        let members = detail.members.iter().map(|member| {
            serde_json::json!({
                "handle": member.handle.as_str(), "fingerprint": member.fingerprint.map(|key| key.to_string()),
                "trust": member.trust.as_str(), "blocked": member.blocked, "is_admin": member.is_admin,
                "is_self": member.is_self,
            })
        });
        if let Some(fields) = line.as_object_mut() {
            fields.insert("members".to_owned(), members.collect());
            fields.insert("epoch".to_owned(), detail.epoch.into());
            fields.insert("code".to_owned(), detail.code.as_str().into());
        }
        console.print_json(&line)?;
        return Ok(Exit::Done);
    }
    let group = &detail.group;
    console.print(&format!("group        {}", human::group(&group.name)))?;
    console.print(&format!("id           {}", group.name.id()))?;
    console.print(&format!("standing     {}", group.standing.as_str()))?;
    console.print(&format!("epoch        {}", detail.epoch))?;
    console.print(&format!("code         {}", detail.code))?;
    for member in &detail.members {
        let mut marks = vec![if member.is_self { "you" } else { member.trust.as_str() }];
        marks.extend(member.is_admin.then_some("admin"));
        marks.extend(member.blocked.then_some("blocked"));
        let key = member.fingerprint.map_or(String::new(), |key| key.to_string());
        console.print(&format!("{:<20} {:<20} {key}", member.handle.as_str(), marks.join(", ")))?;
    }
    console.note(
        "members who read the same code to each other are in the same group, with the same members",
    );
    Ok(Exit::Done)
}

fn admins(console: Console, detail: &GroupDetail) -> Result<Exit, Failure> {
    for member in detail.members.iter().filter(|member| member.is_admin) {
        if console.json {
            console.print_json(&serde_json::json!({
                "v": 1, "type": "group_admin", "with": detail.group.name.to_text().expose(),
                "group": detail.group.name.id(), "handle": member.handle.as_str(),
            }))?;
        } else {
            console.print(member.handle.as_str())?;
        }
    }
    Ok(Exit::Done)
}

/// Each handle once.
fn each(handles: &[String]) -> Result<Vec<Handle>, Failure> {
    let mut each: Vec<Handle> = Vec::new();
    for text in handles {
        let one = handle(text)?;
        if !each.contains(&one) {
            each.push(one);
        }
    }
    Ok(each)
}
