//! A server that implements the part of the contract that the harness uses, and breaks one promise on request. It keeps
//! all data in memory and checks nothing.
//!
//! - `broken`  the promises that it can break
//! - `world`   its data, and the operations

mod broken;
mod world;

pub(crate) use broken::Broken;

use broken::BREAKS_AT;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use taskwire_protocol::SUBPROTOCOL;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Sender, channel};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use uuid::Uuid;
use world::{World, send};

const STALLS_AT: u64 = 100;
/// More frames than any test has under way.
const QUEUE: usize = 50_000;

/// The state of a socket.
#[derive(Default)]
struct Socket {
    user: Option<Uuid>,
    answers: u64,
    held: Option<String>,
}

struct Mock {
    world: Mutex<World>,
    broken: Broken,
}

/// Starts the server on its own thread, which ends with the test. Returns its URL.
pub(crate) fn start(broken: Broken) -> String {
    let (found, url) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            found
                .send(format!("http://{address}"))
                .expect("a test that waits");
            let mock = Arc::new(Mock {
                world: Mutex::default(),
                broken,
            });
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(mock.clone(), stream));
            }
        });
    });
    url.recv().expect("a mock that starts")
}

async fn serve(mock: Arc<Mock>, stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket");
    #[allow(clippy::result_large_err, reason = "the library's signature")]
    let upgrade = |_: &Request, mut response: Response| {
        let value = SUBPROTOCOL.parse().expect("a header's value");
        response.headers_mut().insert("Sec-WebSocket-Protocol", value);
        Ok(response)
    };
    let socket = accept_hdr_async(stream, upgrade).await.expect("an upgrade");
    let (mut sink, mut source) = socket.split();
    let (frames, mut queue) = channel::<String>(QUEUE);
    tokio::spawn(async move {
        while let Some(frame) = queue.recv().await {
            if sink.send(Message::text(frame)).await.is_err() {
                return;
            }
        }
    });
    let mut known = Socket::default();
    while let Some(Ok(message)) = source.next().await {
        if let Ok(text) = message.to_text()
            && let Ok(request) = serde_json::from_str::<Value>(text)
        {
            mock.answer(&mut known, &request, &frames);
            if let Broken::Stalled(time) = mock.broken
                && known.answers == STALLS_AT
            {
                known.answers += 1;
                tokio::time::sleep(time).await;
            }
        }
    }
}

impl Mock {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no panic elsewhere")
    }

    fn answer(&self, socket: &mut Socket, request: &Value, frames: &Sender<String>) {
        let data = &request["data"];
        let mut world = self.world();
        let name = request["type"].as_str().unwrap_or_default();
        let (data, at) = match name {
            "auth.signup" => (world.sign_up(data), json!({})),
            "auth" => {
                socket.user = Some(world.welcome(request, frames, self.broken));
                return;
            }
            "workspace.create" => (world.share(socket.user.expect("a user")), json!({})),
            "member.add" => (world.add(data), json!({})),
            "task.list" => (
                world.list(socket.user.expect("a user"), data, self.broken),
                json!({}),
            ),
            "task.create" | "task.update" | "task.complete" => {
                let user = socket.user.expect("a user");
                let (task, stream, seq) = world.change(user, request, self.broken);
                (json!({ "id": task }), json!({ stream: seq }))
            }
            other => panic!("the harness asks for {other}"),
        };
        let answer = json!({ "type": "ok", "id": request["id"], "at": at, "data": data }).to_string();
        if name.starts_with("task.") {
            socket.answers += 1;
            if self.broken == Broken::OutOfTurn && socket.answers == BREAKS_AT {
                socket.held = Some(answer);
                return;
            }
        }
        send(frames, answer);
        if let Some(held) = socket.held.take() {
            send(frames, held);
        }
    }
}
