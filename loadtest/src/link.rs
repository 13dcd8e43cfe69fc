//! One socket to the server: connects, upgrades, authenticates, sends frames, and hands over what arrives. Every
//! socket reads through one buffer of its thread, so thousands of them cost the harness next to nothing. Does not
//! know what events mean.

use crate::trouble::Trouble;
use crate::wire::{self, Inbox};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use taskwire_protocol::account::{Authenticate, ClientInfo, Resume, Streams};
use taskwire_protocol::frames::Welcome;
use taskwire_protocol::{Failure, Operation, SUBPROTOCOL};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long any single answer may take before the run is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Sockets from one source address: the range of local ports has about 28,000, and free ones are looked for longer and
/// longer.
const SOCKETS_PER_ADDRESS: usize = 10_000;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// A socket to a server.
pub(crate) struct Link {
    stream: TcpStream,
    inbox: Inbox,
    /// Texts that came along with an answer and that nobody has looked at yet.
    early: Vec<Vec<u8>>,
}

/// What a server answers to a request.
#[derive(Deserialize)]
pub(crate) struct Answer<'a> {
    r#type: &'a str,
    pub(crate) id: Option<u64>,
    /// Of a mutation: the last `seq` that it produced in each stream.
    #[serde(borrow, default)]
    pub(crate) at: BTreeMap<&'a str, u64>,
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    pub(crate) error: Option<Box<Failure>>,
}

impl<'a> Answer<'a> {
    /// Reads a frame as an answer; `None` for events and signals, and for what is no answer at all.
    pub(crate) fn read(text: &'a [u8]) -> Option<Answer<'a>> {
        let answer: Answer<'a> = serde_json::from_slice(text).ok()?;
        ["ok", "error", "welcome"]
            .contains(&answer.r#type)
            .then_some(answer)
    }

    /// The failure, when it is one.
    pub(crate) fn failed(self) -> Result<Self, Box<Failure>> {
        match self.error {
            Some(failure) => Err(failure),
            None => Ok(self),
        }
    }
}

/// The source address of the socket with this number: none of its own for the first, `127.0.0.2` and on for those
/// beyond what one address has ports for.
fn source(number: usize, to: SocketAddr) -> Option<IpAddr> {
    let address = number / SOCKETS_PER_ADDRESS;
    (address > 0 && to.ip().is_loopback())
        .then(|| IpAddr::V4(Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + address as u32)))
}

impl Link {
    /// Connects and upgrades; `number` counts the sockets of a run, from 0.
    pub(crate) async fn open(to: SocketAddr, path: &str, number: usize) -> Result<Link, Trouble> {
        Link::open_with(to, path, number, None).await
    }

    /// The same with so many bytes of the kernel's receive buffer: the less, the sooner the server notices that nobody
    /// reads.
    pub(crate) async fn open_with(
        to: SocketAddr,
        path: &str,
        number: usize,
        receive_buffer: Option<u32>,
    ) -> Result<Link, Trouble> {
        let opening = async {
            let socket = if to.is_ipv4() {
                TcpSocket::new_v4()
            } else {
                TcpSocket::new_v6()
            }?;
            if let Some(address) = source(number, to) {
                socket.bind(SocketAddr::new(address, 0))?;
            }
            if let Some(bytes) = receive_buffer {
                socket.set_recv_buffer_size(bytes)?;
            }
            let stream = socket.connect(to).await?;
            stream.set_nodelay(true)?;
            let mut link = Link {
                stream,
                inbox: Inbox::default(),
                early: Vec::new(),
            };
            link.upgrade(to, path).await?;
            Ok(link)
        };
        timeout(PATIENCE, opening)
            .await
            .map_err(|_| Trouble::TooLate("an upgrade", PATIENCE))?
    }

    async fn upgrade(&mut self, to: SocketAddr, path: &str) -> Result<(), Trouble> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n",
            wire::UPGRADE_KEY
        );
        self.stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(512);
        let end = loop {
            if self.stream.read_buf(&mut head).await? == 0 {
                return Err(Trouble::Ended);
            }
            if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
                break end + 4;
            }
            if head.len() > 16 << 10 {
                return Err(Trouble::NotUpgraded("its head is longer than 16 KiB".into()));
            }
        };
        let text = String::from_utf8_lossy(&head[..end]);
        if !text.starts_with("HTTP/1.1 101") || !text.contains(wire::UPGRADE_ACCEPT) {
            return Err(Trouble::NotUpgraded(
                text.lines().next().unwrap_or_default().into(),
            ));
        }
        let early = &mut self.early;
        self.inbox.take(&head[end..], |opcode, payload| {
            if opcode == wire::TEXT {
                early.push(payload.to_vec());
            }
        })?;
        Ok(())
    }

    /// Authenticates, and follows `streams`, from `resume` on where it is given.
    pub(crate) async fn authenticate(
        &mut self,
        token: &str,
        streams: Streams,
        resume: Option<Resume>,
    ) -> Result<Welcome, Trouble> {
        let client = ClientInfo {
            name: "loadtest".into(),
            version: Some(env!("CARGO_PKG_VERSION").into()),
        };
        let request = Authenticate {
            token: token.into(),
            client: Some(client),
            streams,
            resume,
        };
        self.call::<Authenticate>(&request).await
    }

    /// Sends a request and waits for its answer. What else arrives is kept for `read`.
    pub(crate) async fn call<O: Operation>(&mut self, request: &O) -> Result<O::Output, Trouble>
    where
        O::Output: DeserializeOwned,
    {
        let data = serde_json::to_string(request).map_err(|error| Trouble::setup(error.to_string()))?;
        self.send(&format!(r#"{{"type":"{}","id":1,"data":{data}}}"#, O::NAME))
            .await?;
        let mut output = None;
        let answered = async {
            // What came before the request cannot be its answer.
            let mut kept = std::mem::take(&mut self.early);
            while output.is_none() {
                self.read(|_, text| match (&output, Answer::read(text)) {
                    (None, Some(answer)) => output = Some(read_output(O::NAME, answer)),
                    _ => kept.push(text.to_vec()),
                })
                .await?;
            }
            self.early = kept;
            Ok::<(), Trouble>(())
        };
        timeout(PATIENCE, answered)
            .await
            .map_err(|_| Trouble::TooLate(O::NAME, PATIENCE))??;
        output.unwrap_or(Err(Trouble::Ended))
    }

    /// Sends a text frame.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), Trouble> {
        let mut bytes = Vec::with_capacity(text.len() + 14);
        wire::client_frame(&mut bytes, wire::TEXT, text.as_bytes());
        self.send_frames(&bytes).await
    }

    /// Sends frames that are encoded already, in one write.
    pub(crate) async fn send_frames(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Sends encoded frames and reads meanwhile: a server that cannot get rid of its answers reads no requests, and would
    /// wait for this side as long as this side for it.
    pub(crate) async fn send_and_read(
        &mut self,
        bytes: &[u8],
        mut on_text: impl FnMut(Instant, &[u8]),
    ) -> Result<(), Trouble> {
        let (mut left, mut pongs) = (bytes, Vec::new());
        let (stream, inbox) = (&mut self.stream, &mut self.inbox);
        poll_fn(|cx| {
            loop {
                // Both are asked each time, so that each of them wakes this task.
                let read = poll_texts(stream, inbox, cx, usize::MAX, &mut pongs, &mut on_text)?;
                let written = Pin::new(&mut *stream).poll_write(cx, left)?;
                if let Poll::Ready(written) = written {
                    left = &left[written..];
                    if left.is_empty() {
                        return Poll::Ready(Ok::<(), Trouble>(()));
                    }
                }
                if read.is_pending() && written.is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await?;
        self.pong(&pongs)
    }

    /// Waits until something arrives and hands over every whole text with the moment of the read. Answers pings.
    /// May be dropped at any await: what was read was handed over.
    pub(crate) async fn read(&mut self, on_text: impl FnMut(Instant, &[u8])) -> Result<(), Trouble> {
        self.read_at_most(usize::MAX, on_text).await
    }

    /// The same with at most so many bytes taken from the kernel.
    pub(crate) async fn read_at_most(
        &mut self,
        bytes: usize,
        mut on_text: impl FnMut(Instant, &[u8]),
    ) -> Result<(), Trouble> {
        if !self.early.is_empty() {
            let now = Instant::now();
            for text in std::mem::take(&mut self.early) {
                on_text(now, &text);
            }
            return Ok(());
        }
        let (stream, inbox) = (&mut self.stream, &mut self.inbox);
        let mut pongs = Vec::new();
        poll_fn(|cx| poll_texts(stream, inbox, cx, bytes, &mut pongs, &mut on_text)).await?;
        self.pong(&pongs)
    }

    /// Answers pings. A pong is a few bytes: when there is no room for it the server does not read, and finds out itself.
    fn pong(&self, pongs: &[u8]) -> Result<(), Trouble> {
        if pongs.is_empty() {
            return Ok(());
        }
        match self.stream.try_write(pongs) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads at most so many bytes once, and hands over the texts that they complete.
fn poll_texts(
    stream: &mut TcpStream,
    inbox: &mut Inbox,
    cx: &mut Context<'_>,
    bytes: usize,
    pongs: &mut Vec<u8>,
    on_text: &mut impl FnMut(Instant, &[u8]),
) -> Poll<Result<(), Trouble>> {
    BUFFER.with_borrow_mut(|buffer| {
        let room = buffer.len().min(bytes);
        let mut space = ReadBuf::new(&mut buffer[..room]);
        ready!(Pin::new(stream).poll_read(cx, &mut space))?;
        Poll::Ready(take(inbox, space.filled(), pongs, on_text))
    })
}

/// Looks at the bytes of one read.
fn take(
    inbox: &mut Inbox,
    bytes: &[u8],
    pongs: &mut Vec<u8>,
    on_text: &mut impl FnMut(Instant, &[u8]),
) -> Result<(), Trouble> {
    if bytes.is_empty() {
        return Err(Trouble::Ended);
    }
    let (now, mut closed) = (Instant::now(), None);
    inbox.take(bytes, |opcode, payload| match opcode {
        wire::TEXT => on_text(now, payload),
        wire::PING => wire::client_frame(pongs, wire::PONG, payload),
        wire::CLOSE => {
            let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            closed = Some(code.unwrap_or(1005));
        }
        _ => {}
    })?;
    closed.map_or(Ok(()), |code| Err(Trouble::Closed(code)))
}

/// What an answer to a request holds.
pub(crate) fn read_output<T: DeserializeOwned>(name: &'static str, answer: Answer<'_>) -> Result<T, Trouble> {
    let answer = answer
        .failed()
        .map_err(|failure| Trouble::Refused(name, failure))?;
    let data = answer.data.map_or("{}", RawValue::get);
    serde_json::from_str(data).map_err(|error| {
        Trouble::setup(format!(
            "the answer to {name} is not what the contract says: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sockets_come_from_many_addresses() {
        let here = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert_eq!(source(9_999, here), None);
        assert_eq!(source(10_000, here), Some([127, 0, 0, 2].into()));
        assert_eq!(source(30_000, here), Some([127, 0, 0, 4].into()));
        assert_eq!(source(30_000, SocketAddr::from(([192, 0, 2, 1], 8080))), None);
    }

    #[test]
    fn an_answer_is_told_from_an_event() {
        let ok = br#"{"type":"ok","id":7,"at":{"workspace:1":42},"data":{}}"#;
        let answer = Answer::read(ok).expect("an answer");
        assert_eq!((answer.id, answer.at.get("workspace:1")), (Some(7), Some(&42)));
        let event = br#"{"type":"event","stream":"user:1","seq":1,"event":"x","at":"2026-01-01T00:00:00Z","data":{}}"#;
        assert!(Answer::read(event).is_none());
    }

    /// Answers each read with a text as long, and reads nothing while it writes.
    fn echo(mut stream: std::net::TcpStream) -> std::io::Result<()> {
        use std::io::{Read, Write};
        let mut buffer = vec![0; 32 << 10];
        let _upgrade = stream.read(&mut buffer)?;
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            wire::UPGRADE_ACCEPT
        )?;
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let mut frame = Vec::new();
            wire::server_frame(&mut frame, wire::TEXT, &buffer[..read]);
            stream.write_all(&frame)?;
        }
    }

    #[tokio::test]
    async fn a_server_that_cannot_get_rid_of_its_answers_is_read_while_it_is_sent_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = listener.local_addr().expect("an address");
        std::thread::spawn(move || echo(listener.accept()?.0));
        let mut link = Link::open(to, "/", 0).await.expect("a socket");
        // More than the kernel keeps for both directions together.
        let (bytes, mut heard) = (vec![b'x'; 64 << 20], 0);
        let sending = link.send_and_read(&bytes, |_, text| heard += text.len());
        timeout(PATIENCE, sending)
            .await
            .expect("sent in time")
            .expect("a socket that lives");
        assert!(heard > 0);
    }
}
