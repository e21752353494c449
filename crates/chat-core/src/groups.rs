//! Conversations that MLS protects: one for every two people, and those that people make.

#![allow(dead_code, unused_imports, reason = "the parts that follow use it")]

mod credential;
mod row;
mod state;

pub(crate) use self::credential::{CertifiedLeaf, own_member};
pub(crate) use self::row::{GroupKind, GroupRow, GroupState, NewGroup};
pub(crate) use self::state::{StoreState, write_changes};
