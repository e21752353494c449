//! `invite`: one line that lets somebody in.

use std::net::IpAddr;
use std::time::SystemTime;

use super::qr;
use crate::args::InviteArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};

pub(crate) fn run(context: &Context, args: &InviteArgs) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let expires = args.expires.and_then(|time| SystemTime::now().checked_add(time));
    let invite = opened.client.invite(expires)?;
    let line = invite.to_line();
    if invite.brokers().iter().all(|broker| is_loopback(broker)) {
        context
            .console
            .warn("all servers of this network are this machine: the invite is of use here only");
    }
    if args.qr {
        qr::draw(&line).map_err(|failure| {
            failure.hint("it carries a certificate authority; hand over the line instead: securechat invite > invite.txt")
        })?;
    }
    if context.console.json {
        context
            .console
            .print_json(&serde_json::json!({"v": 1, "type": "invite", "invite": line.as_str()}))?;
    } else {
        context.console.print(&line)?;
    }
    context.console.note("it is a secret: whoever has it reads and writes on this network");
    Ok(Exit::Done)
}

pub(super) fn is_loopback(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host).trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
