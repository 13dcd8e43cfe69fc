//! `tw socket`: frames by hand.

use crate::{script, script::*, support::*};
use serde_json::json;
use std::process::Stdio;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn events_that_come_after_the_last_answer_are_printed() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let mut child = tw(home.path(), &url, &["socket"]).stdin(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    let frames = concat!(
        r#"{"type":"auth","id":1,"data":{"token":"t"}}"#,
        "\n",
        r#"{"type":"task.create","id":2,"data":{"title":"a"}}"#,
        "\n"
    );
    input.write_all(frames.as_bytes()).await?;
    drop(input);
    let mut peer = accept(&listener).await?;
    peer.welcome(&first_welcome()).await?;
    let request = peer.receive().await?;
    let mut at = serde_json::Map::new();
    at.insert(script::home().to_string(), json!(1_000));
    at.insert(
        "workspace:00000000-0000-7000-8000-00000000ffff".to_owned(),
        json!(1),
    );
    peer.send(&json!({"type": "ok", "id": request["id"], "at": at, "data": {}}))
        .await?;
    // the client has read the answer when it has answered the ping
    peer.ping().await?;
    peer.message().await?;
    peer.send(&event(script::home(), 1_000, "task.created", &task(1, 1, "a")))
        .await?;
    let (code, out, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("task.created"), "{out}");
    Ok(())
}

/// Runs `tw socket` with this input, and a server that does this.
async fn answered(
    lines: &str,
    server: impl AsyncFnOnce(&mut Peer<TcpStream>) -> Tested,
) -> Result<(i32, String, String), Failed> {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    let mut child = tw(home.path(), &url, &["socket"]).stdin(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    input.write_all(lines.as_bytes()).await?;
    drop(input);
    let mut peer = accept(&listener).await?;
    server(&mut peer).await?;
    outcome(soon("the end of tw", child.wait_with_output()).await??)
}

#[tokio::test]
async fn answers_to_texts_as_ids_and_to_unreadable_lines_are_waited_for() -> Tested {
    let lines = "{\"type\":\"ping\",\"id\":\"a\"}\nnonsense\n{\"type\":\"ping\"}\n";
    let (code, out, error) = answered(lines, async |peer| {
        for _ in 0..3 {
            peer.message().await?;
        }
        peer.send(&json!({"type": "pong", "id": "a"})).await?;
        // the command still waits for the other answer when it answers the ping
        peer.ping().await?;
        peer.message().await?;
        peer.send(&json!({"type": "error", "id": null, "error": {"code": "BAD_FRAME"}}))
            .await
    })
    .await?;
    assert_eq!(
        (code, out.lines().count(), out.contains("BAD_FRAME")),
        (0, 2, true),
        "{out} {error}"
    );
    Ok(())
}

#[tokio::test]
async fn answers_that_do_not_come_are_an_error() -> Tested {
    let (code, _, error) = answered("{\"type\":\"ping\",\"id\":1}\n", async |peer| {
        peer.message().await?;
        // until the command gives up
        while !matches!(peer.message().await, Ok(Message::Close(_)) | Err(_)) {}
        Ok(())
    })
    .await?;
    assert_eq!((code, error.contains("no answer")), (1, true), "{error}");
    Ok(())
}
