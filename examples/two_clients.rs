//! Two people talk over a real broker, which runs in this process.
#![allow(clippy::print_stdout, reason = "an example shows something")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chat_broker::{Broker, BrokerConfig};
use chat_core::chat_transport::{KafkaConfig, KafkaTransport, Security};
use chat_core::{Client, Draft, Event, Item, ListenFrom, NewNetwork, Seq};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let broker = Broker::start(BrokerConfig::new(folder.path().join("broker"))).await?;
    let address = vec![broker.address().to_string()];
    let config = KafkaConfig::new(&address, Security::LoopbackOnly)?;
    let kafka = Arc::new(KafkaTransport::new(config));

    let profile = |name: &str| -> Result<Client, Box<dyn Error>> {
        let client = Client::create(&folder.path().join(name), &name.parse()?, None)?;
        Ok(client.connect(kafka.clone()))
    };
    let (alice, bob) = (profile("alice")?, profile("bob")?);
    alice.create_network(kafka.as_ref(), NewNetwork::new("example".parse()?, address)).await?;
    bob.join(&alice.invite(None)?)?;

    send(&alice, &bob, "lunch at noon?").await?;
    send(&bob, &alice, "with pleasure").await?;
    for (name, client) in [("bob", &bob), ("alice", &alice)] {
        println!("{name} reads: {}", first_message(client).await?);
    }
    broker.shutdown().await;
    Ok(())
}

async fn send(from: &Client, to: &Client, text: &str) -> Result<(), Box<dyn Error>> {
    let sent = from.send(Draft::text(to.handle().clone(), text), Duration::from_secs(30)).await?;
    println!("{} sends: {text} ({:?})", from.handle(), sent.outcome);
    Ok(())
}

async fn first_message(client: &Client) -> Result<String, Box<dyn Error>> {
    let mut listener = client.listen(ListenFrom::After(Seq::ZERO))?;
    loop {
        if let Event::Item(item) = listener.next().await?
            && let Item::Message(message) = item.what
        {
            return Ok(message.text.expose().to_owned());
        }
    }
}
