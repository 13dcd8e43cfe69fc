//! A server that is away for a moment, behind a proxy or without one: commands try again before they give up.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Answers one connection over HTTP, as a proxy without a node does.
async fn answer(listener: &TcpListener, status: u16, body: &Value) -> Tested {
    let (stream, _) = soon("an attempt", listener.accept()).await??;
    answer_on(stream, status, body).await
}

async fn answer_on(mut stream: TcpStream, status: u16, body: &Value) -> Tested {
    let mut request = [0; 4096];
    assert!(soon("a request", stream.read(&mut request)).await?? > 0);
    Ok(stream.write_all(over_http(status, body).as_bytes()).await?)
}

/// Serves the next connection: the commands of these tests make one call.
async fn serve(listener: &TcpListener, data: &Value) -> Result<Value, Failed> {
    let mut peer = accept(listener).await?;
    peer.welcome(&first_welcome()).await?;
    let request = peer.receive().await?;
    peer.answer(&request, data).await?;
    Ok(request)
}

#[tokio::test]
async fn a_command_tries_again_on_502_to_504_and_when_connections_are_refused() -> Tested {
    let (listener, url) = listen().await?;
    let address = listener.local_addr()?;
    let home = tempfile::tempdir()?;
    let child = tw(home.path(), &url, &["add", "milk", "--wait", "60"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    for status in [502, 503, 504] {
        answer(&listener, status, &json!({})).await?;
    }
    // Nothing listens for a while.
    drop(listener);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let listener = soon("the port", listen_again(address)).await??;
    let request = serve(&listener, &task(1, 1, "milk")).await?;
    assert!(request["op_id"].is_string(), "{request}");
    let (code, out, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (
            code,
            out.as_str(),
            error
                .lines()
                .filter(|line| !line.starts_with("tw: waiting"))
                .count()
        ),
        (0, "10000001  [ ] milk\n", 0)
    );
    Ok(())
}

#[tokio::test]
async fn a_mutation_that_the_server_cannot_serve_is_repeated_with_its_op_id() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let child = tw(home.path(), &url, &["add", "milk"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    let mut peer = accept(&listener).await?;
    peer.welcome(&first_welcome()).await?;
    let first = peer.receive().await?;
    peer.refuse(&first, "UNAVAILABLE", true).await?;
    let second = peer.receive().await?;
    assert_eq!(
        (&first["op_id"], &first["data"]),
        (&second["op_id"], &second["data"])
    );
    peer.answer(&second, &task(1, 1, "milk")).await?;
    drop(peer);
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(code, 0, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_sign_in_waits_for_the_server_and_is_sent_once() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let mut login = tw(home.path(), &url, &["login", "ada@example.com"]);
    let child = login.env("TASKWIRE_PASSWORD", "x").spawn()?;
    answer(&listener, 503, &json!({})).await?;
    let mut peer = accept(&listener).await?;
    assert_eq!(peer.receive().await?["type"], "auth.login");
    // The answer is lost. A second login would make a second session.
    drop(peer);
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (code, error.contains("connection was lost")),
        (6, true),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_a_proxy_could_not_deliver_is_tried_again() -> Tested {
    let (listener, url) = listen().await?;
    let home = signed_in_at(&url, 0)?;
    let child = tw(home.path(), &url, &["ls"]).spawn()?;
    answer_on(after_knock(&listener).await?, 503, &json!({})).await?;
    answer_on(after_knock(&listener).await?, 200, &pair(2)).await?;
    serve(&listener, &page(&[])).await?;
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(kept(home.path())?["refresh_token"], "r2");
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_away_is_waited_for_as_long_as_told() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let begin = |wait: &str| {
        tw(home.path(), &url, &["ls", "--wait", wait])
            .env("TASKWIRE_TOKEN", "t")
            .spawn()
    };
    let refuse = async |listener: &TcpListener| {
        let mut peer = accept(listener).await?;
        let auth = peer.receive().await?;
        let error = json!({"code": "UNAVAILABLE", "retryable": true, "request_id": "r",
            "message": "the database is unavailable at the moment; try again"});
        let frame = json!({"type": "error", "id": auth["id"], "error": error});
        peer.send(&frame).await
    };
    let child = begin("0")?;
    refuse(&listener).await?;
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (code, error.as_str()),
        (6, "tw: the server answers, but its database is away; try again\n")
    );
    let child = begin("60")?;
    refuse(&listener).await?;
    serve(&listener, &page(&[])).await?;
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (code, error.as_str()),
        (
            0,
            "no pending tasks in your personal workspace; --status all lists the others too, -w all those everywhere\n"
        )
    );
    Ok(())
}
