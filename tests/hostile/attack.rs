//! An attack: the same requests again and again, on several sockets or connections.

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
    /// Operations with their data, which is JSON: one after the other, and the first after the last. The sockets begin at
    /// different ones.
    pub requests: Vec<(&'static str, String)>,
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
    /// One user who asks on several sockets. Waits for the first answer.
    pub async fn begin(server: &Server, from: Ipv4Addr, tokens: &Value, force: Force, ask: Ask) -> Attack {
        let mut open = Vec::new();
        for n in 0..force.sockets {
            let first = n * ask.requests.len() / force.sockets;
            open.push((first, Line::open(server, from, tokens).await));
        }
        let flood = |(first, line), answered| flood(line, first, force.under_way, ask.clone(), answered);
        Attack::of(open, flood).await
    }

    /// What goes on with each of these until the attack is dropped, and counts its answers. Waits for the first answer.
    pub async fn of<T, F>(
        lines: impl IntoIterator<Item = T>,
        goes_on: impl Fn(T, Arc<AtomicU64>) -> F,
    ) -> Attack
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let answered = Arc::default();
        let lines = lines.into_iter().map(|line| goes_on(line, Arc::clone(&answered)));
        let mut attack = Attack {
            lines: lines.collect(),
            answered,
        };
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

    /// Checks that none of its parts has ended.
    pub fn goes_on(&mut self) {
        if let Some(ended) = self.lines.try_join_next() {
            panic!("a part of the attack has ended: {ended:?}");
        }
    }
}

async fn flood(mut line: Line, first: usize, under_way: usize, ask: Ask, answered: Arc<AtomicU64>) {
    let mut requests = ask.requests.iter().cycle().skip(first);
    for (name, data) in requests.by_ref().take(under_way) {
        line.send(name, data).await;
    }
    while let Some(answer) = line.answer().await {
        // what waits for very long behind others is sent away, and costs nothing
        if !answer.contains("\"UNAVAILABLE\"") && !answer.contains("\"TIMEOUT\"") {
            assert!(answer.contains(ask.answer), "{answer}");
            answered.fetch_add(1, Relaxed);
        }
        if let Some((name, data)) = requests.next() {
            line.send(name, data).await;
        }
    }
}
