//! How much of what was sent to a TCP peer it has not acknowledged yet: a peer that takes bytes is alive, however
//! slowly. Linux tells it by a netlink socket (`sock_diag(7)`), one question for one connection; its other ways to ask,
//! `SIOCOUTQ` and `TCP_INFO`, have no safe wrapper. Ask only when a deadline has come: it is a system call. Says when
//! a silent peer is dead; does not end connections.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// A peer that neither sends nor takes anything for this long is dead.
pub const SILENCE: Duration = Duration::from_secs(8);

/// How long we wait for the peer's end of a connection that we have ended. What it still sends is read and discarded:
/// closing with unread bytes resets the connection, and the reset overtakes what we sent.
pub const LINGER: Duration = Duration::from_secs(2);

/// The most bytes that are discarded.
pub const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// The time between two looks at a peer that has not taken everything.
const BETWEEN: Duration = Duration::from_secs(2);

/// How much a peer has taken of what was sent to it.
#[derive(Clone, Copy, Debug)]
pub struct Uptake {
    /// How many bytes it has acknowledged, modulo 2^32.
    pub taken: u32,
    /// How many bytes it has not acknowledged.
    pub left: u32,
}

impl Uptake {
    /// Asks the system, after `sent` bytes (modulo 2^32) were written. `None` where it does not tell.
    pub fn of(tcp: &TcpStream, sent: u32) -> Option<Uptake> {
        let left = unacknowledged(tcp)?;
        let taken = sent.wrapping_sub(left);
        Some(Uptake { taken, left })
    }
}

/// What a peer had taken at the last look, and since when it has taken no more.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    bytes: u32,
    since: Instant,
}

impl Taken {
    /// The peer's time begins at `since`.
    pub fn new(uptake: Uptake, since: Instant) -> Taken {
        let bytes = uptake.taken;
        Taken { bytes, since }
    }

    /// Another look. Returns when to look next; `None` when the peer is dead: it has taken nothing for [`SILENCE`].
    pub fn look(&mut self, uptake: Uptake, now: Instant) -> Option<Instant> {
        if uptake.taken != self.bytes {
            *self = Taken::new(uptake, now);
        }
        let dead = self.dead_at();
        // one that has everything can only answer
        let next = if uptake.left == 0 {
            dead
        } else {
            dead.min(now + BETWEEN)
        };
        (now < dead).then_some(next)
    }

    /// When the peer is dead if it takes nothing more.
    pub fn dead_at(&self) -> Instant {
        self.since + SILENCE
    }
}

/// How many bytes the peer has not acknowledged: those that wait in our kernel, and those on their way. `None` where the
/// system does not tell.
fn unacknowledged(tcp: &TcpStream) -> Option<u32> {
    #[cfg(target_os = "linux")]
    return linux::queued(tcp.local_addr().ok()?, tcp.peer_addr().ok()?);
    #[cfg(not(target_os = "linux"))]
    None
}

/// Whether the system tells what the peers of this listener's connections have acknowledged.
pub fn is_told(listener: &TcpListener) -> bool {
    #[cfg(target_os = "linux")]
    return linux::finds(listener);
    #[cfg(not(target_os = "linux"))]
    false
}

/// The peer is dead: the kernel forgets soon what it has not taken.
pub fn give_up(tcp: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _gone = socket2::SockRef::from(tcp).set_tcp_user_timeout(Some(SILENCE));
    #[cfg(not(target_os = "linux"))]
    let _ = tcp;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Read as _, Write as _};
    use std::net::{IpAddr, SocketAddr};
    use std::sync::{LazyLock, Mutex, PoisonError};

    use socket2::{Domain, Protocol, Socket, Type};
    use tokio::net::TcpListener;

    /// `AF_NETLINK`, and its protocol `NETLINK_SOCK_DIAG`.
    const NETLINK: i32 = 16;
    const DIAGNOSES: i32 = 4;
    /// The type of a question and of its answer, `SOCK_DIAG_BY_FAMILY`.
    const BY_FAMILY: u16 = 20;
    /// A netlink header's flag of a request.
    const REQUEST: u16 = 1;
    const QUESTION_BYTES: u32 = 72;
    const TCP: u8 = 6;
    const IPV4: u8 = 2;
    const IPV6: u8 = 10;
    /// Any state, and a connection without a cookie.
    const ANY: [u8; 4] = [0xff; 4];
    /// Where an answer has its type, and how many bytes wait to be acknowledged.
    const TYPE: usize = 4;
    const QUEUED: usize = 76;

    /// The socket on which the kernel answers.
    static KERNEL: LazyLock<Option<Mutex<Socket>>> = LazyLock::new(|| {
        let kind = Some(Protocol::from(DIAGNOSES));
        let socket = Socket::new(Domain::from(NETLINK), Type::RAW, kind).ok()?;
        // an answer is there when the question was sent, or never
        socket.set_nonblocking(true).ok()?;
        Some(Mutex::new(socket))
    });

    /// Whether the kernel finds the listener, as it will find the listener's connections.
    pub(super) fn finds(listener: &TcpListener) -> bool {
        let found = listener.local_addr().ok().and_then(|local| {
            let mut nobody = local;
            nobody.set_port(1);
            queued(local, nobody)
        });
        found.is_some()
    }

    /// How many bytes wait in the send queue of the connection between two addresses.
    pub(super) fn queued(local: SocketAddr, peer: SocketAddr) -> Option<u32> {
        let question = question(local, peer);
        let kernel = KERNEL.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut kernel, mut answer) = (&*kernel, [0; 1024]);
        kernel.write_all(&question).ok()?;
        let length = kernel.read(&mut answer).ok()?;
        let answer = answer.get(..length)?;
        let kind = u16::from_ne_bytes(*answer.get(TYPE..)?.first_chunk()?);
        let queued = u32::from_ne_bytes(*answer.get(QUEUED..)?.first_chunk()?);
        (kind == BY_FAMILY).then_some(queued)
    }

    /// A netlink header and `inet_diag_req_v2`, as in `linux/inet_diag.h`.
    fn question(local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(QUESTION_BYTES as usize);
        bytes.extend(QUESTION_BYTES.to_ne_bytes());
        bytes.extend(BY_FAMILY.to_ne_bytes());
        bytes.extend(REQUEST.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend([if local.is_ipv4() { IPV4 } else { IPV6 }, TCP, 0, 0]);
        bytes.extend(ANY);
        bytes.extend(local.port().to_be_bytes());
        bytes.extend(peer.port().to_be_bytes());
        for address in [local, peer] {
            match address.ip() {
                IpAddr::V4(address) => {
                    bytes.extend(address.octets());
                    bytes.extend([0; 12]);
                }
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
        bytes.extend([0; 4]);
        bytes.extend([ANY, ANY].concat());
        bytes
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// The listener listens on `at`, and the peer connects to `to`.
    async fn pair(at: &str, to: &str) -> (TcpListener, TcpStream, TcpStream) {
        let listener = TcpListener::bind((at, 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let peer = TcpStream::connect((to, port)).await.expect("a connection");
        let (tcp, _) = listener.accept().await.expect("the other end");
        (listener, tcp, peer)
    }

    #[tokio::test]
    async fn the_kernel_tells_what_a_peer_has_not_taken() {
        for (at, to) in [
            ("127.0.0.1", "127.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("::1", "::1"),
            ("::", "127.0.0.1"),
        ] {
            let (listener, mut tcp, mut peer) = pair(at, to).await;
            assert!(is_told(&listener), "{at}");
            assert_eq!(unacknowledged(&tcp), Some(0), "{at}");
            let mut sent = 0;
            while let Ok(Ok(written)) =
                tokio::time::timeout(Duration::from_millis(200), tcp.write(&[0; 4096])).await
            {
                sent += written;
            }
            let full = unacknowledged(&tcp).expect("an answer");
            assert!(full > 0 && (full as usize) < sent, "{at}: {full} of {sent} bytes");
            let mut taken = vec![0; sent];
            peer.read_exact(&mut taken).await.expect("all that was sent");
            let empty = async {
                while unacknowledged(&tcp) != Some(0) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(10), empty)
                .await
                .expect("all acknowledged");
        }
    }

    #[tokio::test]
    async fn nothing_is_told_about_a_connection_that_is_gone() {
        let (_listener, tcp, peer) = pair("127.0.0.1", "127.0.0.1").await;
        let (local, remote) = (peer.local_addr().expect("open"), peer.peer_addr().expect("open"));
        peer.set_zero_linger().expect("open");
        drop((tcp, peer));
        assert_eq!(linux::queued(local, remote), None);
    }
}
