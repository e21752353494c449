//! Tests of deflate as a whole.

mod oracle;
