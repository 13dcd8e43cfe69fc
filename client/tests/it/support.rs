//! A server that follows a script, in memory or on a real port, and the frames that it sends.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use taskwire_client::{
    Boxed, Client, Config, Dial, Events, Item, TokenError, TokenSource, Transport,
    protocol::{SUBPROTOCOL, StreamId, Timestamp, UserId, WorkspaceId},
};
use tokio::{io::DuplexStream, sync::mpsc, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::HeaderValue,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use uuid::Uuid;

/// Longer than anything that a client waits for; under paused time it takes no time.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

pub(crate) const ME: UserId = UserId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001));
pub(crate) const HOME: WorkspaceId = WorkspaceId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0002));

/// What fails a test.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Tested = Result<(), Failed>;

pub(crate) fn me() -> StreamId {
    ME.into()
}

pub(crate) fn home() -> StreamId {
    HOME.into()
}

/// Waits with a deadline, so that a test that would hang says where.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> Result<T, Failed> {
    timeout(DEADLINE, work)
        .await
        .map_err(|_| format!("{what} did not happen").into())
}

/// Where clients of a test dial: into memory.
#[derive(Clone)]
pub(crate) struct Wire {
    servers: mpsc::Sender<DuplexStream>,
    down: Arc<AtomicBool>,
    buffer: usize,
}

impl Dial for Wire {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> Boxed<'a, io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            if self.down.load(Relaxed) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(self.buffer);
            let sent = self.servers.send(theirs).await;
            sent.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(ours) as Box<dyn Transport>)
        })
    }
}

/// The other end of a [`Wire`].
pub(crate) struct Server {
    incoming: mpsc::Receiver<DuplexStream>,
    down: Arc<AtomicBool>,
}

/// A network with this many bytes on the way in each direction.
pub(crate) fn network(buffer: usize) -> (Wire, Server) {
    let (servers, incoming) = mpsc::channel(16);
    let down = Arc::new(AtomicBool::new(false));
    let wire = Wire {
        servers,
        down: down.clone(),
        buffer,
    };
    (wire, Server { incoming, down })
}

impl Server {
    /// Refuses connections from now on, or no longer.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Relaxed);
    }

    /// The next connection, after the handshake.
    pub(crate) async fn accept(&mut self) -> Result<Peer<DuplexStream>, Failed> {
        let stream = soon("a connection", self.incoming.recv()).await?;
        Peer::accept(stream.ok_or("the client is gone")?).await
    }

    /// The next connection, authenticated with this welcome; what `auth` asked for.
    pub(crate) async fn welcome(&mut self, welcome: &Value) -> Result<(Peer<DuplexStream>, Value), Failed> {
        let mut peer = self.accept().await?;
        let auth = peer.welcome(welcome).await?;
        Ok((peer, auth))
    }
}

/// The server's side of a socket.
pub(crate) struct Peer<S> {
    socket: WebSocketStream<S>,
}

impl<S: Transport> Peer<S> {
    pub(crate) async fn accept(stream: S) -> Result<Peer<S>, Failed> {
        #[allow(clippy::result_large_err, clippy::unnecessary_wraps)] // the library's signature
        fn choose(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
            let name = HeaderValue::from_static(SUBPROTOCOL);
            response.headers_mut().insert("sec-websocket-protocol", name);
            Ok(response)
        }
        let socket = soon("a handshake", accept_hdr_async(stream, choose)).await??;
        Ok(Peer { socket })
    }

    pub(crate) async fn welcome(&mut self, welcome: &Value) -> Result<Value, Failed> {
        let auth = self.receive().await?;
        assert_eq!(auth["type"], "auth");
        self.send(&json!({"type": "welcome", "id": auth["id"], "data": welcome}))
            .await?;
        Ok(auth["data"].clone())
    }

    /// The next message, control frames included.
    pub(crate) async fn message(&mut self) -> Result<Message, Failed> {
        let message = soon("a message", self.socket.next()).await?;
        Ok(message.ok_or("the client hung up")??)
    }

    /// The next request.
    pub(crate) async fn receive(&mut self) -> Result<Value, Failed> {
        loop {
            if let Message::Text(text) = self.message().await? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    pub(crate) async fn send(&mut self, frame: &Value) -> Tested {
        Ok(self.socket.send(Message::text(frame.to_string())).await?)
    }

    pub(crate) async fn ping(&mut self) -> Tested {
        Ok(self.socket.send(Message::Ping(Vec::new().into())).await?)
    }

    /// Answers a request.
    pub(crate) async fn answer(&mut self, request: &Value, data: &Value) -> Tested {
        self.send(&json!({"type": "ok", "id": request["id"], "data": data}))
            .await
    }

    pub(crate) async fn refuse(&mut self, request: &Value, code: &str, retryable: bool) -> Tested {
        let error = json!({"code": code, "message": format!("it is {code}"), "retryable": retryable,
            "retry_after_ms": (code == "RATE_LIMITED").then_some(5), "request_id": "r"});
        self.send(&json!({"type": "error", "id": request["id"], "error": error}))
            .await
    }

    /// Sends the close frame and waits for the client's.
    pub(crate) async fn close(mut self, code: u16) -> Tested {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "scripted".into(),
        };
        self.socket.close(Some(frame)).await?;
        // Errors are as good as an end: the client may just hang up.
        while let Ok(Some(Ok(_))) = timeout(DEADLINE, self.socket.next()).await {}
        Ok(())
    }
}

/// A client on this wire that follows everything.
pub(crate) fn config(wire: &Wire) -> Config {
    Config::new("http://server.test", Counting::default()).dialling(wire.clone())
}

pub(crate) fn connect(wire: &Wire) -> Result<(Client, Events), Failed> {
    Ok(Client::connect(config(wire))?)
}

/// Tokens `t1`, `t2`, …: the next one whenever the one before is stale.
#[derive(Clone, Default)]
pub(crate) struct Counting(Arc<Mutex<u32>>);

impl TokenSource for Counting {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(async move {
            let mut count = self
                .0
                .lock()
                .map_err(|_| TokenError::Unavailable(String::new()))?;
            if stale == Some(format!("t{count}").as_str()) || *count == 0 {
                *count += 1;
            }
            Ok(format!("t{count}"))
        })
    }
}

pub(crate) fn user() -> Value {
    json!({"id": ME, "username": "ada", "name": "Ada", "email": "ada@example.com", "role": "user", "plan": "free",
        "is_active": true, "is_verified": true, "timezone": "UTC", "preferences": {}, "photo_url": null,
        "version": 1, "created_at": Timestamp(0), "updated_at": Timestamp(0)})
}

/// A welcome with these streams: name, head, and why not resumed.
pub(crate) fn welcome(streams: &[(StreamId, u64, Option<&str>)]) -> Value {
    let streams: Vec<Value> = streams
        .iter()
        .map(|(stream, seq, reason)| match reason {
            None => json!({"stream": stream, "seq": seq, "resumed": true}),
            Some(reason) => json!({"stream": stream, "seq": seq, "resumed": false, "reason": reason}),
        })
        .collect();
    json!({"protocol": 1,
        "server": {"name": "taskwire", "version": "0.1.0", "instance": "i", "time": Timestamp(0)},
        "epoch": "e", "user": user(),
        "session": {"id": Uuid::from_u128(9), "expires_at": Timestamp(900_000)},
        "heartbeat_ms": 25_000,
        "limits": {"frame_bytes": 65_536, "in_flight": 32, "batch": 100, "streams": 256,
            "ops_per_second": 50, "burst": 200},
        "streams": streams})
}

/// The welcome of a first connection.
pub(crate) fn first_welcome() -> Value {
    welcome(&[(me(), 3, Some("new")), (home(), 10, Some("new"))])
}

/// The welcome of a later one.
pub(crate) fn resumed_welcome() -> Value {
    welcome(&[(me(), 3, None), (home(), 20, None)])
}

pub(crate) fn task(n: u128, version: i64, title: &str) -> Value {
    json!({"id": Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_1000_0000 + n), "workspace_id": HOME,
        "project_id": null, "parent_id": null, "title": title, "description": null, "completed": false,
        "completed_at": null, "priority": "none", "due_at": null, "all_day": false, "remind_at": null,
        "recurrence": null, "position": "a", "tags": [], "assignee_ids": [], "comment_count": 0,
        "attachment_count": 0, "is_deleted": false, "deleted_at": null, "version": version, "created_by": ME,
        "created_at": Timestamp(0), "updated_at": Timestamp(0)})
}

pub(crate) fn event(stream: StreamId, seq: u64, name: &str, data: &Value) -> Value {
    json!({"type": "event", "stream": stream, "seq": seq, "event": name, "at": Timestamp(0),
        "actor": {"id": ME, "name": "Ada"}, "data": data})
}

/// A task's event in the workspace's stream.
pub(crate) fn happened(seq: u64) -> Value {
    event(home(), seq, "task.created", &task(u128::from(seq), 1, "a"))
}

/// The next item, told in a few words.
pub(crate) async fn next(events: &mut Events) -> Result<String, Failed> {
    let item = soon("an item", events.next()).await?;
    Ok(item.map_or_else(|| "the end".to_owned(), |item| told(&item)))
}

fn told(item: &Item) -> String {
    match item {
        Item::Event(frame) if frame.stream == home() => format!("home {}", frame.seq),
        Item::Event(frame) => format!("me {}", frame.seq),
        Item::Signal { signal, .. } => format!("signal {signal}"),
        Item::Resync { stream, reason } => {
            let whose = if *stream == home() { "home" } else { "me" };
            format!("resync {whose} {reason:?}")
        }
        Item::Connected(_) => "connected".to_owned(),
        Item::Disconnected { reason, .. } => format!("disconnected: {reason}"),
        Item::Stopped(why) => format!("stopped: {why}"),
        _ => "something new".to_owned(),
    }
}

/// Takes items until one begins so.
pub(crate) async fn until(events: &mut Events, beginning: &str) -> Result<String, Failed> {
    loop {
        let item = next(events).await?;
        if item.starts_with(beginning) {
            return Ok(item);
        }
        if item == "the end" {
            return Err(format!("the end came before {beginning:?}").into());
        }
    }
}
