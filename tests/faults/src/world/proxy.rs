//! A TCP proxy that can cut, stall and forget connections. It knows enough of what it carries to lose, double and
//! reorder Redis' messages, and to lose PostgreSQL's answer to a COMMIT.

use super::postgres_wire::Requests;
use super::redis_wire::Noise;
use crate::Failed;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// Which protocol passes through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carries {
    Postgres,
    Redis,
}

/// What the proxy is told to do; shared with all its connections.
pub(crate) struct Controls {
    carries: Carries,
    /// How many more answers to COMMIT to lose.
    pub(crate) swallow: AtomicU32,
    /// Whether Redis' messages are lost, doubled and reordered.
    pub(crate) noise: AtomicBool,
    /// How many messages were lost, doubled and reordered.
    pub(crate) noises: [AtomicU64; 3],
    /// How many answers to COMMIT were lost.
    pub(crate) swallowed: AtomicU64,
    seed: AtomicU64,
    stalled: watch::Sender<bool>,
    /// How often all open connections were forgotten.
    forgotten: AtomicU64,
    /// When the generation rises, connections end: all, or with the flag only those that subscribe.
    cut: watch::Sender<(u64, bool)>,
}

impl Controls {
    /// Ends every connection now; with `subscribers` only those that subscribe.
    pub(crate) fn cut(&self, subscribers: bool) {
        self.cut
            .send_modify(|(generation, only)| (*generation, *only) = (*generation + 1, subscribers));
    }

    /// From now on swallows what both sides of the open connections say, and tells neither of them when the other one
    /// ends. New connections work.
    pub(crate) fn forget(&self) {
        self.forgotten.fetch_add(1, Relaxed);
    }

    /// While stalled nothing passes, but connections stay open.
    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }
}

/// A proxy before a server.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) controls: Arc<Controls>,
}

impl Proxy {
    /// Listens on a free port and forwards to `port`.
    pub(crate) async fn start(carries: Carries, port: u16, seed: u64) -> Result<Proxy, Failed> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let controls = Arc::new(Controls {
            carries,
            swallow: AtomicU32::new(0),
            noise: AtomicBool::new(false),
            noises: [const { AtomicU64::new(0) }; 3],
            swallowed: AtomicU64::new(0),
            seed: AtomicU64::new(seed),
            stalled: watch::Sender::new(false),
            forgotten: AtomicU64::new(0),
            cut: watch::Sender::new((0, false)),
        });
        let proxy = Proxy {
            port: listener.local_addr()?.port(),
            controls: controls.clone(),
        };
        tokio::spawn(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else {
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                tokio::spawn(carry(near, port, controls.clone()));
            }
        });
        Ok(proxy)
    }
}

/// State of a connection that both directions share.
struct Shared {
    /// How often connections had been forgotten when this one was opened.
    born: u64,
    /// The next answer is to a COMMIT, and must be lost.
    swallow: AtomicBool,
    subscribes: AtomicBool,
}

async fn carry(near: TcpStream, port: u16, controls: Arc<Controls>) {
    let mut cut = controls.cut.subscribe();
    cut.mark_unchanged();
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let shared = Shared {
        born: controls.forgotten.load(Relaxed),
        swallow: AtomicBool::new(false),
        subscribes: AtomicBool::new(false),
    };
    let ended = async {
        loop {
            if cut.changed().await.is_err() {
                return;
            }
            if !cut.borrow().1 || shared.subscribes.load(Relaxed) {
                return;
            }
        }
    };
    tokio::select! {
        () = up(near_in, far_out, &controls, &shared) => {}
        () = down(far_in, near_out, &controls, &shared) => {}
        () = ended => {}
    }
}

impl Shared {
    fn is_forgotten(&self, controls: &Controls) -> bool {
        self.born != controls.forgotten.load(Relaxed)
    }
}

/// Reads more. `None` when the connection has ended; a forgotten one never ends for its other side.
async fn more<'b>(
    from: &mut OwnedReadHalf,
    buffer: &'b mut [u8],
    controls: &Controls,
    shared: &Shared,
) -> Option<&'b [u8]> {
    loop {
        let read = from.read(buffer).await.unwrap_or(0);
        match (shared.is_forgotten(controls), read) {
            (true, 0) => std::future::pending().await,
            (true, _) => {}
            (false, 0) => return None,
            (false, read) => return Some(&buffer[..read]),
        }
    }
}

/// From the client to the server.
async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, controls: &Controls, shared: &Shared) {
    let mut requests = Requests::default();
    let mut buffer = vec![0; 64 << 10];
    while let Some(bytes) = more(&mut from, &mut buffer, controls, shared).await {
        match controls.carries {
            Carries::Postgres if requests.commits(bytes) => {
                let one = |left: u32| left.checked_sub(1);
                if controls.swallow.fetch_update(Relaxed, Relaxed, one).is_ok() {
                    shared.swallow.store(true, Relaxed);
                }
            }
            Carries::Redis if !shared.subscribes.load(Relaxed) => {
                let subscribes = bytes.to_ascii_lowercase();
                let subscribes = subscribes.windows(9).any(|word| word == b"subscribe");
                shared.subscribes.store(subscribes, Relaxed);
            }
            _ => {}
        }
        pause(controls).await;
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// From the server to the client.
async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, controls: &Controls, shared: &Shared) {
    let mut noise = Noise::new(controls.seed.fetch_add(1, Relaxed));
    let mut buffer = vec![0; 64 << 10];
    while let Some(bytes) = more(&mut from, &mut buffer, controls, shared).await {
        if shared.swallow.load(Relaxed) {
            // the commit is done, but this connection ends before its answer is passed on
            controls.swallowed.fetch_add(1, Relaxed);
            return;
        }
        pause(controls).await;
        let sent = if controls.carries == Carries::Redis {
            let noisy = controls.noise.load(Relaxed);
            let bytes = noise.pass(bytes, noisy, &controls.noises);
            to.write_all(&bytes).await
        } else {
            to.write_all(bytes).await
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn pause(controls: &Controls) {
    let mut stalled = controls.stalled.subscribe();
    // the sender lives as long as the proxy
    let _ = stalled.wait_for(|stalled| !stalled).await;
}
