//! What `scripts/bench` compares the program with: each part of the way alone, without the program.
//!
//! ```text
//! cargo bench -p chat-core --bench baseline -- produce ADDRESS TOPIC COUNT SIZE [FLUSH_MESSAGES]
//! cargo bench -p chat-core --bench baseline -- commits FOLDER COUNT SIZE
//! cargo bench -p chat-core --bench baseline -- live ADDRESS FOLDER COUNT
//! cargo bench -p chat-core --bench baseline -- newest STORE_FILE
//! ```
//! Each prints one JSON object: seconds, or medians in milliseconds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop where it is wrong"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::chat_transport::{
    KafkaConfig, KafkaTransport, Offset, Partition, Position, ReadOptions, Record, Security,
    Transport,
};
use chat_core::{Client, Draft, Event, Item, ListenFrom, NewNetwork, Seq};
use chat_store::{Store, StoreError, StoreKey};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments[..] {
        // `cargo test --benches` runs it without arguments.
        [] => println!("see scripts/bench"),
        ["produce", address, topic, count, size] => {
            runtime.block_on(produce(address, topic, (number(count), number(size)), None));
        }
        ["produce", address, topic, count, size, flush] => {
            runtime.block_on(produce(address, topic, (number(count), number(size)), Some(flush)));
        }
        ["commits", folder, count, size] => commits(folder.as_ref(), number(count), number(size)),
        ["live", address, folder, count] => {
            runtime.block_on(live(address, folder.as_ref(), number(count)));
        }
        ["newest", file] => newest(file.as_ref()),
        _ => panic!("unknown arguments {arguments:?}"),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// The client alone: every record is handed over before the first acknowledgement is awaited.
///
/// * `flush` - the setting `flush.messages` of the topic, which is made
async fn produce(address: &str, topic: &str, (count, size): (usize, usize), flush: Option<&str>) {
    let kafka = krafka::Kafka::builder(address.to_owned()).connect().await.unwrap();
    let new = krafka::admin::NewTopic::new(topic, 1, 1).unwrap();
    let new = flush.iter().fold(new, |new, flush| new.with_config("flush.messages", *flush));
    let options = krafka::admin::CreateTopicsOptions::default();
    let made = kafka.admin().create_topics([new], options).await.unwrap();
    made.into_values().next().unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let producer = kafka.producer().linger(Duration::ZERO).build().await.unwrap();
    let began = Instant::now();
    let mut waiting = Vec::with_capacity(count);
    for index in 0..count {
        let mut value = vec![b'x'; size];
        value[..8].copy_from_slice(&(index as u64).to_be_bytes());
        let record = krafka::Record::new(topic, value).key(vec![1_u8; 16]).partition(0);
        waiting.push(producer.enqueue(record).await.unwrap());
    }
    for handle in waiting {
        drop(handle.await.unwrap());
    }
    println!("{{\"seconds\": {}}}", began.elapsed().as_secs_f64());
}

/// The store alone: a row of the history and one of the outbox for each message, in groups.
fn commits(folder: &Path, count: usize, size: usize) {
    let store = Store::create(&folder.join("store.db"), &StoreKey::from_bytes([1; 32])).unwrap();
    let began = Instant::now();
    let body = vec![7; size];
    for group in 0..count.div_ceil(GROUP) {
        let rows = GROUP.min(count - group * GROUP);
        store
            .write::<_, StoreError>(|tx| {
                for _ in 0..rows {
                    tx.history_append(b"a conversation", &body)?;
                    tx.outbox_push(&[1; 20], &body)?;
                }
                Ok(())
            })
            .unwrap();
    }
    println!("{{\"seconds\": {}}}", began.elapsed().as_secs_f64());
}

/// One live message at a time from one person to another; then what its way is made of: one append that
/// wakes a waiting read, and one small durable commit.
async fn live(address: &str, folder: &Path, count: usize) {
    let kafka = || {
        let config = KafkaConfig::new(&[address.to_owned()], Security::LoopbackOnly).unwrap();
        Arc::new(KafkaTransport::new(config))
    };
    let person = |name: &str| {
        Client::create(&folder.join(name), &name.parse().unwrap(), None).unwrap().connect(kafka())
    };
    let (alice, bob) = (person("alice"), person("bob"));
    let admin = kafka();
    let namespace = format!("live-{}", std::process::id()).parse().unwrap();
    let network = NewNetwork::new(namespace, vec![address.to_owned()]);
    alice.create_network(&*admin, network).await.unwrap();
    bob.join(&alice.invite(None).unwrap()).unwrap();

    let mut listener = bob.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    while !matches!(listener.next().await.unwrap(), Event::CaughtUp) {}
    let mut sent = Vec::with_capacity(count);
    for index in 0..count {
        let draft = Draft::text("bob".parse().unwrap(), format!("message {index}"));
        let began = Instant::now();
        let sending = alice.send(draft, Duration::from_secs(20));
        let received = async {
            loop {
                if let Event::Item(item) = listener.next().await.unwrap()
                    && matches!(item.what, Item::Message(_))
                {
                    return began.elapsed();
                }
            }
        };
        let (outcome, took) = tokio::join!(sending, received);
        outcome.unwrap();
        sent.push(took);
    }
    drop(listener);

    let (topic, at) = (alice.network().unwrap().unwrap().mail_topic(), Partition(0));
    let info = admin.topic(&topic).await.unwrap();
    let reader = kafka();
    let mut next = admin.bounds(&topic, &[at]).await.unwrap()[0].end;
    let mut trips = Vec::with_capacity(count);
    for index in 0..=count {
        let options = ReadOptions { max_wait: Duration::from_secs(5), ..ReadOptions::default() };
        let from = [Position { partition: at, offset: next }];
        let (waiting, id, name) = (Arc::clone(&reader), info.id, topic.clone());
        let read = tokio::spawn(async move { waiting.read(&name, id, &from, options).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        let began = Instant::now();
        let value = vec![b'x'; 340].into();
        let record = Record { key: Some(vec![1; 16].into()), value };
        admin.append(&topic, at, vec![record]).await.unwrap();
        drop(read.await.unwrap().unwrap());
        // The first one makes the connections.
        if index > 0 {
            trips.push(began.elapsed());
        }
        next = Offset(next.0 + 1);
    }
    let store = Store::create(&folder.join("alone.db"), &StoreKey::from_bytes([1; 32])).unwrap();
    let committed = (0..count).map(|_| {
        let began = Instant::now();
        let append = |tx: &mut chat_store::WriteTxn<'_>| tx.history_append(b"c", &[7; 300]);
        store.write::<_, StoreError>(append).unwrap();
        began.elapsed()
    });
    let commits = median(committed.collect());
    println!("{{\"live\": {}, \"trip\": {}, \"commit\": {commits}}}", median(sent), median(trips));
}

/// What any program has to do for the newest 50 rows of a file: open it, and read them.
fn newest(file: &Path) {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let sqlite = rusqlite::Connection::open_with_flags(file, flags).unwrap();
    let mut rows = sqlite.prepare("SELECT k, v FROM messages ORDER BY k DESC LIMIT 50").unwrap();
    let read = rows.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)));
    let bytes: usize = read.unwrap().map(|row| row.unwrap()).map(|(k, v)| k.len() + v.len()).sum();
    println!("{{\"bytes\": {bytes}}}");
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// Messages of one transaction.
const GROUP: usize = 1024;
