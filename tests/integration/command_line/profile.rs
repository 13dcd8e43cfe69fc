//! The photo and the username of one's own account on the command line.

use super::{ADA, Device};
use crate::on_both_databases;
use crate::photos::pictures::{noise, png};
use crate::support::{Client, Engine, PASSWORD, Server, http, text};
use reqwest::Method;
use serde_json::Value;
use std::fs;

on_both_databases!(a_photo_and_a_username_are_changed_on_the_command_line);

/// Runs `tw profile …`, which must succeed. Returns the account.
fn profile(device: &Device, words: &[&str]) -> Value {
    let words = [&["profile"], words, &["--json"]].concat();
    serde_json::from_str(&device.tw(&words)).expect("an account")
}

/// What `tw profile …` says on standard error when it fails.
fn refused(device: &Device, words: &[&str]) -> String {
    let (code, out, error) = device.run(&[&["profile"], words].concat(), PASSWORD, "");
    assert!(code != 0 && out.is_empty(), "{words:?}: {code} {out}");
    error
}

async fn a_photo_and_a_username_are_changed_on_the_command_line(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    http::sign_up(&server, "bob").await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    let place = |name: &str, content: Vec<u8>| {
        let path = laptop.home.path().join(name);
        fs::write(&path, content).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let picture = place("me.png", png([1, 2, 3]));
    let user = profile(&laptop, &["photo", &picture]);
    assert!(user["photo_url"].is_string(), "{user}");
    let ada = Client::log_in(&server, "ada").await;
    let path = format!("/v1/users/{}/photo", ada.user_id());
    let get = || http::request(&server, Method::GET, &path).bearer_auth(text(&ada.tokens["access_token"]));
    let shown = get().send().await.expect("an answer");
    assert_eq!(shown.status(), 200);
    let kind = shown.headers()["content-type"].to_str().expect("text");
    assert!(kind.starts_with("image/"), "{kind}");
    // what is no picture does not leave the machine, and what the server cannot read changes nothing
    for (name, content, said) in [
        ("words.png", b"no picture".to_vec(), "is no JPG, PNG, WebP or GIF"),
        (
            "large.png",
            noise().repeat(6_000_000 / noise().len() + 1),
            "more than 5 MB",
        ),
        ("half.png", png([1, 2, 3])[..40].to_vec(), "picture"),
    ] {
        let error = refused(&laptop, &["photo", &place(name, content)]);
        assert!(error.contains(said), "{name}: {error}");
    }
    let missing = laptop.home.path().join("missing.png");
    let error = refused(&laptop, &["photo", missing.to_str().expect("text")]);
    assert!(error.contains("missing.png"), "{error}");
    assert_eq!(profile(&laptop, &[])["photo_url"], user["photo_url"]);
    assert!(profile(&laptop, &["photo", "--remove"])["photo_url"].is_null());
    assert_eq!(get().send().await.expect("an answer").status(), 404);

    assert_eq!(user["username"], "ada");
    assert_eq!(
        profile(&laptop, &["--username", "countess"])["username"],
        "countess"
    );
    for (name, said) in [("bob", "taken"), ("two words", "username")] {
        let error = refused(&laptop, &["--username", name]);
        assert!(error.contains(said), "{name}: {error}");
    }
    let user = profile(&laptop, &[]);
    assert_eq!(
        (&user["username"], &user["name"]),
        (&"countess".into(), &"Ada".into())
    );
}
