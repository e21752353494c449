//! Secrets of one line that are handed over: read where nobody else sees them.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use zeroize::Zeroizing;

use crate::context::Context;
use crate::failure::Failure;
use crate::passphrase;

/// A kind of secret line.
pub(crate) struct SecretLine {
    /// What it is called, with its article.
    pub(crate) name: &'static str,
    /// What it begins with.
    pub(crate) prefix: &'static str,
    /// The command that takes it.
    pub(crate) taken_by: &'static str,
    /// The command that makes a file of it.
    pub(crate) made_by: &'static str,
    /// The longest line that is looked at, in bytes.
    pub(crate) max: usize,
}

impl SecretLine {
    /// Reads it from a file, from stdin for `-`, or asks for it.
    pub(crate) fn read(
        &self,
        context: &Context,
        from: Option<&str>,
    ) -> Result<Zeroizing<String>, Failure> {
        let Self { name, prefix, taken_by, made_by, .. } = self;
        match from {
            Some(text) if text.starts_with(prefix) => {
                Err(Failure::usage(format!("{name} is a secret, and the command line is not: others on this machine can read it"))
                    .hint(format!("paste it where it stays hidden: {taken_by}")))
            }
            Some(path) if path != "-" => {
                let path = std::path::Path::new(path);
                let failed = |error| {
                    Failure::file(path, &error).hint(format!("its sender prints it with: {made_by} > FILE"))
                };
                self.bounded(File::open(path).map_err(failed)?).map_err(failed)
            }
            Some(_) if !io::stdin().is_terminal() => {
                self.bounded(io::stdin().lock()).map_err(|e| Failure::file("stdin".as_ref(), &e))
            }
            _ if context.globals.no_input => {
                Err(Failure::usage(format!("no {} is given, and there is nobody to ask", self.bare()))
                    .hint(format!("name its file: {taken_by} FILE")))
            }
            _ => passphrase::ask(&format!("{}: ", self.bare()))
                .map_err(|failure| failure.hint(format!("name its file, or - for stdin: {taken_by} FILE|-"))),
        }
    }

    /// Its name without the article.
    fn bare(&self) -> &str {
        self.name.split_once(' ').map_or(self.name, |(_, name)| name)
    }

    /// Longer input is cut, and fails its checksum.
    fn bounded(&self, source: impl Read) -> io::Result<Zeroizing<String>> {
        let limit = u64::try_from(self.max).unwrap_or(u64::MAX).saturating_add(2);
        let mut bytes = Zeroizing::new(Vec::new());
        source.take(limit).read_to_end(&mut bytes)?;
        Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
