//! Settings of a topic: which there are, what they may be, what they are by default.

use std::collections::BTreeMap;

/// The settings that were given to a topic; all others are at their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TopicConfigs {
    set: BTreeMap<&'static str, String>,
}

/// A setting that a topic may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) kind: Kind,
}

/// What a setting's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole number, at least this, that fits 32 bits.
    Int(i64),
    /// A whole number, at least this.
    Long(i64),
    /// A number from 0 to 1.
    Ratio,
    /// `true` or `false`.
    Bool,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A list of these, with commas between them.
    ListOf(&'static [&'static str]),
}

/// A setting that is unknown or has a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadConfig(pub(crate) String);

impl TopicConfigs {
    /// Checks names and values; a missing value stands for the default.
    pub(crate) fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, BadConfig> {
        let mut set = BTreeMap::new();
        for (name, value) in pairs {
            let known =
                known(name).ok_or_else(|| BadConfig(format!("unknown setting {name:?}")))?;
            let Some(value) = value else { continue };
            if !known.kind.takes(value) {
                return Err(BadConfig(format!("{name} cannot be {value:?}")));
            }
            if set.insert(known.name, value.to_owned()).is_some() {
                return Err(BadConfig(format!("{name} is given twice")));
            }
        }
        Ok(Self { set })
    }

    /// The value of a setting; an unknown name has an empty one.
    pub(crate) fn value(&self, name: &str) -> &str {
        let default = || known(name).map_or("", |known| known.default);
        self.set.get(name).map_or_else(default, String::as_str)
    }

    /// Whether a setting was given.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.set.contains_key(name)
    }

    /// The settings that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.set.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub(crate) fn max_message_bytes(&self) -> u64 {
        self.number("max.message.bytes")
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        self.number("segment.bytes")
    }

    /// How long a segment is written to, in milliseconds.
    pub(crate) fn segment_ms(&self) -> u64 {
        self.number("segment.ms")
    }

    /// How long records are kept, in milliseconds, where they are removed by time.
    pub(crate) fn retention_ms(&self) -> Option<i64> {
        self.kept("retention.ms")
    }

    /// How many bytes of a partition are kept at least, where records are removed by size.
    pub(crate) fn retention_bytes(&self) -> Option<u64> {
        self.kept("retention.bytes").and_then(|bytes| u64::try_from(bytes).ok())
    }

    /// A bound on what is kept; -1 stands for none.
    fn kept(&self, name: &str) -> Option<i64> {
        let deletes = self.value("cleanup.policy").split(',').any(|p| p.trim() == "delete");
        self.value(name).parse().ok().filter(|bound| deletes && *bound >= 0)
    }

    pub(crate) fn min_insync_replicas(&self) -> u64 {
        self.number("min.insync.replicas")
    }

    /// Whether batches must come as they are.
    pub(crate) fn is_uncompressed(&self) -> bool {
        self.value("compression.type") == "uncompressed"
    }

    pub(crate) fn is_compacted(&self) -> bool {
        self.value("cleanup.policy").split(',').any(|policy| policy.trim() == "compact")
    }

    /// How long a record that says that its key is gone is kept, in milliseconds.
    pub(crate) fn delete_retention_ms(&self) -> i64 {
        i64::try_from(self.number("delete.retention.ms")).unwrap_or(i64::MAX)
    }

    /// How old records must be to be compacted, in milliseconds.
    pub(crate) fn min_compaction_lag_ms(&self) -> i64 {
        i64::try_from(self.number("min.compaction.lag.ms")).unwrap_or(i64::MAX)
    }

    /// How old a record of a compacted topic may become before its segment is closed.
    pub(crate) fn max_compaction_lag_ms(&self) -> i64 {
        i64::try_from(self.number("max.compaction.lag.ms")).unwrap_or(i64::MAX)
    }

    /// The share of a log that must be new before it is compacted.
    pub(crate) fn min_dirty_ratio(&self) -> f64 {
        self.value("min.cleanable.dirty.ratio").parse().unwrap_or(0.5)
    }

    pub(crate) fn is_append_time(&self) -> bool {
        self.value("message.timestamp.type") == "LogAppendTime"
    }

    /// A number that [`Kind::takes`] has let in.
    fn number(&self, name: &str) -> u64 {
        self.value(name).parse().unwrap_or(0)
    }
}

impl Kind {
    fn takes(self, value: &str) -> bool {
        let number = |least| value.parse().is_ok_and(|number: i64| number >= least);
        match self {
            Self::Int(least) => number(least) && value.parse::<i32>().is_ok(),
            Self::Long(least) => number(least),
            Self::Ratio => value.parse().is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio)),
            Self::Bool => matches!(value, "true" | "false"),
            Self::OneOf(values) => values.contains(&value),
            Self::ListOf(values) => value.split(',').all(|item| values.contains(&item.trim())),
        }
    }

    /// The protocol's number for the type of a value.
    pub(crate) fn code(self) -> i8 {
        match self {
            Self::Bool => 1,
            Self::OneOf(_) => 2,
            Self::Int(_) => 3,
            Self::Long(_) => 5,
            Self::Ratio => 6,
            Self::ListOf(_) => 7,
        }
    }
}

/// Looks a setting up by its name.
fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

const fn setting(name: &'static str, default: &'static str, kind: Kind) -> Known {
    Known { name, default, kind }
}

/// Every setting that a topic may have, with Kafka's defaults except where this broker has one way
/// only; see the README for which of them it acts upon.
pub(crate) const KNOWN: &[Known] = &[
    setting("cleanup.policy", "delete", Kind::ListOf(&["compact", "delete"])),
    setting("compression.type", "producer", Kind::OneOf(&["producer", "uncompressed"])),
    setting("delete.retention.ms", "86400000", Kind::Long(0)),
    setting("file.delete.delay.ms", "60000", Kind::Long(0)),
    setting("flush.messages", "1", Kind::Long(1)),
    setting("flush.ms", "9223372036854775807", Kind::Long(0)),
    setting("index.interval.bytes", "4096", Kind::Int(0)),
    setting("max.compaction.lag.ms", "9223372036854775807", Kind::Long(1)),
    setting("max.message.bytes", "1048588", Kind::Int(0)),
    setting("message.timestamp.after.max.ms", "9223372036854775807", Kind::Long(0)),
    setting("message.timestamp.before.max.ms", "9223372036854775807", Kind::Long(0)),
    setting("message.timestamp.type", "CreateTime", Kind::OneOf(&["CreateTime", "LogAppendTime"])),
    setting("min.cleanable.dirty.ratio", "0.5", Kind::Ratio),
    setting("min.compaction.lag.ms", "0", Kind::Long(0)),
    setting("min.insync.replicas", "1", Kind::Int(1)),
    setting("preallocate", "false", Kind::Bool),
    setting("retention.bytes", "-1", Kind::Long(-1)),
    setting("retention.ms", "604800000", Kind::Long(-1)),
    setting("segment.bytes", "67108864", Kind::Int(1024)),
    setting("segment.index.bytes", "10485760", Kind::Int(4)),
    setting("segment.jitter.ms", "0", Kind::Long(0)),
    setting("segment.ms", "604800000", Kind::Long(1)),
    setting("unclean.leader.election.enable", "false", Kind::Bool),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_values_that_could_be_given() {
        for known in KNOWN {
            assert!(known.kind.takes(known.default), "{}", known.name);
        }
    }

    #[test]
    fn settings_are_checked() {
        let parse = |name, value| TopicConfigs::parse([(name, Some(value))]);
        for (name, value) in [
            ("cleanup.policy", "delete, compact"),
            ("retention.ms", "-1"),
            ("max.message.bytes", "8388608"),
            ("message.timestamp.type", "LogAppendTime"),
        ] {
            assert_eq!(parse(name, value).unwrap().value(name), value);
        }
        for (name, value) in [
            ("cleanup.policy", ""),
            ("cleanup.policy", "burn"),
            ("retention.ms", "-2"),
            ("retention.ms", "1 day"),
            ("max.message.bytes", "2147483648"),
            ("min.insync.replicas", "0"),
            ("min.cleanable.dirty.ratio", "NaN"),
            ("compression.type", "gzip"),
            ("no.such.setting", "1"),
        ] {
            assert!(parse(name, value).is_err(), "{name}={value}");
        }
        let none = TopicConfigs::parse([("retention.ms", None)]).unwrap();
        assert_eq!((none.value("retention.ms"), none.is_set("retention.ms")), ("604800000", false));
        assert!(none.given().next().is_none());
        let twice = [("retention.ms", Some("1")), ("retention.ms", Some("2"))];
        assert!(TopicConfigs::parse(twice).is_err());
    }
}
