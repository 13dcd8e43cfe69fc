//! Requests that hold as many frames as one may. The limits are as they are by default: what they refuse is sent again at once.

use super::{Attack, Line, QUICK, Victim, attacker, server, sign_up};
use crate::on_both_databases;
use crate::support::{Engine, Server, text};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

on_both_databases!(
    a_stranger_who_asks_for_the_description_a_hundred_times_in_a_request_delays_nobody,
    a_user_who_tries_ten_thousand_addresses_in_a_request_delays_nobody,
);

/// Connections of the attacker, each with a request under way all the time.
const CONNECTIONS: usize = 8;
/// Frames in an array, and operations in a batch.
const MOST: usize = 100;

/// The same body again and again, from one address.
async fn posting(server: &Server, from: Ipv4Addr, token: Option<&str>, body: &Value) -> Attack {
    let client = reqwest::Client::builder()
        .no_proxy()
        .local_address(IpAddr::from(from));
    let client = client.build().expect("a client");
    let requests = (0..CONNECTIONS).map(|_| {
        let request = client.post(server.url("/v1/rpc")).json(body);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    });
    Attack::of(requests, ask_again).await
}

async fn ask_again(request: reqwest::RequestBuilder, answered: Arc<AtomicU64>) {
    loop {
        // a body that is refused before it has arrived ends its connection
        if let Ok(answer) = request.try_clone().expect("a body at hand").send().await {
            let status = answer.status().as_u16();
            assert!(matches!(status, 200 | 429 | 503), "{status}");
            let _ = answer.bytes().await;
        }
        answered.fetch_add(1, Relaxed);
    }
}

async fn a_stranger_who_asks_for_the_description_a_hundred_times_in_a_request_delays_nobody(engine: Engine) {
    let server = server(engine, &QUICK).await;
    let mut victim = Victim::at_rest(&server).await;
    let frame = |id: usize| json!({ "type": "protocol.describe", "id": id, "data": {} });
    let body: Value = (0..MOST).map(frame).collect();
    let mut attack = posting(&server, attacker(3), None, &body).await;
    victim.endures(&server, &mut attack).await;
}

async fn a_user_who_tries_ten_thousand_addresses_in_a_request_delays_nobody(engine: Engine) {
    let server = server(engine, &QUICK).await;
    let mut victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(4), "hog").await;
    let mut line = Line::open(&server, attacker(4), &tokens).await;
    let made = line.ok("workspace.create", r#"{"name":"Trap"}"#).await;
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let workspace = &made["data"]["id"];
    let add = |n: usize| {
        let data =
            json!({ "workspace_id": workspace, "email": format!("p{n}@example.com"), "role": "viewer" });
        json!({ "type": "member.add", "data": data })
    };
    let frame = |id: usize| {
        let ops: Vec<Value> = (0..MOST).map(|n| add(id * MOST + n)).collect();
        json!({ "type": "batch", "id": id, "data": { "ops": ops, "atomic": false } })
    };
    let body: Value = (0..MOST).map(frame).collect();
    let token = text(&tokens["access_token"]);
    let mut attack = posting(&server, attacker(4), Some(token), &body).await;
    victim.endures(&server, &mut attack).await;
}
