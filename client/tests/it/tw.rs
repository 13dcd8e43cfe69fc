//! `tw` as a process, against a scripted server on a real port.

use crate::support::*;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
};
use tokio_tungstenite::tungstenite::Message;

type Answers = dyn Fn(&str, &Value) -> Result<Value, &'static str> + Send + Sync;

/// A server that answers by a function. Its refresh tokens are good for one use.
struct Fake {
    url: String,
    answers: Arc<Answers>,
    refresh_token: Mutex<u32>,
    refused_refreshes: Mutex<u32>,
}

impl Fake {
    async fn start(
        answers: impl Fn(&str, &Value) -> Result<Value, &'static str> + Send + Sync + 'static,
    ) -> Result<Arc<Fake>, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let fake = Arc::new(Fake {
            url: format!("http://{}", listener.local_addr()?),
            answers: Arc::new(answers),
            refresh_token: Mutex::new(1),
            refused_refreshes: Mutex::new(0),
        });
        let server = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        Ok(fake)
    }

    async fn serve(&self, stream: TcpStream) -> Tested {
        let mut start = [0; 4];
        stream.peek(&mut start).await?;
        if &start == b"POST" {
            return self.refresh(stream).await;
        }
        let mut peer = Peer::accept(stream).await?;
        loop {
            let request = peer.receive().await?;
            let name = request["type"].as_str().unwrap_or_default();
            match (self.answers)(name, &request["data"]) {
                _ if name == "auth" => {
                    let frame = json!({"type": "welcome", "id": request["id"], "data": first_welcome()});
                    peer.send(&frame).await?;
                }
                Ok(data) => peer.answer(&request, &data).await?,
                Err(code) => peer.refuse(&request, code, false).await?,
            }
        }
    }

    async fn refresh(&self, mut stream: TcpStream) -> Tested {
        let mut text = String::new();
        while !text.ends_with('}') {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await?;
            text.push_str(std::str::from_utf8(&part[..read])?);
        }
        let (status, body) = {
            let mut token = self.refresh_token.lock().map_err(|_| "poisoned")?;
            if text.contains(&format!("\"r{token}\"")) {
                *token += 1;
                (200, tokens(*token))
            } else {
                *self.refused_refreshes.lock().map_err(|_| "poisoned")? += 1;
                (401, json!({}))
            }
        };
        Ok(stream.write_all(over_http(status, &body).as_bytes()).await?)
    }
}

fn over_http(status: u16, body: &Value) -> String {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: ");
    format!("{head}{}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn tokens(n: u32) -> Value {
    json!({"access_token": format!("a{n}"), "token_type": "Bearer", "expires_in": 900,
        "refresh_token": format!("r{n}"), "user": user()})
}

/// `tw` with a home of its own.
fn tw(home: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tw"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("XDG_STATE_HOME", home)
        .env("TASKWIRE_URL", url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// With a token, so that no sign-in is needed.
async fn run(url: &str, args: &[&str]) -> Result<(i32, String, String), Failed> {
    let home = tempfile::tempdir()?;
    let mut command = tw(home.path(), url, args);
    told(soon("the end of tw", command.env("TASKWIRE_TOKEN", "t").output()).await??)
}

fn told(output: Output) -> Result<(i32, String, String), Failed> {
    let code = output.status.code().ok_or("tw was killed")?;
    Ok((
        code,
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    ))
}

fn page(tasks: &[Value]) -> Value {
    json!({"items": tasks, "next_cursor": null, "total": tasks.len()})
}

#[tokio::test]
async fn a_session_is_kept_and_used() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "auth.login" if data["password"] == "correct horse" => Ok(tokens(1)),
        "auth.login" => Err("INVALID_CREDENTIALS"),
        "task.create" => Ok(task(1, 1, data["title"].as_str().unwrap_or_default())),
        "auth.logout" => Ok(json!({})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    let login = |password: &'static str| {
        let mut command = tw(home.path(), &fake.url, &["login", "ada@example.com"]);
        command.env("TASKWIRE_PASSWORD", password);
        command
    };
    let (code, _, error) = told(login("wrong").output().await?)?;
    assert_eq!((code, error.lines().count()), (3, 1), "{error}");
    let (code, out, error) = told(login("correct horse").output().await?)?;
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("as Ada"), "{out}");
    let (code, out, error) = told(
        tw(home.path(), &fake.url, &["add", "Buy", "milk"])
            .output()
            .await?,
    )?;
    assert_eq!((code, out.as_str()), (0, "10000001  [ ] Buy milk\n"), "{error}");
    let (code, _, error) = told(tw(home.path(), &fake.url, &["logout"]).output().await?)?;
    assert_eq!(code, 0, "{error}");
    let (code, _, error) = told(tw(home.path(), &fake.url, &["ls"]).output().await?)?;
    assert_eq!(code, 3);
    assert!(error.contains("tw login"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_address_is_looked_at_first_and_an_empty_one_is_none() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    let mut login = tw(home.path(), "", &["--server", "foo", "login", "a@b"]);
    let (code, _, error) = told(login.env("TASKWIRE_PASSWORD", "x").output().await?)?;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("no server address"), "{error}");
    let (code, _, error) = told(tw(home.path(), "", &["ls"]).output().await?)?;
    assert_eq!(code, 0, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_home_that_is_none_is_named_unless_it_is_not_needed() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let nowhere = Path::new("/dev/null");
    let mut with_token = tw(nowhere, &fake.url, &["ls"]);
    let (code, _, error) = told(with_token.env("TASKWIRE_TOKEN", "t").output().await?)?;
    assert_eq!((code, error.as_str()), (0, ""));
    let (code, _, error) = told(tw(nowhere, &fake.url, &["ls"]).output().await?)?;
    assert_eq!((code, error.contains("/dev/null/taskwire")), (1, true), "{error}");
    Ok(())
}

#[tokio::test]
async fn logging_out_leaves_a_session_that_it_did_not_end() -> Tested {
    let ended = Arc::new(Mutex::new(0));
    let count = ended.clone();
    let fake = Fake::start(move |name, _| match name {
        "auth.logout" => {
            *count.lock().map_err(|_| "INTERNAL_ERROR")? += 1;
            Ok(json!({}))
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    for args in [&["logout"][..], &["logout", "--local"]] {
        let elsewhere = tw(home.path(), "http://127.0.0.1:9", args).output().await?;
        assert_eq!(told(elsewhere)?.0, 3, "{args:?}");
        assert_eq!(kept(home.path())?["refresh_token"], "r1");
    }
    let mut with_token = tw(home.path(), &fake.url, &["logout"]);
    let (code, _, error) = told(with_token.env("TASKWIRE_TOKEN", "bobs").output().await?)?;
    assert_eq!((code, *ended.lock().map_err(|_| "poisoned")?), (0, 1), "{error}");
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    let (code, _, error) = told(tw(home.path(), &fake.url, &["logout"]).output().await?)?;
    assert_eq!((code, *ended.lock().map_err(|_| "poisoned")?), (0, 2), "{error}");
    assert!(kept(home.path()).is_err());
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_network_error() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let (code, out, error) = run(&url, &["ls"]).await?;
    assert_eq!((code, out.as_str(), error.lines().count()), (6, "", 1), "{error}");
    Ok(())
}

#[tokio::test]
async fn refusals_become_exit_codes_and_wrong_usage_is_two() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.get" => Err("NOT_FOUND"),
        "task.restore" => Err("NOT_DELETED"),
        _ => Err("FORBIDDEN"),
    })
    .await?;
    let id = "01990000-0000-7000-8000-000010000001";
    for (args, expected) in [
        (vec!["show", id], 4),
        (vec!["restore", id], 5),
        (vec!["done", id], 3),
        (vec!["call", "task.paint", "{"], 2),
        (vec!["add", "x", "--due", "someday"], 2),
        (vec!["add", "x", "--priority", "mild"], 2),
        (vec!["show", "xyz"], 2),
        (vec!["edit", id], 2),
        (vec!["--server", "nowhere", "ls"], 2),
    ] {
        let (code, out, error) = run(&fake.url, &args).await?;
        assert_eq!((code, out.as_str()), (expected, ""), "{args:?}: {error}");
        assert!(!error.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_an_id_names_a_task_unless_it_names_two() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "task.list" => {
            let tasks = [
                task(0x1_0000_0001, 1, "near\u{1b}[31m"),
                task(1, 1, "far"),
                task(0xabcd, 1, "one"),
            ];
            Ok(page(&tasks))
        }
        "task.complete" => {
            assert_eq!(data["id"], task(0xabcd, 1, "")["id"]);
            Ok(task(0xabcd, 2, "one"))
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let (code, out, error) = run(&fake.url, &["done", "abcd", "--json"]).await?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(serde_json::from_str::<Value>(&out)?[0]["version"], 2);
    let (code, _, error) = run(&fake.url, &["done", "0000001"]).await?;
    assert_eq!((code, error.lines().count()), (2, 1));
    assert!(
        error.contains("near") && error.contains("far") && !error.contains('\u{1b}'),
        "{error}"
    );
    let (code, ..) = run(&fake.url, &["done", "ffff"]).await?;
    assert_eq!(code, 4);
    Ok(())
}

#[tokio::test]
async fn nothing_is_done_when_one_task_is_not_found_and_what_was_done_is_shown() -> Tested {
    let changes = Arc::new(AtomicU32::new(0));
    let count = changes.clone();
    let fake = Fake::start(move |name, data| match name {
        "task.list" => Ok(page(&[task(1, 1, "one"), task(2, 1, "two")])),
        "task.complete" | "task.delete" if data["id"] == task(1, 1, "")["id"] => {
            count.fetch_add(1, Relaxed);
            Ok(task(1, 2, "one"))
        }
        _ => Err("FORBIDDEN"),
    })
    .await?;
    for command in ["done", "rm"] {
        let (code, out, error) = run(&fake.url, &[command, "10000001", "ffff"]).await?;
        assert_eq!((code, out.as_str()), (4, ""), "{error}");
        assert_eq!(changes.swap(0, Relaxed), 0);
        let (code, out, error) = run(&fake.url, &[command, "10000001", "10000002"]).await?;
        assert_eq!((code, out.as_str()), (3, "10000001  [ ] one\n"), "{error}");
        let (code, out, error) = run(&fake.url, &[command, "10000001", "10000002", "--json"]).await?;
        let done: Vec<Value> = serde_json::from_str(&out)?;
        assert_eq!((code, done.len()), (3, 1), "{error}");
        changes.store(0, Relaxed);
    }
    Ok(())
}

#[tokio::test]
async fn a_list_is_json_when_asked_and_without_colours_in_a_pipe() -> Tested {
    let fake = Fake::start(|name, data| match (name, data["cursor"].as_str()) {
        ("task.list", None) => {
            assert_eq!(
                (&data["priority"], &data["sort"]),
                (&json!("high"), &json!("-due_at"))
            );
            let mut task = task(1, 1, "urgent thing");
            task["priority"] = json!("high");
            Ok(json!({"items": [task], "next_cursor": "c", "total": 2}))
        }
        ("task.list", Some("c")) => Ok(json!({"items": [task(2, 1, "other")], "next_cursor": null})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let args = ["ls", "--priority", "high", "--sort", "-due_at"];
    let (code, out, error) = run(&fake.url, &args).await?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(out, "10000001  [ ] urgent thing  high\n10000002  [ ] other\n");
    let (_, out, _) = run(&fake.url, &[&args[..], &["--json", "--limit", "1"]].concat()).await?;
    assert_eq!(serde_json::from_str::<Vec<Value>>(&out)?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_long_list_waits_when_the_server_has_had_enough() -> Tested {
    let enough = AtomicU32::new(0);
    let fake = Fake::start(move |name, data| match (name, data["cursor"].as_str()) {
        ("task.list", None) => Ok(json!({"items": [task(1, 1, "one")], "next_cursor": "c", "total": 2})),
        ("task.list", Some("c")) if enough.fetch_add(1, Relaxed) < 2 => Err("RATE_LIMITED"),
        ("task.list", Some("c")) => Ok(json!({"items": [task(2, 1, "two")], "next_cursor": null})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let (code, out, error) = run(&fake.url, &["ls", "--limit", "200"]).await?;
    assert_eq!((code, out.lines().count()), (0, 2), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[task(1, 1, "a"), task(2, 1, "b")])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    let mut child = tw(home.path(), &fake.url, &["ls"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    drop(child.stdout.take());
    let (code, _, error) = told(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, error.as_str()), (0, ""));
    Ok(())
}

#[tokio::test]
async fn commands_that_refresh_at_once_do_not_log_each_other_out() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, 0)?;
    let commands = (0..5).map(|_| {
        let mut command = tw(home.path(), &fake.url, &["ls"]);
        async move { told(command.output().await?) }
    });
    let ends = soon("the commands", futures_util::future::join_all(commands)).await?;
    for end in ends {
        let (code, _, error) = end?;
        assert_eq!(code, 0, "{error}");
    }
    assert_eq!(
        *fake.refresh_token.lock().map_err(|_| "poisoned")?,
        2,
        "one refresh for all"
    );
    assert_eq!(*fake.refused_refreshes.lock().map_err(|_| "poisoned")?, 0);
    Ok(())
}

/// A home with a session that ends then.
fn signed_in_at(url: &str, expires_at: i64) -> Result<tempfile::TempDir, Failed> {
    let home = tempfile::tempdir()?;
    std::fs::create_dir(home.path().join("taskwire"))?;
    let session = json!({"url": url, "email": "ada@example.com", "access_token": "a1", "refresh_token": "r1",
        "expires_at": expires_at});
    std::fs::write(home.path().join("taskwire/session.json"), session.to_string())?;
    Ok(home)
}

fn kept(home: &Path) -> Result<Value, Failed> {
    Ok(serde_json::from_slice(&std::fs::read(
        home.join("taskwire/session.json"),
    )?)?)
}

#[tokio::test]
async fn a_command_that_is_done_waits_for_its_refresh() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let home = signed_in_at(&url, i64::MAX)?;
    let child = tw(home.path(), &url, &["ls"]).spawn()?;
    let mut peer = Peer::accept(soon("a connection", listener.accept()).await??.0).await?;
    peer.welcome(&first_welcome()).await?;
    peer.send(&json!({"type": "signal", "signal": "session.expiring", "data": {}}))
        .await?;
    let mut refresh = soon("the refresh", listener.accept()).await??.0;
    let listing = peer.receive().await?;
    peer.answer(&listing, &page(&[])).await?;
    // Its answer is there and it hangs up: the server may take its time all the same.
    while !matches!(peer.message().await, Ok(Message::Close(_)) | Err(_)) {}
    drop(peer);
    let mut request = [0; 4096];
    assert!(soon("the request", refresh.read(&mut request)).await?? > 0);
    refresh.write_all(over_http(200, &tokens(2)).as_bytes()).await?;
    let (code, _, error) = told(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(kept(home.path())?["refresh_token"], "r2");
    Ok(())
}

#[tokio::test]
async fn a_session_that_cannot_be_kept_is_used_all_the_same() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let home = signed_in_at(&url, 0)?;
    let child = tw(home.path(), &url, &["ls"]).spawn()?;
    let mut refresh = soon("the refresh", listener.accept()).await??.0;
    let mut request = [0; 4096];
    assert!(soon("the request", refresh.read(&mut request)).await?? > 0);
    let files = std::fs::read_dir(home.path().join("taskwire"))?.count();
    assert_eq!(files, 3, "the lock, the session, and a place for the next one");
    // A file cannot take the place of a folder.
    let path = home.path().join("taskwire/session.json");
    std::fs::remove_file(&path)?;
    std::fs::create_dir_all(path.join("full"))?;
    refresh.write_all(over_http(200, &tokens(2)).as_bytes()).await?;
    let mut peer = Peer::accept(soon("a connection", listener.accept()).await??.0).await?;
    assert_eq!(peer.welcome(&first_welcome()).await?["token"], "a2");
    let listing = peer.receive().await?;
    peer.answer(&listing, &page(&[])).await?;
    drop(peer);
    let (code, _, error) = told(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(code, 0, "{error}");
    assert!(error.contains("tw login"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_session_that_has_no_place_is_not_refreshed() -> Tested {
    let fake = Fake::start(|_, _| Err("UNKNOWN_TYPE")).await?;
    let home = signed_in_at(&fake.url, 0)?;
    std::fs::create_dir(home.path().join("taskwire/session.lock"))?;
    let (code, _, error) = told(tw(home.path(), &fake.url, &["ls"]).output().await?)?;
    assert_eq!((code, error.contains("reached")), (1, false), "{error}");
    assert_eq!(*fake.refresh_token.lock().map_err(|_| "poisoned")?, 1);
    Ok(())
}

#[tokio::test]
async fn watch_goes_on_where_it_was_when_the_server_comes_back() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let home_folder = tempfile::tempdir()?;
    let mut child = tw(home_folder.path(), &format!("http://{address}"), &["watch"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    let mut peer = Peer::accept(soon("a connection", listener.accept()).await??.0).await?;
    let mut named = first_welcome();
    named["streams"][1]["workspace"] =
        json!({"id": HOME, "name": "Home", "kind": "personal", "role": "owner"});
    peer.welcome(&named).await?;
    peer.send(&happened(11)).await?;
    let line = soon("a line", lines.next_line()).await??.ok_or("the end")?;
    assert!(
        line.contains("Home  task.created  1000000b  [ ] a  by Ada"),
        "{line}"
    );
    // Killed: no close frame, nothing listens for a while.
    drop((peer, listener));
    let listener = TcpListener::bind(address).await?;
    let mut peer = Peer::accept(soon("a connection", listener.accept()).await??.0).await?;
    let auth = peer.welcome(&resumed_welcome()).await?;
    assert_eq!(auth["resume"]["positions"][home().to_string()], 11);
    peer.send(&happened(12)).await?;
    let line = soon("a line", lines.next_line()).await??.ok_or("the end")?;
    assert!(line.contains("1000000c"), "{line}");
    Ok(())
}

#[tokio::test]
async fn watch_follows_one_workspace_by_its_name_and_prints_json() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let home_folder = tempfile::tempdir()?;
    let mut child = tw(
        home_folder.path(),
        &url,
        &["watch", "--workspace", "home", "--json"],
    )
    .env("TASKWIRE_TOKEN", "t")
    .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    let mut peer = Peer::accept(soon("a connection", listener.accept()).await??.0).await?;
    let auth = peer.welcome(&welcome(&[])).await?;
    assert_eq!(auth["streams"], json!([]));
    let request = peer.receive().await?;
    assert_eq!(request["type"], "workspace.list");
    let workspace = json!({"id": HOME, "name": "Home", "kind": "personal", "role": "owner", "version": 1,
        "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z"});
    peer.answer(&request, &page(&[workspace])).await?;
    for (stream, seq) in [(me(), 3), (home(), 20)] {
        let request = peer.receive().await?;
        assert_eq!(request["data"]["stream"], json!(stream));
        peer.answer(&request, &json!({"seq": seq, "resumed": false, "reason": "new"}))
            .await?;
    }
    peer.send(&event(me(), 4, "profile.updated", &user())).await?;
    peer.send(&happened(21)).await?;
    let line = soon("a line", lines.next_line()).await??.ok_or("the end")?;
    let value: Value = serde_json::from_str(&line)?;
    assert_eq!((&value["type"], &value["seq"]), (&json!("event"), &json!(21)));
    Ok(())
}

#[tokio::test]
async fn watch_of_one_workspace_names_it_and_ends_with_access() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let folder = tempfile::tempdir()?;
    let child = tw(folder.path(), &url, &["watch", "-w", "home"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    let mut peer = Peer::accept(soon("a connection", listener.accept()).await??.0).await?;
    peer.welcome(&welcome(&[])).await?;
    let request = peer.receive().await?;
    let workspace = json!({"id": HOME, "name": "Home", "kind": "team", "role": "member", "version": 1,
        "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z"});
    peer.answer(&request, &page(&[workspace])).await?;
    for seq in [3, 20] {
        let request = peer.receive().await?;
        peer.answer(&request, &json!({"seq": seq, "resumed": false, "reason": "new"}))
            .await?;
    }
    peer.send(&happened(21)).await?;
    let lost = json!({"workspace_id": HOME, "reason": "removed"});
    peer.send(&event(me(), 4, "access.lost", &lost)).await?;
    let (code, out, error) = told(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, out.lines().count()), (4, 1), "{out}{error}");
    assert!(out.contains("Home  task.created"), "{out}");
    assert!(error.contains("no longer yours"), "{error}");
    Ok(())
}
