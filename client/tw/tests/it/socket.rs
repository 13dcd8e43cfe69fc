//! `tw socket`: frames by hand.

use crate::{script, script::*, support::*};
use serde_json::json;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;

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
