//! API tokens: made, listed, revoked, and used in place of a session.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use std::{path::Path, process::Stdio};
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

const TOKEN: &str = "tw_pat_example";

fn api_token(n: u128, name: &str) -> Value {
    let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_2000_0000 + n);
    let expires_at = (name == "old").then_some("2020-01-02T00:00:00.000Z");
    json!({"id": id, "name": name, "scope": "write", "workspace_ids": null, "expires_at": expires_at,
        "created_at": "2026-01-01T00:00:00.000Z", "last_used_at": null})
}

#[tokio::test]
async fn a_new_token_stands_alone_on_standard_output() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "api_token.create" => {
            assert_eq!((&data["name"], &data["scope"]), (&json!("ci"), &json!("read")));
            assert_eq!(data["workspace_ids"], json!([HOME]));
            // until the end of the day
            assert_eq!(data["expires_at"], "2030-01-02T00:00:00.000Z");
            let mut made = api_token(1, "ci");
            made["token"] = json!(TOKEN);
            Ok(made)
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let workspace = HOME.to_string();
    let args = [
        "tokens",
        "new",
        "ci",
        "--read",
        "--workspace",
        &workspace,
        "--expires",
        "2030-01-01",
    ];
    let home = tempfile::tempdir()?;
    let mut command = tw(home.path(), &fake.url, &args);
    let command = command.env("TASKWIRE_TOKEN", "t").env("TZ", "UTC");
    let (code, out, error) = outcome(soon("the end of tw", command.output()).await??)?;
    assert_eq!((code, out.as_str()), (0, "tw_pat_example\n"), "{error}");
    assert!(error.contains("only now") && !error.contains(TOKEN), "{error}");
    Ok(())
}

#[tokio::test]
async fn tokens_are_listed_and_one_is_revoked_by_the_end_of_its_id() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "api_token.list" => {
            Ok(json!({"items": [api_token(1, "ci\u{1b}[2J"), api_token(2, "bot"), api_token(3, "old")]}))
        }
        "api_token.revoke" => {
            assert_eq!(data["id"], api_token(2, "")["id"]);
            Ok(json!({}))
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let (code, out, error) = run(&fake.url, &["tokens"]).await?;
    assert_eq!(
        (code, out.lines().count(), out.contains('\u{1b}')),
        (0, 3, false),
        "{error}"
    );
    assert!(
        out.contains("20000002  bot  write  all workspaces  never expires  never used"),
        "{out}"
    );
    assert!(out.contains("all workspaces  EXPIRED 2020-01-0"), "{out}");
    let (code, out, error) = run(&fake.url, &["tokens", "revoke", "20000002"]).await?;
    assert_eq!((code, out.as_str()), (0, "20000002  revoked\n"), "{error}");
    for (id, expected) in [("ffff", 4), ("xyz", 2), ("01990000", 2)] {
        let (code, _, error) = run(&fake.url, &["tokens", "revoke", id]).await?;
        assert_eq!(code, expected, "{id}: {error}");
    }
    Ok(())
}

/// Runs `tw login --token` with this standard input.
async fn log_in(home: &Path, url: &str, input: &str) -> Result<(i32, String, String), Failed> {
    let mut child = tw(home, url, &["login", "--token"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    outcome(soon("the end of tw", child.wait_with_output()).await??)
}

#[tokio::test]
async fn a_token_is_kept_as_a_session_and_only_forgotten_by_a_logout() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[task(1, 1, "one")])),
        // `auth.logout` must not be asked for
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    let (code, _, error) = log_in(home.path(), &fake.url, "a password\n").await?;
    assert_eq!(code, 2, "{error}");
    assert!(
        kept(home.path()).is_err() && !error.contains("a password"),
        "{error}"
    );
    let (code, out, error) = log_in(home.path(), &fake.url, "tw_pat_example\n").await?;
    assert_eq!((code, out.contains("as Ada")), (0, true), "{out} {error}");
    let (code, out, error) = outcome(tw(home.path(), &fake.url, &["ls"]).output().await?)?;
    assert_eq!((code, out.lines().count()), (0, 1), "{error}");
    let (code, out, error) = outcome(tw(home.path(), &fake.url, &["logout", "--all"]).output().await?)?;
    assert_eq!(
        (code, out.as_str(), error.contains("nothing was ended")),
        (3, "", true),
        "{error}"
    );
    assert!(kept(home.path()).is_ok());
    let (code, _, error) = outcome(tw(home.path(), &fake.url, &["logout"]).output().await?)?;
    assert_eq!(code, 0, "{error}");
    assert!(kept(home.path()).is_err());
    Ok(())
}

#[tokio::test]
async fn a_token_that_ended_is_named_as_the_reason() -> Tested {
    let (listener, url) = listen().await?;
    let home = signed_in_at(&url, i64::MAX)?;
    let path = home.path().join("taskwire/session.json");
    let mut session = kept(home.path())?;
    session["api_token"] = json!(true);
    session["refresh_token"] = Value::Null;
    std::fs::write(path, session.to_string())?;
    let child = tw(home.path(), &url, &["ls"]).spawn()?;
    let mut peer = accept(&listener).await?;
    let auth = peer.receive().await?;
    peer.refuse(&auth, "TOKEN_REVOKED", false).await?;
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, error.contains("tw login --token")), (3, true), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_refused_token_of_the_environment_is_named_with_the_servers_reason() -> Tested {
    let (listener, url) = listen().await?;
    let home = tempfile::tempdir()?;
    for code in ["INVALID_TOKEN", "TOKEN_EXPIRED", "TOKEN_REVOKED"] {
        let child = tw(home.path(), &url, &["ls"])
            .env("TASKWIRE_TOKEN", "hello")
            .spawn()?;
        let mut peer = accept(&listener).await?;
        let auth = peer.receive().await?;
        peer.refuse(&auth, code, false).await?;
        let (exit, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
        let expected = format!("tw: TASKWIRE_TOKEN: it is {code}; set another one or unset the variable\n");
        assert_eq!((exit, error), (3, expected));
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_does_not_see_the_personal_workspace_is_told_so() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" | "task.create" => Err("NOT_FOUND"),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let workspace = HOME.to_string();
    for args in [&["ls"][..], &["add", "milk"]] {
        let (code, _, error) = run(&fake.url, args).await?;
        assert_eq!(
            (
                code,
                error.contains("personal workspace; name one with --workspace")
            ),
            (4, true),
            "{error}"
        );
        let (code, _, error) = run(&fake.url, &[args, &["--workspace", &workspace]].concat()).await?;
        assert_eq!((code, error.contains("personal")), (4, false), "{error}");
    }
    Ok(())
}
