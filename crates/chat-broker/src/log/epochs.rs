//! Where each leader epoch starts in a log: a client that read a record that was cut off later can
//! find out how far its log and ours agree.

/// Epochs and the offsets where they start, both rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    starts: Vec<(i32, i64)>,
}

impl Epochs {
    /// Notes that an epoch has a record at an offset; earlier notes stay.
    pub(crate) fn note(&mut self, epoch: i32, offset: i64) {
        if self.starts.last().is_none_or(|last| last.0 < epoch) {
            self.starts.push((epoch, offset));
        }
    }

    /// The largest epoch up to the one asked for, and the offset behind its last record.
    ///
    /// `None` if the epoch has not begun yet.
    pub(crate) fn end_of(&self, epoch: i32, log_end: i64) -> Option<(i32, i64)> {
        let behind = self.starts.partition_point(|start| start.0 <= epoch);
        let next = self.starts.get(behind);
        let Some(found) = behind.checked_sub(1).and_then(|at| self.starts.get(at)) else {
            return next.map(|next| (epoch, next.1));
        };
        match next {
            Some(next) => Some((found.0, next.1)),
            None if found.0 == epoch => Some((epoch, log_end)),
            None => None,
        }
    }

    /// The epoch of the record at an offset; -1 if it is not known.
    pub(crate) fn at(&self, offset: i64) -> i32 {
        let behind = self.starts.partition_point(|start| start.1 <= offset);
        behind.checked_sub(1).and_then(|at| self.starts.get(at)).map_or(-1, |start| start.0)
    }

    pub(crate) fn starts(&self) -> &[(i32, i64)] {
        &self.starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_epochs_are_found() {
        let mut epochs = Epochs::default();
        assert_eq!((epochs.end_of(1, 0), epochs.at(0)), (None, -1));
        for (epoch, offset) in [(2, 0), (2, 5), (4, 10), (7, 10), (9, 15)] {
            epochs.note(epoch, offset);
        }
        let expected = [
            (1, Some((1, 0))),
            (2, Some((2, 10))),
            (3, Some((2, 10))),
            (4, Some((4, 10))),
            (8, Some((7, 15))),
            (9, Some((9, 20))),
            (10, None),
        ];
        for (epoch, end) in expected {
            assert_eq!(epochs.end_of(epoch, 20), end, "epoch {epoch}");
        }
        assert_eq!([0, 9, 10, 14, 15].map(|offset| epochs.at(offset)), [2, 2, 7, 7, 9]);
    }
}
