//! One suite for all transports: what is written to the trait holds on every one of them.
//!
//! [`run`] takes a [`Target`], which makes transports of one cluster and can hurt that cluster, runs
//! every case on topics of its own, and returns a [`Report`]. Nothing here measures time: waits are
//! bounded by [`GUARD`], so that a transport that hangs fails the case by name.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::TransportError;
use crate::record::{Offset, Partition, Position};
use crate::topic::TopicName;
use crate::transport::{Transport, TransportAdmin};

use self::bench::Bench;

mod appending;
mod bench;
mod faults;
mod reading;
mod topics;

/// What the suite runs on.
#[async_trait]
pub trait Target: Send + Sync {
    /// Another client of the same cluster.
    ///
    /// # Errors
    /// When the cluster cannot be reached.
    async fn connect(&self) -> Result<Box<dyn TransportAdmin>, TransportError>;

    /// A client whose broker accepts connections and never answers, with timeouts of a few seconds
    /// at most.
    async fn mute(&self) -> Hook<Box<dyn Transport>> {
        Hook::Unsupported("this target has no broker that never answers")
    }

    /// Stops the broker and starts it again with what it kept; clients stay as they are.
    async fn restart(&self) -> Hook<()> {
        Hook::Unsupported("this target's broker cannot be restarted")
    }

    /// Leaves at least one offset at the end of a log without a record.
    async fn leave_gap(&self, _topic: &TopicName, _partition: Partition) -> Hook<()> {
        Hook::Unsupported("this target cannot leave offsets without records")
    }

    /// Cuts a log, so that its records at and behind `end` are gone.
    async fn truncate(&self, _topic: &TopicName, _partition: Partition, _end: Offset) -> Hook<()> {
        Hook::Unsupported("this target cannot cut a log")
    }

    /// Damages a record on the broker's own disk, so that it decodes no more.
    async fn damage(&self, _topic: &TopicName, _at: Position, _wound: Wound<'_>) -> Hook<()> {
        Hook::Unsupported("this target cannot damage a record")
    }
}

/// Where a record is damaged: each is the only one that holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wound<'a> {
    /// In the middle of its value: the broker gives it all the same.
    Value(&'a str),
    /// In the header of its batch: the broker itself cannot get past it, except by its index.
    Header(&'a str),
}

/// What became of something that only some targets can do.
#[derive(Debug)]
pub enum Hook<T> {
    /// It was done.
    Done(T),
    /// The target cannot do it, and why: cases that need it are skipped.
    Unsupported(&'static str),
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// As it must.
    Passed,
    /// It was not run, and why.
    Skipped(String),
    /// It ended otherwise, and how.
    Failed(String),
}

/// How all cases ended. `Display` gives each its own line.
#[derive(Clone, Debug, Default)]
pub struct Report {
    cases: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// All cases in the order they ran.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &Outcome)> {
        self.cases.iter().map(|(name, outcome)| (*name, outcome))
    }

    /// The names of the cases that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.cases.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
        failed.map(|(name, _)| *name).collect()
    }

    /// The names of the cases that were skipped.
    pub fn skipped(&self) -> Vec<&'static str> {
        let skipped =
            self.cases.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Skipped(_)));
        skipped.map(|(name, _)| *name).collect()
    }

    async fn case(&mut self, name: &'static str, case: impl Future<Output = CaseResult>) {
        let outcome = match tokio::time::timeout(GUARD, case).await {
            Ok(Ok(())) => Outcome::Passed,
            Ok(Err(Stop::Skip(reason))) => Outcome::Skipped(reason.to_owned()),
            Ok(Err(Stop::Fail(reason))) => Outcome::Failed(reason),
            Err(_) => Outcome::Failed(format!("it did not end within {} s", GUARD.as_secs())),
        };
        self.cases.push((name, outcome));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cases.iter().try_for_each(|(name, outcome)| match outcome {
            Outcome::Passed => writeln!(f, "passed: {name}"),
            Outcome::Skipped(reason) => writeln!(f, "skipped: {name}: {reason}"),
            Outcome::Failed(reason) => writeln!(f, "FAILED: {name}: {reason}"),
        })
    }
}

/// Runs every case on a target, one after the other.
///
/// * `prefix` - begins the names of all topics; a run on a cluster that keeps topics needs a new one
///
/// The topics that a case made are deleted when it passed.
///
/// # Examples
/// ```
/// use chat_transport::conformance::{Target, run};
/// use chat_transport::{MemoryTransport, TransportAdmin, TransportError, async_trait};
///
/// struct Memory(MemoryTransport);
///
/// #[async_trait]
/// impl Target for Memory {
///     async fn connect(&self) -> Result<Box<dyn TransportAdmin>, TransportError> {
///         Ok(Box::new(self.0.clone()))
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let report = run(&Memory(MemoryTransport::new()), "example").await;
/// assert!(report.failed().is_empty(), "{report}");
/// # });
/// ```
pub async fn run(target: &dyn Target, prefix: &str) -> Report {
    let mut report = Report::default();
    let bench = |name| Bench::new(target, prefix, name);
    macro_rules! cases {
        ($($module:ident :: $case:ident),* $(,)?) => {
            $(report.case(stringify!($case), $module::$case(bench(stringify!($case)))).await;)*
        };
    }
    cases![
        topics::a_topic_is_created_and_described,
        topics::a_topic_is_created_once,
        topics::an_unknown_topic_is_a_typed_error,
        topics::an_unknown_partition_is_a_typed_error,
        topics::a_topic_made_anew_is_noticed,
        appending::records_keep_their_order,
        appending::acknowledgements_name_the_offsets,
        appending::two_writers_lose_nothing,
        appending::a_record_too_large_is_a_typed_error,
        appending::many_records_of_a_small_limit_fit,
        appending::a_compacted_topic_needs_keys,
        reading::every_offset_can_be_read_from,
        reading::offsets_without_records_are_passed,
        reading::several_partitions_are_read_at_once,
        reading::few_records_are_read_at_a_time,
        reading::a_read_without_a_wait_returns_empty,
        reading::a_waiting_read_wakes,
        reading::a_waiting_read_does_not_hold_up_an_append,
        reading::a_read_that_was_dropped_loses_nothing,
        reading::before_the_start_is_out_of_range,
        reading::behind_the_end_is_out_of_range,
        reading::deleted_records_are_noticed_while_reading,
        faults::a_log_that_was_cut_is_noticed,
        faults::a_restarted_broker_is_found_again,
        faults::a_broker_that_never_answers_times_out,
        faults::damaged_records_are_stepped_over,
        faults::a_damaged_header_is_stepped_over,
        faults::a_closed_transport_says_so,
    ];
    report
}

/// Ends a case that hangs. Longer than every timeout in a transport together.
pub const GUARD: Duration = Duration::from_secs(120);

/// How a case ends early.
enum Stop {
    Skip(&'static str),
    Fail(String),
}

type CaseResult<T = ()> = Result<T, Stop>;

impl From<TransportError> for Stop {
    fn from(error: TransportError) -> Self {
        Self::Fail(format!("{error:?}"))
    }
}

impl From<crate::error::AppendError> for Stop {
    fn from(error: crate::error::AppendError) -> Self {
        Self::Fail(format!("{error:?}"))
    }
}

impl<T> Hook<T> {
    fn or_skip(self) -> CaseResult<T> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Unsupported(reason) => Err(Stop::Skip(reason)),
        }
    }
}

/// Fails the case unless the condition holds.
fn check(holds: bool, what: impl FnOnce() -> String) -> CaseResult {
    if holds { Ok(()) } else { Err(Stop::Fail(what())) }
}

/// Fails the case unless the value is the expected one.
fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> CaseResult {
    check(found == expected, || format!("{what}: found {found:?}, expected {expected:?}"))
}

/// Fails the case unless the result is an error of the expected kind.
fn error_is<T: fmt::Debug>(
    what: &str,
    found: Result<T, TransportError>,
    expected: impl FnOnce(&TransportError) -> bool,
) -> CaseResult {
    match found {
        Err(error) if expected(&error) => Ok(()),
        other => Err(Stop::Fail(format!("{what}: found {other:?}"))),
    }
}
