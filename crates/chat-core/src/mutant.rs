//! Rules that can be broken on purpose, to see that a test notices.
//!
//! Without the feature `mutants` this is nothing at all. With it, the environment variable
//! `SECURECHAT_MUTANT` names the one rule that this process breaks; only tests are built that way.

/// A rule, named after what happens when it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), expect(unreachable_pub, reason = "public with the feature"))]
pub enum Mutant {
    /// A message that is known is stored again.
    SkipDeduplication,
    /// The cursor moves before the rows are stored.
    CursorBeforeRows,
    /// A retry seals the message anew.
    ReencryptOnRetry,
    /// A message counts as sent before it is acknowledged.
    MarkSentBeforeAck,
    /// Younger messages are sent ahead of older ones.
    YoungerFirst,
    /// Offsets that retention took are jumped over in silence.
    SilentRetention,
    /// A log that was cut is read on in silence.
    SilentTruncation,
    /// A topic that was made anew is taken for the old one.
    IgnoreTopicId,
    /// What lies on the log is not compared with what was read from it.
    IgnoreRecordHash,
    /// What was acknowledged is never looked for again.
    ForgetOwnRecords,
    /// An own record under a later leader vouches for those below it.
    TrustLaterLeader,
    /// A batch that is too large closes its first message.
    CloseWholeBatch,
    /// What was printed is printed again.
    ForgetMark,
    /// All envelopes share one salt.
    ReuseSalt,
    /// Numbers that are missing in a stream are not noticed.
    SkipMissing,
    /// What a newer program wrote is dropped.
    DropNewer,
    /// A message counts in whichever mailbox it lies.
    AcceptForeignContext,
    /// A signature is not looked at.
    AcceptBadSignature,
    /// A network key is taken from whoever offers it.
    TakeAnyNetworkKey,
    /// The newest key under a handle counts.
    PinNewestKey,
    /// A message with less protection than its sender uses is shown as any other.
    ShowDowngrade,
    /// What is written to somebody whose key has changed is sent.
    SendToChangedKey,
    /// A leaf's certificate may be for another key than the leaf's.
    SkipCredentialCheck,
    /// Our own leaf is never renewed.
    NeverRenew,
    /// What members say of the log that they read is not compared.
    IgnoreForks,
    /// An entry with fewer changes, or others, takes the place of the one that is known.
    TakeShorterDirectory,
    /// A directory record counts under whichever key it lies.
    SkipDirectoryKey,
    /// Of several identities under one handle the last one counts.
    LastIdentityWins,
    /// Whoever a Commit adds is invited before it has won.
    WelcomeBeforeCommit,
    /// A Commit that has lost its race counts as one that has won.
    KeepLostCommit,
    /// What is said in a stranger's group is shown before anybody has accepted it.
    ShowRequests,
    /// Whoever asks to be put back is, however often the same request comes.
    PutBackAgain,
    /// A restored copy writes on in the groups that it was in.
    ForgetRestore,
    /// Whoever has a device code may use it again.
    CodeForEver,
    /// The inbox keeps its key when a device is removed.
    KeepInboxKey,
    /// A device that its owner has removed stays in groups.
    KeepRemovedDevice,
    /// A device that nobody lists yet is put out, as one that was removed is.
    PutOutUnlisted,
    /// What somebody says of their own list of changes is not compared.
    IgnoreHeads,
}

/// Whether this process breaks a rule.
#[cfg(feature = "mutants")]
pub(crate) fn breaks(rule: Mutant) -> bool {
    static BROKEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let broken = BROKEN.get_or_init(|| std::env::var("SECURECHAT_MUTANT").ok());
    broken.as_ref().is_some_and(|broken| *broken == format!("{rule:?}"))
}

/// Whether this process breaks a rule: no.
#[cfg(not(feature = "mutants"))]
pub(crate) const fn breaks(_rule: Mutant) -> bool {
    false
}

/// Runs tests of this test binary, each with the rule broken that it guards: each must fail, or not come to
/// its end, and pass when no rule is broken. Runs all of them at once.
///
/// # Panics
/// When a mutant survives, naming it.
#[cfg(feature = "mutants")]
pub fn assert_each_is_killed(killers: &[(Mutant, &str)]) {
    let begun: Vec<_> = killers
        .iter()
        .map(|(mutant, test)| (mutant, test, begin(test, None), begin(test, Some(*mutant))))
        .collect();
    for (mutant, test, whole, broken) in begun {
        assert!(passes(whole), "{test} fails although no rule is broken");
        assert!(!passes(broken), "{mutant:?} survives {test}");
    }
}

#[cfg(feature = "mutants")]
#[expect(clippy::expect_used, reason = "a test's own tool")]
fn begin(test: &str, mutant: Option<Mutant>) -> std::process::Child {
    let program = std::env::current_exe().expect("this program's path");
    let mut command = std::process::Command::new(program);
    command.args(["--exact", test]).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null()).env_remove("SECURECHAT_MUTANT");
    if let Some(mutant) = mutant {
        command.env("SECURECHAT_MUTANT", format!("{mutant:?}"));
    }
    command.spawn().expect("this program, once more")
}

/// Whether a test passes within its time.
#[cfg(feature = "mutants")]
fn passes(mut child: std::process::Child) -> bool {
    for _ in 0..LONGEST_TEST.as_millis() / LOOK_EVERY.as_millis() {
        if let Ok(Some(status)) = child.try_wait() {
            return status.success();
        }
        std::thread::sleep(LOOK_EVERY);
    }
    drop(child.kill());
    drop(child.wait());
    false
}

#[cfg(feature = "mutants")]
const LONGEST_TEST: std::time::Duration = std::time::Duration::from_secs(30);
#[cfg(feature = "mutants")]
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(20);
