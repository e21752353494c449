//! Frames: a length in four bytes, then that many bytes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Closed;
use crate::server::Context;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    /// What it holds of the shared budget.
    pub(crate) room: Arc<OwnedSemaphorePermit>,
}

/// Reads the next request; `None` if the client ended the connection between two.
///
/// Memory follows the bytes that have arrived: a long request first has to bring its first part,
/// then it waits for room in the shared budget.
pub(crate) async fn read_frame(
    from: &mut OwnedReadHalf,
    context: &Context,
) -> Result<Option<Frame>, Closed> {
    let limits = &context.limits;
    let mut length = [0; 4];
    let first = timeout(limits.idle_time, from.read(&mut length));
    let first = first.await.map_err(|_| Closed::TooSlow)??;
    if first == 0 {
        return Ok(None);
    }
    let rest =
        timeout(limits.frame_time, from.read_exact(length.get_mut(first..).unwrap_or_default()));
    rest.await.map_err(|_| Closed::TooSlow)??;
    let length = i32::from_be_bytes(length);
    let len = usize::try_from(length).map_err(|_| Closed::Length(length))?;
    if !(SHORTEST..=limits.frame_bytes).contains(&len) {
        return Err(Closed::Length(length));
    }
    let mut bytes = BytesMut::with_capacity(len.min(FIRST_PART));
    let part = fill(from, &mut bytes, len.min(FIRST_PART));
    timeout(limits.frame_time, part).await.map_err(|_| Closed::TooSlow)??;
    let room = context.request_room(len).await.ok_or(Closed::Stopping)?;
    bytes.reserve(len - bytes.len());
    timeout(limits.frame_time, fill(from, &mut bytes, len))
        .await
        .map_err(|_| Closed::TooSlow)??;
    Ok(Some(Frame { bytes: bytes.freeze(), room: Arc::new(room) }))
}

/// Reads until there are so many bytes.
async fn fill(from: &mut OwnedReadHalf, bytes: &mut BytesMut, len: usize) -> std::io::Result<()> {
    while bytes.len() < len {
        let left = (len - bytes.len()) as u64;
        if from.take(left).read_buf(bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// A request's header without a client's name.
const SHORTEST: usize = 10;
/// Bytes that a request may bring before it needs room in the shared budget.
const FIRST_PART: usize = 64 * 1024;
