//! Accepts connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::connection;
use crate::limits::Limits;
use crate::log::Log;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) log: Arc<Log>,
    pub(crate) limits: Limits,
    /// Bytes that requests may hold.
    requests: Arc<Semaphore>,
    /// Bytes that answers may hold.
    answers: Arc<Semaphore>,
}

impl Context {
    pub(crate) fn new(log: Arc<Log>, limits: Limits) -> Self {
        let budget = || Arc::new(Semaphore::new(budget(&limits)));
        Self { log, limits, requests: budget(), answers: budget() }
    }

    /// Waits for room for a request; what is larger than all there is gets all.
    pub(crate) async fn request_room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        room(&self.requests, bytes.min(budget(&self.limits))).await
    }

    /// Waits for room for an answer; what is larger than all there is gets all.
    pub(crate) async fn answer_room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        room(&self.answers, bytes.min(budget(&self.limits))).await
    }
}

/// The budget in permits, one for each byte.
fn budget(limits: &Limits) -> usize {
    limits.budget_bytes().min(i32::MAX as usize)
}

async fn room(of: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
    Arc::clone(of).acquire_many_owned(permits).await.ok()
}

/// Accepts connections until it is dropped; they end with it.
pub(crate) async fn serve(listener: TcpListener, context: Arc<Context>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) if connections.len() < context.limits.connections => {
                connections.spawn(serve_one(stream, peer, Arc::clone(&context)));
            }
            Ok((_, peer)) => tracing::warn!(%peer, "too many connections: one is refused"),
            Err(error) => {
                // Out of file descriptors, as a rule: they come back when connections end.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, peer: SocketAddr, context: Arc<Context>) {
    if let Err(reason) = connection::serve(stream, context).await {
        tracing::debug!(%peer, %reason, "a connection was closed");
    }
}

/// How long to wait when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(50);
