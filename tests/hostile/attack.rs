//! An attack: one user sends the same request again and again, from several sockets.

use super::Line;
use crate::support::{Server, eventually};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::task::JoinSet;

/// What an attacker asks for.
#[derive(Clone)]
pub struct Ask {
    pub name: &'static str,
    /// JSON.
    pub data: String,
    /// What each answer has in it, so that no limit refuses the request before it costs anything.
    pub answer: &'static str,
}

/// How much of it.
pub struct Force {
    pub sockets: usize,
    /// On each socket, all the time.
    pub under_way: usize,
}

/// An attack that goes on until it is dropped.
pub struct Attack {
    lines: JoinSet<()>,
    answered: Arc<AtomicU64>,
}

impl Attack {
    /// Begins, and waits for the first answer.
    pub async fn begin(server: &Server, from: Ipv4Addr, tokens: &Value, force: Force, ask: Ask) -> Attack {
        let (mut lines, answered) = (JoinSet::new(), Arc::default());
        for _ in 0..force.sockets {
            let line = Line::open(server, from, tokens).await;
            lines.spawn(flood(line, force.under_way, ask.clone(), Arc::clone(&answered)));
        }
        let mut attack = Attack { lines, answered };
        eventually("an answer to the attacker", async || {
            attack.goes_on();
            (attack.answered() > 0).then_some(())
        })
        .await;
        attack
    }

    /// How many requests were carried out or refused so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Checks that each socket still has all its requests under way.
    pub fn goes_on(&mut self) {
        if let Some(ended) = self.lines.try_join_next() {
            panic!("a socket of the attacker has ended: {ended:?}");
        }
    }
}

async fn flood(mut line: Line, under_way: usize, ask: Ask, answered: Arc<AtomicU64>) {
    for _ in 0..under_way {
        line.send(ask.name, &ask.data).await;
    }
    while let Some(answer) = line.answer().await {
        // what waits for very long behind others is sent away, and costs nothing
        if !answer.contains("\"UNAVAILABLE\"") {
            assert!(answer.contains(ask.answer), "{answer}");
            answered.fetch_add(1, Relaxed);
        }
        line.send(ask.name, &ask.data).await;
    }
}
