//! Somebody who works on a server while others attack it, and measures how long that takes.

use super::{Attack, Line, sign_up};
use crate::support::{PASSWORD, PATIENCE, Server, http};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// Where the victim is.
pub const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// How many tasks the victim makes on an idle server, after the first ones, which take longer.
const IDLE: usize = 200;
const FIRST: usize = 20;
/// How many tasks the victim makes beside an attack in each round, at least.
const ROUND: usize = 300;
/// The machine does other things too, so one good round is enough. Who is not served fairly has none.
const ROUNDS: usize = 4;
/// How many requests of the attacker are answered in each round at least: who measures only the time in between sees no
/// attack.
const ATTACKS: u64 = 2;
/// What a mutation may take in any case. A server without optimization takes several times as long for the same work.
const BAR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 200 } else { 50 });
/// What none may take, not even one that meets a costly mutation of the attacker.
const MOST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 });
/// Who works now and then makes so many tasks, one in each such time at most.
const NOW_AND_THEN: usize = 60;
const PACE: Duration = Duration::from_millis(50);

/// The victim.
pub struct Victim {
    line: Line,
    pub tokens: Value,
    /// What a mutation may take.
    allowed: Duration,
}

impl Victim {
    /// A new user, who has worked on the server for a moment, alone.
    pub async fn at_rest(server: &Server) -> Victim {
        let tokens = sign_up(server, HOME, "victim").await;
        let line = Line::open(server, HOME, &tokens).await;
        let allowed = BAR;
        let mut victim = Victim {
            line,
            tokens,
            allowed,
        };
        for _ in 0..FIRST {
            victim.makes_a_task().await;
        }
        let mut idle = Vec::new();
        for _ in 0..IDLE {
            idle.push(victim.makes_a_task().await);
        }
        idle.sort_unstable();
        victim.allowed = BAR.max(5 * idle[IDLE * 99 / 100]);
        victim
    }

    /// Works beside an attack that is under way: 99 of 100 mutations take no longer than is allowed. A debt is for a second
    /// at most, so one more may meet a costly mutation of the attacker in each second, which takes it [`MOST`] of all.
    pub async fn endures(&mut self, server: &Server, attack: &mut Attack) {
        let mut rounds = Vec::new();
        loop {
            let (begun, until) = (Instant::now(), attack.answered() + ATTACKS);
            let (mut made, mut slow, mut enough) = (0, Vec::new(), begun);
            while made < ROUND || attack.answered() < until {
                assert!(
                    enough.elapsed() < 2 * PATIENCE || made < ROUND,
                    "the attacker gets no answers"
                );
                let took = self.makes_a_task().await;
                made += 1;
                if made == ROUND {
                    enough = Instant::now();
                }
                slow.extend((took > self.allowed).then_some(took));
            }
            attack.goes_on();
            let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap_or_default();
            if slow.len() <= made / 100 + seconds && slow.iter().all(|took| *took <= MOST) {
                break;
            }
            rounds.push((made, slow));
            assert!(
                rounds.len() < ROUNDS,
                "more than {:?} took, of so many task.create, these, of which none may take {MOST:?}: {rounds:?}",
                self.allowed
            );
        }
        let login = json!({ "email": "victim@example.com", "password": PASSWORD, "token_delivery": "body" });
        let answer = http::post_from(server, HOME.into(), "/v1/auth/login", &login).await;
        assert_eq!(answer.status(), 200, "a sign-in");
        let health = http::get_from(server, HOME.into(), "/livez").await;
        assert_eq!(health.status(), 200, "the health check");
        attack.goes_on();
    }

    /// Works now and then beside an attack of costly mutations, so that the writer is idle in between: most mutations meet
    /// none of these.
    pub async fn endures_now_and_then(&mut self, attack: &mut Attack) {
        let (mut slow, answered) = (Vec::new(), attack.answered());
        let mut times = tokio::time::interval(PACE);
        // a slow one is not followed by one at once, which would be quick
        times.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for _ in 0..NOW_AND_THEN {
            times.tick().await;
            let took = self.makes_a_task().await;
            slow.extend((took > PACE).then_some(took));
        }
        attack.goes_on();
        assert!(attack.answered() > answered, "the attacker gets no answers");
        assert!(
            slow.len() <= NOW_AND_THEN / 3,
            "more than {PACE:?} took, of {NOW_AND_THEN} task.create, these: {slow:?}"
        );
    }

    /// Returns how long it took.
    async fn makes_a_task(&mut self) -> Duration {
        let asked = Instant::now();
        self.line.ok("task.create", r#"{"title":"tea"}"#).await;
        asked.elapsed()
    }

    /// Works until nobody wants it any more.
    pub async fn keeps_on(mut self) {
        loop {
            self.makes_a_task().await;
        }
    }
}
