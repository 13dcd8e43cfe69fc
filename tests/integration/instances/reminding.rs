//! Mails of reminders where any instance may send them: each goes once, and none to a person who is connected, wherever.

use super::{number, with_redis};
use crate::support::http::{post, request, sign_up};
use crate::support::mails::{Mail, kept};
use crate::support::{Client, Server, eventually, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use taskwire_protocol::Timestamp;

/// Which instance lets a reminder ring and which sends its mail is up to them.
const ROUNDS: std::ops::Range<usize> = 4..20;
const DROPPED: &str = "taskwire_mails_total{outcome=\"dropped\"}";

/// A task whose reminder is due in a moment, made by somebody without a socket.
async fn remind(server: &Server, tokens: &Value, title: &str) {
    let soon = Duration::from_millis(300);
    #[allow(clippy::disallowed_methods, reason = "a client has no clock but the system's")]
    let at = (SystemTime::now() + soon)
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let at = Timestamp(i64::try_from(at.as_millis()).expect("a time"));
    let frame = json!({ "type": "task.create", "id": 1, "data": { "title": title, "remind_at": at } });
    let asked = request(server, Method::POST, "/v1/rpc").bearer_auth(text(&tokens["access_token"]));
    let answer = asked.json(&frame).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

/// A new account with a verified address; its code is in the folder of either instance.
async fn verified(servers: &[Server], name: &str) -> Value {
    let tokens = sign_up(&servers[0], name).await;
    let email = format!("{name}@example.com");
    let code = eventually("a code", async || {
        let mut mails = servers.iter().flat_map(kept);
        let mail = mails.find(|mail| mail.header("To").contains(&email))?;
        mail.codes().next()
    })
    .await;
    let body = json!({ "email": email, "code": code });
    let answer = post(&servers[0], "/v1/auth/verify-email", &body).await;
    assert_eq!(answer.status(), 200);
    tokens
}

/// The mails of both instances about a round's reminders.
fn about(servers: &[Server], title: &str) -> Vec<Mail> {
    let mails = servers.iter().flat_map(kept);
    mails.filter(|mail| mail.text.contains(title)).collect()
}

/// Waits until no mail waits to be sent.
async fn all_sent(server: &Server) {
    eventually("no mail waits", async || {
        let jobs = server
            .database
            .texts("select key from jobs where kind = 'mail'")
            .await;
        jobs.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_goes_once_and_none_to_who_is_connected_to_another_instance() {
    let servers = with_redis(2).await;
    eventually("the instances know each other", async || {
        let known = servers[0].database.texts("select name from instances").await;
        (known.len() == 2).then_some(())
    })
    .await;
    // one person is connected to each instance, and one to none
    let away = verified(&servers, "away").await;
    let mut live = Vec::new();
    for (server, name) in servers.iter().zip(["ann", "bob"]) {
        let tokens = verified(&servers, name).await;
        live.push(Client::with_tokens(server, &tokens, json!({})).await);
    }
    let (mut rounds, mut elsewhere) = (0, 0.0);
    while rounds < ROUNDS.start || elsewhere == 0.0 {
        assert!(
            rounds < ROUNDS.end,
            "no instance looked for a socket on the other one"
        );
        // rounds and looks at alarms may come in step; so neither the same instance always, nor each in turn
        let (title, here) = (format!("Round {rounds:02}."), rounds / 2 % 2);
        let (person, other) = (&mut live[here], &servers[1 - here]);
        let before = number(other, DROPPED).await;
        let tokens = person.tokens.clone();
        remind(&servers[here], &tokens, &title).await;
        remind(other, &away, &title).await;
        person
            .take("the reminder", |frame| {
                frame["event"] == "notification.created" && frame["data"]["type"] == "TASK_REMINDER"
            })
            .await;
        eventually("the mail of who is away", async || {
            (!about(&servers, &title).is_empty()).then_some(())
        })
        .await;
        all_sent(other).await;
        elsewhere += number(other, DROPPED).await - before;
        rounds += 1;
    }
    for round in 0..rounds {
        let mails = about(&servers, &format!("Round {round:02}."));
        let to: Vec<&str> = mails.iter().map(|mail| mail.header("To")).collect();
        assert!(
            to.len() == 1 && to[0].contains("away@example.com"),
            "{round}: {to:?}"
        );
    }
}
