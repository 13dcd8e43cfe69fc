//! Attacks on a server, through real sockets and with all limits on, while somebody else works on it. What they show is in
//! `Victim::endures`: nearly all `task.create` of others take at most five times as long as on an idle server, or a short time;
//! they can sign in, and the server counts as healthy.
//!
//! - `victim`  somebody who works while others attack
//! - `attack`  what they send, and that it goes on at full force
//! - `line`    a socket that costs its own side little
//! - `queue`   many mutations that wait for the writers
//! - `costly`  mutations that make a writer work for long
//! - `reading` searches, and answers that are not read
//! - `arrays`  many frames in one request, from a stranger and from a user
//! - `growth`  what grows: places of tasks, long lists, the workspaces of somebody
//! - `doors`   strangers who try passwords, and who connect and say nothing
//! - `sockets` strangers who fragment messages, and who open and drop sockets
//! - `redis`   messages that somebody forges and repeats between instances
//!
//! Everybody has an address of their own within 127/8, where the server sees who connects.

mod arrays;
mod attack;
mod costly;
mod doors;
mod growth;
mod line;
mod queue;
mod reading;
mod redis;
mod sockets;
mod victim;

use attack::{Ask, Attack, Force};
use line::Line;
use victim::Victim;

use crate::support::{Engine, Server, http};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// How much a user may send is another limit.
const MUCH: [(&str, &str); 4] = [
    ("ops_per_second", "1000000"),
    ("ops_burst", "1000000"),
    ("user_ops_per_second", "1000000"),
    ("user_ops_burst", "1000000"),
];

/// The victim may work as fast as it can; strangers, and what a user may send over HTTP, are limited as by default.
const QUICK: [(&str, &str); 4] = [
    ("ops_per_second", "2000"),
    ("ops_burst", "2000"),
    ("user_ops_per_second", "2000"),
    ("user_ops_burst", "2000"),
];

/// A server with its limits, as far as `settings` does not raise them.
async fn server(engine: Engine, settings: &[(&str, &str)]) -> Server {
    let mut all = vec![("rate_limit_enabled", "true")];
    all.extend(settings);
    Server::start(engine, &all).await
}

/// An account `NAME@example.com` of somebody at this address. Returns its tokens.
async fn sign_up(server: &Server, from: Ipv4Addr, name: &str) -> Value {
    let body = json!({
        "email": format!("{name}@example.com"), "name": name, "username": name,
        "password": crate::support::PASSWORD, "token_delivery": "body",
    });
    let answer = http::post_from(server, from.into(), "/v1/auth/signup", &body).await;
    assert_eq!(
        answer.status(),
        201,
        "{}",
        answer.text().await.unwrap_or_default()
    );
    answer.json().await.expect("tokens")
}

/// What a metric of the server is, without labels.
async fn metric(server: &Server, name: &str) -> f64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
    let mut lines = metrics.lines();
    let number = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let number = number.unwrap_or_else(|| panic!("no {name}"));
    number.parse().expect("a number")
}

/// Where the attackers of a test are: an address for each.
fn attacker(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 66, n)
}
