//! The commands that ask over HTTP: what a mail proves, and a sign-in that a browser approves.

use crate::{script::*, support::*};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

#[tokio::test]
async fn an_address_is_verified_by_code_or_link() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "POST /v1/auth/verify-email" => match (data["code"].as_str(), data["token"].as_str()) {
            (Some("123456"), None) if data["email"] == "ada@example.com" => Ok(json!({})),
            (None, Some("abc")) if data["email"].is_null() => Ok(json!({})),
            _ => Err("INVALID_TOKEN"),
        },
        "POST /v1/auth/resend-verification" if data["email"] == "ada@example.com" => Ok(json!({})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    for (args, expected) in [
        (vec!["verify", "123456"], 0), // the address of the kept session
        (vec!["verify", "https://tasks.example.com/verify#abc"], 0),
        (vec!["verify", "123456", "--email", "bob@example.com"], 3),
        (vec!["verify", "--resend"], 0),
        (vec!["verify"], 2),
    ] {
        let (code, out, error) = outcome(tw(home.path(), &fake.url, &args).output().await?)?;
        assert_eq!(
            (code, out.is_empty()),
            (expected, expected != 0),
            "{args:?}: {error}"
        );
        if expected == 3 {
            assert!(error.contains("tw verify --resend"), "{error}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_password_is_reset_in_two_steps_without_a_terminal() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "POST /v1/auth/forgot-password" if data["email"] == "ada@example.com" => Ok(json!({})),
        "POST /v1/auth/reset-password" => {
            assert_eq!(
                *data,
                json!({"email": "ada@example.com", "code": "123456", "new_password": "tea"})
            );
            Ok(json!({}))
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    let reset = async |args: &[&str]| {
        let mut command = tw(home.path(), &fake.url, args);
        outcome(command.env("TASKWIRE_PASSWORD", "tea").output().await?)
    };
    let (code, out, error) = reset(&["reset", "ada@example.com"]).await?;
    assert_eq!((code, out.contains("on its way")), (0, true), "{error}");
    let (code, out, error) = reset(&["reset", "ada@example.com", "--code", "123456"]).await?;
    assert_eq!(
        (code, out.contains("the password is changed")),
        (0, true),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_changed_address_is_verified_first_and_kept() -> Tested {
    let verified = AtomicBool::new(false);
    let fake = Fake::start(move |name, data| match name {
        "profile.change_email" => Ok(json!({})),
        "profile.get" => {
            let mut user = user();
            if verified.load(Relaxed) {
                user["email"] = json!("ada@example.org");
            }
            Ok(user)
        }
        "POST /v1/auth/verify-email" => match (data["email"].as_str(), data["code"].as_str()) {
            (Some("ada@example.org"), Some("222222")) => {
                verified.store(true, Relaxed);
                Ok(json!({}))
            }
            (Some("ada@example.com"), Some("111111")) => Ok(json!({})),
            _ => Err("INVALID_TOKEN"),
        },
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, i64::MAX)?;
    let tw = async |args: &[&str]| {
        let mut command = tw(home.path(), &fake.url, args);
        outcome(command.env("TASKWIRE_PASSWORD", "tea").output().await?)
    };
    let (code, out, error) = tw(&["profile", "email", "ada@example.org"]).await?;
    assert_eq!(
        (code, out.contains("`tw verify CODE` takes it")),
        (0, true),
        "{out} {error}"
    );
    for (given, expected) in [
        ("333333", (3, "")),
        ("111111", (0, "the address is verified\n")), // that of the sign-up
        ("222222", (0, "your address is now ada@example.org\n")),
    ] {
        let (code, out, error) = tw(&["verify", given]).await?;
        assert_eq!((code, out.as_str()), expected, "{error}");
        if code == 3 {
            assert!(error.contains("`tw profile email ada@example.org`"), "{error}");
        }
    }
    let kept = kept(home.path())?;
    assert_eq!(
        (&kept["email"], &kept["pending_email"], &kept["refresh_token"]),
        (&json!("ada@example.org"), &json!(null), &json!("r1"))
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_code_of_a_reset_leads_to_no_other_mail() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "POST /v1/auth/reset-password" => Err("INVALID_TOKEN"),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    let mut reset = tw(
        home.path(),
        &fake.url,
        &["reset", "ada@example.com", "--code", "111111"],
    );
    let (code, _, error) = outcome(reset.env("TASKWIRE_PASSWORD", "tea").output().await?)?;
    assert_eq!(
        (
            code,
            error.contains("try again with `tw reset EMAIL --code CODE`")
        ),
        (3, true),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_sign_in_in_a_browser_survives_a_server_that_is_away_for_a_moment() -> Tested {
    let asked = AtomicU32::new(0);
    let fake = Fake::start(move |name, _| match name {
        "POST /v1/auth/device" => Ok(json!({"device_code": "dc_x", "user_code": "BCDF-GHJK",
            "verification_url": "/device", "expires_in": 600, "interval": 1})),
        "POST /v1/auth/device/token" => match asked.fetch_add(1, Relaxed) {
            0 => Ok(json!({"status": "pending"})),
            1 => Err("the connection is cut"),
            2 => Err("UNAVAILABLE"),
            3 => Err("RATE_LIMITED"),
            _ => Ok(pair(1)),
        },
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    let mut login = tw(home.path(), &fake.url, &["login", "--browser"]);
    let (code, out, error) = outcome(soon("the sign-in", login.output()).await??)?;
    assert_eq!((code, out.contains("as Ada")), (0, true), "{out} {error}");
    assert_eq!(kept(home.path())?["refresh_token"], "r1");
    Ok(())
}
