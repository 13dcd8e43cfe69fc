//! Databases that cannot be used: the start refuses them with the reason, and `taskwire doctor` says the same.

use crate::support::cluster::Cluster;
use crate::support::database::admin_url;
use crate::support::{Client, Engine, Server};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// Neither a start nor the doctor takes the database; both give the reason.
fn is_refused(server: &Server, reason: &str) {
    for arguments in [&["--set", "listen=127.0.0.1:0"][..], &["migrate"], &["doctor"]] {
        let (code, told) = server.run(arguments);
        assert_eq!(code, Some(1), "{reason}, {arguments:?}: {told}");
        assert!(told.contains(reason), "{reason}, {arguments:?}: {told}");
        assert!(
            !told.contains("check database_url"),
            "it is not the address: {told}"
        );
    }
}

/// A server with a database of its own, on which `change` was run; `{name}` stands for the database.
async fn changed(change: &str) -> Server {
    let server = Server::prepare(Engine::Postgres, &[]).await;
    let (_, name) = server.database.url.rsplit_once('/').expect("a database");
    let mut admin = PgConnection::connect(&admin_url()).await.expect("PostgreSQL");
    for statement in change.replace("{name}", name).split(';') {
        let done = admin.execute(AssertSqlSafe(statement.to_owned())).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_another_kind_refuses_the_start() {
    let latin =
        "drop database {name}; create database {name} encoding 'LATIN1' template template0 locale 'C'";
    for (change, reason) in [
        (latin, "its encoding is LATIN1: taskwire needs UTF8"),
        (
            "alter database {name} set standard_conforming_strings = off",
            "standard_conforming_strings is off",
        ),
        (
            "alter database {name} set default_transaction_read_only = on",
            "default_transaction_read_only is on",
        ),
    ] {
        is_refused(&changed(change).await, reason);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_database_sets_and_a_connection_overrides_is_no_reason() {
    let settings = [
        "client_encoding = latin1",
        "datestyle = 'German, DMY'",
        "timezone = 'Asia/Kathmandu'",
        "statement_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "bytea_output = escape",
        "extra_float_digits = -15",
    ];
    let change = settings.map(|setting| format!("alter database {{name}} set {setting}"));
    let mut server = changed(&change.join(";")).await;
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada
        .ok("task.create", json!({ "title": "明日牛乳を買う 🥛" }))
        .await;
    assert_eq!(task["title"], "明日牛乳を買う 🥛");
    assert_eq!(ada.ok("task.get", json!({ "id": task["id"] })).await, task);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_refuses_the_start() {
    let cluster = Cluster::start(&[]);
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    server.database.url = cluster.url();
    cluster.stand_by();
    is_refused(&server, "read-only standby: set database_url to the primary");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_is_named() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    for (code, message) in [
        ("08P01", "unsupported startup parameter: options"),
        ("08P01", "unsupported startup parameter in options: lock_timeout"),
    ] {
        server.database.url = refusing(code, message).await;
        is_refused(&server, "PgBouncer in transaction mode");
    }
}

/// A server of PostgreSQL's protocol that refuses every connection; its URL.
async fn refusing(code: &'static str, message: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        loop {
            let (mut link, _) = listener.accept().await.expect("a connection");
            let _ = link.read(&mut [0; 1024]).await;
            let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
            let length = i32::try_from(fields.len() + 4).expect("short");
            let answer = [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat();
            let _ = link.write_all(&answer).await;
            let _ = link.shutdown().await;
        }
    });
    format!("postgres://ada@{address}/tasks?sslmode=disable")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ipv6_address_is_one() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    let place = server.database.url.split_once('@').expect("a user").1.to_owned();
    let (upstream, name) = place.split_once('/').expect("a database");
    let listener = TcpListener::bind("[::1]:0").await.expect("a machine with IPv6");
    let address = listener.local_addr().expect("its address");
    server.set("database_url", &format!("postgres://postgres@{address}/{name}"));
    let upstream = upstream.to_owned();
    tokio::spawn(async move {
        loop {
            let (mut link, _) = listener.accept().await.expect("a connection");
            let mut onward = TcpStream::connect(&upstream).await.expect("PostgreSQL");
            tokio::spawn(async move { copy_bidirectional(&mut link, &mut onward).await });
        }
    });
    let (code, told) = server.run(&["doctor"]);
    assert_eq!(code, Some(0), "{told}");
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    ada.ok("task.create", json!({ "title": "milk" })).await;
}
