//! The commands that ask over HTTP: what a mail proves, and a sign-in that a browser approves.

use crate::{script::*, support::*};
use serde_json::json;

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
