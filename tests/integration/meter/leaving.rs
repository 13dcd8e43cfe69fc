//! Who does not wait for the outcome pays as if there had been one.

use super::{made_up, rpc};
use crate::defence::{AWAY, limited};
use crate::on_both_databases;
use crate::support::raw::frame;
use crate::support::{Engine, Raw, Server};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

on_both_databases!(
    who_leaves_before_the_outcome_pays_for_a_wrong_token,
    who_leaves_before_the_outcome_pays_for_what_came_meanwhile,
    who_leaves_an_http_request_pays_for_a_wrong_token,
);

/// The first byte of a whole text message, and of a close frame.
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

/// A server whose strangers have few operations.
async fn start(engine: Engine) -> Server {
    let settings = [("address_ops_per_second", "1"), ("address_ops_burst", "400")];
    limited(engine, &settings).await
}

/// An `auth` with a token that only the database knows to be none.
fn auth(n: usize) -> Value {
    json!({ "type": "auth", "id": 1, "data": { "token": made_up(n) } })
}

/// Opens a socket from [`AWAY`], sends these frames and a close frame at once, and waits for the end.
async fn leave(server: &Server, frames: &[Value]) {
    let mut raw = Raw::upgrade(server, &format!("X-Forwarded-For: {AWAY}\r\n")).await;
    let mut bytes: Vec<u8> = frames
        .iter()
        .flat_map(|one| frame(TEXT, one.to_string().as_bytes()))
        .collect();
    bytes.extend(frame(CLOSE, &1000_u16.to_be_bytes()));
    raw.send(&bytes).await;
    raw.ended().await;
}

/// Whether a stranger from [`AWAY`] is refused.
async fn is_refused(server: &Server) -> bool {
    let answer = rpc(server, AWAY, "", &json!({ "type": "ping", "id": 1 })).await;
    answer["error"]["context"]["of"] == "address"
}

async fn who_leaves_before_the_outcome_pays_for_a_wrong_token(engine: Engine) {
    let server = start(engine).await;
    // each costs twelve operations: the socket, the frame, the look at the token, and nine as a wrong one
    for n in 0..50 {
        leave(&server, &[auth(n)]).await;
    }
    assert!(is_refused(&server).await);
}

async fn who_leaves_before_the_outcome_pays_for_what_came_meanwhile(engine: Engine) {
    let server = start(engine).await;
    for n in 0..10 {
        let mut frames = vec![auth(n)];
        frames.extend(vec![json!({ "type": "ping", "id": 2 }); 60]);
        leave(&server, &frames).await;
    }
    assert!(is_refused(&server).await);
}

async fn who_leaves_an_http_request_pays_for_a_wrong_token(engine: Engine) {
    let server = start(engine).await;
    let headers = format!("X-Forwarded-For: {AWAY}\r\n");
    let ping = json!({ "type": "ping", "id": 1 }).to_string();
    // each costs eleven operations; with only one of both ways in they would have enough
    for n in 0..25 {
        let rpc = Raw::rpc(&server, &made_up(n), &headers, &ping);
        let get = format!(
            "GET /v1/auth/me HTTP/1.1\r\nHost: {}\r\n{headers}Authorization: Bearer {}\r\n\r\n",
            server.address,
            made_up(100 + n)
        );
        for request in [rpc, get] {
            let mut raw = Raw::dial(&server).await;
            raw.send(request.as_bytes()).await;
            raw.0.shutdown().await.expect("the end of what is sent");
            raw.ended().await;
        }
    }
    assert!(is_refused(&server).await);
}
