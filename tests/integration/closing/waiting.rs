//! Sockets that wait for a slow database, or whose peers let them wait: what ends them meanwhile, and what does not.

use crate::support::raw;
use crate::support::{Client, Engine, Raw, Server, eventually, http, text};
use reqwest::Method;
use serde_json::json;
use sqlx::Executor;
use std::time::{Duration, Instant};

/// An account that may ask for the instances, whose table nothing else on the way of a request reads.
const OPERATOR: [(&str, &str); 2] = [
    ("admin_email", "ada@example.com"),
    ("admin_password", crate::support::PASSWORD),
];
const NO_INSTANCES: &str = "begin; lock table instances";

/// Whether the logout is one or not, it waits for its turn, and may wait for long.
#[tokio::test]
async fn a_session_that_ends_elsewhere_does_not_wait_for_a_logout_that_waits() {
    let server = Server::start(Engine::Postgres, &OPERATOR).await;
    for logout in [json!({}), json!({ "nonsense": true })] {
        let mut ada = Client::log_in(&server, "ada").await;
        let mut link = server.database.link().await;
        link.execute(NO_INSTANCES).await.expect("a lock");
        ada.ask("admin.instances", json!({})).await;
        ada.ask("auth.logout", logout).await;
        // it skips the queue: those before it were heard
        assert_eq!(ada.call("ping", json!({})).await["type"], "pong");
        let token = text(&ada.tokens["access_token"]);
        let out = http::request(&server, Method::POST, "/v1/auth/logout").bearer_auth(token);
        assert_eq!(out.send().await.expect("an answer").status(), 200);
        let begun = Instant::now();
        assert_eq!(ada.until_closed().await.1, Some(4403));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        link.execute("rollback").await.expect("no lock");
    }
}
