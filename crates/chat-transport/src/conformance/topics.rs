//! Topics: made on request, once, and told apart by identity.

use super::bench::{Bench, FIRST, WAIT, record};
use super::{CaseResult, error_is, same};
use crate::error::TransportError;
use crate::record::{Offset, Partition, Position, ReadOptions};

pub(super) async fn a_topic_is_created_and_described(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let info = room.transport.topic(&room.topic).await?;
    same("the id", info.id, room.id)?;
    same("partitions", info.partitions, 2)?;
    let bounds = room.transport.bounds(&room.topic, &[Partition(1), Partition(0)]).await?;
    let order: Vec<_> = bounds.iter().map(|b| (b.partition.0, b.start.0, b.end.0)).collect();
    same("bounds", order, vec![(1, 0, 0), (0, 0, 0)])?;
    let state = room.transport.state(&room.topic, &[Partition(1), Partition(0)]).await?;
    same("the id at once", state.id, room.id)?;
    same("partitions at once", state.partitions, 2)?;
    same("bounds at once", state.bounds, bounds)?;
    let state = room.transport.state(&room.topic, &[]).await?;
    same("bounds of nothing", state.bounds, vec![])?;
    let limit = info.settings.and_then(|settings| settings.max_record_bytes);
    same("the limit", limit, Some(1 << 20))?;
    room.clean().await
}

pub(super) async fn a_topic_is_created_once(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let again = room.transport.create_topic(&bench.spec("")?).await;
    error_is("creating it again", again, |e| matches!(e, TransportError::TopicExists { .. }))?;
    same("the id", room.transport.topic(&room.topic).await?.id, room.id)?;
    room.clean().await
}

pub(super) async fn an_unknown_topic_is_a_typed_error(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let missing = bench.name("-missing")?;
    let unknown = |e: &TransportError| matches!(e, TransportError::UnknownTopic { topic } if *topic == missing);
    error_is("describing", room.transport.topic(&missing).await, unknown)?;
    error_is("its state", room.transport.state(&missing, &[Partition(0)]).await, unknown)?;
    error_is("bounds", room.transport.bounds(&missing, &[FIRST]).await, unknown)?;
    let appended = room.transport.append(&missing, FIRST, vec![record("lost")]).await;
    error_is("appending", appended.map_err(|failed| failed.error), unknown)?;
    let at = [Position { partition: FIRST, offset: Offset(0) }];
    let options = ReadOptions { max_wait: WAIT, ..ReadOptions::default() };
    error_is("reading", room.transport.read(&missing, room.id, &at, options).await, unknown)?;
    error_is("deleting", room.transport.delete_topic(&missing).await, unknown)?;
    // Nothing of all that may have made it.
    error_is("describing again", room.transport.topic(&missing).await, unknown)?;
    room.clean().await
}

pub(super) async fn an_unknown_partition_is_a_typed_error(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let third = Partition(2);
    let unknown = |e: &TransportError| matches!(e, TransportError::UnknownPartition { partition, .. } if *partition == third);
    error_is("bounds", room.transport.bounds(&room.topic, &[FIRST, third]).await, unknown)?;
    let appended = room.transport.append(&room.topic, third, vec![record("lost")]).await;
    error_is("appending", appended.map_err(|failed| failed.error), unknown)?;
    let at = [Position { partition: third, offset: Offset(0) }];
    let read = room.transport.read(&room.topic, room.id, &at, ReadOptions::default()).await;
    error_is("reading", read, unknown)?;
    room.clean().await
}

pub(super) async fn a_topic_made_anew_is_noticed(bench: Bench<'_>) -> CaseResult {
    let mut room = bench.room().await?;
    room.append(FIRST, &["old"]).await?;
    room.read_to(FIRST, Offset(0), Offset(1)).await?;
    room.transport.delete_topic(&room.topic).await?;
    let old = room.id;
    let new = room.transport.create_topic(&bench.spec("")?).await?.id;
    super::check(old != new, || "the id is the old one".to_owned())?;
    let replaced = |e: &TransportError| matches!(e, TransportError::TopicReplaced { expected, found, .. } if *expected == old && *found == new);
    let options = ReadOptions { max_wait: WAIT, ..ReadOptions::default() };
    for offset in [Offset(1), Offset(0)] {
        let at = [Position { partition: FIRST, offset }];
        error_is("reading", room.transport.read(&room.topic, old, &at, options).await, replaced)?;
    }
    room.id = new;
    room.append(FIRST, &["new"]).await?;
    let records = room.read_to(FIRST, Offset(0), Offset(1)).await?;
    same("the new log", super::bench::values(&records), vec!["new".to_owned()])?;
    room.clean().await
}
