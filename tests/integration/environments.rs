//! The settings as deployments give them: files that are something else, variables that others set, and the ways in which
//! people write values. A row says what is there, and what the program makes of it.

use crate::support::program::Program;
use crate::support::{Client, Engine, Server, eventually};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// What stands where a file should be, how it is made, and what is said of it.
type NoFile = (&'static str, fn(&Program, &Path), &'static str);

const NO_FILES: [NoFile; 8] = [
    (
        "a folder",
        |_, path| fs::create_dir(path).expect("a folder"),
        "it is a folder",
    ),
    ("a pipe", |_, path| pipe(path), "it is a named pipe"),
    (
        "a socket",
        |_, path| drop(UnixListener::bind(path).expect("a socket")),
        "it is a socket",
    ),
    (
        "a file of 1 GiB",
        |program, path| huge(program, path),
        "it has 1073741824 bytes",
    ),
    (
        "a file of somebody else",
        |program, path| forbidden(program, path),
        "Permission denied",
    ),
    (
        "a link to nothing",
        |_, path| symlink("nothing", path).expect("a link"),
        "it is a link to a file that is missing",
    ),
    (
        "endless zeros",
        |_, path| symlink("/dev/zero", path).expect("a link"),
        "at most 1048576 are read",
    ),
    ("UTF-16", |program, path| utf_16(program, path), "it is UTF-16"),
];

fn pipe(path: &Path) {
    assert!(
        Command::new("mkfifo")
            .arg(path)
            .status()
            .expect("mkfifo")
            .success()
    );
}

fn huge(program: &Program, path: &Path) {
    let file = fs::File::create(path).expect("a file");
    file.set_len(1 << 30).expect("a large file");
    program.give(path, 0o600);
}

fn forbidden(program: &Program, path: &Path) {
    fs::write(path, "").expect("written");
    program.give(path, 0o000);
}

fn utf_16(program: &Program, path: &Path) {
    let units = "\u{feff}TASKWIRE_INSTANCE=a\n".encode_utf16();
    fs::write(path, units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).expect("written");
    program.give(path, 0o600);
}

/// The settings that may stand in files of their own: those that the manual marks as secret.
fn secrets() -> Vec<&'static str> {
    let manual = include_str!("../../config.default.toml");
    let (mut secrets, mut is_secret) = (Vec::new(), false);
    for line in manual.lines() {
        if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            secrets.extend(std::mem::take(&mut is_secret).then_some(key));
        }
        is_secret |= line.starts_with("# (secret) ");
    }
    assert!(secrets.len() >= 8, "{secrets:?}");
    secrets
}

#[test]
fn whatever_stands_where_a_file_should_be_is_named_with_the_reason() {
    for (what, make, reason) in NO_FILES {
        let mut program = Program::new();
        if reason == "Permission denied" && !program.obeys_rights() {
            continue;
        }
        make(&program, &program.path(".env"));
        let (code, told) = program.run(&["config"]);
        assert_eq!(code, Some(2), "{what}: {told}");
        assert!(
            told.contains(".env (file .env): ") && told.contains(reason),
            "{what}: {told}"
        );

        fs::rename(program.path(".env"), program.path("it")).expect("moved");
        let (code, told) = program.run(&["config", "--config", "it"]);
        assert_eq!(code, Some(2), "{what}: {told}");
        assert!(
            told.contains("--config (file it): ") && told.contains(reason),
            "{what}: {told}"
        );

        for secret in secrets() {
            program.set(&format!("TASKWIRE_{}_FILE", secret.to_uppercase()), "it");
        }
        let (code, told) = program.run(&["config"]);
        assert_eq!(code, Some(2), "{what}: {told}");
        for secret in secrets() {
            let line = told
                .lines()
                .find(|line| line.trim().starts_with(&format!("{secret}_file ")));
            let said =
                line.is_some_and(|line| line.contains("file it cannot be read") && line.contains(reason));
            assert!(said, "{what}, {secret}: {told}");
        }
    }
}

/// Values of secrets, each with the word MARK where a secret has its letters. Most are mistakes of who wrote them.
const HOSTILE: [&str; 22] = [
    "MARK",
    " MARK ",
    "MARK MARK",
    "\"MARK",
    "'MARK'",
    "MARK\\",
    "MARK\nMARK",
    "MARK = \"MARK\"",
    "***MARK",
    "\u{1b}[31mMARK",
    "\u{202e}MARK\u{200b}",
    "sqlite MARK",
    "https://user:MARK@host/path",
    "postgres://user:MARK@host/path",
    "postgres://user:a/MARK@host:port/path",
    "postgres://user:a@MARK@host",
    "postgres://host/path?password=MARK",
    "redis://:MARK@host",
    "redis://user:MARK",
    "smtps://MARK@host:465",
    "s3://KEY:MARK@bucket/prefix?region=r&endpoint=https://host",
    "s3://KEY:a@bucket?endpoint=https://MARK@host",
];

#[test]
fn whatever_a_secret_is_no_command_shows_it() {
    for secret in secrets() {
        for text in HOSTILE {
            let name = secret.to_uppercase();
            let ways: [fn(&mut Program, &str, &str); 3] = [
                |program, name, text| program.set(&format!("TASKWIRE_{name}"), text),
                |program, name, text| {
                    program.write("it", text);
                    program.set(&format!("TASKWIRE_{name}_FILE"), "it");
                },
                |program, name, text| {
                    let line = format!("{} = {}\n", name.to_lowercase(), json!(text));
                    program.write("a.toml", line);
                },
            ];
            for (n, set) in ways.into_iter().enumerate() {
                let mut program = Program::new();
                set(&mut program, &name, text);
                let file: &[&str] = if n == 2 { &["--config", "a.toml"] } else { &[] };
                let (code, told) = program.run(&[&["config"], file].concat());
                assert!(matches!(code, Some(0 | 2)), "{secret}, {n}, {text:?}: {told}");
                assert!(!told.contains("MARK"), "{secret}, {n}, {text:?}: {told}");
                assert!(told.contains(secret), "{secret}, {n}, {text:?}: {told}");
            }
            let flag = format!("{secret}={text}");
            let (_, told) = Program::new().run(&["config", "--set", &flag]);
            assert!(!told.contains("MARK"), "{secret}, --set, {text:?}: {told}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_no_fault_for_dotenv_alone() {
    let mut program = Program::new();
    assert_eq!(program.run(&["config"]).0, Some(0));
    symlink("/dev/null", program.path(".env")).expect("a link");
    assert_eq!(program.run(&["config"]).0, Some(0), "how containers hide a file");
    assert_eq!(program.run(&["config", "--config", "none"]).0, Some(2));
    program.set("TASKWIRE_JWT_SECRET_FILE", "none");
    assert_eq!(program.run(&["config"]).0, Some(2));
}

/// A row: a `.env` file, variables of the environment, the exit code, what is said and what is not.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    i32,
    &'static [&'static str],
    &'static [&'static str],
);

const ROWS: &[Row] = &[
    // values are what stands there
    (
        "TASKWIRE_MAIL_FROM=Pa$word $HOME <a@b.cd>",
        &[],
        0,
        &["mail_from = \"Pa$word $HOME <a@b.cd>\""],
        &[],
    ),
    (
        "TASKWIRE_MAIL_FROM=\"Pa$word ${HOME} <a@b.cd>\"",
        &[],
        0,
        &["mail_from = \"Pa$word ${HOME} <a@b.cd>\""],
        &[],
    ),
    (
        "TASKWIRE_MAIL_FROM='Pa$word #1 <a@b.cd>' # ours",
        &[],
        0,
        &["mail_from = \"Pa$word #1 <a@b.cd>\""],
        &["ours"],
    ),
    (
        "export TASKWIRE_MAIL_FROM = a#b@b.cd # ours\r\n",
        &[],
        0,
        &["mail_from = \"a#b@b.cd\""],
        &["ours"],
    ),
    (
        "\u{feff}TASKWIRE_OPS_BURST=7\r\nTASKWIRE_IN_FLIGHT=\"8\"\r\n",
        &[],
        0,
        &["ops_burst = 7", "in_flight = 8"],
        &[],
    ),
    (
        "TASKWIRE_OPS_BURST=7\nTASKWIRE_OPS_BURST=8\n",
        &[],
        0,
        &["ops_burst = 8"],
        &[],
    ),
    (
        "DATABASE_URL=postgres://ada:pa$w0rd@db/tasks",
        &[],
        0,
        &["postgres://ada:***@db/tasks"],
        &["w0rd"],
    ),
    (
        "DATABASE_URL=postgres://ada:pa#w0rd@db/tasks",
        &[],
        2,
        &["database_url", "%23"],
        &["w0rd"],
    ),
    (
        "DATABASE_URL='postgres://ada:pa/w0rd@db/tasks'",
        &[],
        2,
        &["database_url", "%2F"],
        &["w0rd"],
    ),
    (
        "DATABASE_URL=postgres://db/tasks?ssl_mode=require",
        &[],
        2,
        &["did you mean ssl"],
        &[],
    ),
    (
        "DATABASE_URL=postgres://ada@[::1]:5432/tasks",
        &[("REDIS_URL", "redis://[::1]:6379")],
        0,
        &["@[::1]:5432/tasks"],
        &[],
    ),
    // errors have the right line
    (
        "A=1\n\nTASKWIRE_JWT_SECRET s3cret\n",
        &[],
        2,
        &[".env, line 3): write NAME=VALUE"],
        &["s3cret"],
    ),
    (
        "# a\r\nTASKWIRE_JWT_SECRET='s3cret\r\nA=1\r\n",
        &[],
        2,
        &[".env, line 2): the quote that opens"],
        &["s3cret"],
    ),
    (
        "\nTASKWIRE_JWT_SECRET='s3'cret\n",
        &[],
        2,
        &[".env, line 2): only a comment may follow"],
        &["cret"],
    ),
    (
        "TASKWIRE_JWT_SECRET=\"s3\\cret\"\n",
        &[],
        2,
        &[".env, line 1): in double quotes"],
        &["cret"],
    ),
    (
        "A=1\nTASKWIRE_OPS_BURST=many\n",
        &[],
        2,
        &["TASKWIRE_OPS_BURST in .env, line 2)"],
        &[],
    ),
    // variables that others set
    (
        "",
        &[
            ("TASKWIRE_SERVICE_HOST", "10.0.0.7"),
            ("TASKWIRE_PORT", "tcp://10.0.0.7:8080"),
        ],
        0,
        &[],
        &[],
    ),
    (
        "",
        &[
            ("TASKWIRE_REDIS_SERVICE_HOST", "10.0.0.7"),
            ("TASKWIRE_REDIS_SERVICE_PORT", "6379"),
        ],
        0,
        &[],
        &[],
    ),
    (
        "",
        &[
            ("TASKWIRE_REDIS_PORT_6379_TCP", "tcp://[fd00::7]:6379"),
            ("TASKWIRE_REDIS_PORT_6379_TCP_PROTO", "tcp"),
        ],
        0,
        &[],
        &[],
    ),
    (
        "",
        &[("TASKWIRE_PORT", "9000")],
        2,
        &["TASKWIRE_PORT (environment variable TASKWIRE_PORT): unknown setting"],
        &[],
    ),
    (
        "",
        &[("TASKWIRE_LISTN", "127.0.0.1:80")],
        2,
        &["did you mean TASKWIRE_LISTEN?"],
        &[],
    ),
    (
        "TASKWIRE_LISTN=127.0.0.1:80",
        &[],
        2,
        &["TASKWIRE_LISTN in .env, line 1): unknown setting"],
        &[],
    ),
    // how secrets of Kubernetes and files of `docker --env-file` end
    (
        "",
        &[("DATABASE_URL", "sqlite:a.db\n"), ("TASKWIRE_INSTANCE", "b\r")],
        0,
        &["\"sqlite:a.db\"", "instance = \"b\""],
        &[],
    ),
];

#[test]
fn settings_are_read_as_deployments_write_them() {
    for (dotenv, environment, expected, says, hides) in ROWS {
        let mut program = Program::new();
        program.write(".env", dotenv);
        for (name, text) in *environment {
            program.set(name, text);
        }
        let (code, told) = program.run(&["config"]);
        assert_eq!(code, Some(*expected), "{dotenv:?} {environment:?}: {told}");
        for part in *says {
            assert!(
                told.contains(part),
                "{dotenv:?} {environment:?}: {part:?} is missing: {told}"
            );
        }
        for part in *hides {
            assert!(
                !told.contains(part),
                "{dotenv:?} {environment:?}: {part:?} is shown: {told}"
            );
        }
    }
}

#[test]
fn errors_of_the_configuration_file_have_the_right_line() {
    for (text, line) in [
        ("= 1\n", 1),
        ("ops_burst = 1\n= 2\n", 2),
        ("ops_burst = 1\r\n\r\n= 2\r\n", 3),
        ("\u{feff}\n\nops_burst 7\n", 3),
        ("ops_burst = 1\n\nops_burst = 2\n", 3),
        ("ops_burst = 1\njwt_secret = s3cret\n", 2),
        ("ops_burst = 1\nallowed_hosts = [\n", 2),
        ("ops_burst = 1\njwt_secret = \"s3cret\n", 2),
    ] {
        let program = Program::new();
        program.write("a.toml", text);
        let (code, told) = program.run(&["config", "--config", "a.toml"]);
        assert_eq!(code, Some(2), "{text:?}: {told}");
        assert!(
            told.contains(&format!("cannot be read: line {line}: ")),
            "{text:?}: {told}"
        );
        assert!(!told.contains("s3cret"), "{told}");
    }
    let program = Program::new();
    program.write("a.toml", "\u{feff}ops_burst = 7\r\n");
    let (code, told) = program.run(&["config", "--config", "a.toml"]);
    assert!(code == Some(0) && told.contains("ops_burst = 7"), "{told}");
}

#[test]
fn a_secret_in_a_file_loses_its_mark_and_the_ends_of_its_lines() {
    for text in [
        "sqlite:a.db",
        "\u{feff}sqlite:a.db\r\n",
        "sqlite:a.db\n\n",
        "sqlite:a.db\r",
    ] {
        let mut program = Program::new();
        program.write("url", text);
        program.set("TASKWIRE_DATABASE_URL_FILE", "url");
        let (code, told) = program.run(&["config"]);
        assert!(
            code == Some(0) && told.contains("database_url = \"sqlite:a.db\""),
            "{text:?}: {told}"
        );
    }
}

#[test]
fn what_kubernetes_sets_is_one_line_at_debug() {
    let mut program = Program::new();
    let services = [
        ("TASKWIRE_PORT", "tcp://10.0.0.7:8080"),
        ("TASKWIRE_PORT_8080_TCP_ADDR", "10.0.0.7"),
        ("TASKWIRE_REDIS_SERVICE_HOST", "10.0.0.8"),
    ];
    for (name, text) in services {
        program.set(name, text);
    }
    assert!(!program.run(&["migrate"]).1.contains("TASKWIRE_PORT"));
    let (code, told) = program.run(&["migrate", "--log-level=info,taskwire=debug"]);
    assert_eq!(code, Some(0), "{told}");
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("TASKWIRE_")).collect();
    assert!(matches!(&lines[..], [line] if line.contains("DEBUG")), "{told}");
    assert!(services.iter().all(|(name, _)| lines[0].contains(name)), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_hung_up_on_reads_its_settings_again_and_serves_on() {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    let dotenv = server.folder.path().join(".env");
    let hang_up = async |server: &Server, settings: &str, said: &str| {
        fs::write(&dotenv, settings).expect("written");
        let pid = server.pid().to_string();
        let told = Command::new("kill").arg("-HUP").arg(pid).status();
        assert!(told.expect("kill").success());
        eventually(said, || async { server.log().contains(said).then_some(()) }).await;
    };
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    ada.refused("task.get", json!({ "id": ada.user_id() })).await;
    assert!(!server.log().contains("DEBUG"), "{}", server.log());
    hang_up(
        &server,
        "TASKWIRE_LOG_LEVEL=info,taskwire=debug\n",
        "the settings were reloaded",
    )
    .await;
    ada.refused("task.get", json!({ "id": ada.user_id() })).await;
    let said = "a request was refused";
    eventually(said, || async { server.log().contains(said).then_some(()) }).await;
    hang_up(
        &server,
        "TASKWIRE_LOG_LEVEL=loud\n",
        "the settings were not reloaded",
    )
    .await;
    let waits = "wait for the next start: jwt_secret, ops_burst";
    hang_up(
        &server,
        "TASKWIRE_OPS_BURST=7\nTASKWIRE_JWT_SECRET=s3cret\n",
        waits,
    )
    .await;
    assert!(!server.log().contains("s3cret"), "{}", server.log());
    // the socket has not noticed anything
    ada.ok("profile.get", json!({})).await;
    assert_eq!(server.terminate(), Some(0));
}
