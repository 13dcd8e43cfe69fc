//! What `taskwire doctor` reports, and its exit codes.

use crate::on_both_databases;
use crate::support::cluster::Cluster;
use crate::support::{Engine, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

on_both_databases!(doctor_finds_no_failure_before_the_first_start_and_beside_a_node);

/// The lines that it prints about a subject, with the advice.
fn found<'a>(told: &'a str, subject: &str) -> &'a str {
    let start = told
        .find(&format!("{subject} "))
        .unwrap_or_else(|| panic!("no {subject}: {told}"));
    let line = &told[start..];
    let end = line
        .match_indices('\n')
        .find(|(at, _)| !line[at + 1..].starts_with(' '));
    &line[..end.map_or(line.len(), |(at, _)| at)]
}

fn is(told: &str, subject: &str, outcome: &str) {
    let found = found(told, subject);
    assert_eq!(found.split_whitespace().nth(1), Some(outcome), "{found}");
}

async fn doctor_finds_no_failure_before_the_first_start_and_beside_a_node(engine: Engine) {
    let mut server = Server::prepare(engine, &[]).await;
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        found(&told, "database").contains("the first start creates it"),
        "{told}"
    );
    is(&told, "redis", "off");
    is(&told, "smtp", "off");
    is(&told, "disk", "ok");
    assert!(
        !server.folder.path().join("data").exists(),
        "doctor must not leave data_dir behind"
    );
    server.spawn();
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        found(&told, "database").contains("its schema is current"),
        "{told}"
    );
    is(&told, "admin", "off");
    assert!(found(&told, "admin").ends_with("data/first_admin"), "{told}");
    is(
        &told,
        "clock",
        if engine == Engine::Postgres { "ok" } else { "off" },
    );
    let left = std::fs::read_dir(server.folder.path().join("data")).expect("data_dir");
    let names: Vec<String> = left
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().all(|name| !name.contains("doctor")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_warns_of_a_postgresql_that_may_lose_commits() {
    let off = [
        "fsync = off",
        "full_page_writes = off",
        "synchronous_commit = off",
    ];
    let cluster = Cluster::start(&[&off[..], &["max_connections = 15"]].concat());
    let url = cluster.url();
    let mut server = Server::prepare(Engine::Postgres, &[("database_url", &url)]).await;
    server.spawn();
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(0), "{told}");
    is(&told, "durability", "warning");
    is(&told, "connections", "warning");
    let log = server.log();
    for setting in off {
        assert!(found(&told, "durability").contains(setting), "{told}");
        assert!(
            log.lines()
                .any(|line| line.contains("WARN") && line.contains(setting)),
            "{log}"
        );
    }
    cluster.stop("fast");
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(1), "{told}");
    is(&told, "database", "FAILURE");
    assert!(
        found(&told, "database").contains("-> check database_url"),
        "{told}"
    );
}

/// A server that sends `first`, and then answers each message with the next of `answers`.
async fn speaker(first: &'static str, answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let _ = socket.write_all(first.as_bytes()).await;
            for answer in answers {
                let _ = socket.read(&mut [0; 1024]).await;
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_checks_the_protocols_of_redis_and_smtp() {
    let redis = speaker("", &["+OK\r\n", "+PONG\r\n"]).await;
    let smtp = speaker(
        "220 mail.example.com ESMTP\r\n",
        &[
            "250-mail.example.com\r\n250 AUTH PLAIN\r\n",
            "235 welcome\r\n",
            "221 bye\r\n",
        ],
    )
    .await;
    let mut server = Server::prepare(Engine::Sqlite, &[("mail_from", "tasks@example.com")]).await;
    server.set("redis_url", &format!("redis://:s3cret@{redis}/2"));
    server.set("smtp_url", &format!("smtp://ada:s3cret@{smtp}"));
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(0), "{told}");
    is(&told, "redis", "ok");
    is(&told, "smtp", "ok");
    // with the URLs exchanged neither server understands the other's protocol; no password is shown
    server.set("redis_url", &format!("redis://:s3cret@{smtp}"));
    server.set("smtp_url", &format!("smtp://ada:s3cret@{redis}"));
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(1), "{told}");
    is(&told, "redis", "FAILURE");
    is(&told, "smtp", "FAILURE");
    assert!(found(&told, "smtp").contains("no mail is lost"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    server.set("redis_url", "redis://127.0.0.1:1");
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(1), "{told}");
    is(&told, "redis", "FAILURE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_leaves_no_folder_behind_for_a_missing_data_dir() {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    let top = server.folder.path().join("srv");
    for data_dir in [top.join("taskwire/data"), "here/data".into()] {
        server.set("data_dir", &data_dir.display().to_string());
        let (code, told) = server.run(&["doctor"]);
        assert_eq!(code, Some(0), "{told}");
        is(&told, "disk", "ok");
    }
    assert!(!top.exists(), "it left folders behind");
    assert!(
        !server.folder.path().join("here").exists(),
        "it left folders behind"
    );
    std::fs::create_dir(&top).expect("a folder");
    server.set("data_dir", &top.join("taskwire/data").display().to_string());
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(0), "{told}");
    let left = std::fs::read_dir(&top).expect("it was there before").count();
    assert_eq!(left, 0, "it left folders behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_dir_that_cannot_be_written_is_a_failure() {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    let file = server.folder.path().join("file");
    std::fs::write(&file, "in the way").expect("written");
    server.set("data_dir", &file.join("data").display().to_string());
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(1), "{told}");
    is(&told, "disk", "FAILURE");
}
