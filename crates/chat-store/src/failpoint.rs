//! Places where a test lets the process die, as if its power had gone.
//!
//! Without the feature `failpoints` this is nothing at all. With it, the environment variable
//! `SECURECHAT_FAILPOINT=before-commit:3` aborts the process when it comes to that place for the third time; only
//! tests are built that way.

/// A place on the way of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A transaction has made its changes and is not committed.
    BeforeCommit,
    /// A transaction is durable; nobody knows yet.
    AfterCommit,
    /// A picture is finished; it is not in the outbox yet.
    AfterEmbed,
    /// Records are about to be appended.
    BeforeAppend,
    /// Records are acknowledged; that is not stored yet.
    AfterAppend,
    /// Records were read; nothing of them is stored yet.
    AfterRead,
    /// Lines are in the user's hands; the mark does not stand behind them yet.
    AfterPrint,
    /// A store was copied into another engine; the old one counts.
    BeforeSwitch,
    /// The new store counts; the old one is still there.
    AfterSwitch,
    /// A file of a damaged store, or of the one that was made of it, is about to be moved.
    BeforeMove,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::AfterEmbed,
        Self::BeforeAppend,
        Self::AfterAppend,
        Self::AfterRead,
        Self::AfterPrint,
        Self::BeforeSwitch,
        Self::AfterSwitch,
        Self::BeforeMove,
    ];

    /// Its name in the environment variable.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::AfterEmbed => "after-embed",
            Self::BeforeAppend => "before-append",
            Self::AfterAppend => "after-append",
            Self::AfterRead => "after-read",
            Self::AfterPrint => "after-print",
            Self::BeforeSwitch => "before-switch",
            Self::AfterSwitch => "after-switch",
            Self::BeforeMove => "before-move",
        }
    }
}

/// Comes to a place; does not return where a test says so.
#[cfg(feature = "failpoints")]
pub fn reach(place: Place) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static AIM: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSES: AtomicU64 = AtomicU64::new(0);
    let aim = AIM.get_or_init(|| {
        let said = std::env::var("SECURECHAT_FAILPOINT").ok()?;
        let (name, pass) = said.split_once(':')?;
        Some((name.to_owned(), pass.parse().ok()?))
    });
    let Some((name, pass)) = aim else { return };
    if name == place.name() && PASSES.fetch_add(1, Ordering::Relaxed) + 1 == *pass {
        std::process::abort();
    }
}

/// Comes to a place: goes on.
#[cfg(not(feature = "failpoints"))]
pub const fn reach(_place: Place) {}
