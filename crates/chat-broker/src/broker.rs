//! A running broker.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::BrokerConfig;
use crate::error::StartError;
use crate::log::Log;
use crate::log::thread::LogThread;
use crate::report::StartReport;
use crate::server::{Context, serve};

/// A running broker. It serves until it is shut down or dropped.
///
/// Dropping it closes every connection and waits, for one sync at most, until the data folder is
/// free again.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    report: StartReport,
    server: JoinHandle<()>,
    cleaner: JoinHandle<()>,
    /// Dropped last: it finishes what was accepted and frees the folder.
    thread: Option<LogThread>,
}

impl Broker {
    /// Opens the data folder, recovers what is in it, and listens.
    ///
    /// When this returns, clients can connect. It uses the tokio runtime that it is called on, and
    /// one thread of its own for writing.
    ///
    /// # Errors
    /// Every [`StartError`]. After [`StartError::Damaged`] and [`StartError::Unreadable`] no
    /// acknowledged record was changed.
    pub async fn start(config: BrokerConfig) -> Result<Self, StartError> {
        let began = Instant::now();
        let address = config.address();
        let listening = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let data = config.data().to_owned();
        let opening = tokio::task::spawn_blocking(move || Log::open(&data));
        let (log, thread, mut report) = opening.await.map_err(|error| {
            let error = std::io::Error::other(error);
            StartError::data("open", config.data())(error)
        })??;
        let cleaner = tokio::spawn(clean(Arc::clone(&log), config.checks_every()));
        let context = Arc::new(Context::new(log, config.allowed()));
        let server = tokio::spawn(serve(listener, context));
        report.took = began.elapsed();
        tracing::info!(%address, topics = report.topics, took = ?report.took, "broker started");
        Ok(Self { address, report, server, cleaner, thread: Some(thread) })
    }

    /// The address that it listens on, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the start found in the data folder.
    pub fn report(&self) -> &StartReport {
        &self.report
    }

    /// Stops serving, makes everything accepted durable, and frees the address and the data folder.
    ///
    /// Open connections are closed; a request that was not answered may or may not have been done.
    pub async fn shutdown(mut self) {
        self.server.abort();
        self.cleaner.abort();
        // The address is free once the task that listens is gone, and not before.
        drop((&mut self.server).await);
        let thread = self.thread.take();
        drop(tokio::task::spawn_blocking(move || drop(thread)).await);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.server.abort();
        self.cleaner.abort();
    }
}

/// Removes old and superseded records now and then, until the log thread has ended.
async fn clean(log: Arc<Log>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if log.run(Log::clean).await.is_err() || log.compact().await.is_err() {
            return;
        }
    }
}
