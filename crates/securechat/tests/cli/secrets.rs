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
    let house = House::on_shared_key(broker.address());
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

/// Neither the log at its loudest, nor what the system shows of the process, holds a secret.
#[cfg(target_os = "linux")]
#[test]
fn no_secret_is_logged_or_shown_by_the_system() {
    use std::os::unix::fs::PermissionsExt;
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let invite = house.run_as("alice", &["invite"]).exit(0).out.trim().to_owned();
    let secret_file = house.file("passphrase", b"canary passphrase\n");
    std::fs::set_permissions(&secret_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let needles = ["canarytext", "canary passphrase", "canarypassword", &invite[20..60]];
    let loud = |profile: &str, args: &[&str], input: Option<&[u8]>| {
        let mut command = house.command(&[&["-vvv", "--profile", profile], args].concat());
        command
            .env("SECURECHAT_PASSPHRASE_FILE", &secret_file)
            .env("SECURECHAT_SASL_PASSWORD", "canarypassword")
            .env("RUST_LOG", "trace")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        use std::io::Write;
        child.stdin.take().unwrap().write_all(input.unwrap_or_default()).unwrap();
        child.wait_with_output().unwrap()
    };
    let made = loud("dave", &["init", "dave"], None);
    assert!(made.status.success(), "{made:?}");
    let joined = loud("dave", &["join", "-"], Some(invite.as_bytes()));
    assert!(joined.status.success(), "{joined:?}");
    let sent = loud("dave", &["send", "--to", "bob"], Some(b"canarytext"));
    assert!(sent.status.success(), "{sent:?}");
    let listened = loud("bob", &["listen", "--max", "1", "--timeout", "20s"], None);
    assert!(String::from_utf8_lossy(&listened.stdout).contains("canarytext"), "{listened:?}");
    let wrong = loud("dave", &["listen", "--to", "nobody"], None);
    assert_eq!(wrong.status.code(), Some(2));
    let logs = [&made.stderr, &joined.stderr, &sent.stderr, &listened.stderr, &wrong.stderr];
    assert!(logs.iter().map(|log| log.len()).sum::<usize>() > 1_000, "the log is loud");
    for log in logs {
        let log = String::from_utf8_lossy(log);
        for needle in needles {
            assert!(!log.contains(needle), "{needle} in {log}");
        }
    }
}

/// What the system shows of the program and of the commands that it runs: arguments and environments.
#[cfg(target_os = "linux")]
#[test]
fn no_command_that_it_runs_gets_a_secret() {
    use std::os::unix::fs::PermissionsExt;
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let file = house.file("passphrase", b"canary passphrase\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let shown = house.path().join("shown");
    let show = format!(
        "cat /proc/self/environ /proc/self/cmdline /proc/$$/cmdline /proc/$PPID/cmdline /proc/$PPID/environ >> {} 2> /dev/null; true",
        shown.display()
    );
    house.send("alice", "bob", "canarytext").exit(0);
    let mut command = house.command(&[
        "--profile",
        "bob",
        "listen",
        "--max",
        "1",
        "--timeout",
        "20s",
        "--exec",
        &show,
    ]);
    command.env("SECURECHAT_PASSPHRASE_FILE", &file);
    let listened = command.output().unwrap();
    assert!(listened.status.success(), "{listened:?}");
    // A command that prints the passphrase sees no other secret, and its own is in nobody's arguments.
    let print = format!("{show}; cat {}", file.display());
    let mut command = house.command(&["--passphrase-command", &print, "init", "carol"]);
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8_lossy(&std::fs::read(&shown).unwrap()).into_owned();
    // Without privileges the program's own environment is not even shown.
    assert!(text.matches("SECURECHAT_NO_INPUT").count() >= 2, "{text}");
    for needle in ["canarytext", "canary passphrase"] {
        assert!(!text.contains(needle), "{needle} in {text}");
    }
    // A password that is given in the environment goes no further.
    std::fs::remove_file(&shown).unwrap();
    let own = format!("cat /proc/self/environ >> {}", shown.display());
    house.send("alice", "bob", "another").exit(0);
    let mut command = house.command(&[
        "--profile",
        "bob",
        "listen",
        "--max",
        "1",
        "--timeout",
        "20s",
        "--exec",
        &own,
    ]);
    let listened = command.env("SECURECHAT_SASL_PASSWORD", "canarypassword").output().unwrap();
    assert!(listened.status.success(), "{listened:?}");
    let text = String::from_utf8_lossy(&std::fs::read(&shown).unwrap()).into_owned();
    assert!(text.contains("SECURECHAT_NO_INPUT") && !text.contains("canarypassword"), "{text}");
}

/// Whether a process is the program already, and no longer the shell.
#[cfg(target_os = "linux")]
fn is_running(id: &str) -> bool {
    let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap();
    command.starts_with(env!("CARGO_BIN_EXE_securechat").as_bytes())
}

/// A crash leaves no memory behind, however much the user's limits would allow.
#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_core_file() {
    use std::os::unix::process::ExitStatusExt;
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let program = env!("CARGO_BIN_EXE_securechat");
    let folder = tempfile::tempdir().unwrap();
    for signal in ["ABRT", "SEGV"] {
        let script = format!("ulimit -c unlimited || exit 99; exec {program} --profile bob listen");
        let mut child = std::process::Command::new("bash")
            .args(["-c", &script])
            .env("SECURECHAT_HOME", house.path())
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let id = child.id().to_string();
        let core_limit = || {
            let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
            let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            core.split_whitespace().nth(4).unwrap().to_owned()
        };
        // The shell has raised it, and the program lowers it again.
        let mut looks = 0;
        while core_limit() != "0" || !is_running(&id) {
            looks += 1;
            assert!(looks < 2_000, "core files of {} bytes are allowed", core_limit());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let send = format!("kill -{signal} {id}");
        // The language's own handler takes the first SEGV that no access has caused.
        let status = loop {
            std::process::Command::new("bash").args(["-c", &send]).status().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(100));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
        };
        assert!(status.signal().is_some() && !status.core_dumped(), "{status:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
