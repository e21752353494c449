//! Bounds on what clients may make the broker do.

use std::time::Duration;

/// Bounds on memory, files and time that clients can take.
///
/// The defaults serve one machine or one room. A client that goes past a bound gets the protocol's
/// own error where there is one; otherwise its connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) connections: usize,
    pub(crate) frame_bytes: usize,
    pub(crate) in_flight_bytes: usize,
    pub(crate) pipelined: usize,
    pub(crate) items: usize,
    pub(crate) topics: usize,
    pub(crate) partitions: usize,
    pub(crate) frame_time: Duration,
    pub(crate) idle_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            frame_bytes: 32 << 20,
            in_flight_bytes: 128 << 20,
            pipelined: 16,
            items: 10_000,
            topics: 1_000,
            partitions: 10_000,
            frame_time: Duration::from_secs(30),
            idle_time: Duration::from_mins(10),
        }
    }
}

impl Limits {
    /// Sets the number of open connections. For one more, the connection is closed that has been silent
    /// for longest; if none has been for a second, the new one is. Default 1,024.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// Sets the bytes of one request; a longer one closes the connection. Default 32 MiB.
    ///
    /// It bounds a record batch too, whatever `max.message.bytes` a topic has.
    #[must_use]
    pub fn frame_bytes(mut self, most: usize) -> Self {
        self.frame_bytes = most.clamp(1024, i32::MAX as usize);
        self
    }

    /// Sets the bytes that all requests being read and appended may hold, and again the bytes that
    /// all answers being made may hold. Who comes later waits. Default 128 MiB.
    ///
    /// A quarter of it is for requests and answers of up to 64 KiB. One request of
    /// [`frame_bytes`](Self::frame_bytes) always fits, above all others if need be.
    #[must_use]
    pub fn in_flight_bytes(mut self, most: usize) -> Self {
        self.in_flight_bytes = most;
        self
    }

    /// Sets the requests of one connection that may wait for their answers. Default 16.
    #[must_use]
    pub fn pipelined(mut self, most: usize) -> Self {
        self.pipelined = most.max(1);
        self
    }

    /// Sets the entries of all lists in one request, together. Default 10,000.
    #[must_use]
    pub fn items(mut self, most: usize) -> Self {
        self.items = most;
        self
    }

    /// Sets the number of topics. Default 1,000.
    #[must_use]
    pub fn topics(mut self, most: usize) -> Self {
        self.topics = most;
        self
    }

    /// Sets the number of partitions of all topics. Default 10,000; each holds one open file.
    #[must_use]
    pub fn partitions(mut self, most: usize) -> Self {
        self.partitions = most;
        self
    }

    /// Sets the time that one request may take to arrive, and its answer to be taken. Default 30 s.
    ///
    /// It ends connections that send or read a byte now and then to hold resources.
    #[must_use]
    pub fn frame_time(mut self, longest: Duration) -> Self {
        self.frame_time = longest;
        self
    }

    /// Sets the time that a connection may stay silent between requests. Default 10 min.
    #[must_use]
    pub fn idle_time(mut self, longest: Duration) -> Self {
        self.idle_time = longest;
        self
    }

    /// The shared budget.
    pub(crate) fn budget_bytes(&self) -> usize {
        self.in_flight_bytes
    }

    /// What the large requests of one connection may hold of it.
    pub(crate) fn connection_bytes(&self) -> usize {
        (self.in_flight_bytes / 4).max(self.frame_bytes)
    }
}
