//! Access tokens that somebody made up (RFC 8725): by HTTP and by socket the answer is 401 and one code, and tells nothing
//! of the reason.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server, http, tokens};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(a_token_that_somebody_made_up_is_refused_with_one_code);

/// A token of these members, signed with the server's own key. So it is refused for what it says.
fn signed(header: &Value, claims: &Value) -> String {
    signed_as(
        &header.to_string(),
        &claims.to_string(),
        hmac::HMAC_SHA256,
        tokens::SECRET,
    )
}

fn signed_as(header: &str, claims: &str, algorithm: hmac::Algorithm, secret: &str) -> String {
    let content = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), content.as_bytes());
    format!("{content}.{}", BASE64.encode(tag))
}

/// A part of a token.
fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).expect("a part");
    serde_json::from_slice(&BASE64.decode(part).expect("base64")).expect("JSON")
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    if value.is_null() {
        object.as_object_mut().expect("an object").remove(name);
    } else {
        object[name] = value;
    }
    object
}

/// Names and tokens.
fn corpus(good: &Value) -> Vec<(&'static str, String)> {
    let access = text(&good["access_token"]);
    let (header, claims) = (part(&access, 0), part(&access, 1));
    let (h, c) = (header.to_string(), claims.to_string());
    let parts: Vec<&str> = access.split('.').collect();
    let header_with = |name, value| signed(&with(&header, name, value), &claims);
    let claim_with = |name, value| signed(&header, &with(&claims, name, value));
    let by = |alg: &str, algorithm| {
        let header = with(&header, "alg", json!(alg));
        signed_as(&header.to_string(), &c, algorithm, tokens::SECRET)
    };
    let none = BASE64.encode(with(&header, "alg", json!("none")).to_string());
    let key = json!({ "kty": "oct", "k": BASE64.encode("the attacker's own key, long enough") });
    let own_key = with(&header, "jwk", key).to_string();
    vec![
        ("alg none, no signature", format!("{none}.{}.", parts[1])),
        ("alg none, two parts", format!("{none}.{}", parts[1])),
        (
            "alg none, our signature",
            format!("{none}.{}.{}", parts[1], parts[2]),
        ),
        ("alg nOnE", header_with("alg", json!("nOnE"))),
        ("no alg", header_with("alg", Value::Null)),
        ("RS256", by("RS256", hmac::HMAC_SHA256)),
        ("ES256", by("ES256", hmac::HMAC_SHA256)),
        ("HS384", by("HS384", hmac::HMAC_SHA384)),
        ("HS512", by("HS512", hmac::HMAC_SHA512)),
        (
            "another key",
            signed_as(&h, &c, hmac::HMAC_SHA256, "another key, and long enough too"),
        ),
        ("an empty key", signed_as(&h, &c, hmac::HMAC_SHA256, "")),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("unknown kid", header_with("kid", json!("AAAAAAAAAAAA"))),
        ("kid as a path", header_with("kid", json!("../../dev/null"))),
        ("kid as a query", header_with("kid", json!("' or 1=1 --"))),
        ("kid as a number", header_with("kid", json!(1))),
        ("jku", header_with("jku", json!("http://127.0.0.1:1/keys"))),
        ("x5u", header_with("x5u", json!("http://127.0.0.1:1/chain"))),
        ("x5c", header_with("x5c", json!(["MIIB"]))),
        (
            "jwk, signed with it",
            signed_as(
                &own_key,
                &c,
                hmac::HMAC_SHA256,
                "the attacker's own key, long enough",
            ),
        ),
        ("jwk", signed_as(&own_key, &c, hmac::HMAC_SHA256, tokens::SECRET)),
        ("crit", header_with("crit", json!(["b64"]))),
        ("typ JWT", header_with("typ", json!("JWT"))),
        ("no typ", header_with("typ", Value::Null)),
        ("exp as text", claim_with("exp", json!(claims["exp"].to_string()))),
        ("exp as text with letters", claim_with("exp", json!("tomorrow"))),
        ("exp with a fraction", claim_with("exp", json!(4_000_000_000.5))),
        ("no exp", claim_with("exp", Value::Null)),
        ("nbf as text", claim_with("nbf", json!("0"))),
        ("another audience", claim_with("aud", json!("elsewhere"))),
        (
            "two audiences",
            claim_with("aud", json!(["taskwire", "elsewhere"])),
        ),
        ("no audience", claim_with("aud", Value::Null)),
        (
            "another issuer",
            claim_with("iss", json!("https://accounts.example.com")),
        ),
        ("no issuer", claim_with("iss", Value::Null)),
        ("a refresh token's claim", claim_with("typ", json!("refresh"))),
        ("no subject", claim_with("sub", Value::Null)),
        ("a subject that is no id", claim_with("sub", json!("ada"))),
        ("a refresh token", text(&good["refresh_token"])),
        ("empty", String::new()),
        ("dots", "...".to_owned()),
        ("three dots", format!("{access}.{}", parts[2])),
        ("huge", format!("{}.{}.{}", parts[0], "A".repeat(5000), parts[2])),
        ("not base64", format!("{}.{}!.{}", parts[0], parts[1], parts[2])),
        ("no JSON", signed_as("{", &c, hmac::HMAC_SHA256, tokens::SECRET)),
        (
            "claims that are a list",
            signed_as(&h, "[]", hmac::HMAC_SHA256, tokens::SECRET),
        ),
        (
            "a header twice",
            signed_as(
                &h.replacen('{', "{\"alg\":\"none\",", 1),
                &c,
                hmac::HMAC_SHA256,
                tokens::SECRET,
            ),
        ),
    ]
}

async fn a_token_that_somebody_made_up_is_refused_with_one_code(engine: Engine) {
    let server = Server::start(engine, &[("jwt_secret", tokens::SECRET)]).await;
    let good = http::sign_up(&server, "ada").await;
    let access = text(&good["access_token"]);
    let same = signed(&part(&access, 0), &part(&access, 1));
    let older = signed(&with(&part(&access, 0), "kid", Value::Null), &part(&access, 1));
    for token in [&access, &same, &older] {
        let me = http::request(&server, Method::GET, "/v1/auth/me").bearer_auth(token);
        assert_eq!(me.send().await.expect("an answer").status(), 200, "{token}");
    }
    let frame = json!({ "type": "profile.get", "id": 1 });
    let mut wrong = Vec::new();
    for (name, token) in corpus(&good) {
        let asked = [
            http::request(&server, Method::GET, "/v1/auth/me"),
            http::request(&server, Method::POST, "/v1/rpc").json(&frame),
            http::request(&server, Method::POST, "/v1/auth/logout"),
        ];
        for request in asked {
            let answer = request.bearer_auth(&token).send().await.expect("an answer");
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.expect("JSON");
            wrong.extend(unlike(name, status, &body["error"]));
        }
        let mut socket = Client::connect(&server).await;
        let error = socket.refused("auth", json!({ "token": token })).await;
        wrong.extend(unlike(name, 401, &error));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What differs from the one answer.
fn unlike(name: &str, status: u16, error: &Value) -> Option<String> {
    let same =
        status == 401 && error["code"] == "INVALID_TOKEN" && error["message"] == "the token is not valid";
    (!same).then(|| format!("{name}: {status} {error}"))
}
