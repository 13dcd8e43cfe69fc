//! What somebody who had a password or a device for a moment can leave behind, and what each act of the owner, or of those
//! who help, ends of it: a change of address that waits for its code, a code to reset the password, a program that was
//! approved and has not signed in yet, an API token.

use crate::on_both_databases;
use crate::support::{Client, Engine, PASSWORD, Server, http, mails, text};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    each_act_of_the_owner_ends_what_a_thief_left_behind,
    two_sign_ups_with_one_address_leave_only_its_reader_in,
    a_reset_lets_the_owner_in_while_strangers_fail,
);

const OPERATOR: [(&str, &str); 2] = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
const OTHER: &str = "coffee at a quarter to nine";

/// What may end, and who does it.
struct Act {
    name: &'static str,
    /// A code to reset the password, which the owner may have asked for, stays good.
    keeps_reset: bool,
    /// API tokens stay good.
    keeps_tokens: bool,
}

const fn act(name: &'static str, keeps_reset: bool, keeps_tokens: bool) -> Act {
    Act {
        name,
        keeps_reset,
        keeps_tokens,
    }
}

const ACTS: [Act; 7] = [
    act("change-password", false, true),
    // nobody had verified the address before
    act("reset-password", false, false),
    act("logout-all", false, true),
    act("revoke-session", true, true),
    act("sign-out", false, true),
    act("deactivate", false, false),
    act("set-address", false, true),
];

async fn post(server: &Server, path: &str, token: Option<&Value>, body: &Value) -> (u16, Value) {
    let mut request = http::request(server, Method::POST, &format!("/v1/{path}")).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(text(token));
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn auth(server: &Server, path: &str, body: Value) -> (u16, Value) {
    post(server, &format!("auth/{path}"), None, &body).await
}

async fn rpc(server: &Server, token: &Value, name: &str, data: Value) -> Value {
    let frame = json!({ "type": name, "id": 1, "data": data });
    let (status, answer) = post(server, "rpc", Some(token), &frame).await;
    assert_eq!(status, 200, "{name}: {answer}");
    answer["data"].clone()
}

async fn log_in(server: &Server, email: &str, password: &str) -> (u16, Value) {
    let login = json!({ "email": email, "password": password, "token_delivery": "body" });
    auth(server, "login", login).await
}

/// What was left behind in an account.
struct Left {
    email: String,
    user: Value,
    device: Value,
    change: Value,
    reset: Value,
    api_token: Value,
}

impl Left {
    /// Leaves everything behind, in a session whose tokens are these.
    async fn behind(server: &Server, name: &str, tokens: &Value) -> Left {
        let (token, email) = (&tokens["access_token"], format!("{name}@example.com"));
        let (_, device) = auth(server, "device", json!({})).await;
        let approve = json!({ "user_code": device["user_code"], "approve": true });
        let approved = post(server, "auth/device/approve", Some(token), &approve).await;
        assert_eq!(approved, (200, json!({})));
        let api_token =
            rpc(server, token, "api_token.create", json!({ "name": "left" })).await["token"].clone();
        let thief = format!("{name}@thief.example");
        let change = json!({ "new_email": thief, "password": PASSWORD });
        rpc(server, token, "profile.change_email", change).await;
        auth(server, "forgot-password", json!({ "email": email })).await;
        let change = mails::nth(server, 1, &thief, "Verify your new e-mail address").await;
        let reset = mails::nth(server, 1, &email, "Reset your password").await;
        Left {
            change: json!({ "email": thief, "code": change.code() }),
            reset: json!({ "email": email, "code": reset.code(), "new_password": OTHER }),
            user: tokens["user"]["id"].clone(),
            email,
            device,
            api_token,
        }
    }

    /// The owner, or an administrator, reacts.
    async fn ended_by(&self, server: &Server, act: &str, op: &Value, thief: &Value) {
        let (status, owner) = log_in(server, &self.email, PASSWORD).await;
        assert_eq!(status, 200, "{owner}");
        let token = &owner["access_token"];
        let update = async |change: Value| {
            let mut data = json!({ "id": self.user });
            data.as_object_mut()
                .expect("an object")
                .extend(change.as_object().expect("an object").clone());
            rpc(server, op, "admin.user.update", data).await;
        };
        match act {
            "change-password" => {
                let data = json!({ "current_password": PASSWORD, "new_password": OTHER });
                rpc(server, token, "auth.change_password", data).await;
            }
            "reset-password" => {
                assert_eq!(auth(server, act, self.reset.clone()).await, (200, json!({})));
            }
            "logout-all" => {
                rpc(server, token, "auth.logout_all", json!({})).await;
            }
            "revoke-session" => {
                let all = rpc(server, thief, "auth.sessions", json!({})).await;
                let all = all["items"].as_array().expect("items");
                let stolen = all.iter().find(|one| one["current"] == true).expect("a session");
                rpc(
                    server,
                    token,
                    "auth.revoke_session",
                    json!({ "id": stolen["id"] }),
                )
                .await;
            }
            "sign-out" => {
                rpc(server, op, "admin.user.sign_out", json!({ "id": self.user })).await;
            }
            "deactivate" => {
                update(json!({ "is_active": false })).await;
                let (status, answer) = auth(server, "verify-email", self.change.clone()).await;
                assert_eq!(status, 401, "while it is inactive: {answer}");
                update(json!({ "is_active": true })).await;
            }
            "set-address" => {
                update(json!({ "email": "given-back@example.com" })).await;
                rpc(server, op, "admin.user.sign_out", json!({ "id": self.user })).await;
            }
            other => panic!("{other}"),
        }
    }
}

async fn each_act_of_the_owner_ends_what_a_thief_left_behind(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let (_, op) = log_in(&server, "op@example.com", PASSWORD).await;
    let op = &op["access_token"];
    for Act {
        name,
        keeps_reset,
        keeps_tokens,
    } in ACTS
    {
        let tokens = http::sign_up(&server, name).await;
        let left = Left::behind(&server, name, &tokens).await;
        left.ended_by(&server, name, op, &tokens["access_token"]).await;

        let device = json!({ "device_code": left.device["device_code"] });
        let (status, answer) = auth(&server, "device/token", device).await;
        let answer = json!([name, status, answer["error"]["code"]]);
        assert_eq!(answer, json!([name, 401, "INVALID_TOKEN"]), "an approved program");
        let (status, answer) = auth(&server, "verify-email", left.change.clone()).await;
        let answer = json!([name, status, answer["error"]["code"]]);
        assert_eq!(answer, json!([name, 401, "INVALID_TOKEN"]), "a change of address");
        let request = http::request(&server, Method::GET, "/v1/auth/me").bearer_auth(text(&left.api_token));
        let is_good = request.send().await.expect("an answer").status() == 200;
        assert_eq!(is_good, keeps_tokens, "{name}: an API token");
        let (status, answer) = auth(&server, "reset-password", left.reset.clone()).await;
        assert_eq!(status == 200, keeps_reset, "{name}: a code to reset: {answer}");
        let user = rpc(&server, op, "admin.user.get", json!({ "id": left.user })).await;
        let expected = match name {
            "set-address" => "given-back@example.com",
            _ => &left.email,
        };
        assert_eq!(user["email"], expected);
    }
}

async fn two_sign_ups_with_one_address_leave_only_its_reader_in(engine: Engine) {
    let server = Server::start(engine, &[("require_verified_email", "true")]).await;
    let email = "victim@example.com";
    let sign_up = |password: &str| json!({ "email": email, "name": "Nora", "password": password });
    let taken = (202, json!({ "status": "verify_email" }));
    assert_eq!(auth(&server, "signup", sign_up(PASSWORD)).await, taken);
    let first = mails::nth(&server, 1, email, "Verify your e-mail address").await;
    assert_eq!(auth(&server, "signup", sign_up(OTHER)).await, taken);
    let choose = mails::nth(&server, 1, email, "Choose your password").await;
    // neither the first code nor a new one brings a password back
    let (status, answer) = auth(
        &server,
        "verify-email",
        json!({ "email": email, "code": first.code() }),
    )
    .await;
    assert_eq!(status, 401, "{answer}");
    for password in [PASSWORD, OTHER] {
        let (status, answer) = log_in(&server, email, password).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (401, &json!("INVALID_CREDENTIALS"))
        );
    }
    auth(&server, "resend-verification", json!({ "email": email })).await;
    let again = mails::nth(&server, 2, email, "Choose your password").await;
    let own = "a reader of the mail chose this";
    let reset = |code: String| json!({ "email": email, "code": code, "new_password": own });
    if again.code() != choose.code() {
        assert_eq!(auth(&server, "reset-password", reset(choose.code())).await.0, 401);
    }
    assert_eq!(
        auth(&server, "reset-password", reset(again.code())).await,
        (200, json!({}))
    );
    for (password, expected) in [(PASSWORD, 401), (OTHER, 401), (own, 200)] {
        assert_eq!(log_in(&server, email, password).await.0, expected, "{password}");
    }
    // a verified account keeps its password whoever signs up with its address
    assert_eq!(auth(&server, "signup", sign_up(OTHER)).await, taken);
    mails::nth(&server, 1, email, "You already have an account").await;
    assert_eq!(log_in(&server, email, own).await.0, 200);
}

async fn a_reset_lets_the_owner_in_while_strangers_fail(engine: Engine) {
    let server = Server::start(engine, &[("rate_limit_enabled", "true")]).await;
    let email = "ada@example.com";
    let mut ada = Client::sign_up(&server, "ada").await;
    auth(&server, "forgot-password", json!({ "email": email })).await;
    let code = mails::nth(&server, 1, email, "Reset your password").await.code();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(log_in(&server, email, "a guess of a stranger").await.0);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 423]);
    let reset = json!({ "email": email, "code": code, "new_password": OTHER });
    assert_eq!(auth(&server, "reset-password", reset).await, (200, json!({})));
    assert_eq!(ada.until_closed().await.1, Some(4403));
    // with the failures of before, the first of these would lock again
    for _ in 0..2 {
        assert_eq!(log_in(&server, email, "a guess of a stranger").await.0, 401);
    }
    assert_eq!(log_in(&server, email, OTHER).await.0, 200);
}
