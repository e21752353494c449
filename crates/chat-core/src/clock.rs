//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 by this machine's clock; 0 for a clock before that.
pub(crate) fn now_ms() -> i64 {
    millis(SystemTime::now())
}

/// A time as milliseconds since 1970; 0 before that, the largest value when out of range.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
