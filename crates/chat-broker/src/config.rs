//! What a broker is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::limits::Limits;

/// Where a broker keeps its data, where it listens, and what it allows.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    data: PathBuf,
    listen: SocketAddr,
    limits: Limits,
}

impl BrokerConfig {
    /// Takes the data folder, which is made if it is missing; one broker at a time uses it.
    ///
    /// The broker listens on a free port of 127.0.0.1 unless [`listen`](Self::listen) says otherwise.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { data: data.into(), listen, limits: Limits::default() }
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
