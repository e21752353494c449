//! What OpenMLS said, kept for logs.

use std::fmt;

/// What the MLS library found wrong, in its words: for logs and reports, not for decisions.
#[derive(Clone, PartialEq, Eq)]
pub struct MlsCause(Box<str>);

impl MlsCause {
    pub(super) fn new(error: &impl fmt::Display) -> Self {
        Self(error.to_string().into())
    }
}

impl fmt::Display for MlsCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MlsCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlsCause({})", self.0)
    }
}

impl std::error::Error for MlsCause {}
