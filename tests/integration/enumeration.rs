//! What strangers learn from answers and from their times about who has an account: nothing. Each comparison takes samples
//! of both kinds in random order and compares their ranks (the statistic of Mann and Whitney), so that one slow answer, or a
//! machine that becomes slow, counts for both kinds alike.

use crate::on_both_databases;
use crate::support::{Client, Engine, PASSWORD, Server, http, mails};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    sign_ins_that_fail_take_as_long_whether_or_not_there_is_an_account,
    answers_do_not_tell_who_has_an_account,
    who_may_not_add_strangers_does_not_learn_who_has_an_account,
);

const VERIFY: &str = "Verify your e-mail address";

/// Samples of each kind.
const SAMPLES: usize = 24;
/// The most pairs, as a share, in which one kind may be slower than the other. By chance it is a half, with a standard
/// deviation of 0.084 for 24 samples of each: 0.92 is five of them, once in three million comparisons.
const MOST: f64 = 0.92;

/// The times of answers to requests of several kinds.
#[derive(Debug)]
struct Times(Vec<Vec<Duration>>);

impl Times {
    /// Asks in each of these kinds, in random order; each answer must be the same. The second argument counts the rounds.
    async fn of(kinds: usize, mut ask: impl AsyncFnMut(usize, usize) -> Value) -> Times {
        let (mut times, mut answers) = (vec![Vec::new(); kinds], Vec::new());
        for round in 0..SAMPLES {
            let mut order: Vec<usize> = (0..kinds).collect();
            order.sort_by_cached_key(|_| rand::random::<u32>());
            for kind in order {
                let begun = Instant::now();
                answers.push(ask(kind, round).await);
                times[kind].push(begun.elapsed());
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        Times(times)
    }

    /// Asserts that no kind is slower or faster than the first one by more than what nobody can see through a network: half
    /// a millisecond, and a twentieth.
    fn are_alike(&self, what: &str) {
        for (kind, other) in self.0.iter().enumerate().skip(1) {
            for (slow, fast) in [(&self.0[0], other), (other, &self.0[0])] {
                let margin = Duration::from_micros(500) + middle(fast) / 20;
                let share = share_of_slower(slow, fast, margin);
                println!("{what}, {kind}: {:?} {:?} {share:.2}", middle(slow), middle(fast));
                assert!(
                    share <= MOST,
                    "{what}: kind {kind} shows: one takes longer in {share:.2} of all pairs, {:?} against {:?}",
                    middle(slow),
                    middle(fast)
                );
            }
        }
    }
}

/// The pairs in which the first one took longer than the second one by more than the margin, as a share.
fn share_of_slower(slow: &[Duration], fast: &[Duration], margin: Duration) -> f64 {
    let pairs = slow
        .iter()
        .flat_map(|one| fast.iter().map(move |other| (one, other)));
    let slower = pairs.filter(|(one, other)| **one > **other + margin).count();
    slower as f64 / (slow.len() * fast.len()) as f64
}

fn middle(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2]
}

/// A comparison that never fails would pass all tests of this module.
#[test]
fn a_difference_in_times_is_found() {
    let times = |ms: u64| (0..30).map(move |i| Duration::from_micros(ms * 1000 + i * 40));
    let (fast, slow): (Vec<_>, Vec<_>) = (times(20).collect(), times(25).collect());
    Times(vec![slow.clone(), slow.clone()]).are_alike("the same");
    for other in [vec![slow.clone(), fast.clone()], vec![fast, slow]] {
        let shown = std::panic::catch_unwind(|| Times(other).are_alike("others"));
        assert!(shown.is_err());
    }
}

/// Takes a member away.
fn forget(value: &mut Value, member: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(member);
    }
}

async fn post(server: &Server, path: &str, body: &Value) -> Value {
    let answer = http::post(server, &format!("/v1/auth/{path}"), body).await;
    let status = answer.status().as_u16();
    let mut body: Value = answer.json().await.expect("JSON");
    forget(&mut body, "request_id");
    json!([status, body])
}

async fn sign_ins_that_fail_take_as_long_whether_or_not_there_is_an_account(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    http::sign_up(&server, "ada").await;
    http::sign_up(&server, "gone").await;
    server
        .database
        .execute("update users set is_active = false where email = 'gone@example.com'")
        .await;
    let long = "x".repeat(200);
    let wrong = "a wrong password";
    let kinds = [
        ("ada@example.com", wrong),
        ("nobody@example.com", wrong),
        ("gone@example.com", wrong),
        ("no address at all", wrong),
        ("ada@example.com", &*long),
        ("nobody@example.com", &*long),
    ];
    let times = Times::of(kinds.len(), async |kind, _| {
        let (email, password) = kinds[kind];
        let login = json!({ "email": email, "password": password });
        let answer = post(&server, "login", &login).await;
        let seen = (&answer[0], &answer[1]["error"]["code"]);
        assert_eq!(seen, (&json!(401), &json!("INVALID_CREDENTIALS")));
        answer
    });
    times.await.are_alike("login");
}

async fn answers_do_not_tell_who_has_an_account(engine: Engine) {
    // most of the time is spent waiting, because some answers take at least a tenth of a second
    tokio::join!(
        nobody_learns_who_has_an_account(engine, false),
        nobody_learns_who_has_an_account(engine, true)
    );
}

async fn nobody_learns_who_has_an_account(engine: Engine, is_verified: bool) {
    let server = Server::start(engine, &[("require_verified_email", "true")]).await;
    let signup = |email: &str| json!({ "email": email, "name": "Somebody", "password": PASSWORD });
    post(&server, "signup", &signup("known@example.com")).await;
    let mail = mails::nth(&server, 1, "known@example.com", VERIFY).await;
    if is_verified {
        let code = json!({ "email": "known@example.com", "code": mail.code() });
        assert_eq!(post(&server, "verify-email", &code).await[0], 200);
    }
    let address = |kind: usize, i: usize| match kind {
        0 => "known@example.com".to_owned(),
        _ => format!("unknown-{i}@example.com"),
    };
    for path in ["resend-verification", "forgot-password"] {
        let times = Times::of(2, async |kind, i| {
            let answer = post(&server, path, &json!({ "email": address(kind, i) })).await;
            assert_eq!(answer, json!([202, {}]));
            answer
        });
        times.await.are_alike(path);
    }
    let times = Times::of(2, async |kind, i| {
        let answer = post(&server, "signup", &signup(&address(kind, i))).await;
        assert_eq!(answer, json!([202, { "status": "verify_email" }]));
        answer
    });
    times.await.are_alike("signup");
    // of an account that is not verified there is a code to compare with, and here also one to reset the password
    let path = if is_verified {
        "reset-password"
    } else {
        "verify-email"
    };
    let times = Times::of(2, async |kind, i| {
        let mut body = json!({ "email": address(kind, 1000 + i), "code": "000000" });
        if is_verified {
            body["new_password"] = json!("coffee at a quarter to nine");
        }
        let answer = post(&server, path, &body).await;
        let seen = (&answer[0], &answer[1]["error"]["code"]);
        assert_eq!(seen, (&json!(401), &json!("INVALID_TOKEN")));
        answer
    });
    times.await.are_alike(path);
    assert!(mails::kept_for(&server, "unknown-1001@example.com", VERIFY).is_empty());
}

/// An administrator of a workspace learns it, some times an hour; nobody else, and nobody more often.
async fn who_may_not_add_strangers_does_not_learn_who_has_an_account(engine: Engine) {
    let settings = [
        ("rate_limit_enabled", "true"),
        ("trusted_proxies", "127.0.0.1"),
        ("strangers_per_hour", "3"),
        ("ops_per_second", "10000"),
    ];
    let server = Server::start(engine, &settings).await;
    let mut people = Vec::new();
    for (i, name) in ["owner", "member", "known"].iter().enumerate() {
        let body = json!({ "email": format!("{name}@example.com"), "name": name, "username": name,
            "password": PASSWORD, "token_delivery": "body" });
        let request = http::request(&server, reqwest::Method::POST, "/v1/auth/signup");
        let request = request.header("x-forwarded-for", format!("192.0.2.{i}"));
        let tokens = request.json(&body).send().await.expect("an answer");
        people.push(tokens.json().await.expect("tokens"));
    }
    let mut owner = Client::with_tokens(&server, &people[0], json!({ "streams": [] })).await;
    let mut member = Client::with_tokens(&server, &people[1], json!({ "streams": [] })).await;
    let team = owner.ok("workspace.create", json!({ "name": "Team" })).await;
    let add = |email: String| json!({ "workspace_id": team["id"], "email": email, "role": "member" });
    owner.ok("member.add", add("member@example.com".into())).await;
    for i in 0..2 {
        let refused = owner.refused("member.add", add(format!("{i}@example.com"))).await;
        assert_eq!(refused["code"], "NOT_FOUND");
    }
    for (who, code) in [(&mut member, "FORBIDDEN"), (&mut owner, "RATE_LIMITED")] {
        let times = Times::of(2, async |kind, i| {
            let email = match kind {
                0 => "known".to_owned(),
                _ => format!("unknown-{i}"),
            };
            let mut refused = who
                .refused("member.add", add(format!("{email}@example.com")))
                .await;
            assert_eq!(refused["code"], code);
            for differs in ["request_id", "retry_after_ms"] {
                forget(&mut refused, differs);
            }
            refused
        });
        times.await.are_alike(code);
    }
}
