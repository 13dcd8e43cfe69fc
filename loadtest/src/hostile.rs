//! A hostile user: does what one account may do to spoil it for others, from several sockets at an address of its own, and
//! sends the next as soon as the last is answered or refused. Knows nothing of those others.

use crate::accounts::{Account, SOCKET};
use crate::link::Link;
use crate::trouble::Trouble;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use taskwire_protocol::Operation;
use taskwire_protocol::account::Streams;
use taskwire_protocol::batch::{Batch, BatchOp};
use taskwire_protocol::task::SearchTasks;
use tokio::task::JoinSet;

/// The sockets of the user.
const SOCKETS: usize = 16;
/// Mutations in a batch, which is as many as one may have.
const MOST: usize = 100;
/// The number of its first socket: far from those of others, so it has another address.
const FIRST: usize = 20_000;
/// Before a socket that was closed is opened again.
const PAUSE: Duration = Duration::from_millis(20);

/// An attack that goes on until it is dropped.
pub(crate) struct Hostile {
    sockets: JoinSet<Trouble>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    carried_out: AtomicU64,
    refused: AtomicU64,
}

impl Hostile {
    /// Begins.
    pub(crate) fn begin(server: SocketAddr, account: &Account) -> Hostile {
        let (mut sockets, counts) = (JoinSet::new(), Arc::<Counts>::default());
        for n in 0..SOCKETS {
            sockets.spawn(attack(server, account.clone(), n, counts.clone()));
        }
        Hostile { sockets, counts }
    }

    /// How many requests were carried out, and how many were refused, so far.
    ///
    /// # Errors
    /// The attack has ended, so what is measured beside it says nothing.
    pub(crate) fn goes_on(&mut self) -> Result<(u64, u64), Trouble> {
        match self.sockets.try_join_next() {
            None => Ok((
                self.counts.carried_out.load(Relaxed),
                self.counts.refused.load(Relaxed),
            )),
            Some(Ok(trouble)) => Err(trouble),
            Some(Err(error)) => Err(Trouble::setup(error.to_string())),
        }
    }
}

/// Attacks on one socket, and opens it again whenever the server closes it.
async fn attack(server: SocketAddr, account: Account, number: usize, counts: Arc<Counts>) -> Trouble {
    loop {
        match flood(server, &account, number, &counts).await {
            trouble if trouble.may_pass() => tokio::time::sleep(PAUSE).await,
            Trouble::Closed(_) => tokio::time::sleep(PAUSE).await,
            trouble => return trouble,
        }
    }
}

/// Half of the sockets search for what is in every task, the others make batches that are carried out or refused whole.
async fn flood(server: SocketAddr, account: &Account, number: usize, counts: &Counts) -> Trouble {
    let opened = async {
        let mut link = Link::open(server, SOCKET, FIRST + number).await?;
        link.authenticate(&account.token, Streams::These(Vec::new()), None)
            .await?;
        Ok(link)
    };
    let mut link = match opened.await {
        Ok(link) => link,
        Err(trouble) => return trouble,
    };
    let refused = number % 4 == 1;
    loop {
        let asked = if number.is_multiple_of(2) {
            ask(&mut link, &search()).await
        } else {
            ask(&mut link, &batch(refused)).await
        };
        match asked {
            Ok(true) => counts.carried_out.fetch_add(1, Relaxed),
            Ok(false) => counts.refused.fetch_add(1, Relaxed),
            Err(trouble) => return trouble,
        };
    }
}

/// Whether it was carried out.
async fn ask<O: Operation>(link: &mut Link, request: &O) -> Result<bool, Trouble> {
    match link.call(request).await {
        Ok(_) => Ok(true),
        Err(Trouble::Refused(..)) => Ok(false),
        Err(trouble) => Err(trouble),
    }
}

fn search() -> SearchTasks {
    SearchTasks {
        q: "everyw".into(),
        ..SearchTasks::default()
    }
}

/// A batch that makes tasks. One that `is_refused` ends with a task that does not exist, so nothing is stored, and it can be
/// repeated for ever.
fn batch(is_refused: bool) -> Batch {
    let op = |r#type: &str, data: Value| BatchOp {
        r#type: r#type.to_owned(),
        op_id: None,
        data: data.into(),
    };
    let mut ops: Vec<BatchOp> = (1..MOST)
        .map(|n| op("task.create", json!({ "title": format!("everywhere {n}") })))
        .collect();
    if is_refused {
        let nobody = uuid::Uuid::nil();
        ops.push(op("task.update", json!({ "id": nobody, "title": "nowhere" })));
    }
    Batch { ops, atomic: None }
}
