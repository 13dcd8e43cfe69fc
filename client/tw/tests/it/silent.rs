//! A server that accepts connections and says nothing, or says nothing more: `tw` gives it up, tells that it waits, or both.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
};

/// Three seconds, and time for a busy machine to start a process.
const QUICK: Duration = Duration::from_secs(6);

/// Runs `tw` against a server that is silent, and returns what it says.
async fn given_up(home: &Path, url: &str, args: &[&str]) -> Result<String, Failed> {
    let mut command = tw(home, url, args);
    command.env("TASKWIRE_PASSWORD", "x").current_dir(home);
    ended(args, command).await
}

async fn ended(args: &[&str], mut command: Command) -> Result<String, Failed> {
    let began = Instant::now();
    let (code, out, error) = outcome(soon("the end of tw", command.output()).await??)?;
    let took = began.elapsed();
    assert_eq!((code, out.as_str()), (6, ""), "{args:?}: {error}");
    assert!(took < QUICK, "{args:?}: {took:?}");
    Ok(error)
}

/// Each way in which `tw` speaks with a server: over a socket, with and without an account, and over HTTP.
#[tokio::test]
async fn a_silent_server_is_given_up_after_three_seconds_however_tw_speaks_with_it() -> Tested {
    let (listener, url) = listen().await?;
    let tls = url.replace("http://", "https://");
    let home = signed_in_at(&url, i64::MAX)?;
    std::fs::write(home.path().join("board.json"), "{\"lists\":[],\"cards\":[]}")?;
    let commands: [&[&str]; 16] = [
        &["ls"],
        &["board"],
        &["who"],
        &["socket"],
        &["login", "ada@example.com"],
        &["signup", "ada@example.com", "--name", "Ada"],
        &["login", "ada@example.com", "--server", &tls],
        &["login", "--browser"],
        &["login", "--browser", "--server", &tls],
        &["verify", "123456"],
        &["reset", "ada@example.com"],
        &["export"],
        &["profile", "export"],
        &["profile", "photo", "--remove"],
        &["import", "board.json"],
        &["attach", "0123abcd", "board.json"],
    ];
    let runs = commands.map(|args| given_up(home.path(), &url, args));
    for (args, error) in commands.iter().zip(futures_util::future::join_all(runs).await) {
        let error = error?;
        assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
        assert!(
            error.contains("cannot be reached (no answer within 3 s)"),
            "{args:?}: {error}"
        );
    }
    drop(listener);
    Ok(())
}

#[tokio::test]
async fn no_refresh_token_is_sent_to_a_silent_server() -> Tested {
    let runs = [&["ls"][..], &["export"]].map(async |args| {
        let (listener, url) = listen().await?;
        let home = signed_in_at(&url, 0)?;
        let run = given_up(home.path(), &url, args);
        let listening = async {
            let (mut stream, _) = soon("a connection", listener.accept()).await??;
            let mut sent = String::new();
            stream.read_to_string(&mut sent).await?;
            Ok::<_, Failed>(sent)
        };
        let (error, sent) = tokio::join!(run, listening);
        let (error, sent) = (error?, sent?);
        assert!(error.contains("(no answer within 3 s)"), "{args:?}: {error}");
        assert!(sent.starts_with("GET /livez ") && !sent.contains("r1"), "{sent}");
        assert_eq!(kept(home.path())?["refresh_token"], "r1");
        Ok::<_, Failed>(())
    });
    futures_util::future::try_join_all(runs).await?;
    Ok(())
}

#[tokio::test]
async fn watch_says_at_once_that_it_waits() -> Tested {
    let (listener, url) = listen().await?;
    for args in [&["watch"][..], &["watch", "-w", "home"], &["who", "--watch"]] {
        let home = tempfile::tempdir()?;
        let mut child = tw(home.path(), &url, args).env("TASKWIRE_TOKEN", "t").spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
        let line = tokio::time::timeout(Duration::from_secs(3), lines.next_line()).await;
        let line = line.map_err(|_| "it says nothing")??.ok_or("the end")?;
        assert_eq!(line, format!("tw: waiting for the answer of {url}; Ctrl-C stops"));
        child.kill().await?;
    }
    drop(listener);
    Ok(())
}

/// What `tw` says about a wait.
fn is_told(error: &str, url: &str) -> bool {
    error.starts_with(&format!("tw: waiting for the answer of {url}; Ctrl-C stops\n"))
}

#[tokio::test]
async fn a_command_tells_what_it_waits_for_while_the_server_works() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let child = tw(home.path(), &url, &["ls"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    let mut peer = accept(&listener).await?;
    peer.welcome(&first_welcome()).await?;
    let listing = peer.receive().await?;
    // while the answer is missing, it asks whether the server is there
    let ping = peer.receive().await?;
    assert_eq!(
        (&listing["type"], &ping["type"]),
        (&json!("task.list"), &json!("ping"))
    );
    peer.send(&json!({"type": "pong", "id": ping["id"]})).await?;
    peer.answer(&listing, &page(&[])).await?;
    drop(peer);
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, is_told(&error, &url)), (0, true), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let child = tw(home.path(), &url, &["add", "milk", "--wait", "1"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    let mut peer = accept(&listener).await?;
    peer.welcome(&first_welcome()).await?;
    let (code, out, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (code, out.as_str(), is_told(&error, &url)),
        (6, "", true),
        "{error}"
    );
    assert!(
        error.contains("does not answer any more; before you try again"),
        "{error}"
    );
    drop(peer);
    Ok(())
}

#[tokio::test]
async fn a_sign_in_tells_what_it_waits_for_while_the_server_works() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let mut login = tw(home.path(), &url, &["login", "ada@example.com"]);
    let mut child = login.env("TASKWIRE_PASSWORD", "x").spawn()?;
    let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
    let mut peer = accept(&listener).await?;
    let login = peer.receive().await?;
    let line = soon("a word", lines.next_line()).await??.ok_or("the end")?;
    assert!(is_told(&format!("{line}\n"), &url), "{line}");
    peer.answer(&login, &pair(1)).await?;
    let (code, ..) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (code, kept(home.path())?["refresh_token"].as_str()),
        (0, Some("r1"))
    );
    Ok(())
}

#[tokio::test]
async fn what_takes_long_over_http_is_told() -> Tested {
    let (listener, url) = listen().await?;
    let home = signed_in_at(&url, i64::MAX)?;
    let mut command = tw(home.path(), &url, &["profile", "export"]);
    let mut child = command.current_dir(home.path()).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
    let mut stream = after_knock(&listener).await?;
    let line = soon("a word", lines.next_line()).await??.ok_or("the end")?;
    assert!(is_told(&format!("{line}\n"), &url), "{line}");
    stream.write_all(over_http(200, &Value::Null).as_bytes()).await?;
    drop(stream);
    let (code, out, _) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, out.as_str()), (0, "taskwire-export.zip: 4 bytes\n"));
    Ok(())
}
