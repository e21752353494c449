//! Conversations that MLS protects: one for every two people, and those that people make.

#![allow(dead_code, unused_imports, reason = "the parts that follow use it")]

mod row;

pub(crate) use self::row::{GroupKind, GroupRow, GroupState, NewGroup};
