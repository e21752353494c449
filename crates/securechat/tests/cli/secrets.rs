//! What lies on disk, and who may read it.

use std::path::Path;

use crate::house::{BrokerHouse, EmbeddedHouse, House, picture};

/// Every file below a folder that holds one of the needles.
fn leaks(folder: &Path, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(leaks(&path, needles));
            continue;
        }
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).unwrap();
        for needle in needles {
            if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                found.push(format!("{needle} in {name}"));
            }
        }
    }
    found
}

#[test]
fn nothing_readable_is_on_disk() {
    let broker = EmbeddedHouse::start();
    let house = House::new();
    // The folders carry a profile's name, so these profiles are not named after their handles.
    for (name, handle) in [("one", "canaryhandle"), ("two", "budgiehandle")] {
        house.run(&["--profile", name, "init", handle, "--no-passphrase"]).exit(0);
    }
    let address = broker.address().to_string();
    let args = [
        "network",
        "create",
        "--brokers",
        &address,
        "--namespace",
        "canaryspace",
        "--partitions",
        "2",
    ];
    house.run_as("one", &args).exit(0);
    let invite = house.run_as("one", &["invite"]).exit(0).out;
    house.feed("two", &["join", "-"], invite.as_bytes()).exit(0);
    let cover = picture("smile.jpg");
    let text = "canarytext in the open";
    house.send("one", "budgiehandle", text).exit(0);
    house
        .run_as(
            "one",
            &["send", "--to", "budgiehandle", "-m", text, "--image", cover.to_str().unwrap()],
        )
        .exit(0);
    house.run_as("one", &["send", "--to", "budgiehandle", "-m", text, "--no-wait"]).exit(0);
    house.receive("two", 2).exit(0);
    house.run_as("two", &["history"]).exit(0);
    let found = leaks(
        &house.path().join("profiles"),
        &["canarytext", "canaryhandle", "budgiehandle", "canaryspace"],
    );
    assert!(found.is_empty(), "{found:?}");
    let found = leaks(broker.data(), &["canarytext", "canaryhandle", "budgiehandle"]);
    assert!(found.is_empty(), "{found:?}");
    // The scan can find: the broker knows its topics by name.
    assert!(!leaks(broker.data(), &["canaryspace"]).is_empty());
}

#[cfg(unix)]
#[test]
fn secret_files_are_0600_and_loose_ones_refused() {
    use std::os::unix::fs::PermissionsExt;
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    let vault = house.profile("alice").join("vault.key");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&vault), 0o600);
    assert_eq!(mode(&house.profile("alice")), 0o700);
    std::fs::set_permissions(&vault, std::fs::Permissions::from_mode(0o644)).unwrap();
    let chmod = format!("chmod 600 {}", vault.display());
    house.run_as("alice", &["history"]).exit(7).hints(&chmod);
    std::fs::set_permissions(&vault, std::fs::Permissions::from_mode(0o600)).unwrap();
    house.run_as("alice", &["history"]).exit(8);
    let loose = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let (store, folder) = (house.profile("alice").join("store.db"), house.profile("alice"));
    for (path, bad, good) in [(&store, 0o644, 0o600), (&folder, 0o755, 0o700)] {
        loose(path, bad);
        house.run_as("alice", &["history"]).exit(7).hints(&format!("chmod {good:o}"));
        house.run_as("alice", &["doctor"]).exit(7);
        loose(path, good);
    }
    house.run_as("alice", &["history"]).exit(8);
}

#[cfg(unix)]
#[test]
fn passphrases_come_from_file_command_and_descriptor() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let file = house.file("passphrase", b"correct horse\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    let with_file = |args: &[&str]| {
        house.command(args).env("SECURECHAT_PASSPHRASE_FILE", file).output().unwrap()
    };
    house
        .run(&["init", "alice"])
        .exit(2)
        .hints("SECURECHAT_PASSPHRASE_FILE")
        .hints("--no-passphrase");
    assert!(with_file(&["init", "alice"]).status.success());
    assert!(with_file(&["outbox", "list"]).status.success());
    house.run(&["--passphrase-command", "echo correct horse", "outbox", "list"]).exit(0);
    house.run(&["--passphrase-command", "echo wrong", "outbox", "list"]).exit(7).says("wrong");
    house.run(&["--passphrase-command", "false", "outbox", "list"]).exit(2);
    let mut missing = house.command(&["outbox", "list"]);
    let missing = missing.env("SECURECHAT_PASSPHRASE_FILE", "/nowhere").output().unwrap();
    assert_eq!(missing.status.code(), Some(2), "nothing was looked for, so nothing was not found");
    house.run(&["outbox", "list"]).exit(2).hints("SECURECHAT_PASSPHRASE_FILE");
    let program = env!("CARGO_BIN_EXE_securechat");
    let script = format!("{program} --passphrase-fd 3 outbox list 3<<< 'correct horse'");
    let shell = std::process::Command::new("bash")
        .args(["-c", &script])
        .env("SECURECHAT_HOME", house.path())
        .output();
    assert!(shell.unwrap().status.success());
}

/// An empty answer makes a passphrase; the terminal is the only place that ever shows it.
#[cfg(target_os = "linux")]
#[test]
fn an_empty_answer_makes_a_passphrase_that_opens() {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let program = env!("CARGO_BIN_EXE_securechat");
    let mut terminal = std::process::Command::new("script");
    terminal.args([
        "--quiet",
        "--return",
        "--command",
        &format!("{program} init alice"),
        "/dev/null",
    ]);
    terminal.env("SECURECHAT_HOME", house.path());
    terminal.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let Ok(mut child) = terminal.spawn() else {
        return println!("skipped: there is no script(1) to make a terminal with");
    };
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    let words = |line: &&str| line.trim().split('-').count() >= 7;
    let passphrase = shown.lines().find(words).unwrap_or_else(|| panic!("{shown}")).trim();
    let file = house.file("passphrase", passphrase.as_bytes());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let opened = |file: &Path| {
        let mut command = house.command(&["outbox", "list"]);
        command.env("SECURECHAT_PASSPHRASE_FILE", file).output().unwrap().status.code()
    };
    assert_eq!(opened(&file), Some(0));
    std::fs::write(&file, "some-other-words").unwrap();
    assert_eq!(opened(&file), Some(7));
}
