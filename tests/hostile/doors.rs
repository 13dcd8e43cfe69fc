//! Strangers: they try passwords on sockets, come again when they are closed, and hold connections on which they say nothing.

use super::{Attack, Line, QUICK, Victim, attacker, server};
use crate::on_both_databases;
use crate::support::Engine;
use crate::support::raw::Raw;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

on_both_databases!(
    strangers_who_try_passwords_on_forty_sockets_delay_nobody,
    half_requests_on_all_connections_delay_nobody,
);

/// Before another try of one who got no connection: this program works for the victim too.
const PAUSE: Duration = Duration::from_millis(5);
const SOCKETS: u8 = 40;
/// The sockets come from so many networks.
const NETWORKS: u8 = 8;

async fn strangers_who_try_passwords_on_forty_sockets_delay_nobody(engine: Engine) {
    let server = server(engine, &QUICK).await;
    let mut victim = Victim::at_rest(&server).await;
    let address = server.address;
    let tries = |n: u8, answered| try_passwords(address, attacker(10 + n % NETWORKS), n, answered);
    let mut attack = Attack::of(0..SOCKETS, tries).await;
    victim.endures(&server, &mut attack).await;
}

/// Tries one password after another, of accounts that do not exist: it costs as much, and locks nobody out.
async fn try_passwords(server: SocketAddr, from: Ipv4Addr, own: u8, answered: Arc<AtomicU64>) {
    let mut tried = 0;
    loop {
        let Some(mut line) = Line::connect(server, from).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        loop {
            tried += 1;
            let data = format!(r#"{{"email":"p{own}-{tried}@example.com","password":"tea at four"}}"#);
            if line.try_send("auth.login", &data).await.is_err() || line.answer().await.is_none() {
                break;
            }
            answered.fetch_add(1, Relaxed);
        }
    }
}

async fn half_requests_on_all_connections_delay_nobody(engine: Engine) {
    const CONNECTIONS: usize = 200;
    let room = CONNECTIONS.to_string();
    let mut settings = QUICK.to_vec();
    settings.push(("max_connections", &room));
    let server = server(engine, &settings).await;
    let mut victim = Victim::at_rest(&server).await;
    let address = server.address;
    // each connection is held until the server ends it, which makes place for others; so more wait than it has places
    let half = |_, answered: Arc<AtomicU64>| async move {
        loop {
            let raw = Raw::try_dial(address, attacker(20).octets()).await;
            if let Ok(mut raw) = raw
                && raw.try_send(b"GET /livez HTTP/1.1\r\nX: ").await.is_ok()
            {
                raw.ended_at_last().await;
            } else {
                tokio::time::sleep(PAUSE).await;
            }
            answered.fetch_add(1, Relaxed);
        }
    };
    let mut attack = Attack::of(0..2 * CONNECTIONS, half).await;
    victim.endures(&server, &mut attack).await;
}
