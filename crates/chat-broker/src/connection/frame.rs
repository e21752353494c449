//! Frames: a length in four bytes, then that many bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::Closed;
use super::activity::Activity;
use super::room::{Room, SMALL};
use crate::server::Context;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    /// What it holds of the shared budget.
    pub(crate) room: Arc<Room>,
}

/// The requests of one connection, as they arrive.
pub(crate) struct Frames<'a> {
    pub(crate) from: OwnedReadHalf,
    pub(crate) context: &'a Context,
    pub(crate) activity: &'a Activity,
    /// Bytes that the large requests of this connection may hold.
    pub(crate) own: Arc<Semaphore>,
}

impl Frames<'_> {
    /// Reads the next request; `None` if the client ended the connection between two.
    ///
    /// Memory follows the bytes that have arrived.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, Closed> {
        let limits = &self.context.limits;
        let mut length = [0; 4];
        let first = timeout(limits.idle_time, self.from.read(&mut length));
        let first = first.await.map_err(|_| Closed::TooSlow)??;
        if first == 0 {
            return Ok(None);
        }
        self.activity.begin();
        let rest = self.from.read_exact(length.get_mut(first..).unwrap_or_default());
        timeout(limits.frame_time, rest).await.map_err(|_| Closed::TooSlow)??;
        let length = i32::from_be_bytes(length);
        let len = usize::try_from(length).map_err(|_| Closed::Length(length))?;
        if !(SHORTEST..=limits.frame_bytes).contains(&len) {
            return Err(Closed::Length(length));
        }
        let (bytes, room) = self.body(len).await?;
        Ok(Some(Frame { bytes: bytes.freeze(), room: Arc::new(room) }))
    }

    /// Reads what follows a length. Only the client's own time counts, not that of waiting for room.
    async fn body(&mut self, len: usize) -> Result<(BytesMut, Room), Closed> {
        let mut left = self.context.limits.frame_time;
        let mut bytes = BytesMut::with_capacity(len.min(SMALL));
        self.fill(&mut bytes, len.min(SMALL), &mut left).await?;
        let budget = &self.context.requests;
        if len <= SMALL {
            return Ok((bytes, budget.small(len).await));
        }
        let mut room = Room::default();
        budget.grow(&mut room, &self.own, SMALL).await;
        while bytes.len() < len {
            // No more than as much again as has arrived.
            let step = (len - bytes.len()).min(bytes.len());
            budget.grow(&mut room, &self.own, step).await;
            bytes.reserve(step);
            let to = bytes.len() + step;
            self.fill(&mut bytes, to, &mut left).await?;
        }
        Ok((bytes, room))
    }

    /// Reads until there are so many bytes.
    async fn fill(
        &mut self,
        bytes: &mut BytesMut,
        len: usize,
        left: &mut Duration,
    ) -> Result<(), Closed> {
        let began = Instant::now();
        timeout(*left, fill(&mut self.from, bytes, len)).await.map_err(|_| Closed::TooSlow)??;
        *left = left.saturating_sub(began.elapsed());
        Ok(())
    }
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
