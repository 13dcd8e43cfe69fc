//! A socket at the level of bytes: for frames that no client would send, and for peers that do not read. The
//! content of frames is checked against the contract.

use super::contract::Conversation;
use super::{PATIENCE, Server, eventually};
use serde_json::Value;
use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

/// The receive buffer of a peer that does not read, in bytes; the kernel doubles it.
const RECEIVE_BUFFER: u32 = 16 * 1024;
/// The first byte of a whole text message.
const TEXT: u8 = 0x81;
/// When the server reads nothing for this long, it has stopped reading.
const STUCK: Duration = Duration::from_secs(2);

/// A TCP connection to the server.
pub struct Raw(pub TcpStream);

impl Raw {
    /// A connection on which nothing was sent yet.
    pub async fn dial(server: &Server) -> Raw {
        Raw::dial_with(server, RECEIVE_BUFFER).await
    }

    /// A connection with a receive buffer of this size; the kernel doubles it.
    pub async fn dial_with(server: &Server, buffer: u32) -> Raw {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(buffer).expect("a small buffer");
        let connected = timeout(PATIENCE, socket.connect(server.address)).await;
        Raw(connected.expect("in time").expect("a connection"))
    }

    /// A connection from an address of this machine, if the server takes it.
    pub async fn try_dial(server: SocketAddr, from: [u8; 4]) -> io::Result<Raw> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let connected = timeout(PATIENCE, socket.connect(server)).await;
        Ok(Raw(connected.map_err(io::Error::from)??))
    }

    /// A request to `/v1/rpc`, as bytes; `headers` are lines of it.
    pub fn rpc(server: &Server, token: &str, headers: &str, body: &str) -> String {
        format!(
            "POST /v1/rpc HTTP/1.1\r\nHost: {}\r\n{headers}Authorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            server.address,
            body.len()
        )
    }

    /// A socket after its upgrade; `headers` are lines of the request.
    pub async fn upgrade(server: &Server, headers: &str) -> Raw {
        Raw::upgrade_at(server, "/v1/socket", headers).await
    }

    /// The same, by a path with a query.
    pub async fn upgrade_at(server: &Server, target: &str, headers: &str) -> Raw {
        Raw::dial(server).await.upgraded(server, target, headers).await
    }

    async fn upgraded(self, server: &Server, target: &str, headers: &str) -> Raw {
        let mut raw = self;
        raw.send(upgrade(server.address, target, headers).as_bytes())
            .await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// The head of an answer.
    pub async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.take(1).await);
        }
        String::from_utf8_lossy(&head).into_owned()
    }

    /// Whether an answer begins so; the connection may end before.
    pub async fn is_answered(&mut self, so: &str) -> bool {
        let mut read = vec![0; so.len()];
        let answer = timeout(PATIENCE, self.0.read_exact(&mut read)).await;
        answer.expect("an answer in time").is_ok() && read == so.as_bytes()
    }

    /// A socket that authenticates by its header and follows everything.
    pub async fn member(server: &Server, tokens: &Value) -> Raw {
        let token = super::text(&tokens["access_token"]);
        Raw::upgrade(server, &format!("Authorization: Bearer {token}\r\n")).await
    }

    /// As [`Raw::member`], with a receive buffer of this size.
    pub async fn member_with(server: &Server, tokens: &Value, buffer: u32) -> Raw {
        let token = super::text(&tokens["access_token"]);
        let headers = format!("Authorization: Bearer {token}\r\n");
        Raw::dial_with(server, buffer)
            .await
            .upgraded(server, "/v1/socket", &headers)
            .await
    }

    /// Reads at this pace for a while, in small parts, or until the last KiB of it satisfies `done`. Returns what it
    /// read. Panics if the connection ends.
    pub async fn sip(
        &mut self,
        bytes_per_second: u64,
        length: Duration,
        done: impl Fn(&[u8]) -> bool,
    ) -> Vec<u8> {
        let (begun, mut all, mut part) = (Instant::now(), Vec::new(), [0; 256]);
        while begun.elapsed() < length {
            let due = begun.elapsed().as_secs_f64() * bytes_per_second as f64;
            if (all.len() + part.len()) as f64 > due {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            match timeout(length, self.0.read(&mut part)).await {
                Ok(Ok(read @ 1..)) => all.extend_from_slice(&part[..read]),
                Ok(end) => panic!(
                    "{bytes_per_second} bytes/s: ended after {:?}: {end:?}",
                    begun.elapsed()
                ),
                Err(_) => break,
            }
            if done(&all[all.len().saturating_sub(1024)..]) {
                break;
            }
        }
        all
    }

    /// Reads until what was read in all satisfies `done`.
    pub async fn drink(&mut self, all: &mut Vec<u8>, done: impl Fn(&[u8]) -> bool) {
        let mut part = vec![0; 64 * 1024];
        while !done(all) {
            let read = timeout(PATIENCE, self.0.read(&mut part))
                .await
                .expect("more in time");
            let read = read.expect("a connection that stays");
            assert!(read > 0, "the connection ended");
            all.extend_from_slice(&part[..read]);
        }
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) {
        let sent = timeout(PATIENCE, self.0.write_all(bytes)).await;
        sent.expect("in time").expect("a peer that reads");
    }

    /// Sends bytes to a server that may close the connection.
    pub async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.0.write_all(bytes))
            .await
            .map_err(io::Error::from)?
    }

    /// Sends bytes repeatedly until the server has stopped reading. Returns how many it took.
    pub async fn flood(&mut self, bytes: &[u8], most: usize) -> usize {
        let (mut taken, mut at) = (0, 0);
        while taken < most {
            match timeout(STUCK, self.0.write(&bytes[at..])).await {
                Ok(written) => {
                    let written = written.expect("a connection that stays");
                    (taken, at) = (taken + written, (at + written) % bytes.len());
                }
                Err(_) => return taken,
            }
        }
        panic!("the server took all {most} bytes");
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = timeout(PATIENCE, self.0.read_exact(&mut bytes)).await;
        read.expect("something in time").expect("a connection that stays");
        bytes
    }

    /// The next frame: its first byte and its payload.
    pub async fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = self.take(2).await;
        loop {
            if let Some((_, length)) = FrameHeader::parse(&mut Cursor::new(&head)).expect("a frame's head") {
                let payload = self.take(length as usize).await;
                if head[0] == TEXT {
                    let frame = serde_json::from_slice(&payload).expect("JSON");
                    Conversation::default().received(&frame);
                }
                return (head[0], payload);
            }
            head.extend(self.take(1).await);
        }
    }

    /// The code of the close frame; ignores earlier frames.
    pub async fn closed(&mut self) -> u16 {
        loop {
            let (first, payload) = self.frame().await;
            if first == 0x88 {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    /// Waits until the server has ended the connection, however long that takes.
    pub async fn ended_at_last(&mut self) {
        let mut bytes = [0; 1024];
        while self.0.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    }

    /// Whether the answers to a handshake and an `auth` are there, or the connection ends before.
    pub async fn is_welcomed(&mut self) -> bool {
        let (mut all, mut part) = (Vec::new(), [0; 4096]);
        let welcome = br#"{"type":"welcome""#;
        while !all.windows(welcome.len()).any(|bytes| bytes == welcome) {
            match timeout(PATIENCE, self.0.read(&mut part))
                .await
                .expect("an answer in time")
            {
                Ok(read @ 1..) => all.extend_from_slice(&part[..read]),
                _ => return false,
            }
        }
        true
    }

    /// Waits until the server has ended the connection.
    pub async fn ended(&mut self) {
        let mut bytes = [0; 1024];
        let ending = async { while self.0.read(&mut bytes).await.is_ok_and(|read| read > 0) {} };
        timeout(PATIENCE, ending).await.expect("an end in time");
    }
}

/// The request that makes a socket.
pub fn handshake(server: SocketAddr) -> String {
    upgrade(server, "/v1/socket", "")
}

fn upgrade(server: SocketAddr, target: &str, headers: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// The payloads of the whole text frames at the beginning of these bytes.
pub fn texts(bytes: &[u8]) -> Vec<Value> {
    let (mut texts, mut rest) = (Vec::new(), Cursor::new(bytes));
    while let Ok(Some((header, length))) = FrameHeader::parse(&mut rest) {
        let from = rest.position() as usize;
        let Some(payload) = bytes.get(from..from + length as usize) else {
            break;
        };
        if header.opcode == OpCode::from(1) {
            texts.push(serde_json::from_slice(payload).expect("JSON"));
        }
        rest.set_position((from + payload.len()) as u64);
    }
    texts
}

/// A masked frame whose mask is zero. `first` is its first byte, valid or not.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        is_final: first & 0x80 != 0,
        rsv1: first & 0x40 != 0,
        rsv2: first & 0x20 != 0,
        rsv3: first & 0x10 != 0,
        opcode: OpCode::from(first & 0x0f),
        mask: Some([0; 4]),
    };
    let mut bytes = Vec::new();
    header
        .format(payload.len() as u64, &mut bytes)
        .expect("a Vec takes everything");
    bytes.extend(payload);
    bytes
}

/// Waits until the server has counted a close with this code.
pub async fn counted(server: &Server, code: u16) {
    let line = format!("taskwire_sockets_closed_total{{code=\"{code}\"}}");
    eventually("a close that the server has counted", || async {
        let metrics = super::http::get(server, "/metrics").await.text().await;
        metrics.expect("text").contains(&line).then_some(())
    })
    .await;
}
