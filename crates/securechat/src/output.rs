//! What the program prints: data on stdout, everything else on stderr, nothing unescaped.

pub(crate) mod console;
pub(crate) mod escape;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod progress;

pub(crate) use self::console::Console;
pub(crate) use self::escape::{one_line, shell_word};
