//! Where a profile's passphrase comes from: command, file descriptor, file, or the person.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use diceware_wordlists::EFF_LONG_WORDLIST;
use rand::seq::IndexedRandom;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::args::Globals;
use crate::failure::{Exit, Failure};

/// What the passphrase is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new profile: typed twice.
    Create,
    /// A profile that exists.
    Open,
}

/// Gets the passphrase of the profile `name`.
pub(crate) fn obtain(
    globals: &Globals,
    name: &str,
    purpose: Purpose,
) -> Result<SecretString, Failure> {
    let passphrase = if let Some(command) = &globals.passphrase_command {
        from_command(command).map_err(|failure| failure.hint(GIVE_A_FILE))?
    } else if let Some(number) = globals.passphrase_fd {
        from_descriptor(number).map_err(|failure| failure.hint(GIVE_A_FILE))?
    } else if let Some(path) = std::env::var_os("SECURECHAT_PASSPHRASE_FILE") {
        from_file(Path::new(&path)).map_err(|failure| failure.hint(GIVE_A_FILE))?
    } else {
        from_person(globals, name, purpose)?
    };
    if passphrase.is_empty() {
        return Err(
            Failure::usage("the passphrase is empty").hint_if(purpose == Purpose::Create, WITHOUT)
        );
    }
    Ok(SecretString::from(passphrase.as_str()))
}

/// The first line of what a shell command prints.
pub(crate) fn from_command(command: &str) -> Result<Zeroizing<String>, Failure> {
    let mut shell = crate::secrecy::shell(command);
    shell.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output =
        shell.output().map_err(|error| failed(format!("cannot run {command:?}: {error}")))?;
    let said = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(format!("{command:?} failed: {}", output.status)));
    }
    first_line(&said)
}

/// The first line of a file that only its owner may read.
pub(crate) fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = chat_core::private_file::read(path, MAX_LEN).map_err(chat_core::Error::from)?;
    first_line(&bytes)
}

fn from_descriptor(number: u32) -> Result<Zeroizing<String>, Failure> {
    let path = format!("/dev/fd/{number}");
    let mut bytes = Zeroizing::new(Vec::new());
    let read =
        std::fs::File::open(&path).and_then(|file| file.take(MAX_LEN).read_to_end(&mut bytes));
    read.map_err(|error| failed(format!("cannot read file descriptor {number}: {error}")))?;
    first_line(&bytes)
}

fn from_person(
    globals: &Globals,
    name: &str,
    purpose: Purpose,
) -> Result<Zeroizing<String>, Failure> {
    if globals.no_input || std::fs::File::open("/dev/tty").is_err() {
        return Err(Failure::usage(format!(
            "profile {name} needs a passphrase, and there is nobody to ask"
        ))
        .hint(GIVE_A_FILE)
        .hint_if(purpose == Purpose::Create, WITHOUT));
    }
    if purpose == Purpose::Open {
        return ask(&format!("passphrase of {name}: "));
    }
    let first = ask(&format!("passphrase of {name} (empty: one is made for you): "))?;
    if first.is_empty() {
        return generated(name);
    }
    if *ask("once more: ")? != *first {
        return Err(
            Failure::usage("the two passphrases differ").hint("try again: securechat init HANDLE")
        );
    }
    Ok(first)
}

/// Words drawn by the system's randomness, shown once, on the terminal and nowhere else.
fn generated(name: &str) -> Result<Zeroizing<String>, Failure> {
    let mut rng = rand::rng();
    let words = std::iter::repeat_with(|| EFF_LONG_WORDLIST.choose(&mut rng).copied());
    let mut passphrase = Zeroizing::new(String::with_capacity(WORDS * LONGEST_WORD));
    for word in words.take(WORDS).flatten() {
        if !passphrase.is_empty() {
            passphrase.push('-');
        }
        passphrase.push_str(word);
    }
    let text = Zeroizing::new(format!(
        "the passphrase of {name}, which is shown only now:\n\n    {}\n\n",
        *passphrase
    ));
    std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/tty")
        .and_then(|mut terminal| terminal.write_all(text.as_bytes()))
        .map_err(|error| failed(format!("cannot show the passphrase: {error}")))?;
    Ok(passphrase)
}

/// Asks on the terminal, without showing what is typed.
pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let typed = rpassword::prompt_password(prompt);
    typed
        .map(Zeroizing::new)
        .map_err(|error| failed(format!("cannot ask on the terminal: {error}")))
}

fn first_line(bytes: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| failed("a secret is not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn failed(message: String) -> Failure {
    Failure::new(Exit::Usage, "passphrase", message)
}

const GIVE_A_FILE: &str =
    "give it in a file that only you can read: SECURECHAT_PASSPHRASE_FILE=FILE securechat …";
const WITHOUT: &str = "for machines, a profile without one: securechat init HANDLE --no-passphrase";
/// Seven of 7,776 words are 90 bits, each guess at them an Argon2id.
const WORDS: usize = 7;
/// With the hyphen behind it, in bytes: the buffer that holds the secret never moves.
const LONGEST_WORD: usize = 10;
/// A passphrase is shorter, in bytes.
const MAX_LEN: u64 = 64 * 1024;
