//! Numbers with a meaning.

use std::fmt;

/// A place on a profile's one number line of history rows; the first row is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before the first row.
    pub const ZERO: Self = Self(0);

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// The number of a row of the outbox; rising, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(u64);

impl OutboxId {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// A count of writes to a store, by any process: another value means that something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

macro_rules! number {
    ($($name:ident),+) => {$(
        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}

number!(Seq, OutboxId, Generation);
