//! The bare writer, the limit of any server on this machine: one thread, one poller, and one write per socket of frames
//! that are encoded already. It accepts every socket, and checks and stores nothing. A server's cost beyond this is its
//! own.
//!
//! A socket opened at [`PUBLISH`] sends frames, and all others receive them. The bare writer answers any text of
//! another socket with the last frame that was sent, so that a crowd can reconnect. Knows nothing of Taskwire.

use crate::websocket::{self, Inbox};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

/// The path of the socket that sends.
pub(crate) const PUBLISH: &str = "/publish";

const LISTENER: Token = Token(usize::MAX);
/// Connections that may wait to be accepted: the most that Linux allows by default. With fewer, a crowd that reconnects
/// at once would measure how long its clients wait before they retry.
const BACKLOG: u32 = 4096;

/// A socket of the bare writer.
struct Socket {
    stream: TcpStream,
    stage: Stage,
    /// Bytes that the kernel has not accepted yet. Empty unless the reader lags.
    unsent: Vec<u8>,
}

enum Stage {
    Upgrading(Vec<u8>),
    Watching(Inbox),
    Publishing(Inbox),
}

/// The texts that a socket sent after its upgrade.
#[derive(Default)]
struct Said {
    /// Frames for all watchers, encoded.
    frames: Vec<Vec<u8>>,
    /// How many answers the socket waits for.
    asked: usize,
}

struct Writer {
    poll: Poll,
    sockets: Vec<Option<Socket>>,
    open: usize,
    frames_per_write: usize,
    /// The frame that was published last.
    last: Vec<u8>,
    buffer: Vec<u8>,
}

/// Listens on a free port. It needs a runtime only for this: the standard library cannot set the backlog.
fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    Ok(TcpListener::from_std(socket.listen(BACKLOG)?.into_std()?))
}

/// Listens on a free port, prints it on stdout, and serves until the last socket is gone.
pub(crate) fn serve(frames_per_write: usize, runtime: &Runtime) -> io::Result<()> {
    let mut listener = runtime.block_on(async { listen() })?;
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut writer = Writer {
        poll,
        sockets: Vec::new(),
        open: 0,
        frames_per_write: frames_per_write.max(1),
        last: Vec::new(),
        buffer: vec![0; 64 << 10],
    };
    let (mut events, mut served) = (Events::with_capacity(256), false);
    while !served || writer.open > 0 {
        match writer.poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                writer.accept(&listener)?;
                served = true;
            } else {
                writer.serve(event.token().0, event.is_writable());
            }
        }
    }
    Ok(())
}

impl Writer {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let token = Token(self.sockets.len());
            self.poll
                .registry()
                .register(&mut stream, token, Interest::READABLE)?;
            self.sockets.push(Some(Socket {
                stream,
                stage: Stage::Upgrading(Vec::new()),
                unsent: Vec::new(),
            }));
            self.open += 1;
        }
    }

    /// Serves a socket that is ready. Any error ends the socket.
    fn serve(&mut self, number: usize, writable: bool) {
        let Some(mut socket) = self.sockets.get_mut(number).and_then(Option::take) else {
            return;
        };
        let mut said = Said::default();
        let mut served = Ok(());
        if writable && !socket.unsent.is_empty() {
            served = socket.flush(&self.poll, number);
        }
        let mut served = served.and_then(|()| socket.receive(&mut self.buffer, &mut said));
        for _ in 0..said.asked {
            served = served.and_then(|()| socket.write(&self.last, &self.poll, number));
        }
        if served.is_ok() {
            self.sockets[number] = Some(socket);
        } else {
            self.open -= 1;
        }
        for frames in said.frames.chunks(self.frames_per_write) {
            self.publish(&frames.concat());
        }
        if let Some(last) = said.frames.pop() {
            self.last = last;
        }
    }

    fn publish(&mut self, bytes: &[u8]) {
        for (number, slot) in self.sockets.iter_mut().enumerate() {
            let Some(socket) = slot
                .as_mut()
                .filter(|socket| matches!(socket.stage, Stage::Watching(_)))
            else {
                continue;
            };
            if socket.write(bytes, &self.poll, number).is_err() {
                *slot = None;
                self.open -= 1;
            }
        }
    }
}

impl Socket {
    /// Reads everything that has arrived, and adds it to `said`.
    fn receive(&mut self, buffer: &mut [u8], said: &mut Said) -> io::Result<()> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            match &mut self.stage {
                Stage::Watching(inbox) => inbox
                    .take(&buffer[..read], |opcode, _| {
                        said.asked += usize::from(opcode == websocket::TEXT);
                    })
                    .map_err(io::Error::other)?,
                Stage::Upgrading(head) => {
                    head.extend_from_slice(&buffer[..read]);
                    if head.ends_with(b"\r\n\r\n") {
                        self.upgrade()?;
                    }
                }
                Stage::Publishing(inbox) => inbox
                    .take(&buffer[..read], |_, payload| {
                        let mut frame = Vec::with_capacity(payload.len() + 4);
                        websocket::server_frame(&mut frame, websocket::TEXT, payload);
                        said.frames.push(frame);
                    })
                    .map_err(io::Error::other)?,
            }
            if read < buffer.len() {
                return Ok(());
            }
        }
    }

    fn upgrade(&mut self) -> io::Result<()> {
        let Stage::Upgrading(head) = &self.stage else {
            return Ok(());
        };
        let publishes = head.starts_with(format!("GET {PUBLISH} ").as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            websocket::UPGRADE_ACCEPT
        );
        self.stage = if publishes {
            Stage::Publishing(Inbox::default())
        } else {
            Stage::Watching(Inbox::default())
        };
        self.stream.write_all(answer.as_bytes())
    }

    /// Writes once. Bytes that the kernel does not accept are kept until the socket is writable.
    fn write(&mut self, bytes: &[u8], poll: &Poll, number: usize) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = match self.stream.write(bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if written < bytes.len() {
            self.unsent.extend_from_slice(&bytes[written..]);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .reregister(&mut self.stream, Token(number), both)?;
        }
        Ok(())
    }

    fn flush(&mut self, poll: &Poll, number: usize) -> io::Result<()> {
        let written = match self.stream.write(&self.unsent) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.unsent.drain(..written);
        if self.unsent.is_empty() {
            poll.registry()
                .reregister(&mut self.stream, Token(number), Interest::READABLE)?;
        }
        Ok(())
    }
}
