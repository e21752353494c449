//! Reads: from any offset, over gaps, waiting, and never elsewhere than asked.

use std::time::Duration;

use super::bench::{Bench, FIRST, Room, SECOND, WAIT, record, values};
use super::{CaseResult, GUARD, check, error_is, same};
use crate::error::TransportError;
use crate::record::{Offset, Page, Position, ReadOptions};

pub(super) async fn every_offset_can_be_read_from(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let texts: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    room.append(FIRST, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    // Forth and back, so that no reader simply goes on where it stood.
    for from in [0, 9, 5, 3, 7, 0] {
        let records = room.read_to(FIRST, Offset(from as u64), Offset(10)).await?;
        same("records", values(&records), texts.iter().skip(from).cloned().collect())?;
    }
    room.clean().await
}

pub(super) async fn offsets_without_records_are_passed(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    room.append(FIRST, &["before"]).await?;
    bench.target.leave_gap(&room.topic, FIRST).await.or_skip()?;
    let end = end(&room).await?;
    let before = room.read_to(FIRST, Offset(0), end).await?;
    same("the first value", values(&before).first().cloned(), Some("before".to_owned()))?;
    let inside = before.last().map_or(Offset(0), |record| Offset(record.offset.0 + 1));
    check(inside < end, || format!("there is no gap: the last record is right before {end}"))?;
    room.append(FIRST, &["behind"]).await?;
    // From in front of the gap, from inside, and from its end.
    for (from, count) in [(Offset(0), before.len() + 1), (inside, 1), (end, 1)] {
        let records = room.read_to(FIRST, from, Offset(end.0 + 1)).await?;
        let last = records.last().map(|record| record.offset);
        same("the last offset", last, Some(end))?;
        same("the last value", values(&records).pop(), Some("behind".to_owned()))?;
        same("how many", records.len(), count)?;
    }
    room.clean().await
}

pub(super) async fn several_partitions_are_read_at_once(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    room.append(FIRST, &["a", "b"]).await?;
    room.append(SECOND, &["c"]).await?;
    let mut at = [position(SECOND, 0), position(FIRST, 1)];
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let options = ReadOptions { max_wait: WAIT, ..ReadOptions::default() };
    while at != [position(SECOND, 1), position(FIRST, 2)] {
        let pages = room.transport.read(&room.topic, room.id, &at, options).await?;
        let order: Vec<_> = pages.iter().map(|page| page.partition).collect();
        same("pages", order, vec![SECOND, FIRST])?;
        for (page, at) in pages.into_iter().zip(&mut at) {
            at.offset = page.resume;
            let values = values(&page.records);
            if page.partition == FIRST { first.extend(values) } else { second.extend(values) }
        }
    }
    same("both", (first, second), (vec!["b".to_owned()], vec!["c".to_owned()]))?;
    room.clean().await
}

pub(super) async fn few_records_are_read_at_a_time(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    room.append(FIRST, &["0", "1", "2", "3", "4"]).await?;
    let options = ReadOptions { max_records: 2, max_wait: WAIT, ..ReadOptions::default() };
    let (mut next, mut found) = (Offset(0), Vec::new());
    while next < Offset(5) {
        let at = [Position { partition: FIRST, offset: next }];
        for Page { records, resume, .. } in
            room.transport.read(&room.topic, room.id, &at, options).await?
        {
            check(records.len() <= 2, || format!("{} records, not 2", records.len()))?;
            found.extend(values(&records));
            next = resume;
        }
    }
    same("all", found.concat(), "01234".to_owned())?;
    room.clean().await
}

pub(super) async fn a_read_without_a_wait_returns_empty(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let page = room.read(FIRST, Offset(0), Duration::ZERO).await?;
    same("an empty log", (page.records.len(), page.resume, page.end), (0, Offset(0), Offset(0)))?;
    room.append(FIRST, &["a"]).await?;
    // What is there comes without a wait too.
    let page = room.read(FIRST, Offset(0), Duration::ZERO).await?;
    same("one record", (values(&page.records), page.resume), (vec!["a".to_owned()], Offset(1)))?;
    let page = room.read(FIRST, Offset(1), Duration::ZERO).await?;
    same("the end", (page.records.len(), page.resume, page.end), (0, Offset(1), Offset(1)))?;
    room.clean().await
}

/// The wait is longer than the guard: only a wake-up ends it in time.
pub(super) async fn a_waiting_read_wakes(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let other = bench.target.connect().await?;
    let waiting = room.read(FIRST, Offset(0), GUARD * 2);
    let append = async {
        tokio::time::sleep(SETTLE).await;
        other.append(&room.topic, FIRST, vec![record("wake")]).await
    };
    let (page, appended) = tokio::join!(waiting, append);
    appended?;
    same("the record", values(&page?.records), vec!["wake".to_owned()])?;
    other.close().await;
    room.clean().await
}

/// The read waits for a partition that nobody writes to, for longer than the guard, on the same
/// object: an append that waited for it would never end.
pub(super) async fn a_waiting_read_does_not_hold_up_an_append(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let waiting = room.read(SECOND, Offset(0), GUARD * 2);
    let append = async {
        tokio::time::sleep(SETTLE).await;
        for value in ["one", "two", "three"] {
            room.append(FIRST, &[value]).await?;
        }
        room.read_to(FIRST, Offset(0), Offset(3)).await
    };
    let records = tokio::select! {
        biased;
        records = append => records?,
        page = waiting => {
            let found = page?.records.len();
            return Err(super::Stop::Fail(format!("the read ended by itself, with {found} records")));
        }
    };
    same("records", records.len(), 3)?;
    room.clean().await
}

pub(super) async fn a_read_that_was_dropped_loses_nothing(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let waiting = room.read(FIRST, Offset(0), GUARD * 2);
    let ended = tokio::time::timeout(SETTLE, waiting).await.is_ok();
    check(!ended, || "the read did not wait".to_owned())?;
    room.append(FIRST, &["kept"]).await?;
    let records = room.read_to(FIRST, Offset(0), Offset(1)).await?;
    same("records", values(&records), vec!["kept".to_owned()])?;
    room.clean().await
}

pub(super) async fn before_the_start_is_out_of_range(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    room.append(FIRST, &["0", "1", "2", "3"]).await?;
    room.transport.delete_records(&room.topic, FIRST, Offset(2)).await?;
    let bounds = room.transport.bounds(&room.topic, &[FIRST]).await?;
    let found: Vec<_> = bounds.iter().map(|b| (b.start.0, b.end.0)).collect();
    same("bounds", found, vec![(2, 4)])?;
    out_of_range(&room, Offset(1), (2, 4)).await?;
    let records = room.read_to(FIRST, Offset(2), Offset(4)).await?;
    same("the rest", values(&records).concat(), "23".to_owned())?;
    let behind = room.transport.delete_records(&room.topic, FIRST, Offset(5)).await;
    error_is("deleting behind the end", behind, |e| {
        matches!(e, TransportError::OutOfRange { .. })
    })?;
    room.clean().await
}

pub(super) async fn behind_the_end_is_out_of_range(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    out_of_range(&room, Offset(1), (0, 0)).await?;
    room.append(FIRST, &["0"]).await?;
    out_of_range(&room, Offset(2), (0, 1)).await?;
    out_of_range(&room, Offset(1 << 40), (0, 1)).await?;
    // Exactly the end is a position to wait at.
    same("the end", room.read(FIRST, Offset(1), Duration::ZERO).await?.records.len(), 0)?;
    room.clean().await
}

pub(super) async fn deleted_records_are_noticed_while_reading(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    room.append(FIRST, &["0", "1"]).await?;
    room.read_to(FIRST, Offset(0), Offset(2)).await?;
    room.append(FIRST, &["2", "3", "4"]).await?;
    room.transport.delete_records(&room.topic, FIRST, Offset(4)).await?;
    // The reader stands at 2 and would go on there.
    out_of_range(&room, Offset(2), (4, 5)).await?;
    same(
        "the rest",
        values(&room.read_to(FIRST, Offset(4), Offset(5)).await?).concat(),
        "4".to_owned(),
    )?;
    room.clean().await
}

async fn out_of_range(room: &Room, offset: Offset, bounds: (u64, u64)) -> CaseResult {
    let at = [Position { partition: FIRST, offset }];
    let options = ReadOptions { max_wait: WAIT, ..ReadOptions::default() };
    let read = room.transport.read(&room.topic, room.id, &at, options).await;
    error_is(&format!("reading at {offset}"), read, |error| {
        matches!(error, TransportError::OutOfRange { asked, bounds: found, .. }
            if *asked == offset && (found.start.0, found.end.0) == bounds)
    })
}

async fn end(room: &Room) -> CaseResult<Offset> {
    let bounds = room.transport.bounds(&room.topic, &[FIRST]).await?;
    Ok(bounds.first().map_or(Offset(0), |bounds| bounds.end))
}

fn position(partition: crate::Partition, offset: u64) -> Position {
    Position { partition, offset: Offset(offset) }
}

/// Lets a read begin to wait. The cases hold without it too; they then test less.
const SETTLE: Duration = Duration::from_millis(300);
