//! Many mutations of one user that wait for the writers, while another user's come one by one.

use super::{Ask, Attack, Force, MUCH, Victim, attacker, metric, server, sign_up};
use crate::on_both_databases;
use crate::support::{Engine, PASSWORD, eventually, http};
use serde_json::{Value, json};

on_both_databases!(a_user_whose_mutations_fill_the_queue_delays_nobody);

/// The sockets that a user may have, and what may be under way on each.
const FORCE: Force = Force {
    sockets: 20,
    under_way: 64,
};
/// How many requests that are.
const FLOOD: u64 = 20 * 64;

async fn a_user_whose_mutations_fill_the_queue_delays_nobody(engine: Engine) {
    let server = server(engine, &MUCH).await;
    let mut victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(1), "hog").await;
    let tasks: Vec<_> = (0..5)
        .map(|n| json!({ "type": "task.create", "data": { "title": n.to_string() } }))
        .collect();
    let ask = Ask {
        requests: vec![("batch", json!({ "ops": tasks, "atomic": false }).to_string())],
        answer: "\"type\":\"ok\"",
    };
    let mut attack = Attack::begin(&server, attacker(1), &tokens, FORCE, ask).await;
    victim.endures(&server, &mut attack).await;
    // whose account floods the server, as with a stolen token, can sign in and stop that
    let login = json!({ "email": "hog@example.com", "password": PASSWORD, "token_delivery": "body" });
    let answer = http::post_from(&server, attacker(1).into(), "/v1/auth/login", &login).await;
    assert_eq!(answer.status(), 200, "a sign-in");
    let mut tokens: Value = answer.json().await.expect("tokens");
    // a refresh is such a step too, and hashes no password, which takes long on a busy machine
    let mut meanwhile = Vec::new();
    while meanwhile.last().is_none_or(|answered| *answered > FLOOD / 2) {
        assert!(
            meanwhile.len() < 3,
            "so many of {FLOOD} went first: {meanwhile:?}"
        );
        let before = attack.answered();
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        let answer = http::post_from(&server, attacker(1).into(), "/v1/auth/refresh", &refresh).await;
        assert_eq!(answer.status(), 200, "a refresh");
        tokens = answer.json().await.expect("tokens");
        meanwhile.push(attack.answered() - before);
    }
    eventually("many that wait", async || {
        let waiting = metric(&server, "taskwire_mutations_waiting").await;
        (waiting >= 1000.0).then_some(())
    })
    .await;
}
