//! `tw watch`: over restarts of the server, of one workspace, until access ends.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
};

#[tokio::test]
async fn watch_continues_from_its_position_after_a_restart_of_the_server() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let home_folder = tempfile::tempdir()?;
    let mut child = tw(home_folder.path(), &format!("http://{address}"), &["watch"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    let mut peer = accept(&listener).await?;
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
    let listener = soon("the port", listen_again(address)).await??;
    let mut peer = accept(&listener).await?;
    let auth = peer.welcome(&resumed_welcome()).await?;
    assert_eq!(auth["resume"]["positions"][home().to_string()], 11);
    peer.send(&happened(12)).await?;
    let line = soon("a line", lines.next_line()).await??.ok_or("the end")?;
    assert!(line.contains("1000000c"), "{line}");
    Ok(())
}

#[tokio::test]
async fn watch_follows_one_workspace_by_its_name_and_prints_json() -> Tested {
    let (listener, url) = listen().await?;
    let home_folder = tempfile::tempdir()?;
    let mut child = tw(
        home_folder.path(),
        &url,
        &["watch", "--workspace", "home", "--json"],
    )
    .env("TASKWIRE_TOKEN", "t")
    .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    let mut peer = accept(&listener).await?;
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
    let (listener, url) = listen().await?;
    let folder = tempfile::tempdir()?;
    let child = tw(folder.path(), &url, &["watch", "-w", "home"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    let mut peer = accept(&listener).await?;
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
    let (code, out, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, out.lines().count()), (4, 1), "{out}{error}");
    assert!(out.contains("Home  task.created"), "{out}");
    assert!(error.contains("no longer read"), "{error}");
    Ok(())
}
