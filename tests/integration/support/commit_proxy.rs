//! A TCP proxy before PostgreSQL. It breaks the connection at a COMMIT, or at a write outside a transaction: before the
//! message arrives, or after it was carried out and before its answer arrives. Or it accepts clients and holds their
//! queries, like a server that hangs, or passes answers late, like a long way. Everything else passes unchanged. It does not know what is committed;
//! `postgres_wire` detects that something is.

use super::postgres_wire::Requests;
use sqlx::postgres::PgConnectOptions;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Where the connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The COMMIT never arrives: nothing is committed.
    Before,
    /// The COMMIT is carried out, but its answer is lost.
    After,
}

/// The proxy. It ends with the test; connections through it break then.
pub struct CommitProxy {
    url: String,
    plan: Arc<Plan>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Plan {
    before: AtomicUsize,
    after: AtomicUsize,
    cuts: AtomicUsize,
    silent: watch::Sender<bool>,
    /// How many milliseconds an answer is under way.
    way: AtomicU64,
}

impl Plan {
    /// Waits while queries are held back.
    async fn passing(&self) {
        // the sender lives as long as the plan
        let _ = self.silent.subscribe().wait_for(|silent| !silent).await;
    }

    /// Takes one of the requested cuts, if one is left.
    fn take(&self) -> Option<Cut> {
        let take = |left: &AtomicUsize| {
            let less = |left: usize| left.checked_sub(1);
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
                .is_ok()
        };
        let cut = if take(&self.before) {
            Cut::Before
        } else if take(&self.after) {
            Cut::After
        } else {
            return None;
        };
        self.cuts.fetch_add(1, Ordering::SeqCst);
        Some(cut)
    }
}

/// State that the two directions of a connection share.
#[derive(Default)]
struct Pair {
    /// While set, the server's bytes are not passed on.
    mute: AtomicBool,
    /// The server has sent something since.
    answered: Notify,
}

impl CommitProxy {
    /// Starts a proxy before the server of this URL.
    pub async fn start(upstream: &str) -> CommitProxy {
        let options = PgConnectOptions::from_str(upstream).expect("a URL of PostgreSQL");
        let server = format!("{}:{}", options.get_host(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let url = super::database::through(upstream, address);
        let plan = Arc::new(Plan::default());
        let accepting = tokio::spawn(accept(listener, server, plan.clone()));
        CommitProxy { url, plan, accepting }
    }

    /// The URL of the same database through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Breaks the connections of the next `commits` COMMITs.
    pub fn cut(&self, cut: Cut, commits: usize) {
        let left = match cut {
            Cut::Before => &self.plan.before,
            Cut::After => &self.plan.after,
        };
        left.fetch_add(commits, Ordering::SeqCst);
    }

    /// While `silent`, accepts connections but holds their queries back.
    pub fn silence(&self, silent: bool) {
        self.plan.silent.send_replace(silent);
    }

    /// From now on, each answer is under way for that time.
    pub fn lengthen(&self, way: Duration) {
        let way = u64::try_from(way.as_millis()).expect("a short time");
        self.plan.way.store(way, Ordering::SeqCst);
    }

    /// How many connections were cut so far.
    pub fn cuts(&self) -> usize {
        self.plan.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for CommitProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: String, plan: Arc<Plan>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let (server, plan) = (server.clone(), plan.clone());
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(server).await {
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let pair = Pair::default();
                // whichever direction ends first ends both: dropping the halves closes the sockets
                tokio::select! {
                    _ = forward(from_client, to_server, &plan, &pair) => {}
                    _ = back(from_server, to_client, &plan, &pair) => {}
                }
            }
        });
    }
}

/// Passes bytes from the server to the client.
async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, plan: &Plan, pair: &Pair) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        if pair.mute.load(Ordering::SeqCst) {
            pair.answered.notify_one();
        } else {
            let way = plan.way.load(Ordering::SeqCst);
            if way > 0 {
                tokio::time::sleep(Duration::from_millis(way)).await;
            }
            to.write_all(&bytes[..read]).await?;
        }
    }
}

/// Passes bytes from the client to the server. Returns when the connection must break.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    plan: &Plan,
    pair: &Pair,
) -> io::Result<()> {
    let mut requests = Requests::default();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        // Query and Parse messages, but not the handshake
        if matches!(bytes[0], b'Q' | b'P') {
            plan.passing().await;
        }
        let cut = if requests.commits(&bytes[..read]) {
            plan.take()
        } else {
            None
        };
        if cut == Some(Cut::Before) {
            return Ok(());
        }
        // the client has read all earlier answers, so what the server sends next answers this message
        pair.mute.store(cut.is_some(), Ordering::SeqCst);
        to.write_all(&bytes[..read]).await?;
        if cut == Some(Cut::After) {
            // the server answers a prepared statement only after its Sync message, which may still have to pass
            tokio::select! {
                passed = tokio::io::copy(&mut from, &mut to) => drop(passed?),
                () = pair.answered.notified() => {}
            }
            return Ok(());
        }
    }
}
