//! One client's connection: requests are read ahead, answers go out in the order of requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use self::activity::Activity;
use self::frame::Frames;
use crate::api::{self, Answer, Caller};
use crate::server::Context;

pub(crate) mod activity;
pub(crate) mod frame;
pub(crate) mod room;

/// Why the broker closed a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    /// The client went away, or the network did.
    #[error("connection lost: {0}")]
    Lost(#[from] std::io::Error),
    /// A frame with a length that is negative, too short or above the limit.
    #[error("a request cannot be {0} bytes long")]
    Length(i32),
    /// The client took too long to send a request or to take an answer.
    #[error("too slow")]
    TooSlow,
    /// A request that does not follow the protocol, or that the protocol has no error for.
    #[error("{0}")]
    Request(&'static str),
    /// It was silent, and another client needed its place.
    #[error("silent, and its place was needed")]
    Silent,
}

/// Serves a connection until one side ends it.
pub(crate) async fn serve(
    stream: TcpStream,
    context: Arc<Context>,
    activity: &Activity,
) -> Result<(), Closed> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let limits = context.limits;
    let (reading, writing) = stream.into_split();
    let (queue, answers) = mpsc::channel(limits.pipelined);
    let own = Arc::new(Semaphore::new(limits.connection_bytes()));
    let frames = Frames { from: reading, context: &Arc::clone(&context), activity, own };
    let caller = Arc::new(Caller { context, local });
    // Whichever ends first ends the other: nobody waits for records on behalf of a lost client.
    tokio::select! {
        ended = read_requests(frames, &caller, queue) => ended,
        ended = write_answers(writing, answers, limits.frame_time, activity) => ended,
        () = activity.must_go() => Err(Closed::Silent),
    }
}

/// Reads requests and begins each: batches go to the log at once, all else waits for its turn.
async fn read_requests(
    mut frames: Frames<'_>,
    caller: &Arc<Caller>,
    queue: mpsc::Sender<Answer>,
) -> Result<(), Closed> {
    while let Some(frame) = frames.next().await? {
        let answer = api::begin(caller, frame).await?;
        if queue.send(answer).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn write_answers(
    mut to: OwnedWriteHalf,
    mut answers: mpsc::Receiver<Answer>,
    longest: Duration,
    activity: &Activity,
) -> Result<(), Closed> {
    while let Some(answer) = answers.recv().await {
        if let Some(reply) = answer.await? {
            timeout(longest, to.write_all(&reply.bytes)).await.map_err(|_| Closed::TooSlow)??;
            drop(reply.room);
        }
        activity.end();
    }
    // The reading side says why the connection ends.
    std::future::pending().await
}
