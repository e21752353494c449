//! What an error of the libraries means here: exit code, word for programs, and what helps.

use std::path::Path;

use chat_core::private_file::PrivateFileError;
use chat_core::{
    ContactError, DeviceError, DirectoryError, Error, ErrorKind, Finding, GroupError, NetworkError,
    SendError,
};

use crate::failure::{Exit, Failure};
use crate::output::shell_word;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let (exit, code) = meaning(kind);
        let mut failure = Self::new(exit, code, error.to_string());
        failure.hints = hints(kind, &error);
        failure
    }
}

/// The exit code of a kind of error, and the word that JSON output uses for it.
fn meaning(kind: ErrorKind) -> (Exit, &'static str) {
    match kind {
        ErrorKind::InvalidInput => (Exit::Usage, "invalid_input"),
        ErrorKind::NoProfile => (Exit::Usage, "no_profile"),
        ErrorKind::ProfileExists => (Exit::Usage, "profile_exists"),
        ErrorKind::NoNetwork => (Exit::Usage, "no_network"),
        ErrorKind::NetworkPending => (Exit::Broker, "network_pending"),
        ErrorKind::OtherNetwork => (Exit::Usage, "other_network"),
        ErrorKind::TopicsInUse => (Exit::Usage, "topics_in_use"),
        ErrorKind::Unreachable => (Exit::Broker, "unreachable"),
        ErrorKind::TimedOut => (Exit::Broker, "timed_out"),
        ErrorKind::Tls => (Exit::Broker, "tls"),
        ErrorKind::BrokerAuthentication => (Exit::Broker, "broker_authentication"),
        ErrorKind::UnknownTopic => (Exit::Broker, "unknown_topic"),
        ErrorKind::Denied => (Exit::Broker, "denied"),
        ErrorKind::TopicReplaced => (Exit::Broker, "topic_replaced"),
        ErrorKind::BrokerOther => (Exit::Broker, "broker"),
        ErrorKind::InviteDamaged => (Exit::Authentication, "invite_damaged"),
        ErrorKind::InviteExpired => (Exit::Usage, "invite_expired"),
        ErrorKind::Newer => (Exit::Usage, "newer"),
        ErrorKind::KeyChanged => (Exit::Trust, "identity_changed"),
        ErrorKind::NotTrusted => (Exit::Trust, "not_trusted"),
        ErrorKind::HandleConflict => (Exit::Trust, "handle_conflict"),
        ErrorKind::TextTooLarge => (Exit::Cover, "too_large"),
        ErrorKind::CoverUnusable => (Exit::Cover, "cover_unusable"),
        ErrorKind::CoverTooSmall => (Exit::Cover, "cover_too_small"),
        ErrorKind::CoverForeign => (Exit::Cover, "cover_foreign"),
        ErrorKind::CoverRefused => (Exit::Cover, "cover_refused"),
        ErrorKind::NoCoverLeft => (Exit::Cover, "no_cover_left"),
        ErrorKind::StoreDamaged => (Exit::Store, "store_damaged"),
        ErrorKind::VaultDamaged => (Exit::Store, "vault_damaged"),
        ErrorKind::ProfileIncomplete => (Exit::Store, "profile_incomplete"),
        ErrorKind::StoreNewer => (Exit::Store, "store_newer"),
        ErrorKind::StoreLocked => (Exit::Store, "store_locked"),
        ErrorKind::StoreReadOnly => (Exit::Store, "store_read_only"),
        ErrorKind::ProfileInUse => (Exit::Store, "profile_in_use"),
        ErrorKind::StoreHeld => (Exit::Store, "store_held"),
        ErrorKind::EngineMissing => (Exit::Store, "engine_missing"),
        ErrorKind::StorageFull => (Exit::Store, "storage_full"),
        ErrorKind::DiskFailed => (Exit::Store, "disk_failed"),
        ErrorKind::WrongPassphrase => (Exit::Store, "wrong_passphrase"),
        ErrorKind::PassphraseNeeded => (Exit::Store, "passphrase_needed"),
        ErrorKind::LoosePermissions => (Exit::Store, "loose_permissions"),
        ErrorKind::Busy => (Exit::Store, "busy"),
        ErrorKind::NotFound => (Exit::Nothing, "not_found"),
        ErrorKind::GroupAmbiguous => (Exit::Usage, "group_ambiguous"),
        ErrorKind::GroupAdmin => (Exit::Usage, "group_admin"),
        ErrorKind::GroupBusy => (Exit::Usage, "group_busy"),
        ErrorKind::GroupRequested => (Exit::Usage, "group_requested"),
        ErrorKind::GroupLeft => (Exit::Usage, "group_left"),
        ErrorKind::LinkedDevice => (Exit::Usage, "linked_device"),
        ErrorKind::Linking => (Exit::Usage, "linking"),
        ErrorKind::DeviceRemoved => (Exit::Usage, "device_removed"),
        ErrorKind::Io => (Exit::Store, "io"),
        _ => (Exit::Internal, "internal"),
    }
}

/// Whether a cover is refused for its signed history.
fn is_for_its_history(error: &Error) -> bool {
    matches!(error, Error::Send(SendError::CoverRefused { finding: Finding::Manifest, .. }))
}

/// What helps. Each line is a command to run, or says what to do before it.
fn hints(kind: ErrorKind, error: &Error) -> Vec<String> {
    let lines: &[&str] = match kind {
        ErrorKind::NoProfile => &["make a profile: securechat init HANDLE"],
        ErrorKind::ProfileExists => &["take another name: securechat init HANDLE --profile NAME"],
        ErrorKind::NoNetwork => &[
            "make a network: securechat network create --brokers HOST:9092",
            "or join one: securechat join FILE",
        ],
        ErrorKind::NetworkPending => {
            &["when the topics are there, finish: securechat network create"]
        }
        ErrorKind::OtherNetwork => &[
            "a profile belongs to one network; make another: securechat init HANDLE --profile NAME",
        ],
        ErrorKind::TopicsInUse => &[
            "if it is your network, join it: securechat join FILE",
            "if it is not, take other topics: securechat network create --namespace NAME",
        ],
        ErrorKind::Unreachable => &[
            "is the broker running? start one here: securechat broker",
            "look at each step of the connection: securechat doctor",
        ],
        ErrorKind::TimedOut => &["look at each step of the connection: securechat doctor"],
        ErrorKind::Tls => &[
            "name the cluster's certificate authority as ca_file in the file that this prints: securechat config path",
        ],
        ErrorKind::BrokerAuthentication => {
            &["check sasl_mechanism, sasl_username and sasl_password_file: securechat config show"]
        }
        ErrorKind::UnknownTopic => &[
            "see what is missing: securechat doctor",
            "the network's maker can make its topics again: securechat network create",
        ],
        ErrorKind::Denied => &[
            "ask the cluster's administrator for READ, WRITE and DESCRIBE on the topics that this names: securechat network show",
        ],
        ErrorKind::TopicReplaced | ErrorKind::BrokerOther => {
            &["see what the broker says: securechat doctor"]
        }
        ErrorKind::InviteDamaged | ErrorKind::InviteExpired
            if matches!(error, Error::DeviceCode(_)) =>
        {
            &["make another one on the first device: securechat device add"]
        }
        ErrorKind::InviteDamaged => {
            &["copy the whole line again; its sender prints it with: securechat invite"]
        }
        ErrorKind::InviteExpired => {
            &["ask for a new one; its sender prints it with: securechat invite"]
        }
        ErrorKind::Newer | ErrorKind::StoreNewer => &[
            "install the newest securechat; yours is the one that this prints: securechat --version",
        ],
        ErrorKind::KeyChanged => return changed(error),
        ErrorKind::HandleConflict => return contested(error),
        ErrorKind::NotTrusted => return not_trusted(error),
        ErrorKind::TextTooLarge => {
            &["send it in parts: securechat send --to HANDLE --lines < FILE"]
        }
        ErrorKind::CoverForeign => &[
            "make it a JPEG, here or on the phone: magick PHOTO -quality 95 photo.jpg",
            "and that a cover: securechat cover prepare photo.jpg --out covers",
        ],
        ErrorKind::CoverUnusable | ErrorKind::CoverTooSmall => {
            &["see what fits into a picture: securechat cover capacity FILE"]
        }
        ErrorKind::CoverRefused if is_for_its_history(error) => &[
            "make a cover of a photo: securechat cover prepare PHOTO --out covers",
            "or leave its signed history out: securechat send --to HANDLE --image FILE --strip-provenance",
        ],
        ErrorKind::CoverRefused => &[
            "make a cover of a photo: securechat cover prepare PHOTO --out covers",
            "or send it all the same: securechat send --to HANDLE --image FILE --accept-detectable",
        ],
        ErrorKind::NoCoverLeft => {
            &["add pictures to the folder; see what fits: securechat cover capacity FILE"]
        }
        ErrorKind::StoreDamaged => &["see which rows are damaged: securechat doctor"],
        ErrorKind::ProfileIncomplete | ErrorKind::VaultDamaged => &[
            "put it back from a copy of the profile's folder: securechat config path",
            "or move that folder away and begin anew: securechat init HANDLE",
        ],
        ErrorKind::StoreLocked => &["another program holds the store; see who: fuser -v STORE"],
        ErrorKind::StoreReadOnly => {
            &["the profile's folder must be writable for you: securechat config path"]
        }
        ErrorKind::StorageFull => &["free space on the disk that holds the profile: df -h"],
        ErrorKind::ProfileInUse => &[
            "end the programs that have it open, and try again; see which: fuser -v FOLDER/locks/*",
        ],
        ErrorKind::StoreHeld => &[
            "end the other program first, or move to the engine that serves several: securechat store migrate --to sqlite",
        ],
        ErrorKind::EngineMissing => &["build a program that has it: cargo build --features sled"],
        ErrorKind::DiskFailed => &[
            "the system's log may say why: dmesg",
            "when the disk works again, look at the store: securechat doctor",
        ],
        ErrorKind::WrongPassphrase => &[
            "try again, or take it from a file that only you can read: SECURECHAT_PASSPHRASE_FILE=FILE securechat …",
        ],
        ErrorKind::PassphraseNeeded => &[
            "give it in a file that only you can read: SECURECHAT_PASSPHRASE_FILE=FILE securechat …",
        ],
        ErrorKind::LoosePermissions => return loose(error),
        ErrorKind::GroupAmbiguous => {
            &["see which is which, and name it with its digits: securechat chat list"]
        }
        ErrorKind::GroupAdmin => {
            &["see who may, or let somebody else: securechat chat admins '#NAME'"]
        }
        ErrorKind::GroupBusy => {
            &["wait until it has come back, and try again: securechat listen --timeout 5s"]
        }
        ErrorKind::GroupRequested => &[
            "see who has invited you: securechat chat requests",
            "be in it from now on: securechat chat requests accept '#NAME'",
        ],
        ErrorKind::GroupLeft => &["see the groups of this profile: securechat chat list"],
        ErrorKind::LinkedDevice => &[
            "see which devices there are, and do it on the first: securechat device list",
            "or bring the secret here from its backup: securechat identity import FILE",
        ],
        ErrorKind::Linking => &["go on: securechat device link"],
        ErrorKind::DeviceRemoved => &[
            "link a new profile; its code is made on the first device: securechat --profile NAME device link FILE",
        ],
        ErrorKind::InvalidInput => return unfit(error),
        ErrorKind::NotFound => return missing(error),
        ErrorKind::Busy => &["listen under another name beside it: securechat listen --name NAME"],
        _ => &[],
    };
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// Where to look for what is not there.
fn missing(error: &Error) -> Vec<String> {
    match error {
        Error::Contact(ContactError::NoKey { .. }) => {
            vec!["their key comes with their first message: securechat listen".to_owned()]
        }
        Error::Directory(DirectoryError::NotPublished { handle }) => vec![
            format!(
                "whoever calls himself {handle} must listen once, or send something: securechat listen"
            ),
            format!(
                "a machine that publishes nothing: securechat contact add {handle} --shared-key"
            ),
        ],
        Error::Group(error) | Error::Send(SendError::Group(error)) => match error {
            GroupError::NoRequest => vec!["see what waits: securechat chat requests".to_owned()],
            GroupError::NoKeys { handle } => vec![format!(
                "{handle} publishes them with: securechat --profile {handle} listen --timeout 5s"
            )],
            _ => vec!["see the groups of this profile: securechat chat list".to_owned()],
        },
        Error::Device(_) => vec!["see your devices: securechat device list".to_owned()],
        Error::Contact(_) => vec!["see who is known: securechat contact list".to_owned()],
        _ => Vec::new(),
    }
}

/// What makes somebody one who is written to.
fn not_trusted(error: &Error) -> Vec<String> {
    if let Error::Send(SendError::Weaker { handle }) = error {
        return vec![
            format!("look for their keys again: securechat contact add {handle}"),
            format!("if it is a machine now: securechat contact add {handle} --shared-key"),
        ];
    }
    vec![
        "compare safety numbers with them by another channel: securechat contact verify HANDLE"
            .to_owned(),
    ]
}

/// How to find out whose handle it is.
fn contested(error: &Error) -> Vec<String> {
    let handle = match error {
        Error::Directory(error) | Error::Send(SendError::Directory(error)) => match error {
            DirectoryError::Conflict { handle, .. }
            | DirectoryError::OtherIdentity { handle, .. }
            | DirectoryError::NoSuchFingerprint { handle, .. } => handle.as_str(),
            _ => "HANDLE",
        },
        _ => "HANDLE",
    };
    vec![
        "ask them by another channel for their fingerprint; they see it with: securechat identity show".to_owned(),
        format!("then name it: securechat contact add {handle} --fingerprint XXXX"),
    ]
}

/// Which keys these are, and how to compare them.
fn changed(error: &Error) -> Vec<String> {
    let Error::Send(SendError::KeyChanged { handle, .. }) = error else {
        return vec!["compare safety numbers: securechat contact verify HANDLE".to_owned()];
    };
    vec![
        format!(
            "compare safety numbers with {handle} by another channel: securechat contact verify {handle}"
        ),
        format!(
            "then accept the new key: securechat contact trust {handle} --safety-number DIGITS"
        ),
    ]
}

/// The `chmod` for the very file.
fn loose(error: &Error) -> Vec<String> {
    let text = error.to_string();
    let path = text.split(" is readable by others").next().unwrap_or_default();
    let mode = if Path::new(path).is_dir() { "700" } else { "600" };
    vec![format!("make it yours alone: chmod {mode} {}", shell_word(path))]
}

/// What to do in a group instead.
fn group(error: &GroupError) -> Vec<String> {
    let line = match error {
        GroupError::BadName { .. } => "give it 1 to 255 bytes of text: securechat chat create NAME",
        GroupError::RemovesSelf => "leave it instead: securechat chat leave '#NAME'",
        GroupError::AlreadyMember { .. }
        | GroupError::NotAMember { .. }
        | GroupError::HandleInUse { .. } => "see who is in it: securechat chat show '#NAME'",
        _ => return Vec::new(),
    };
    vec![line.to_owned()]
}

/// What to do with devices instead.
fn device(error: &DeviceError) -> Vec<String> {
    let line = match error {
        DeviceError::BadLabel { .. } => "call it otherwise: securechat device link --label TEXT",
        _ => "see your devices: securechat device list",
    };
    vec![line.to_owned()]
}

/// What to give instead.
fn unfit(error: &Error) -> Vec<String> {
    match error {
        Error::Directory(DirectoryError::Own { .. }) => {
            vec!["name somebody else: securechat contact add HANDLE".to_owned()]
        }
        Error::Group(error) | Error::Send(SendError::Group(error)) => group(error),
        Error::Device(error) => device(error),
        Error::Network(NetworkError::NoOlderKey { .. }) => vec![
            "whoever lacks the newest key needs a new invite: securechat invite".to_owned(),
            "to make a new key: securechat network rotate --to HANDLE".to_owned(),
        ],
        Error::Send(SendError::ToSelf) => {
            vec!["write to somebody else: securechat send --to HANDLE".to_owned()]
        }
        Error::PrivateFile(PrivateFileError::Io { path, .. }) => {
            let folder = shell_word(&path.display().to_string());
            vec![format!("name a file in it: ls -l {folder}")]
        }
        Error::PrivateFile(PrivateFileError::TooLarge { path, .. }) => {
            let file = shell_word(&path.display().to_string());
            vec![format!("is it the file that was meant? see what it is: file {file}")]
        }
        Error::PrivateFile(PrivateFileError::NotFound { path }) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            let folder = shell_word(&folder.display().to_string());
            vec![format!("see what is there: ls -l {folder}")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    /// Kinds with hints of their own.
    const HINTED: [ErrorKind; 49] = [
        ErrorKind::LinkedDevice,
        ErrorKind::Linking,
        ErrorKind::DeviceRemoved,
        ErrorKind::GroupAmbiguous,
        ErrorKind::GroupAdmin,
        ErrorKind::GroupBusy,
        ErrorKind::GroupRequested,
        ErrorKind::GroupLeft,
        ErrorKind::KeyChanged,
        ErrorKind::HandleConflict,
        ErrorKind::NotTrusted,
        ErrorKind::NoProfile,
        ErrorKind::ProfileExists,
        ErrorKind::NoNetwork,
        ErrorKind::NetworkPending,
        ErrorKind::OtherNetwork,
        ErrorKind::TopicsInUse,
        ErrorKind::Unreachable,
        ErrorKind::TimedOut,
        ErrorKind::Tls,
        ErrorKind::BrokerAuthentication,
        ErrorKind::UnknownTopic,
        ErrorKind::Denied,
        ErrorKind::TopicReplaced,
        ErrorKind::BrokerOther,
        ErrorKind::InviteDamaged,
        ErrorKind::InviteExpired,
        ErrorKind::Newer,
        ErrorKind::TextTooLarge,
        ErrorKind::CoverUnusable,
        ErrorKind::CoverTooSmall,
        ErrorKind::CoverForeign,
        ErrorKind::CoverRefused,
        ErrorKind::NoCoverLeft,
        ErrorKind::StoreDamaged,
        ErrorKind::VaultDamaged,
        ErrorKind::ProfileIncomplete,
        ErrorKind::StoreNewer,
        ErrorKind::StoreLocked,
        ErrorKind::StoreReadOnly,
        ErrorKind::ProfileInUse,
        ErrorKind::StoreHeld,
        ErrorKind::EngineMissing,
        ErrorKind::StorageFull,
        ErrorKind::DiskFailed,
        ErrorKind::WrongPassphrase,
        ErrorKind::PassphraseNeeded,
        ErrorKind::LoosePermissions,
        ErrorKind::Busy,
    ];

    #[test]
    fn codes_are_one_snake_case_word_each() {
        for kind in HINTED {
            let (_, code) = meaning(kind);
            assert_ne!(code, "internal", "{kind:?}");
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
        }
    }

    /// Whoever types what a hint says, with names of their own, is understood.
    #[test]
    fn every_hint_is_a_command_that_this_program_takes() {
        let mut commands = 0;
        for kind in HINTED {
            let hints = hints(kind, &Error::NotConnected);
            assert!(!hints.is_empty(), "{kind:?}");
            for hint in hints {
                let Some((_, command)) = hint.rsplit_once(": ") else { panic!("{hint}") };
                let words: Vec<&str> = command.split_whitespace().collect();
                let Some(program) = words.iter().position(|word| *word == "securechat") else {
                    continue;
                };
                let end = words.iter().position(|word| ["<", "\u{2026}"].contains(word));
                let words = &words[program..end.unwrap_or(words.len())];
                if words.len() == 1 {
                    continue;
                }
                commands += 1;
                match Cli::try_parse_from(words) {
                    Ok(_) => {}
                    Err(error) if error.kind() == clap::error::ErrorKind::DisplayVersion => {}
                    Err(error) => panic!("{hint}: {error}"),
                }
            }
        }
        assert!(commands > 20, "{commands}");
    }
}
