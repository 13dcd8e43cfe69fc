//! Text from others never reaches the terminal with characters that it acts on.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// A title that clears the screen, colours by C1, rings, deletes, and turns the text around.
const TITLE: &str = "a\u{1b}[2J\u{9b}31m\u{7}\u{7f}\u{85}\u{202e}b\u{2066}c\u{200f}d\u{2028}e";

fn acts(c: char) -> bool {
    let directs = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'].contains(&c);
    let turns = ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    c.is_control() && c != '\n' || directs || turns
}

fn hostile() -> Value {
    let mut task = task(1, 1, TITLE);
    task["description"] = json!(TITLE);
    task["tags"] = json!([TITLE]);
    task
}

#[tokio::test]
async fn no_command_prints_what_a_terminal_acts_on() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[hostile()])),
        "task.get" | "task.create" | "task.complete" => Ok(hostile()),
        "workspace.list" => Ok(json!({"next_cursor": null, "items": [{"id": HOME, "name": TITLE, "kind": "team",
            "role": "owner", "version": 1, "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z"}]})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let id = "01990000-0000-7000-8000-000010000001";
    for command in [
        vec!["ls"],
        vec!["show", id],
        vec!["add", TITLE],
        vec!["done", id],
        vec!["workspaces"],
        vec!["call", "task.get", "{}"],
        vec!["done", "0000"],
        vec!["ls", "--workspace", TITLE],
        vec!["ls", "--sort", TITLE],
        vec![TITLE],
    ] {
        for more in [&[][..], &["--json"]] {
            let args = [&command[..], more].concat();
            let (code, out, error) = run(&fake.url, &args).await?;
            assert!(
                !out.contains(acts) && !error.contains(acts),
                "{args:?}: {out:?} {error:?}"
            );
            if code == 0 && more == ["--json"] {
                let value: Value = serde_json::from_str(&out)?;
                assert!(
                    value.to_string().contains("\\u001b"),
                    "the value is the same: {out:?}"
                );
                let texts = [&value["title"], &value[0]["title"], &value[0]["name"]];
                assert!(texts.contains(&&json!(TITLE)), "{value}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_a_server_says_in_an_error_is_escaped() -> Tested {
    let (listener, url) = listen().await?;
    for args in [&["ls"][..], &["call", "task.list", "--json"]] {
        let home = tempfile::tempdir()?;
        let child = tw(home.path(), &url, args).env("TASKWIRE_TOKEN", "t").spawn()?;
        let mut peer = accept(&listener).await?;
        peer.welcome(&first_welcome()).await?;
        let request = peer.receive().await?;
        peer.send(&json!({"type": "error", "id": request["id"],
            "error": {"code": "FORBIDDEN", "message": TITLE, "retryable": false, "request_id": TITLE}}))
            .await?;
        while !matches!(peer.message().await, Ok(Message::Close(_)) | Err(_)) {}
        drop(peer);
        let (code, out, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
        assert_eq!(
            (code, out.as_str(), error.lines().count()),
            (3, "", 1),
            "{error:?}"
        );
        assert!(!error.contains(acts), "{error:?}");
    }
    Ok(())
}
