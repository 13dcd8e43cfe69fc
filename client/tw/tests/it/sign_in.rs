//! Signing in and out: the kept session, and the server that it belongs to.

use crate::{script::*, support::*};
use serde_json::json;
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

#[tokio::test]
async fn a_session_is_kept_and_used() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "auth.login" if data["password"] == "correct horse" => Ok(pair(1)),
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
    let (code, _, error) = outcome(login("wrong").output().await?)?;
    assert_eq!((code, error.lines().count()), (3, 1), "{error}");
    let (code, out, error) = outcome(login("correct horse").output().await?)?;
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("as Ada"), "{out}");
    let (code, out, error) = outcome(
        tw(home.path(), &fake.url, &["add", "Buy", "milk"])
            .output()
            .await?,
    )?;
    assert_eq!((code, out.as_str()), (0, "10000001  [ ] Buy milk\n"), "{error}");
    let (code, _, error) = outcome(tw(home.path(), &fake.url, &["logout"]).output().await?)?;
    assert_eq!(code, 0, "{error}");
    let (code, _, error) = outcome(tw(home.path(), &fake.url, &["ls"]).output().await?)?;
    assert_eq!(code, 3);
    assert!(error.contains("tw login"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_address_is_checked_first_and_an_empty_one_counts_as_unset() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    let mut login = tw(home.path(), "", &["--server", "foo", "login", "a@b"]);
    let (code, _, error) = outcome(login.env("TASKWIRE_PASSWORD", "x").output().await?)?;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("not a server address"), "{error}");
    let (code, _, error) = outcome(tw(home.path(), "", &["ls"]).output().await?)?;
    assert_eq!(code, 0, "{error}");
    Ok(())
}

#[tokio::test]
async fn an_error_names_an_unusable_home_and_a_token_needs_no_home() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let nowhere = Path::new("/dev/null");
    let mut with_token = tw(nowhere, &fake.url, &["ls"]);
    let (code, _, error) = outcome(with_token.env("TASKWIRE_TOKEN", "t").output().await?)?;
    assert_eq!((code, error.as_str()), (0, ""));
    let (code, _, error) = outcome(tw(nowhere, &fake.url, &["ls"]).output().await?)?;
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
        assert_eq!(outcome(elsewhere)?.0, 3, "{args:?}");
        assert_eq!(kept(home.path())?["refresh_token"], "r1");
    }
    let mut with_token = tw(home.path(), &fake.url, &["logout"]);
    let (code, _, error) = outcome(with_token.env("TASKWIRE_TOKEN", "bobs").output().await?)?;
    assert_eq!((code, *ended.lock().map_err(|_| "poisoned")?), (0, 1), "{error}");
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    let (code, _, error) = outcome(tw(home.path(), &fake.url, &["logout"]).output().await?)?;
    assert_eq!((code, *ended.lock().map_err(|_| "poisoned")?), (0, 2), "{error}");
    assert!(kept(home.path()).is_err());
    Ok(())
}
