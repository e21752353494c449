//! Durations and moments, as people write them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Reads `500ms`, `30s`, `10m`, `2h`, `3d`, `2w`.
///
/// # Errors
/// Anything else, and more than a hundred years.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is no duration: write a number and ms, s, m, h, d or w, such as 30s");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(wrong()),
    };
    let ms = number.checked_mul(unit_ms).filter(|ms| *ms <= MAX_MS).ok_or_else(wrong)?;
    Ok(Duration::from_millis(ms))
}

/// Reads a moment in milliseconds since 1970: RFC 3339, or a duration before now.
///
/// # Errors
/// Anything else.
pub(crate) fn parse_moment(text: &str) -> Result<i64, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_millisecond());
    }
    let back = parse_duration(text).map_err(|_| {
        format!("{text:?} is no time: write 2026-01-31T12:00:00Z, or 2h or 3d for that long ago")
    })?;
    let back = i64::try_from(back.as_millis()).unwrap_or(i64::MAX);
    Ok(now().as_millisecond().saturating_sub(back))
}

/// RFC 3339 in UTC, to the millisecond. Moments outside the years that can be written are drawn in.
pub(crate) fn rfc3339(ms: i64) -> String {
    format!("{:.3}", moment(ms))
}

/// Local time, for people.
pub(crate) fn local(ms: i64) -> String {
    moment(ms).to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn moment(ms: i64) -> Timestamp {
    let end = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(end)
}

fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

const MAX_MS: u64 = 100 * 366 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for wrong in
            ["", "s", "30", "-1s", "1.5h", "1y", "99999999999999999999s", "999999999w", "3 d"]
        {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_rfc_3339_or_how_long_ago() {
        assert_eq!(parse_moment("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(parse_moment("1970-01-01T01:00:01+01:00"), Ok(1000));
        let ago = parse_moment("2h").unwrap();
        assert!((now().as_millisecond() - ago - 7_200_000).abs() < 60_000);
        assert!(parse_moment("yesterday").is_err());
    }

    #[test]
    fn every_moment_can_be_written() {
        assert_eq!(rfc3339(1_500), "1970-01-01T00:00:01.500Z");
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            assert!(!rfc3339(ms).is_empty());
            assert!(!local(ms).is_empty());
        }
    }
}
