//! Brokers that stop, hang or lose what they had.

use super::bench::{Bench, FIRST, WAIT, record, values};
use super::{CaseResult, Stop, Wound, check, error_is, same};
use crate::error::TransportError;
use crate::record::{Offset, Position, ReadOptions};
use crate::topic::TopicId;

pub(super) async fn a_log_that_was_cut_is_noticed(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    room.append(FIRST, &["0", "1", "2"]).await?;
    room.read_to(FIRST, Offset(0), Offset(3)).await?;
    bench.target.truncate(&room.topic, FIRST, Offset(1)).await.or_skip()?;
    let at = [Position { partition: FIRST, offset: Offset(3) }];
    let options = ReadOptions { max_wait: WAIT, ..ReadOptions::default() };
    let read = room.transport.read(&room.topic, room.id, &at, options).await;
    error_is("reading on", read, |e| matches!(e, TransportError::OutOfRange { .. }))?;
    let epoch =
        room.transport.bounds(&room.topic, &[FIRST]).await?.pop().and_then(|b| b.leader_epoch);
    check(epoch.is_none_or(|epoch| epoch.0 > 0), || "the leader epoch did not rise".to_owned())?;
    room.clean().await
}

pub(super) async fn damaged_records_are_stepped_over(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    // No other record of the broker has these bytes.
    let damaged = [1, 2].map(|number| format!("{}: to be damaged, {number}", room.topic));
    for value in ["before", &damaged[0], &damaged[1], "behind"] {
        room.append(FIRST, &[value]).await?;
    }
    for (offset, value) in (1..).zip(&damaged) {
        let at = Position { partition: FIRST, offset: Offset(offset) };
        bench.target.damage(&room.topic, at, Wound::Value(value)).await.or_skip()?;
    }
    same(
        "before",
        values(&room.read_to(FIRST, Offset(0), Offset(1)).await?),
        vec!["before".into()],
    )?;
    let at = [Position { partition: FIRST, offset: Offset(1) }];
    let mut next = Offset(1);
    while next < Offset(3) {
        let at = [Position { offset: next, ..at[0] }];
        let read = room.transport.read(&room.topic, room.id, &at, ReadOptions::default()).await;
        let Err(TransportError::Damaged { partition, from, next: behind, .. }) = read else {
            return Err(Stop::Fail(format!("reading damaged records gave {read:?}")));
        };
        same("the damaged place", (partition, from), (FIRST, next))?;
        check(next < behind && behind <= Offset(3), || format!("it goes on at {behind}"))?;
        next = behind;
    }
    same("behind", values(&room.read_to(FIRST, next, Offset(4)).await?), vec!["behind".into()])?;
    room.clean().await
}

/// The broker refuses the records at and behind the damage, up to where its index leads past it; what
/// is there comes again.
pub(super) async fn a_damaged_header_is_stepped_over(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let damaged = format!("{}: to be damaged", room.topic);
    // More than an index has places for.
    let filler = "between ".repeat(1024);
    for value in ["before", &damaged, &filler, &filler, &filler, "behind"] {
        room.append(FIRST, &[value]).await?;
    }
    let at = Position { partition: FIRST, offset: Offset(1) };
    bench.target.damage(&room.topic, at, Wound::Header(&damaged)).await.or_skip()?;
    same(
        "before",
        values(&room.read_to(FIRST, Offset(0), Offset(1)).await?),
        vec!["before".into()],
    )?;
    let mut next = Offset(1);
    let read = async |next| {
        let options = ReadOptions { max_wait: WAIT, ..ReadOptions::default() };
        let at = [Position { partition: FIRST, offset: next }];
        room.transport.read(&room.topic, room.id, &at, options).await
    };
    for _ in 0..TRIES {
        match read(next).await {
            Err(TransportError::Damaged { from, next: behind, .. }) => {
                same("the damaged place", from, next)?;
                check(next < behind && behind < Offset(6), || format!("it goes on at {behind}"))?;
                next = behind;
                break;
            }
            // The first answer without records says nothing yet.
            Ok(pages) if pages.iter().all(|page| page.records.is_empty()) => {}
            other => return Err(Stop::Fail(format!("reading a damaged record gave {other:?}"))),
        }
    }
    let mut behind = values(&room.read_to(FIRST, next, Offset(6)).await?);
    same("behind", behind.pop(), Some("behind".into()))?;
    check(behind.iter().all(|value| *value == filler), || "foreign records".to_owned())?;
    room.clean().await
}

pub(super) async fn a_restarted_broker_is_found_again(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    room.append(FIRST, &["before"]).await?;
    room.read_to(FIRST, Offset(0), Offset(1)).await?;
    bench.target.restart().await.or_skip()?;
    same("the id", retried(async || room.transport.topic(&room.topic).await).await?.id, room.id)?;
    // The same writer and the same reader go on; a lost acknowledgement must say so, and then the
    // record may be there twice.
    let mut appended = Err(Stop::Fail("never tried".to_owned()));
    for _ in 0..TRIES {
        let tried = room.transport.append(&room.topic, FIRST, vec![record("behind")]).await;
        match tried {
            Ok(_) => {
                appended = Ok(());
                break;
            }
            Err(failed) if failed.error.is_transient() => appended = Err(failed.into()),
            Err(failed) => return Err(failed.into()),
        }
    }
    appended?;
    let mut found = Vec::new();
    let mut next = Offset(0);
    while found.last().is_none_or(|last| last != "behind") {
        let at = [Position { partition: FIRST, offset: next }];
        let options = ReadOptions { max_wait: WAIT, ..ReadOptions::default() };
        let pages =
            retried(async || room.transport.read(&room.topic, room.id, &at, options).await).await?;
        for page in pages {
            found.extend(values(&page.records));
            next = page.resume;
        }
    }
    same("what was there", found.first().cloned(), Some("before".to_owned()))?;
    room.clean().await
}

pub(super) async fn a_broker_that_never_answers_times_out(bench: Bench<'_>) -> CaseResult {
    let mute = bench.target.mute().await.or_skip()?;
    let topic = bench.name("")?;
    let gave_up = |e: &TransportError| {
        let kind = matches!(e, TransportError::Timeout { .. } | TransportError::Unreachable { .. });
        kind && e.is_transient() && e.applied() == crate::Applied::No
    };
    error_is("describing", mute.topic(&topic).await, gave_up)?;
    error_is("bounds", mute.bounds(&topic, &[FIRST]).await, gave_up)?;
    let appended = mute.append(&topic, FIRST, vec![record("lost")]).await;
    error_is("appending", appended.map_err(|failed| failed.error), gave_up)?;
    let at = [Position { partition: FIRST, offset: Offset(0) }];
    let read = mute.read(&topic, TopicId([1; 16]), &at, ReadOptions::default()).await;
    error_is("reading", read, gave_up)?;
    mute.close().await;
    Ok(())
}

pub(super) async fn a_closed_transport_says_so(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let other = bench.target.connect().await?;
    other.append(&room.topic, FIRST, vec![record("a")]).await?;
    other.close().await;
    let closed = |e: &TransportError| matches!(e, TransportError::Closed);
    error_is("describing", other.topic(&room.topic).await, closed)?;
    let appended = other.append(&room.topic, FIRST, vec![record("b")]).await;
    error_is("appending", appended.map_err(|failed| failed.error), closed)?;
    let at = [Position { partition: FIRST, offset: Offset(0) }];
    error_is(
        "reading",
        other.read(&room.topic, room.id, &at, ReadOptions::default()).await,
        closed,
    )?;
    // Other clients are not touched by it.
    same("another client", room.read_to(FIRST, Offset(0), Offset(1)).await?.len(), 1)?;
    room.clean().await
}

/// Tries again as long as the error says that this may help.
async fn retried<T>(mut work: impl AsyncFnMut() -> Result<T, TransportError>) -> CaseResult<T> {
    let mut tries = 0;
    loop {
        match work().await {
            Ok(value) => return Ok(value),
            Err(error) if error.is_transient() && tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

const TRIES: usize = 50;
