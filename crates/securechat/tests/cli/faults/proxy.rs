//! A proxy between the program and a broker, whose connections fail in ways that can be chosen while they are open.
//!
//! It forwards whole frames. Where a broker tells its address (Metadata), the proxy tells its own, so that the client stays
//! behind it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, MetadataResponse, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::lies::{Liar, Lie};

/// What is wrong with the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Connections are reset, and new ones too.
    Reset,
    /// Nothing gets through, in neither direction; what was sent meanwhile arrives afterwards.
    Silent,
    /// Nothing gets to the broker.
    SilentToBroker,
    /// Nothing gets to the client: requests are carried out, and nobody hears of it.
    SilentToClient,
    /// Pauses of 0.2 to 3 s, as with a third of all packets lost.
    Stalls,
    /// Each frame takes a second.
    Delay,
    /// A kilobyte a second.
    Slow,
    /// Each answer is cut in its middle, and the connection reset.
    MidFrame,
    /// New connections are accepted and nothing is ever said on them; the old ones are reset.
    HalfOpen,
    /// Records are appended; the acknowledgement is swallowed, and the connection reset.
    LostAcks,
    /// Three quarters of the broker's answers are lies.
    Lies(Lie),
}

/// What all connections share.
struct Shared {
    /// The brokers' ports, and the proxy's addresses for them.
    own: HashMap<u16, SocketAddr>,
    /// Answers that were lies.
    lies: AtomicU64,
}

/// A running proxy; ends when it is dropped.
pub(crate) struct Proxy {
    addresses: Vec<SocketAddr>,
    fault: watch::Sender<Fault>,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    /// Stands in for a broker, and tells clients another address: something stands before the proxy as well.
    pub(crate) fn start_behind(broker: SocketAddr, told: SocketAddr) -> Self {
        Self::start_as(&[broker], |_| vec![told])
    }

    /// Stands in for these brokers, each behind an address of its own.
    pub(crate) fn start(brokers: &[SocketAddr]) -> Self {
        Self::start_as(brokers, <[SocketAddr]>::to_vec)
    }

    fn start_as(
        brokers: &[SocketAddr],
        told: impl FnOnce(&[SocketAddr]) -> Vec<SocketAddr>,
    ) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (fault, watching) = watch::channel(Fault::None);
        let bind = |_| runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let listeners: Vec<TcpListener> = brokers.iter().map(bind).collect();
        let own = listeners.iter().map(|listener| listener.local_addr().unwrap());
        let addresses: Vec<SocketAddr> = own.collect();
        let own = brokers.iter().map(SocketAddr::port).zip(told(&addresses)).collect();
        let shared = Arc::new(Shared { own, lies: AtomicU64::new(0) });
        for (listener, broker) in listeners.into_iter().zip(brokers) {
            runtime.spawn(accept(listener, *broker, Arc::clone(&shared), watching.clone()));
        }
        Self { addresses, fault, shared, _runtime: runtime }
    }

    /// Where clients find it.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers so far that were lies.
    pub(crate) fn lies(&self) -> u64 {
        self.shared.lies.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send(fault).unwrap();
    }
}

async fn accept(
    listener: TcpListener,
    broker: SocketAddr,
    shared: Arc<Shared>,
    fault: watch::Receiver<Fault>,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        let now = *fault.borrow();
        if now == Fault::Reset {
            reset(&client);
        } else if now == Fault::HalfOpen {
            let mut fault = fault.clone();
            tokio::spawn(async move {
                drop(fault.wait_for(|fault| *fault != Fault::HalfOpen).await);
                reset(&client);
            });
        } else if let Ok(server) = TcpStream::connect(broker).await {
            tokio::spawn(connection(client, server, Arc::clone(&shared), fault.clone()));
        }
    }
}

fn reset(stream: &TcpStream) {
    // The kernel then sends a reset where it would have sent an end.
    #[expect(deprecated, reason = "of zero it does not block, which is what the warning is about")]
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

/// What was asked on one connection: the answers come in the same order.
type Asked = Arc<Mutex<VecDeque<(ApiKey, i16)>>>;

async fn connection(
    client: TcpStream,
    server: TcpStream,
    shared: Arc<Shared>,
    mut fault: watch::Receiver<Fault>,
) {
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    reset(&client);
    let asked = Asked::default();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let ended = |fault: &Fault| matches!(fault, Fault::Reset | Fault::HalfOpen);
    tokio::select! {
        () = requests(from_client, to_server, Arc::clone(&asked), fault.clone()) => {}
        () = answers(from_server, to_client, asked, Arc::clone(&shared), fault.clone()) => {}
        _ = fault.wait_for(ended) => {}
    }
}

async fn frame(from: &mut OwnedReadHalf) -> Option<BytesMut> {
    let length = from.read_u32().await.ok()?;
    let mut bytes = BytesMut::zeroed(usize::try_from(length).ok()?);
    from.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    asked: Asked,
    mut fault: watch::Receiver<Fault>,
) {
    while let Some(frame) = frame(&mut from).await {
        let (key, version) =
            (i16::from_be_bytes([frame[0], frame[1]]), i16::from_be_bytes([frame[2], frame[3]]));
        asked.lock().unwrap().push_back((ApiKey::try_from(key).unwrap(), version));
        let silent = |fault: &Fault| matches!(fault, Fault::Silent | Fault::SilentToBroker);
        drop(fault.wait_for(|fault| !silent(fault)).await);
        let whole = [&u32::try_from(frame.len()).unwrap().to_be_bytes()[..], &frame].concat();
        if pass(&mut to, &whole, &fault).await.is_none() {
            return;
        }
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    asked: Asked,
    shared: Arc<Shared>,
    mut fault: watch::Receiver<Fault>,
) {
    let mut liar = Liar::new(seed());
    while let Some(frame) = frame(&mut from).await {
        let Some((key, version)) = asked.lock().unwrap().pop_front() else { return };
        let silent = |fault: &Fault| matches!(fault, Fault::Silent | Fault::SilentToClient);
        drop(fault.wait_for(|fault| !silent(fault)).await);
        let answer = match key {
            ApiKey::Metadata => with_own_address(frame.freeze(), version, &shared),
            _ => frame.freeze(),
        };
        let now = *fault.borrow();
        if now == Fault::LostAcks && key == ApiKey::Produce {
            return;
        }
        if now == Fault::MidFrame {
            let length = u32::try_from(answer.len()).unwrap();
            drop(to.write_u32(length).await);
            drop(to.write_all(&answer[..answer.len() / 2]).await);
            return;
        }
        let lie = if let Fault::Lies(lie) = now { Some(lie) } else { None };
        let said = liar.tell(lie, key, version, &answer);
        let truth = [&u32::try_from(answer.len()).unwrap().to_be_bytes()[..], &answer].concat();
        if said != truth {
            shared.lies.fetch_add(1, Ordering::Relaxed);
        }
        if pass(&mut to, &said, &fault).await.is_none() {
            return;
        }
    }
}

/// Of each connection another, and all of them from SECURECHAT_TEST_SEED where it is set.
fn seed() -> u64 {
    static FIRST: OnceLock<u64> = OnceLock::new();
    static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    let first = FIRST.get_or_init(|| {
        let said = std::env::var("SECURECHAT_TEST_SEED").ok();
        let seed = said.map_or_else(rand::random, |said| said.parse().unwrap());
        println!("SECURECHAT_TEST_SEED={seed}");
        seed
    });
    first.wrapping_add(CONNECTIONS.fetch_add(1, Ordering::Relaxed))
}

/// Writes bytes, as slowly as the fault wants it.
async fn pass(to: &mut OwnedWriteHalf, whole: &[u8], fault: &watch::Receiver<Fault>) -> Option<()> {
    let now = *fault.borrow();
    match now {
        Fault::Delay => tokio::time::sleep(Duration::from_secs(1)).await,
        Fault::Stalls if rand::random_ratio(1, 3) => {
            tokio::time::sleep(Duration::from_millis(rand::random_range(200..3000))).await;
        }
        Fault::Slow => {
            for part in whole.chunks(100) {
                if *fault.borrow() == Fault::Slow {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                to.write_all(part).await.ok()?;
            }
            return Some(());
        }
        _ => {}
    }
    to.write_all(whole).await.ok()
}

/// The answer to a Metadata request, with the proxy in the place of every broker.
fn with_own_address(answer: Bytes, version: i16, shared: &Shared) -> Bytes {
    let header_version = ApiKey::Metadata.response_header_version(version);
    let mut rest = answer;
    let header = ResponseHeader::decode(&mut rest, header_version).unwrap();
    let mut body = MetadataResponse::decode(&mut rest, version).unwrap();
    for broker in &mut body.brokers {
        let Some(own) = u16::try_from(broker.port).ok().and_then(|port| shared.own.get(&port))
        else {
            continue;
        };
        broker.host = StrBytes::from_string(own.ip().to_string());
        broker.port = i32::from(own.port());
    }
    let mut out = BytesMut::new();
    header.encode(&mut out, header_version).unwrap();
    body.encode(&mut out, version).unwrap();
    out.freeze()
}
