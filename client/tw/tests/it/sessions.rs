//! The sessions of an account, and its password.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use uuid::Uuid;

fn session(n: u128, current: bool) -> Value {
    let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_3000_0000 + n);
    json!({"id": id, "device_name": format!("device {n}"), "client": "tw/0.1.0", "address": "192.0.2.1",
        "created_at": "2026-01-01T00:00:00.000Z", "last_seen_at": "2026-01-01T00:00:00.000Z", "current": current})
}

/// A server with three sessions; the second is the caller's. The ids that it ended are in the list.
async fn with_three(ended: &Arc<Mutex<Vec<Value>>>) -> Result<Arc<Fake>, Failed> {
    let ended = ended.clone();
    Fake::start(move |name, data| match name {
        "auth.sessions" => Ok(json!({"items": [session(1, false), session(2, true), session(3, false)]})),
        "auth.revoke_session" => {
            ended
                .lock()
                .map_err(|_| "INTERNAL_ERROR")?
                .push(data["id"].clone());
            Ok(json!({}))
        }
        "auth.logout_all" => Ok(json!({})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await
}

#[tokio::test]
async fn sessions_are_listed_and_ended() -> Tested {
    let ended = Arc::default();
    let fake = with_three(&ended).await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    let tw = async |args: &[&str]| outcome(tw(home.path(), &fake.url, args).output().await?);
    let (code, out, error) = tw(&["sessions"]).await?;
    assert_eq!((code, out.lines().count()), (0, 3), "{error}");
    assert!(
        out.contains("* 30000002  device 2  tw/0.1.0  192.0.2.1  last seen 20"),
        "{out}"
    );
    let take =
        || -> Result<Vec<Value>, Failed> { Ok(std::mem::take(&mut *ended.lock().map_err(|_| "poisoned")?)) };
    let (code, out, error) = tw(&["sessions", "--revoke", "30000003"]).await?;
    assert_eq!((code, out.as_str()), (0, "30000003  revoked\n"), "{error}");
    assert_eq!(take()?, [session(3, false)["id"].clone()]);
    let (code, _, error) = tw(&["sessions", "--revoke-others"]).await?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(
        take()?,
        [session(1, false)["id"].clone(), session(3, false)["id"].clone()]
    );
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    let (code, _, error) = tw(&["sessions", "--revoke", "ffff"]).await?;
    assert_eq!(code, 4, "{error}");
    // With the session of this device, the file goes too.
    let (code, _, error) = tw(&["sessions", "--revoke", "30000002"]).await?;
    assert_eq!(
        (code, error.contains("now signed out here")),
        (0, true),
        "{error}"
    );
    assert!(kept(home.path()).is_err());
    Ok(())
}

#[tokio::test]
async fn a_logout_everywhere_forgets_the_session() -> Tested {
    let fake = with_three(&Arc::default()).await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    let (code, out, error) = outcome(tw(home.path(), &fake.url, &["logout", "--all"]).output().await?)?;
    assert_eq!(
        (code, out.as_str()),
        (0, "signed out on every device; API tokens go on\n"),
        "{error}"
    );
    assert!(kept(home.path()).is_err());
    Ok(())
}

/// Answers the `auth` of the next connection with this refusal.
async fn refuse(listener: &TcpListener, code: &str) -> Tested {
    let mut peer = accept(listener).await?;
    let auth = peer.receive().await?;
    peer.refuse(&auth, code, false).await
}

#[tokio::test]
async fn a_logout_everywhere_fails_when_it_ends_nothing() -> Tested {
    let (listener, url) = listen().await?;
    let home = signed_in_at(&url, i64::MAX)?;
    let begin = |args: &[&str]| tw(home.path(), &url, args).spawn();
    let child = begin(&["logout", "--all"])?;
    refuse(&listener, "TOKEN_REVOKED").await?;
    let (code, out, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (code, out.as_str(), error.contains("nothing was ended")),
        (3, "", true),
        "{error}"
    );
    // no session has ended on the server
    let child = begin(&["logout"])?;
    refuse(&listener, "ACCOUNT_INACTIVE").await?;
    let (code, ..) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(code, 3);
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    let child = begin(&["logout"])?;
    refuse(&listener, "TOKEN_REVOKED").await?;
    let (code, out, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, out.as_str()), (0, "signed out\n"), "{error}");
    assert!(kept(home.path()).is_err());
    Ok(())
}

#[tokio::test]
async fn a_changed_password_keeps_the_tokens_of_the_answer() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "auth.change_password" if data["current_password"] == "old" && data["new_password"] == "new" => {
            Ok(pair(7))
        }
        "auth.change_password" => Err("INVALID_CREDENTIALS"),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    let change = async |current: &str| {
        let mut command = tw(home.path(), &fake.url, &["passwd"]);
        command
            .env("TASKWIRE_PASSWORD", current)
            .env("TASKWIRE_NEW_PASSWORD", "new");
        outcome(command.output().await?)
    };
    let (code, _, error) = change("wrong").await?;
    assert_eq!(code, 3, "{error}");
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    let (code, out, error) = change("old").await?;
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("every other session has ended. API tokens go on"),
        "{out}"
    );
    let kept = kept(home.path())?;
    assert_eq!(
        (&kept["access_token"], &kept["refresh_token"]),
        (&json!("a7"), &json!("r7"))
    );
    // without a terminal nothing is asked
    let (code, ..) = outcome(tw(home.path(), &fake.url, &["passwd"]).output().await?)?;
    assert_eq!(code, 2);
    Ok(())
}
