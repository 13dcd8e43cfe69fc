//! Reminders by mail: to those who are not connected, at addresses that they verified; several share one; a link ends them.

use super::{ahead, told};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Node, Server, eventually, http, mails};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    who_is_not_connected_gets_a_mail_and_can_end_them,
    many_reminders_at_once_are_one_mail,
    a_person_gets_twenty_mails_an_hour_at_most,
);

/// Verifies the address of an account.
async fn verify(server: &Server, name: &str) {
    let email = format!("{name}@example.com");
    let mail = mails::nth(server, 1, &email, "Verify your e-mail address").await;
    let body = json!({ "email": email, "code": mail.code() });
    let answer = http::post(server, "/v1/auth/verify-email", &body).await;
    assert_eq!(answer.status(), 200);
}

/// Asks over HTTP, without a socket.
async fn ask(server: &Server, tokens: &Value, name: &str, data: Value) -> Value {
    let frame = json!({ "type": name, "id": 1, "data": data });
    let request = http::request(server, Method::POST, "/v1/rpc");
    let token = text(&tokens["access_token"]);
    let answer = request.bearer_auth(token).json(&frame).send().await;
    let answer: Value = answer.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["type"], "ok", "{answer}");
    answer["data"].clone()
}

/// How many reminders a user has.
async fn reminders(server: &Server, tokens: &Value) -> usize {
    let page = ask(server, tokens, "notification.list", json!({ "limit": 100 })).await;
    let items = page["items"].as_array().expect("items").iter();
    items.filter(|item| item["type"] == "TASK_REMINDER").count()
}

/// The mails of reminders to an address.
fn sent(server: &Server, name: &str) -> Vec<mails::Mail> {
    let mut all = mails::kept(server);
    all.retain(|mail| {
        mail.header("To").contains(&format!("{name}@example.com"))
            && mail.text.contains("List-Unsubscribe-Post")
    });
    all
}

async fn who_is_not_connected_gets_a_mail_and_can_end_them(engine: Engine) {
    let public_url = "https://tasks.example.com";
    let server = Server::start(engine, &[("public_url", public_url)]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    // anybody may sign up with somebody else's address
    let eve = Client::sign_up(&server, "eve").await;
    for name in ["ada", "bob"] {
        verify(&server, name).await;
    }
    let (tokens, eves) = (ada.tokens.clone(), eve.tokens.clone());
    ada.cut();
    eve.cut();
    let rpc = async |name: &str, data: Value| ask(&server, &tokens, name, data).await;
    let (_, remind_at) = ahead(300);
    // a title may have line breaks, and is one line in the subject and in the body
    let title = "Zoë's <b>bill</b>\r\nBcc: eve@example.com\r\n\r\nHello";
    rpc("task.create", json!({ "title": title, "remind_at": remind_at })).await;
    let strange = json!({ "title": "Buy now", "remind_at": remind_at });
    ask(&server, &eves, "task.create", strange).await;
    bob.ok("task.create", json!({ "title": "Bob's", "remind_at": remind_at }))
        .await;
    assert_eq!(told(&mut bob).await.0, "TASK_REMINDER");
    let mail = eventually("a mail", async || sent(&server, "ada").pop()).await;
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(mail.header("To").contains("ada@example.com"), "{}", mail.text);
    let line = "&lt;b&gt;bill&lt;/b&gt; Bcc: eve@example.com Hello=E2=80=9D</p>";
    assert!(mail.text.contains(line), "{}", mail.text);
    let headers = mail.text.split("\n\n").next().expect("headers");
    assert!(
        headers.contains(" <b>bill</b> Bcc: eve@example.com\n ") && !headers.contains("\nBcc"),
        "{headers}"
    );
    let link = mail
        .header("List-Unsubscribe")
        .trim_matches(['<', '>'])
        .to_owned();
    let path = link.strip_prefix(public_url).expect("a link to this server");
    // programs that look at links change nothing
    let page = http::get(&server, path).await;
    assert_eq!(page.status(), 200);
    assert!(
        page.text()
            .await
            .expect("a page")
            .contains("<form method=\"post\">")
    );
    let version = rpc("profile.get", json!({})).await["version"]
        .as_i64()
        .expect("a version");
    let post = async |path: &str| {
        let request = http::request(&server, Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request
            .body("List-Unsubscribe=One-Click")
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(post("/v1/unsubscribe?token=nobody").await, 401);
    for _ in 0..2 {
        assert_eq!(post(path).await, 200);
        let profile = rpc("profile.get", json!({})).await;
        assert_eq!(profile["preferences"]["notifications"], json!({ "email": false }));
        assert_eq!(profile["version"], json!(version + 1));
    }
    // ada is told, and gets no further mail; neither does bob, who is connected
    let (_, remind_at) = ahead(200);
    rpc(
        "task.create",
        json!({ "title": "Second", "remind_at": remind_at }),
    )
    .await;
    eventually("the second reminder", async || {
        (reminders(&server, &tokens).await == 2).then_some(())
    })
    .await;
    let all = ["ada", "bob", "eve"].map(|name| sent(&server, name).len());
    assert_eq!((all, reminders(&server, &eves).await), ([1, 0, 0], 1));
    assert!(
        !mails::kept(&server)
            .iter()
            .any(|mail| mail.text.contains("Buy now"))
    );
}

async fn many_reminders_at_once_are_one_mail(engine: Engine) {
    let server = Server::start(engine, &[("public_url", "https://tasks.example.com")]).await;
    let ada = Client::sign_up(&server, "ada").await;
    verify(&server, "ada").await;
    let tokens = ada.tokens.clone();
    ada.cut();
    let (_, remind_at) = ahead(1500);
    let ops: Vec<Value> = (0..100)
        .map(|n| json!({ "type": "task.create", "data": { "title": format!("T{n}"), "remind_at": remind_at } }))
        .collect();
    ask(&server, &tokens, "batch", json!({ "ops": ops })).await;
    let mail = eventually("a mail", async || sent(&server, "ada").pop()).await;
    assert_eq!(mail.header("Subject"), "100 reminders");
    assert!(mail.text.contains("There are 80 more."), "{}", mail.text);
    assert_eq!(reminders(&server, &tokens).await, 100);
    assert_eq!(sent(&server, "ada").len(), 1);
}

async fn a_person_gets_twenty_mails_an_hour_at_most(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let user = node.caller.user.id;
    for n in 0..20 {
        assert_eq!(node.engine.one_more_reminder(user).await, None, "{n}");
    }
    assert!(node.engine.one_more_reminder(user).await.is_some());
}
