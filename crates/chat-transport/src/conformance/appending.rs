//! Appends: in order, acknowledged by offset, or refused with a type.

use bytes::Bytes;

use super::bench::{Bench, FIRST, SECOND, record, values};
use super::{CaseResult, Stop, check, error_is, same};
use crate::error::TransportError;
use crate::record::{Offset, Record};
use crate::topic::Cleanup;

pub(super) async fn records_keep_their_order(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let texts: Vec<String> = (0..2_000).map(|n| format!("{n}")).collect();
    for part in texts.chunks(500) {
        room.append(FIRST, &part.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    }
    let records = room.read_to(FIRST, Offset(0), Offset(2_000)).await?;
    check(values(&records) == texts, || format!("another order, or not all: {}", records.len()))?;
    let offsets = records.iter().map(|record| record.offset.0);
    check(offsets.eq(0..2_000), || "offsets are not 0 to 1,999".to_owned())?;
    room.clean().await
}

pub(super) async fn acknowledgements_name_the_offsets(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    for (partition, expected) in [(FIRST, [0, 1]), (FIRST, [2, 3]), (SECOND, [0, 1])] {
        let acks = room.append(partition, &["a", "b"]).await?;
        let offsets: Vec<_> = acks.iter().map(|ack| ack.offset).collect();
        same("offsets", offsets, expected.map(|offset| Some(Offset(offset))).to_vec())?;
    }
    same("no records", room.append(FIRST, &[]).await?.len(), 0)?;
    let bounds = room.transport.bounds(&room.topic, &[FIRST]).await?;
    same("the end", bounds.iter().map(|b| b.end.0).collect::<Vec<_>>(), vec![4])?;
    room.clean().await
}

pub(super) async fn two_writers_lose_nothing(bench: Bench<'_>) -> CaseResult {
    let room = bench.room().await?;
    let other = bench.target.connect().await?;
    let write = async |transport: &dyn crate::TransportAdmin, who: &str| {
        for n in 0..50 {
            let records = (0..4).map(|m| record(&format!("{who}{:03}", n * 4 + m))).collect();
            transport.append(&room.topic, FIRST, records).await?;
        }
        Ok::<_, Stop>(())
    };
    let (one, two) = tokio::join!(write(&*room.transport, "a"), write(&*other, "b"));
    one?;
    two?;
    let found = values(&room.read_to(FIRST, Offset(0), Offset(400)).await?);
    for who in ["a", "b"] {
        let mine: Vec<_> = found.iter().filter(|value| value.starts_with(who)).cloned().collect();
        let expected: Vec<_> = (0..200).map(|n| format!("{who}{n:03}")).collect();
        check(mine == expected, || {
            format!("writer {who}: {} of 200, or another order", mine.len())
        })?;
    }
    other.close().await;
    room.clean().await
}

pub(super) async fn a_record_too_large_is_a_typed_error(bench: Bench<'_>) -> CaseResult {
    let mut spec = bench.spec("")?;
    spec.max_record_bytes = 100_000;
    let room = bench.room_of(&spec).await?;
    let large = Record { key: None, value: Bytes::from(vec![7; 200_000]) };
    let refused = room.transport.append(&room.topic, FIRST, vec![record("first"), large]).await;
    let Err(refused) = refused else { return Err(Stop::Fail("it was taken".to_owned())) };
    same("records before it", refused.acked.len(), 1)?;
    let too_large =
        |e: &TransportError| matches!(e, TransportError::TooLarge { size, .. } if *size >= 200_000);
    error_is::<()>("the large record", Err(refused.error), too_large)?;
    let fits = Record { key: None, value: Bytes::from(vec![7; 90_000]) };
    room.transport.append(&room.topic, FIRST, vec![fits]).await?;
    let records = room.read_to(FIRST, Offset(0), Offset(2)).await?;
    let sizes: Vec<_> = records.iter().map(|r| r.value.as_ref().map_or(0, Bytes::len)).collect();
    same("what is on the log", sizes, vec![5, 90_000])?;
    room.clean().await
}

pub(super) async fn many_records_of_a_small_limit_fit(bench: Bench<'_>) -> CaseResult {
    let mut spec = bench.spec("")?;
    spec.max_record_bytes = 20_000;
    let room = bench.room_of(&spec).await?;
    let one = |n: u8| Record { key: None, value: Bytes::from(vec![n; 5_000]) };
    room.transport.append(&room.topic, FIRST, (0..40).map(one).collect()).await?;
    let records = room.read_to(FIRST, Offset(0), Offset(40)).await?;
    let found = records.iter().filter_map(|r| r.value.as_ref()?.first().copied());
    check(found.eq(0..40), || "another order, or not all".to_owned())?;
    room.clean().await
}

pub(super) async fn a_compacted_topic_needs_keys(bench: Bench<'_>) -> CaseResult {
    let mut spec = bench.spec("")?;
    spec.cleanup = Cleanup::Compact;
    let room = bench.room_of(&spec).await?;
    let refused = room.transport.append(&room.topic, FIRST, vec![record("no key")]).await;
    let invalid = |e: &TransportError| matches!(e, TransportError::InvalidRecord { .. });
    error_is("no key", refused.map_err(|failed| failed.error), invalid)?;
    let keyed = Record { key: Some(Bytes::from_static(b"k")), value: Bytes::from_static(b"v") };
    room.transport.append(&room.topic, FIRST, vec![keyed.clone()]).await?;
    let records = room.read_to(FIRST, Offset(0), Offset(1)).await?;
    let found: Vec<_> = records.into_iter().map(|r| (r.key, r.value)).collect();
    same("the record", found, vec![(keyed.key, Some(keyed.value))])?;
    room.clean().await
}
