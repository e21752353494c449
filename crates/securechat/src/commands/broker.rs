//! `broker`: the embedded one, in the foreground.

use chat_broker::{Broker, BrokerConfig, StartError};

use crate::args::BrokerArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};

pub(crate) async fn run(context: &Context, args: &BrokerArgs) -> Result<Exit, Failure> {
    let data = args.data.clone().unwrap_or_else(|| context.places.broker());
    let config = BrokerConfig::new(&data).listen(args.listen);
    let broker = Broker::start(config).await.map_err(|error| failure(&error))?;
    for tail in &broker.report().torn_tails {
        context.console.warn(&format!(
            "{} bytes at the end of topic {}, partition {} were written half and never acknowledged; they are cut off at offset {}",
            tail.bytes, tail.topic, tail.partition, tail.offset
        ));
    }
    // From here on; what the start has found was said.
    context.console.start_broker_log();
    let address = broker.address();
    if !address.ip().is_loopback() {
        context.console.warn("this broker has no TLS and no login: whoever reaches it can read who talks when, and write");
    }
    if context.console.json {
        context.console.print_json(&serde_json::json!({
            "v": 1, "type": "broker", "address": address.to_string(), "data": data, "topics": broker.report().topics,
        }))?;
    } else {
        context.console.print(&format!(
            "listening on {address}, data in {}; Ctrl-C ends it",
            data.display()
        ))?;
    }
    super::interrupted().await;
    broker.shutdown().await;
    Ok(Exit::Done)
}

/// What a broker that does not start means.
pub(crate) fn failure(error: &StartError) -> Failure {
    use std::error::Error;
    let mut message = error.to_string();
    if let Some(source) = error.source() {
        message.push_str(&format!(": {source}"));
    }
    match error {
        StartError::Listen { .. } => Failure::new(Exit::Broker, "listen", message)
            .hint("take another address: securechat broker --listen 127.0.0.1:9093"),
        StartError::Newer { .. } => Failure::new(Exit::Store, "broker_data", message)
            .hint("install the newest securechat; yours is the one that this prints: securechat --version"),
        StartError::Data { source, .. }
            if matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            ) =>
        {
            Failure::new(Exit::Store, "storage_full", message)
                .hint("free space on that disk, and start it again: df -h")
        }
        StartError::Damaged { .. } => Failure::new(Exit::Store, "broker_data", message)
            .hint("put that file back from a backup; nothing was changed, and another folder would be an empty log"),
        _ => Failure::new(Exit::Store, "broker_data", message)
            .hint("take another data folder: securechat broker --data DIR"),
    }
}
