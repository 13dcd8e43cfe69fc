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
    assert_eq!(
        (code, error.as_str()),
        (
            0,
            "no pending tasks in your personal workspace; --status all lists the others too, -w all those everywhere\n"
        )
    );
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

#[tokio::test]
async fn each_server_keeps_its_own_session() -> Tested {
    let server = |n: u32| {
        Fake::start(move |name, _| match name {
            "auth.login" => Ok(pair(n)),
            "task.list" => Ok(page(&[task(u128::from(n), 1, &format!("on server {n}"))])),
            "auth.logout" => Ok(json!({})),
            _ => Err("UNKNOWN_TYPE"),
        })
    };
    let (one, two) = (server(1).await?, server(2).await?);
    let home = tempfile::tempdir()?;
    let tw_at = |url: &str, args: &[&str]| {
        let mut command = tw(home.path(), url, args);
        command.env("TASKWIRE_PASSWORD", "x");
        async move { outcome(command.output().await?) }
    };
    for fake in [&one, &two] {
        let (code, _, error) = tw_at(&fake.url, &["login", "ada@example.com"]).await?;
        assert_eq!(code, 0, "{error}");
    }
    // The latest sign-in is used when no server is named. Another writing of an address is the same server.
    let slash = format!("{}/", one.url);
    for (url, n) in [
        (one.url.as_str(), 1),
        (slash.as_str(), 1),
        (two.url.as_str(), 2),
        ("", 2),
    ] {
        let (code, out, error) = tw_at(url, &["ls"]).await?;
        assert_eq!(
            (code, out.contains(&format!("on server {n}"))),
            (0, true),
            "{url:?}: {out} {error}"
        );
    }
    let (code, _, error) = tw_at("", &["logout"]).await?;
    assert_eq!(code, 0, "{error}");
    let (code, out, error) = tw_at("", &["ls"]).await?;
    assert_eq!((code, out.contains("on server 1")), (0, true), "{out} {error}");
    let (code, _, error) = tw_at(&two.url, &["ls"]).await?;
    assert_eq!(code, 3, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_local_logout_ends_a_session_in_every_state() -> Tested {
    let path = "taskwire/session.json";
    // The file is broken in several ways, or its server is gone. A token in the environment does not matter.
    let gone = json!({"url": "http://127.0.0.1:9", "email": "a", "access_token": "a", "refresh_token": null,
        "expires_at": 0});
    for (content, token) in [
        ("{", None),
        ("", None),
        ("null", None),
        ("\u{0}\u{0}", Some("t")),
        (r#"{"sessions":[{"url":7}]}"#, None),
        (&gone.to_string(), None),
        (&gone.to_string(), Some("t")),
    ] {
        let home = tempfile::tempdir()?;
        std::fs::create_dir(home.path().join("taskwire"))?;
        std::fs::write(home.path().join(path), content)?;
        let mut logout = tw(home.path(), "", &["logout", "--local"]);
        if let Some(token) = token {
            logout.env("TASKWIRE_TOKEN", token);
        }
        let (code, out, error) = outcome(soon("the end of tw", logout.output()).await??)?;
        assert_eq!((code, out.as_str()), (0, "signed out\n"), "{content:?}: {error}");
        assert!(!home.path().join(path).exists(), "{content:?}");
        let (code, ..) = outcome(tw(home.path(), "", &["logout", "--local"]).output().await?)?;
        assert_eq!(code, 3, "there is nothing left to end");
    }
    Ok(())
}

#[tokio::test]
async fn a_sign_in_replaces_a_broken_file() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "auth.login" => Ok(pair(1)),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    std::fs::create_dir(home.path().join("taskwire"))?;
    std::fs::write(home.path().join("taskwire/session.json"), "{")?;
    let mut login = tw(home.path(), &fake.url, &["login", "ada@example.com"]);
    let (code, _, error) = outcome(login.env("TASKWIRE_PASSWORD", "x").output().await?)?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    Ok(())
}

#[tokio::test]
async fn nothing_is_asked_of_the_server_when_the_session_cannot_be_stored() -> Tested {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let fake = Fake::start(move |name, _| {
        heard.lock().map_err(|_| "INTERNAL_ERROR")?.push(name.to_owned());
        Ok(pair(1))
    })
    .await?;
    let broken = tempfile::tempdir()?;
    std::fs::create_dir_all(broken.path().join("taskwire/session.lock"))?;
    for home in [Path::new("/proc/x"), broken.path()] {
        for args in [
            &["signup", "ada@example.com", "--name", "Ada"][..],
            &["login", "ada@example.com"],
            &["login", "--browser"],
        ] {
            let mut command = tw(home, &fake.url, args);
            let (code, _, error) = outcome(command.env("TASKWIRE_PASSWORD", "x").output().await?)?;
            assert_eq!(
                (
                    code,
                    error.contains("cannot store the session at "),
                    error.contains("; nothing was done")
                ),
                (1, true, true),
                "{args:?}: {error}"
            );
            assert!(error.contains(&home.display().to_string()), "{error}");
        }
    }
    assert_eq!(*asked.lock().map_err(|_| "poisoned")?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_sign_up_tells_of_the_mail_also_where_the_address_is_verified_first() -> Tested {
    for (answer, expected) in [
        (Ok(pair(1)), "`tw verify CODE` takes its code"),
        (
            Err("EMAIL_NOT_VERIFIED"),
            "`tw verify CODE --email ada@example.com` takes its code",
        ),
    ] {
        let fake = Fake::start(move |name, _| match name {
            "auth.signup" => answer.clone(),
            _ => Err("UNKNOWN_TYPE"),
        })
        .await?;
        let home = tempfile::tempdir()?;
        let mut signup = tw(
            home.path(),
            &fake.url,
            &["signup", "ada@example.com", "--name", "Ada"],
        );
        let (code, out, error) = outcome(signup.env("TASKWIRE_PASSWORD", "x").output().await?)?;
        assert_eq!(
            (code, format!("{out}{error}").contains(expected)),
            (0, true),
            "{out} {error}"
        );
    }
    Ok(())
}
