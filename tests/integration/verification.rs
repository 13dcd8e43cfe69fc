//! What mails prove: that an address is its owner's; a forgotten password; another address. What strangers learn from the
//! answers is in `enumeration`, many who use one code in `at_once`.

use crate::on_both_databases;
use crate::support::mails::{self, Mail};
use crate::support::{Client, Engine, Follower, PASSWORD, Server, http};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_code_verifies_an_address_once,
    a_link_leads_to_the_public_address_and_verifies_too,
    wrong_void_and_old_codes_are_refused,
    an_unverified_account_gets_no_tokens,
    a_forgotten_password_is_reset_by_mail,
    a_password_is_reset_by_the_link_of_its_mail_whatever_host_asked_for_it,
    another_address_takes_effect_when_it_is_verified,
    nothing_that_people_write_ends_a_header,
);

const VERIFY: &str = "Verify your e-mail address";
const RESET: &str = "Reset your password";
const OTHER: &str = "coffee at a quarter to nine";

async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = http::post(server, &format!("/v1/auth/{path}"), body).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn verify(server: &Server, email: &str, code: &str) -> (u16, Value) {
    post(server, "verify-email", &json!({ "email": email, "code": code })).await
}

fn refused(answer: &(u16, Value), code: &str) {
    assert_eq!(
        (answer.0, &answer.1["error"]["code"]),
        (401, &json!(code)),
        "{answer:?}"
    );
}

fn signup(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "name": name, "password": PASSWORD })
}

/// Another six digits.
fn wrong(code: &str) -> String {
    let number: u32 = code.parse().expect("digits");
    format!("{:06}", (number + 1) % 1_000_000)
}

async fn first_mail(server: &Server, name: &str) -> Mail {
    mails::nth(server, 1, &format!("{name}@example.com"), VERIFY).await
}

async fn a_code_verifies_an_address_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let code = first_mail(&server, "ada").await.code();
    // an address is one whatever its case, and a person may type a space
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    assert_eq!(
        verify(&server, "ADA@example.com", &spaced).await,
        (200, json!({}))
    );
    let told = ada.own_events().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["event"], &told[0]["data"]["is_verified"]),
        (&json!("profile.updated"), &json!(true))
    );
    refused(&verify(&server, "ada@example.com", &code).await, "INVALID_TOKEN");
    mails::nth(&server, 1, "ada@example.com", "Welcome to Taskwire").await;
    // nothing is left to verify, so nothing is mailed
    let again = post(
        &server,
        "resend-verification",
        &json!({ "email": "ada@example.com" }),
    )
    .await;
    assert_eq!(again, (202, json!({})));
    for (body, field) in [
        (json!({ "email": "ada@example.com" }), "code"),
        (json!({ "code": code }), "email"),
        (json!({}), "token"),
        (json!({ "email": "a@b.cd", "code": code, "token": "x" }), "token"),
        (json!({ "email": "a@b.cd", "code": code, "more": 1 }), "more"),
    ] {
        let (status, answer) = post(&server, "verify-email", &body).await;
        assert_eq!(
            (status, &answer["error"]["field"]),
            (422, &json!(field)),
            "{answer}"
        );
    }
    assert_eq!(mails::kept_for(&server, "ada@example.com", VERIFY).len(), 1);
}

async fn a_link_leads_to_the_public_address_and_verifies_too(engine: Engine) {
    let place = "https://tasks.example.com";
    let server = Server::start(engine, &[("public_url", place)]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mail = first_mail(&server, "ada").await;
    let link = mail.link(&format!("{place}/verify-email#"));
    let token = link.rsplit('#').next().expect("a token");
    assert!(!mail.text.contains(&server.address.to_string()), "{}", mail.text);
    // five wrong codes void the code, not the link
    let (code, email) = (mail.code(), "ada@example.com");
    for _ in 0..5 {
        refused(&verify(&server, email, &wrong(&code)).await, "INVALID_TOKEN");
    }
    refused(&verify(&server, email, &code).await, "INVALID_TOKEN");
    let forged = format!("{}A", &token[..63]);
    for wrong in ["", "x", &forged] {
        let answer = post(&server, "verify-email", &json!({ "token": wrong })).await;
        if forged != token {
            refused(&answer, "INVALID_TOKEN");
        }
    }
    assert_eq!(
        post(&server, "verify-email", &json!({ "token": token })).await.0,
        200
    );
    assert_eq!(ada.own_events().await[0]["data"]["is_verified"], true);
    refused(
        &post(&server, "verify-email", &json!({ "token": token })).await,
        "INVALID_TOKEN",
    );
    // it is a link to verify an address, not to reset a password
    let reset = json!({ "token": token, "new_password": OTHER });
    refused(&post(&server, "reset-password", &reset).await, "INVALID_TOKEN");
}

async fn wrong_void_and_old_codes_are_refused(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    http::sign_up(&server, "ada").await;
    let email = "ada@example.com";
    let first = first_mail(&server, "ada").await.code();
    let resend = json!({ "email": email });
    assert_eq!(post(&server, "resend-verification", &resend).await.0, 202);
    let second = mails::nth(&server, 2, email, VERIFY).await.code();
    if first != second {
        refused(&verify(&server, email, &first).await, "INVALID_TOKEN");
    }
    for nobody in ["nobody@example.com", "no address", "a\u{0}b@example.com"] {
        let answer = verify(&server, nobody, &second).await;
        assert!(answer.0 == 401 || answer.0 == 422, "{answer:?}");
    }
    for odd in ["", "12345", "1234567", "abcdef", "１２３４５６"] {
        refused(&verify(&server, email, odd).await, "INVALID_TOKEN");
    }
    // these were five: the code is void
    refused(&verify(&server, email, &second).await, "INVALID_TOKEN");
    assert_eq!(post(&server, "resend-verification", &resend).await.0, 202);
    let third = mails::nth(&server, 3, email, VERIFY).await.code();
    server.database.execute("update codes set expires_at = 1").await;
    refused(&verify(&server, email, &wrong(&third)).await, "INVALID_TOKEN");
    refused(&verify(&server, email, &third).await, "TOKEN_EXPIRED");
}

async fn an_unverified_account_gets_no_tokens(engine: Engine) {
    let server = Server::start(engine, &[("require_verified_email", "true")]).await;
    let answer = post(&server, "signup", &signup("ada")).await;
    assert_eq!(answer, (202, json!({ "status": "verify_email" })));
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "token_delivery": "body" });
    let (status, answer) = post(&server, "login", &login).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (403, &json!("EMAIL_NOT_VERIFIED"))
    );
    let wrong_password = json!({ "email": "ada@example.com", "password": OTHER });
    refused(
        &post(&server, "login", &wrong_password).await,
        "INVALID_CREDENTIALS",
    );
    // on a socket there are no tokens to answer with
    let mut nobody = Client::connect(&server).await;
    let code = first_mail(&server, "ada").await.code();
    assert_eq!(verify(&server, "ada@example.com", &code).await.0, 200);
    for name in ["bob", "ada"] {
        let error = nobody.refused("auth.signup", signup(name)).await;
        assert_eq!(error["code"], "EMAIL_NOT_VERIFIED");
    }
    first_mail(&server, "bob").await;
    mails::nth(&server, 1, "ada@example.com", "You already have an account").await;
    // a username that is taken says so, whether or not the address has an account
    for name in ["ada", "cleo"] {
        let mut data = signup(name);
        data["username"] = json!("ada");
        let (status, answer) = post(&server, "signup", &data).await;
        assert_eq!(
            (status, &answer["error"]["field"]),
            (409, &json!("username")),
            "{answer}"
        );
    }
    let (status, tokens) = post(&server, "login", &login).await;
    assert_eq!((status, &tokens["user"]["is_verified"]), (200, &json!(true)));
}

async fn a_forgotten_password_is_reset_by_mail(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let email = "ada@example.com";
    assert_eq!(
        post(&server, "forgot-password", &json!({ "email": email })).await,
        (202, json!({}))
    );
    let code = mails::nth(&server, 1, email, RESET).await.code();
    let reset =
        |code: &str, password: &str| json!({ "email": email, "code": code, "new_password": password });
    let (status, answer) = post(&server, "reset-password", &reset(&code, "short")).await;
    assert_eq!(
        (status, &answer["error"]["field"]),
        (422, &json!("new_password")),
        "{answer}"
    );
    refused(
        &post(&server, "reset-password", &reset(&wrong(&code), OTHER)).await,
        "INVALID_TOKEN",
    );
    // its code is not that of the sign-up
    refused(&verify(&server, email, &code).await, "INVALID_TOKEN");
    assert_eq!(
        post(&server, "reset-password", &reset(&code, OTHER)).await,
        (200, json!({}))
    );
    let (frames, closed) = ada.until_closed().await;
    assert_eq!(closed, Some(4403), "{frames:?}");
    let login = |password: &str| json!({ "email": email, "password": password, "token_delivery": "body" });
    refused(
        &post(&server, "login", &login(PASSWORD)).await,
        "INVALID_CREDENTIALS",
    );
    let (status, tokens) = post(&server, "login", &login(OTHER)).await;
    assert_eq!(
        (status, &tokens["user"]["is_verified"]),
        (200, &json!(true)),
        "who reads the mail owns the address"
    );
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let told = ada.ok("notification.list", json!({})).await;
    let types: Vec<&Value> = told["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| &one["type"])
        .collect();
    assert!(types.contains(&&json!("PASSWORD_CHANGED")), "{told}");
    mails::nth(&server, 1, email, "Your password was changed").await;
    refused(
        &post(&server, "reset-password", &reset(&code, PASSWORD)).await,
        "INVALID_TOKEN",
    );
}

async fn another_address_takes_effect_when_it_is_verified(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    http::sign_up(&server, "bob").await;
    let (old, new) = ("ada@example.com", "countess@example.org");
    let ask = |email: &str, password: &str| json!({ "new_email": email, "password": password });
    for (data, code, field) in [
        (ask(new, OTHER), "INVALID_CREDENTIALS", "password"),
        (ask("no address", PASSWORD), "VALIDATION_ERROR", "new_email"),
        (
            ask("eve@example.com\r\nBcc: all@example.com", PASSWORD),
            "VALIDATION_ERROR",
            "new_email",
        ),
    ] {
        let error = ada.client.refused("profile.change_email", data).await;
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)));
    }
    // an address that is taken is answered alike; its owner gets nothing
    for email in ["bob@example.com", new] {
        assert_eq!(
            ada.client.ok("profile.change_email", ask(email, PASSWORD)).await,
            json!({})
        );
    }
    mails::nth(&server, 2, old, "Your e-mail address is about to change").await;
    let code = mails::nth(&server, 1, new, "Verify your new e-mail address")
        .await
        .code();
    let told = ada.own_events().await;
    let asked: Vec<&Value> = told.iter().map(|told| &told["data"]["message"]).collect();
    let said = |masked: &str| {
        json!(format!(
            "Another e-mail address was asked for: {masked}. It counts once it is verified"
        ))
    };
    assert_eq!(
        asked,
        [&said("b***@example.com"), &said("c***@example.org")],
        "{told:?}"
    );
    assert_eq!(verify(&server, new, &code).await, (200, json!({})));
    let told = ada.own_events().await;
    let user = &told[0]["data"];
    assert_eq!(
        (&user["email"], &user["is_verified"]),
        (&json!(new), &json!(true)),
        "{told:?}"
    );
    let mail = mails::nth(&server, 1, old, "Your e-mail address was changed").await;
    assert!(
        mail.text.contains("c***@example.org") && !mail.text.contains(new),
        "{}",
        mail.text
    );
    let login = |email: &str| json!({ "email": email, "password": PASSWORD, "token_delivery": "body" });
    assert_eq!(post(&server, "login", &login(new)).await.0, 200);
    refused(&post(&server, "login", &login(old)).await, "INVALID_CREDENTIALS");
    // an address that got an account meanwhile stays that account's
    ada.client
        .ok("profile.change_email", ask("late@example.com", PASSWORD))
        .await;
    let code = mails::nth(&server, 1, "late@example.com", "Verify your new e-mail address")
        .await
        .code();
    http::sign_up(&server, "late").await;
    let (status, answer) = verify(&server, "late@example.com", &code).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (409, &json!("CONFLICT")),
        "{answer}"
    );
    assert!(mails::kept_for(&server, "bob@example.com", "Verify your new e-mail address").is_empty());
}

async fn a_password_is_reset_by_the_link_of_its_mail_whatever_host_asked_for_it(engine: Engine) {
    let (place, email) = ("https://tasks.example.com", "ada@example.com");
    for public_url in [Some(place), None] {
        let mut settings = vec![("trusted_proxies", "127.0.0.1")];
        settings.extend(public_url.map(|url| ("public_url", url)));
        let server = Server::start(engine, &settings).await;
        http::sign_up(&server, "ada").await;
        first_mail(&server, "ada").await;
        for (path, subject, n) in [("resend-verification", VERIFY, 2), ("forgot-password", RESET, 1)] {
            let request = http::request(&server, Method::POST, &format!("/v1/auth/{path}"))
                .header("host", "evil.example")
                .header("x-forwarded-host", "evil.example")
                .header("x-forwarded-proto", "http")
                .header("forwarded", "host=evil.example;proto=http")
                .header("origin", "http://evil.example")
                .json(&json!({ "email": email }));
            assert_eq!(request.send().await.expect("an answer").status(), 202);
            let mail = mails::nth(&server, n, email, subject).await;
            assert!(!mail.text.contains("evil"), "{}", mail.text);
            let leads_there = mail.text.contains(&format!("{place}/"));
            assert_eq!(leads_there, public_url.is_some(), "{}", mail.text);
        }
        if public_url.is_none() {
            continue;
        }
        let mail = mails::nth(&server, 1, email, RESET).await;
        let link = mail.link(&format!("{place}/reset-password#"));
        let token = link.rsplit('#').next().expect("a token");
        let reset = json!({ "token": token, "new_password": OTHER });
        // it resets a password, and does not verify an address
        refused(
            &post(&server, "verify-email", &json!({ "token": token })).await,
            "INVALID_TOKEN",
        );
        assert_eq!(post(&server, "reset-password", &reset).await, (200, json!({})));
        refused(&post(&server, "reset-password", &reset).await, "INVALID_TOKEN");
        for (password, expected) in [(PASSWORD, 401), (OTHER, 200)] {
            let login = json!({ "email": email, "password": password });
            assert_eq!(post(&server, "login", &login).await.0, expected, "{password}");
        }
    }
}

/// Whatever a header of a mail may carry: names and addresses, by every request that gives one.
fn written(end: &str, op: &Client, workspace: &Value) -> Vec<(&'static str, Value, &'static str)> {
    let (name, email) = (format!("Eve{end}Adams"), format!("eve{end}@example.com"));
    let tail = format!("eve@example.com{end}x");
    let (id, password) = (op.user_id(), PASSWORD);
    let new = |email: &str, name: &str| json!({ "email": email, "name": name, "password": password });
    let mut username = new("eve@example.com", "Eve");
    username["username"] = json!(format!("eve{end}adams"));
    vec![
        ("auth.signup", new("eve@example.com", &name), "name"),
        ("auth.signup", new(&email, "Eve"), "email"),
        ("auth.signup", new(&tail, "Eve"), "email"),
        ("auth.signup", username, "username"),
        ("admin.user.create", new("eve@example.com", &name), "name"),
        ("admin.user.create", new(&email, "Eve"), "email"),
        ("admin.user.update", json!({ "id": id, "name": name }), "name"),
        ("admin.user.update", json!({ "id": id, "email": tail }), "email"),
        ("profile.update", json!({ "name": name }), "name"),
        (
            "profile.update",
            json!({ "username": format!("eve{end}adams") }),
            "username",
        ),
        (
            "profile.change_email",
            json!({ "new_email": email, "password": password }),
            "new_email",
        ),
        (
            "invite.create",
            json!({ "workspace_id": workspace, "role": "member", "email": tail }),
            "email",
        ),
        ("workspace.create", json!({ "name": name }), "name"),
        (
            "workspace.update",
            json!({ "workspace_id": workspace, "name": name }),
            "name",
        ),
    ]
}

async fn nothing_that_people_write_ends_a_header(engine: Engine) {
    let operator = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
    let server = Server::start(engine, &operator).await;
    let mut op = Client::log_in(&server, "op").await;
    let mut nobody = Client::connect(&server).await;
    let team = op.ok("workspace.create", json!({ "name": "Team" })).await;
    let token = op.tokens["access_token"].as_str().expect("a token").to_owned();
    for end in [
        "\r\nBcc: all@example.com",
        "\nSubject: hello",
        "\r",
        "\u{0}",
        "\u{85}X: y",
    ] {
        for (name, data, field) in written(end, &op, &team["id"]) {
            let is_signup = name == "auth.signup";
            let socket = if is_signup { &mut nobody } else { &mut op };
            let refused = socket.refused(name, data.clone()).await;
            let expected = json!(["VALIDATION_ERROR", field]);
            assert_eq!(
                json!([refused["code"], refused["field"]]),
                expected,
                "{name} {data}"
            );
            let answer = if is_signup {
                http::post(&server, "/v1/auth/signup", &data).await
            } else {
                let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(&token);
                let frame = json!({ "type": name, "data": data });
                request.json(&frame).send().await.expect("an answer")
            };
            let (status, answer) = (answer.status(), answer.json().await.expect("JSON"));
            assert_eq!(
                (status.as_u16(), &answer["error"]["field"]),
                (422, &json!(field)),
                "{name}"
            );
        }
        for path in ["forgot-password", "resend-verification"] {
            let asked = json!({ "email": format!("eve{end}@example.com") });
            assert_eq!(post(&server, path, &asked).await.0, 422, "{asked}");
        }
    }
    for email in ["eve@example.com,all@example.com", "<eve@example.com>"] {
        let data = json!({ "email": email, "name": "Eve", "password": PASSWORD });
        let (status, answer) = post(&server, "signup", &data).await;
        assert_eq!((status, &answer["error"]["field"]), (422, &json!("email")));
    }
    let odd = "Zoë \"<eve@example.com>\", O'Neill & <b>sons</b>";
    let data = json!({ "email": "zoe@example.com", "name": odd, "password": PASSWORD });
    assert_eq!(post(&server, "signup", &data).await.0, 201);
    // a mail to an address that nobody has proved has no name in it, so that nobody can write to strangers
    let first = mails::nth(&server, 1, "zoe@example.com", VERIFY).await;
    assert!(
        first.text.contains("\nHello,") && !first.text.contains("<b>sons</b>"),
        "{}",
        first.text
    );
    let asked = json!({ "email": "zoe@example.com" });
    assert_eq!(post(&server, "forgot-password", &asked).await.0, 202);
    let mail = mails::nth(&server, 1, "zoe@example.com", "Reset your password").await;
    let (plain, html) = mail.text.split_once("text/html").expect("both forms");
    assert!(
        plain.contains("<b>sons</b>") && html.contains("&lt;b&gt;sons&lt;/b&gt;"),
        "{}",
        mail.text
    );
    assert!(!html.contains("<b>sons"), "{html}");
    assert_eq!(mail.text.matches("\nTo: ").count(), 1, "{}", mail.text);
}
