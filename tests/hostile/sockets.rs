//! Strangers on many sockets, as many as there may be and more: they fragment large messages and never finish one, or open and
//! drop sockets as fast as they can.

use super::{Attack, QUICK, Victim, attacker, metric, server};
use crate::on_both_databases;
use crate::support::raw::{self, Raw};
use crate::support::{Engine, Server};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

on_both_databases!(
    fragments_of_messages_that_never_end_delay_nobody,
    sockets_that_are_opened_and_dropped_delay_nobody,
);

/// The sockets that there may be, and those that want to be.
const ROOM: &str = "400";
const SOCKETS: u8 = 240;
/// Sockets that one part of the attack holds at the same time.
const EACH: usize = 3;
/// The sockets come from so many networks. One of them has as many as all others together, which is more than it may have.
const NETWORKS: u8 = 8;
/// Before another try of one who got no socket, and between two fragments: this program works for the victim too.
const PAUSE: Duration = Duration::from_millis(5);
const BETWEEN: Duration = Duration::from_millis(200);
/// Bytes of a fragment. A message may have 64 KiB.
const FRAGMENT: usize = 2_000;

/// A server on which so many sockets may be open.
async fn small(engine: Engine) -> Server {
    let mut settings = QUICK.to_vec();
    settings.push(("max_sockets", ROOM));
    server(engine, &settings).await
}

/// Where a stranger is.
fn network(n: u8) -> Ipv4Addr {
    attacker(if n.is_multiple_of(2) {
        30
    } else {
        31 + n % NETWORKS
    })
}

/// A socket, if the server takes it.
async fn open(server: SocketAddr, from: Ipv4Addr) -> Option<Raw> {
    let mut raw = Raw::try_dial(server, from.octets()).await.ok()?;
    raw.try_send(raw::handshake(server).as_bytes()).await.ok()?;
    raw.is_answered("HTTP/1.1 101 ").await.then_some(raw)
}

async fn fragments_of_messages_that_never_end_delay_nobody(engine: Engine) {
    let server = small(engine).await;
    let mut victim = Victim::at_rest(&server).await;
    let address = server.address;
    let fragments = |n, answered| fragments(address, network(n), answered);
    let mut attack = Attack::of(0..SOCKETS, fragments).await;
    victim.endures(&server, &mut attack).await;
    let displaced = metric(&server, "taskwire_sockets_displaced_total").await;
    assert!(displaced > 0.0, "there is place for all");
}

/// Holds sockets on which a message never ends, and opens another one when the server has ended one.
async fn fragments(server: SocketAddr, from: Ipv4Addr, answered: Arc<AtomicU64>) {
    let first = raw::frame(0x01, &[b' '; FRAGMENT]);
    let next = raw::frame(0x00, &[b' '; FRAGMENT]);
    let mut held: Vec<Raw> = Vec::new();
    loop {
        while held.len() < EACH {
            if let Some(mut raw) = open(server, from).await
                && raw.try_send(&first).await.is_ok()
            {
                answered.fetch_add(1, Relaxed);
                held.push(raw);
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
        tokio::time::sleep(BETWEEN).await;
        // what the server does not read waits in the kernel, and a socket that it has closed takes nothing
        held.retain(|raw| match raw.0.try_write(&next) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        });
    }
}

async fn sockets_that_are_opened_and_dropped_delay_nobody(engine: Engine) {
    const AT_ONCE: u8 = 32;
    let server = small(engine).await;
    let mut victim = Victim::at_rest(&server).await;
    let address = server.address;
    let drops = |n, answered: Arc<AtomicU64>| async move {
        loop {
            match open(address, network(n)).await {
                Some(raw) => {
                    answered.fetch_add(1, Relaxed);
                    raw.0.set_zero_linger().expect("a reset");
                }
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    let mut attack = Attack::of(0..AT_ONCE, drops).await;
    victim.endures(&server, &mut attack).await;
}
