//! Accepts connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::connection;
use crate::connection::activity::Connections;
use crate::connection::room::Budget;
use crate::limits::Limits;
use crate::log::Log;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) log: Arc<Log>,
    pub(crate) limits: Limits,
    /// What requests may hold.
    pub(crate) requests: Budget,
    /// What answers may hold.
    pub(crate) answers: Budget,
}

impl Context {
    pub(crate) fn new(log: Arc<Log>, limits: Limits) -> Self {
        let budget = || Budget::new(limits.budget_bytes());
        Self { log, limits, requests: budget(), answers: budget() }
    }
}

/// Accepts connections until it is dropped; they end with it.
pub(crate) async fn serve(listener: TcpListener, context: Arc<Context>) {
    let open = Arc::new(Connections::default());
    let mut connections = JoinSet::new();
    for number in 0.. {
        let accepted = loop {
            tokio::select! {
                accepted = listener.accept() => break accepted,
                Some(_) = connections.join_next() => {}
            }
        };
        match accepted {
            Ok((_, peer))
                if connections.len() >= context.limits.connections && !open.make_room() =>
            {
                tracing::warn!(%peer, "too many connections: one is refused");
            }
            Ok((stream, peer)) => {
                let activity = open.add(number);
                let (open, context) = (Arc::clone(&open), Arc::clone(&context));
                connections.spawn(async move {
                    if let Err(reason) = connection::serve(stream, context, &activity).await {
                        tracing::debug!(%peer, %reason, "a connection was closed");
                    }
                    open.remove(number);
                });
            }
            Err(error) => {
                // Out of file descriptors, as a rule: they come back when connections end.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// How long to wait when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(50);
