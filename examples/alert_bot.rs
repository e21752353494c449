//! A bot that tells `ops` when a reading is too high.
#![allow(clippy::print_stdout, reason = "an example shows something")]

use std::{error::Error, sync::Arc, time::Duration};

use chat_core::chat_transport::MemoryTransport;
use chat_core::{Client, Draft, HistoryQuery, NewNetwork};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let log = Arc::new(MemoryTransport::new()); // In earnest: KafkaTransport::new(config).
    let bot = Client::create(folder.path(), &"bot".parse()?, None)?.connect(log.clone());
    bot.create_network(log.as_ref(), NewNetwork::new("alerts".parse()?, vec!["localhost".into()]))
        .await?;

    for (host, load) in [("db1", 0.4), ("db2", 7.9), ("web1", 1.1), ("web2", 9.3)] {
        if load > 4.0 {
            // Stored before it is sent: if the broker is away, it waits in the outbox.
            let alert = Draft::text("ops".parse()?, format!("{host}: load {load}"));
            let sent = bot.send(alert, Duration::from_secs(10)).await?;
            println!("{host}: {:?}", sent.outcome);
        }
    }
    let sent = bot.history(&HistoryQuery::default(), |_| true)?;
    println!("{} alerts are in the history, {} in the outbox", sent.len(), bot.outbox()?.len());
    Ok(())
}
