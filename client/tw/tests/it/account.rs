//! The commands about one's own account.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use std::path::Path;

fn entry(seq: u64, name: &str, actor: &Value, data: &Value) -> Value {
    let mut entry = event(me(), seq, name, data);
    entry["actor"] = actor.clone();
    entry
}

fn notification(kind: &str, title: &str) -> Value {
    json!({"id": me().uuid(), "type": kind, "title": title, "message": "", "is_read": false, "task_id": null,
        "workspace_id": null, "actor": null, "version": 1, "created_at": "2026-01-01T00:00:00.000Z", "unread": 1})
}

/// A log in two pages.
fn log(after: u64) -> Value {
    let ada = json!({"kind": "user", "id": ME, "name": "Ada"});
    let (server, operator) = (json!({"kind": "server"}), json!({"kind": "operator"}));
    let by_token = json!({"kind": "user", "id": ME, "name": "Ada", "token": "ci"});
    let session = json!({"id": me().uuid(), "device_name": "tw on \u{1b}[2Jhost", "client": "tw/0.1.0",
        "address": "192.0.2.1", "created_at": "2026-01-01T00:00:00.000Z",
        "last_seen_at": "2026-01-01T00:00:00.000Z", "current": false});
    let mut promoted = user();
    promoted["role"] = json!("admin");
    let entries = [
        entry(1, "session.created", &ada, &session),
        entry(
            2,
            "notification.created",
            &ada,
            &notification("TASK_CREATED", "not about the account"),
        ),
        entry(3, "profile.updated", &by_token, &user()),
        entry(4, "profile.updated", &operator, &promoted),
        entry(
            5,
            "notification.created",
            &server,
            &notification("SECURITY", "A new device signed in"),
        ),
        entry(6, "session.revoked", &ada, &json!({"id": me().uuid()})),
        entry(7, "session.moved", &ada, &json!({})),
    ];
    let rest = entries.iter().filter(|entry| entry["seq"].as_u64() > Some(after));
    let page: Vec<&Value> = rest.take(4).collect();
    json!({"has_more": after < 3, "events": page})
}

#[tokio::test]
async fn an_audit_shows_what_concerns_the_account_and_who_did_it() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "stream.history" => {
            assert_eq!(data["stream"], json!(me()));
            Ok(log(data["after"].as_u64().unwrap_or_default()))
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let (code, out, error) = run(&fake.url, &["audit"]).await?;
    assert_eq!(code, 0, "{error}");
    let told: Vec<&str> = out.lines().filter_map(|line| line.get(21..)).collect();
    let expected = [
        "signed in: 00000001  tw on \u{fffd}[2Jhost  tw/0.1.0  192.0.2.1",
        "account changed; now role user, plan free, verified  (by the API token ci)",
        "account changed: role  (by an operator)",
        "A new device signed in  (by the server)",
        "session ended: 00000001",
        "session.moved",
    ];
    assert_eq!(told, expected);
    let (_, out, _) = run(&fake.url, &["audit", "--limit", "2", "--json"]).await?;
    let newest: Vec<Value> = serde_json::from_str(&out)?;
    assert_eq!(
        newest
            .iter()
            .map(|entry| entry["seq"].as_u64())
            .collect::<Vec<_>>(),
        [Some(6), Some(7)]
    );
    Ok(())
}

#[tokio::test]
async fn a_profile_is_shown_and_changed() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "profile.get" => Ok(user()),
        "profile.change_email" => {
            assert_eq!(*data, json!({"new_email": "ada@example.org", "password": "tea"}));
            Ok(json!({}))
        }
        "profile.update" => {
            assert_eq!(*data, json!({"name": "Ada King", "timezone": "Europe/London"}));
            let mut changed = user();
            changed["name"] = data["name"].clone();
            Ok(changed)
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let mut asks = tw(
        Path::new("/"),
        &fake.url,
        &["profile", "email", "ada@example.org"],
    );
    asks.env("TASKWIRE_TOKEN", "t").env("TASKWIRE_PASSWORD", "tea");
    let (code, out, error) = outcome(asks.output().await?)?;
    assert_eq!((code, out.contains("tw verify")), (0, true), "{error}");
    let (code, out, error) = run(&fake.url, &["profile"]).await?;
    assert_eq!(
        (code, out.lines().next()),
        (0, Some("name        Ada")),
        "{error}"
    );
    assert!(out.contains("photo       none\npreferences none\n"), "{out}");
    let args = [
        "profile",
        "--name",
        "Ada King",
        "--timezone",
        "Europe/London",
        "--json",
    ];
    let (code, out, error) = run(&fake.url, &args).await?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(serde_json::from_str::<Value>(&out)?["name"], "Ada King");
    Ok(())
}

#[tokio::test]
async fn an_account_is_deleted_only_when_its_owner_is_sure() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "profile.delete" if data["password"] == "tea" => Ok(json!({})),
        "profile.delete" => Err("INVALID_CREDENTIALS"),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    let delete = async |args: &[&str], password: &str| {
        let args: Vec<&str> = ["profile", "delete"].iter().chain(args).copied().collect();
        let mut tw = tw(home.path(), &fake.url, &args);
        outcome(tw.env("TASKWIRE_PASSWORD", password).output().await?)
    };
    // nobody can be asked
    let (code, _, error) = delete(&[], "tea").await?;
    assert!(code == 2 && error.contains("--yes"), "{error}");
    let (code, _, error) = delete(&["--yes"], "coffee").await?;
    assert!(code != 0, "{error}");
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    let (code, out, error) = delete(&["--yes"], "tea").await?;
    assert_eq!((code, out.as_str()), (0, "your account is deleted\n"), "{error}");
    assert!(kept(home.path()).is_err(), "its session is forgotten");
    Ok(())
}
