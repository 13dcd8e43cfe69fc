//! A TCP proxy between a server and what it depends on. It can cut all connections, stall them without a byte, swallow
//! what the open ones say, and heal. It does not know what the bytes mean.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A proxy on its own port. It and its connections end with the test.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    accepting: JoinHandle<()>,
}

/// What the connections do.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// The number of cuts: a cut ends all older connections.
    cuts: u64,
    /// New connections are refused.
    refusing: bool,
    /// No byte passes, in either direction.
    stalled: bool,
    /// The number of losses: every older connection is dead without a word.
    losses: u64,
}

impl Proxy {
    /// Starts a proxy that passes everything on to `upstream`.
    pub async fn start(upstream: SocketAddr) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (state, watched) = watch::channel(State::default());
        let accepting = tokio::spawn(accept(listener, upstream, watched));
        Proxy {
            address,
            state: Arc::new(state),
            accepting,
        }
    }

    /// Where to connect instead of the upstream.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections, and new ones too until [`Proxy::heal`].
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.refusing = true;
        });
    }

    /// Resets all connections; accepts new ones.
    pub fn break_links(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// From now on takes what both sides of the open connections say, and passes nothing on, like a firewall that has
    /// forgotten them. Neither side learns that the other one ended. New connections work.
    pub fn forget_links(&self) {
        self.state.send_modify(|state| state.losses += 1);
    }

    /// Accepts new connections, and passes bytes again.
    pub fn heal(&self) {
        self.state.send_modify(|state| {
            state.refusing = false;
            state.stalled = false;
        });
    }

    /// While `stalled`, holds every byte back without ending a connection. The bytes arrive afterwards.
    pub fn stall(&self, stalled: bool) {
        self.state.send_modify(|state| state.stalled = stalled);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, state: watch::Receiver<State>) {
    loop {
        let Ok((near, _)) = listener.accept().await else {
            continue;
        };
        let (mut state, refusing) = (state.clone(), state.borrow().refusing);
        state.mark_unchanged();
        tokio::spawn(async move {
            if !refusing && let Ok(far) = TcpStream::connect(upstream).await {
                pass(&near, far, state).await;
            }
            // reset: the other side learns at once that the connection has ended
            let _ = near.set_zero_linger();
        });
    }
}

/// Passes bytes until one side ends, the connections are cut, or the proxy is dropped.
async fn pass(near: &TcpStream, far: TcpStream, state: watch::Receiver<State>) {
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (cuts, losses) = (state.borrow().cuts, state.borrow().losses);
    let (mut cutting, mut states) = (state.clone(), [state.clone(), state]);
    let [up, down] = &mut states;
    tokio::select! {
        () = copy(near, &far, up, losses) => {}
        () = copy(&far, near, down, losses) => {}
        _ = cutting.wait_for(|state| state.cuts != cuts) => {}
    }
    let _ = far.set_zero_linger();
}

async fn copy(from: &TcpStream, to: &TcpStream, state: &mut watch::Receiver<State>, losses: u64) {
    let mut room = vec![0; 16 * 1024];
    loop {
        if from.readable().await.is_err() {
            return;
        }
        // wait before reading: bytes that wait in the kernel are not lost when the connection is cut meanwhile
        if state.wait_for(|state| !state.stalled).await.is_err() {
            return;
        }
        let read = from.try_read(&mut room);
        let lost = state.borrow().losses != losses;
        let read = match read {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            // the other side never learns of the end
            Ok(0) | Err(_) if lost => std::future::pending().await,
            Ok(0) | Err(_) => return,
            Ok(_) if lost => continue,
            Ok(read) => read,
        };
        let mut rest = &room[..read];
        while !rest.is_empty() {
            if to.writable().await.is_err() {
                return;
            }
            match to.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    /// A server that sends back what it receives.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut link, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = link.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn said(link: &mut TcpStream) -> bool {
        let mut back = [0; 2];
        link.write_all(b"hi").await.is_ok() && link.read_exact(&mut back).await.is_ok()
    }

    #[tokio::test]
    async fn a_proxy_passes_holds_back_forgets_cuts_and_heals() {
        let proxy = Proxy::start(echo().await).await;
        let mut link = TcpStream::connect(proxy.address()).await.expect("a link");
        assert!(said(&mut link).await);
        proxy.stall(true);
        let held = timeout(Duration::from_millis(200), said(&mut link)).await;
        assert!(held.is_err(), "a byte passed");
        proxy.stall(false);
        let mut back = [0; 2];
        link.read_exact(&mut back).await.expect("what was held back");
        proxy.cut();
        assert!(!said(&mut link).await);
        let mut refused = TcpStream::connect(proxy.address()).await.expect("a link");
        assert!(!said(&mut refused).await);
        proxy.heal();
        let mut link = TcpStream::connect(proxy.address()).await.expect("a link");
        assert!(said(&mut link).await);
        proxy.forget_links();
        let lost = timeout(Duration::from_millis(200), said(&mut link)).await;
        assert!(lost.is_err(), "a forgotten connection said something");
        let mut link = TcpStream::connect(proxy.address()).await.expect("a link");
        assert!(said(&mut link).await);
        proxy.break_links();
        assert!(!said(&mut link).await);
        let mut link = TcpStream::connect(proxy.address()).await.expect("a link");
        assert!(said(&mut link).await);
    }
}
