//! Changes over a tree: what a transaction has written, or what readers saw before others wrote.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;

use crate::engine::{Order, Range, Row};

/// Keys with their values; `None` where there is none.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The changes of a transaction, with nested parts that can be undone.
#[derive(Default)]
pub(super) struct Overlay {
    changes: Changes,
    /// What each change since the outermost savepoint took the place of.
    undo: Vec<Undo>,
    /// Where in `undo` each open savepoint begins.
    savepoints: Vec<usize>,
}

/// A key, and the change of it that another took the place of.
struct Undo {
    key: Vec<u8>,
    before: Option<Option<Vec<u8>>>,
}

impl Overlay {
    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    pub(super) fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let before = self.changes.insert(key.clone(), value);
        if !self.savepoints.is_empty() {
            self.undo.push(Undo { key, before });
        }
    }

    pub(super) fn nest(&mut self) {
        self.savepoints.push(self.undo.len());
    }

    pub(super) fn keep(&mut self) {
        self.savepoints.pop();
        if self.savepoints.is_empty() {
            self.undo.clear();
        }
    }

    pub(super) fn undo(&mut self) {
        let Some(begin) = self.savepoints.pop() else { return };
        for Undo { key, before } in self.undo.drain(begin..).rev() {
            match before {
                Some(before) => self.changes.insert(key, before),
                None => self.changes.remove(&key),
            };
        }
    }
}

/// The rows of a range of a tree with changes over it, in order, at most `limit`.
pub(super) fn merge(
    tree: impl DoubleEndedIterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
    over: &Changes,
    range: &Range,
    limit: usize,
) -> sled::Result<Vec<Row>> {
    let to = range.to.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let over = over.range::<Vec<u8>, _>((Bound::Included(&range.from), to));
    let over = over.map(|(key, value)| (key.clone(), value.clone()));
    let tree = tree.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())));
    match range.order {
        Order::Rising => merged(tree.peekable(), over.peekable(), |a, b| a < b, limit),
        Order::Falling => merged(tree.rev().peekable(), over.rev().peekable(), |a, b| a > b, limit),
    }
}

fn merged(
    mut tree: Peekable<impl Iterator<Item = sled::Result<Row>>>,
    mut over: Peekable<impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>>,
    first: impl Fn(&[u8], &[u8]) -> bool,
    limit: usize,
) -> sled::Result<Vec<Row>> {
    let mut rows = Vec::new();
    while rows.len() < limit {
        let changed = over.peek().map(|(key, _)| key);
        match (tree.peek(), changed) {
            (Some(Ok((key, _))), Some(changed)) if key == changed => {
                // The change stands for the row.
                tree.next();
            }
            (Some(Ok((key, _))), Some(changed)) if first(changed, key) => {}
            (Some(_), _) => {
                rows.extend(tree.next().transpose()?);
                continue;
            }
            (None, Some(_)) => {}
            (None, None) => break,
        }
        if let Some((key, Some(value))) = over.next() {
            rows.push((key, value));
        }
    }
    Ok(rows)
}
