//! A real broker inside your own test: it starts in a millisecond, on a free port.

use std::time::Duration;

use chat_broker::{Broker, BrokerConfig};
use chat_core::chat_transport::{KafkaConfig, KafkaTransport, Security};
use chat_core::{Client, Draft, NewNetwork, SendOutcome};

#[tokio::test]
async fn what_my_program_sends_arrives() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let broker = Broker::start(BrokerConfig::new(folder.path().join("broker"))).await?;
    let address = vec![broker.address().to_string()];
    let kafka = std::sync::Arc::new(KafkaTransport::new(KafkaConfig::new(
        &address,
        Security::LoopbackOnly,
    )?));
    let client =
        Client::create(&folder.path().join("me"), &"me".parse()?, None)?.connect(kafka.clone());
    client.create_network(kafka.as_ref(), NewNetwork::new("test".parse()?, address)).await?;

    let sent = client.send(Draft::text("you".parse()?, "hello"), Duration::from_secs(30)).await?;

    assert!(matches!(sent.outcome, SendOutcome::Acked(_)), "{:?}", sent.outcome);
    broker.shutdown().await;
    Ok(())
}
