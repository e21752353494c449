//! What a broker is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::limits::Limits;

/// Where a broker keeps its data, where it listens, and what it allows.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    data: PathBuf,
    listen: SocketAddr,
    limits: Limits,
    retention_check: Duration,
}

impl BrokerConfig {
    /// Takes the data folder, which is made if it is missing; one broker at a time uses it.
    ///
    /// The broker listens on a free port of 127.0.0.1 unless [`listen`](Self::listen) says otherwise.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (limits, retention_check) = (Limits::default(), RETENTION_CHECK);
        Self { data: data.into(), listen, limits, retention_check }
    }

    /// Sets the address to listen on; port 0 takes a free port.
    ///
    /// There is no TLS and no authentication: whoever reaches the address can read, write and
    /// delete every topic. A wildcard address such as `0.0.0.0` serves a room, because each client
    /// is told the local address that it connected to.
    #[must_use]
    pub fn listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Sets what clients may make the broker do; see [`Limits`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how often it looks for records that are too old or too many. Default 5 min, as in Apache
    /// Kafka.
    #[must_use]
    pub fn retention_check(mut self, every: Duration) -> Self {
        self.retention_check = every.max(Duration::from_millis(1));
        self
    }

    pub(crate) fn checks_every(&self) -> Duration {
        self.retention_check
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listen
    }

    pub(crate) fn allowed(&self) -> Limits {
        self.limits
    }
}

/// How often old records are looked for.
const RETENTION_CHECK: Duration = Duration::from_mins(5);
