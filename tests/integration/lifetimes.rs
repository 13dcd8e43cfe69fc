//! How long what signs somebody in is good: just until the end of its life, and no longer; and what a clock that is set by an
//! hour, forth or back, does to it.

use crate::on_both_databases;
use crate::support::{Engine, Node, PASSWORD, mails, text};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use taskwire::engine::{Answering, ByDevice, ByMail, Caller, Incoming, Refresh, Sender};
use taskwire::jobs::{Kind, Runner};
use taskwire::ops::letters::Letter;
use taskwire_protocol::{ErrorCode, Request, Timestamp};
use tokio::time::Instant;

on_both_databases!(
    what_proves_somebody_ends_at_the_end_of_its_life_whatever_the_clock_does,
    who_signed_out_stays_out_whatever_the_clock_does,
);

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const OTHER: &str = "coffee at a quarter to nine";

/// Nothing but the mails.
static LETTERS: &[Kind] = &[Kind::of::<Letter>()];

/// What proves somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    VerifyCode,
    VerifyLink,
    ChangeCode,
    ResetCode,
    ResetLink,
    DeviceCode,
    ApiToken,
    AccessToken,
    RefreshToken,
}

/// Each with its life.
const PROOFS: [(Proof, i64); 9] = [
    (Proof::VerifyCode, 10 * MINUTE),
    (Proof::VerifyLink, 10 * MINUTE),
    (Proof::ChangeCode, 10 * MINUTE),
    (Proof::ResetCode, 30 * MINUTE),
    (Proof::ResetLink, 30 * MINUTE),
    (Proof::DeviceCode, 10 * MINUTE),
    (Proof::ApiToken, 20 * MINUTE),
    (Proof::AccessToken, 15 * MINUTE),
    (Proof::RefreshToken, 7 * 24 * HOUR),
];

type Outcome = Result<(), ErrorCode>;

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a request")
}

async fn answered(answering: Answering) -> Result<Value, ErrorCode> {
    let reply = answering.await.map_err(|failure| failure.code)?;
    let reply: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).expect("JSON");
    Ok(reply["data"].clone())
}

async fn by_mail(node: &Node, request: ByMail) -> Outcome {
    let answer = node.engine.by_mail(request, Sender::default(), Instant::now());
    answered(answer).await.map(drop)
}

async fn by_device(node: &Node, request: ByDevice, sender: Sender) -> Result<Value, ErrorCode> {
    answered(node.engine.by_device(request, sender, Instant::now())).await
}

/// A request of somebody, or of a stranger.
async fn send(node: &Node, who: Option<&Arc<Caller>>, name: &str, data: &Value) -> Value {
    let request = Request::read(name, &data.to_string()).expect("a request");
    let sender = who.cloned().map_or_else(Sender::default, Sender::known);
    let reply = node.engine.dispatch(Incoming::now(request, None, sender)).await;
    let reply = reply.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    let reply: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).expect("JSON");
    reply["data"].clone()
}

/// A person with an account of their own.
struct Person {
    email: String,
    tokens: Value,
    caller: Arc<Caller>,
}

impl Person {
    async fn sign_up(node: &Node, name: &str) -> Person {
        let email = format!("{name}@example.com");
        let params = json!({ "email": email, "name": "Somebody", "password": PASSWORD });
        let tokens = send(node, None, "auth.signup", &params).await;
        let caller = node.engine.authenticate(text(&tokens["access_token"])).await;
        Person {
            email,
            caller: caller.expect("a caller").caller,
            tokens,
        }
    }

    /// What this person gets as a proof: a code, or a token.
    async fn get(&self, node: &Node, proof: Proof) -> String {
        match proof {
            Proof::VerifyCode => self.mail(node, "Verify your e-mail address").await.code(),
            Proof::VerifyLink => self.link(node, "Verify your e-mail address").await,
            Proof::ChangeCode => {
                let change = json!({ "new_email": self.other(), "password": PASSWORD });
                send(node, Some(&self.caller), "profile.change_email", &change).await;
                let subject = "Verify your new e-mail address";
                mails::nth(&node.server, 1, &self.other(), subject).await.code()
            }
            Proof::ResetCode | Proof::ResetLink => {
                let forgot = read(json!({ "email": self.email }));
                by_mail(node, ByMail::Forgot(forgot)).await.expect("a mail");
                if proof == Proof::ResetLink {
                    return self.link(node, "Reset your password").await;
                }
                self.mail(node, "Reset your password").await.code()
            }
            Proof::DeviceCode => {
                let codes = by_device(node, ByDevice::Start(read(json!({}))), Sender::default()).await;
                let codes = codes.expect("codes");
                let approve = read(json!({ "user_code": codes["user_code"], "approve": true }));
                let owner = Sender::known(self.caller.clone());
                by_device(node, ByDevice::Approve(approve), owner)
                    .await
                    .expect("approved");
                text(&codes["device_code"]).to_owned()
            }
            Proof::ApiToken => {
                let ends = Timestamp(node.clock.now_ms() + 20 * MINUTE);
                let make = json!({ "name": "robot", "expires_at": ends });
                let made = send(node, Some(&self.caller), "api_token.create", &make).await;
                text(&made["token"]).to_owned()
            }
            Proof::AccessToken => text(&self.tokens["access_token"]).to_owned(),
            Proof::RefreshToken => text(&self.tokens["refresh_token"]).to_owned(),
        }
    }

    /// Uses the proof.
    async fn give(&self, node: &Node, proof: Proof, given: &str) -> Outcome {
        let reset = |mut body: Value| {
            body["new_password"] = json!(OTHER);
            ByMail::Reset(read(body))
        };
        let code = |email: &str| json!({ "email": email, "code": given });
        let link = json!({ "token": given });
        match proof {
            Proof::VerifyCode => by_mail(node, ByMail::Verify(read(code(&self.email)))).await,
            Proof::ChangeCode => by_mail(node, ByMail::Verify(read(code(&self.other())))).await,
            Proof::VerifyLink => by_mail(node, ByMail::Verify(read(link))).await,
            Proof::ResetCode => by_mail(node, reset(code(&self.email))).await,
            Proof::ResetLink => by_mail(node, reset(link)).await,
            Proof::DeviceCode => {
                let redeem = read(json!({ "device_code": given }));
                let tokens = by_device(node, ByDevice::Redeem(redeem), Sender::default()).await?;
                assert!(tokens["access_token"].is_string(), "{tokens}");
                Ok(())
            }
            Proof::ApiToken | Proof::AccessToken => {
                let shown = node.engine.authenticate(given).await;
                shown.map(drop).map_err(|failure| failure.code)
            }
            Proof::RefreshToken => {
                let refresh = Refresh {
                    token: given.to_owned(),
                };
                let answer = node
                    .engine
                    .refresh(refresh, Sender::default(), Instant::now())
                    .await;
                answer.map(drop).map_err(|failure| failure.code)
            }
        }
    }

    async fn mail(&self, node: &Node, subject: &str) -> mails::Mail {
        mails::nth(&node.server, 1, &self.email, subject).await
    }

    async fn link(&self, node: &Node, subject: &str) -> String {
        let link = self.mail(node, subject).await.link("https://tasks.example.com/");
        link.rsplit('#').next().expect("a token").to_owned()
    }

    /// Another address of the same person.
    fn other(&self) -> String {
        format!("other-{}", self.email)
    }
}

async fn what_proves_somebody_ends_at_the_end_of_its_life_whatever_the_clock_does(engine: Engine) {
    let node = Node::start(engine, &[("public_url", "https://tasks.example.com")]).await;
    let _runner = Runner::start(&node.engine, &Arc::new(node.settings.clone()), LETTERS);
    for (i, (proof, life)) in PROOFS.into_iter().enumerate() {
        for (n, step) in [life - SECOND, life, HOUR, -HOUR].into_iter().enumerate() {
            let person = Person::sign_up(&node, &format!("person-{i}-{n}")).await;
            let given = person.get(&node, proof).await;
            node.clock.step(step);
            let expected = if step < life {
                Ok(())
            } else {
                Err(ErrorCode::TokenExpired)
            };
            assert_eq!(
                person.give(&node, proof, &given).await,
                expected,
                "{proof:?} after {step} ms"
            );
            node.clock.step(-step);
            if expected.is_err() {
                // it was refused by the clock alone, and changed nothing
                assert_eq!(person.give(&node, proof, &given).await, Ok(()), "{proof:?}");
            }
        }
    }
}

async fn who_signed_out_stays_out_whatever_the_clock_does(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    for (i, (before, after)) in [(0, HOUR), (0, -HOUR), (HOUR, -HOUR), (-HOUR, HOUR), (-HOUR, 0)]
        .into_iter()
        .enumerate()
    {
        let person = Person::sign_up(&node, &format!("person-{i}")).await;
        let make = json!({ "name": "robot" });
        let robot = send(&node, Some(&person.caller), "api_token.create", &make).await;
        node.clock.step(before);
        send(&node, Some(&person.caller), "auth.logout", &json!({})).await;
        let revoke = json!({ "id": robot["id"] });
        let owner = send(
            &node,
            None,
            "auth.login",
            &json!({ "email": person.email, "password": PASSWORD }),
        )
        .await;
        let owner = node.engine.authenticate(text(&owner["access_token"])).await;
        let owner = owner.expect("a caller").caller;
        send(&node, Some(&owner), "api_token.revoke", &revoke).await;
        node.clock.step(after);
        let access = text(&person.tokens["access_token"]);
        let refresh = text(&person.tokens["refresh_token"]);
        for (proof, given) in [
            (Proof::AccessToken, access),
            (Proof::RefreshToken, refresh),
            (Proof::ApiToken, text(&robot["token"])),
        ] {
            let refused = person.give(&node, proof, given).await.expect_err("a refusal");
            let by_age = proof == Proof::AccessToken && before + after >= HOUR;
            let expected = if by_age {
                ErrorCode::TokenExpired
            } else {
                ErrorCode::TokenRevoked
            };
            assert_eq!(refused, expected, "{proof:?} after {before} and {after} ms");
        }
        node.clock.step(-before - after);
    }
}
