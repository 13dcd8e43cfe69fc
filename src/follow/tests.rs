//! A reader without a socket, through the public interface only, as server-sent events will use it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use taskwire_protocol::account::{Authenticate, Resume, Streams};
use taskwire_protocol::{ErrorCode, Request, StreamId, UserId};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Arrival, Entrance, Follower, Interruption, Obeyed, Opened, Registration, Registry, Rejection};
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Engine, Incoming, Sender};
use crate::live::{Control, Dirty, Frame, Outlet, Wakeup};

const PATIENCE: Duration = Duration::from_secs(10);
/// A new task causes events in two streams: its workspace's and its creator's.
const EVENTS: usize = 2;

/// A node without its listeners.
struct Node {
    engine: Engine,
    entrance: Entrance,
    registry: Arc<Registry>,
    _folder: tempfile::TempDir,
}

impl Node {
    async fn start() -> Node {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = folder.path().to_string_lossy().into_owned();
        let settings =
            Settings::from_pairs(&[("data_dir", &data_dir)]).unwrap_or_else(|error| panic!("{error}"));
        let engine = Engine::start(&settings, Clock::system())
            .await
            .expect("an engine");
        Node {
            entrance: Entrance::new(engine.clone(), Arc::new(settings)),
            engine,
            registry: Arc::default(),
            _folder: folder,
        }
    }

    async fn token(&self) -> String {
        let params =
            r#"{"email":"reader@example.com","password":"a long pass phrase of one's own","name":"Reader"}"#;
        let request = Request::read("auth.signup", params).expect("a request");
        let incoming = Incoming::now(request, None, Sender::default());
        let reply = self.engine.dispatch(incoming).await.expect("an account");
        let frame = format!("{{{}}}", reply.body);
        let frame: serde_json::Value = serde_json::from_str(&frame).expect("JSON");
        frame["data"]["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    async fn open(&self, token: &str, resume: Option<Resume>) -> Result<Reader, Rejection> {
        let registration = self
            .registry
            .enter(Arc::new(Wakeup::new(UserId(Uuid::nil()))), None);
        let params = Authenticate {
            token: token.into(),
            client: None,
            streams: Streams::default(),
            resume,
        };
        let arrival = Arrival {
            params: Box::new(params),
            address: None,
            network: None,
            claim: registration.claim(),
            limit: 256,
        };
        let Opened {
            welcome, follower, ..
        } = *self.entrance.open(arrival).await?;
        registration.nudge_by(follower.wakeup().clone());
        let resumed = welcome.streams.iter().map(|stream| stream.resumed).collect();
        Ok(Reader {
            registration,
            follower,
            resumed,
            out: Sink::default(),
        })
    }
}

/// A small version of a reader's task.
struct Reader {
    registration: Registration,
    follower: Follower,
    /// The field `resumed` of each stream in the welcome.
    resumed: Vec<bool>,
    out: Sink,
}

/// Where server-sent events would be written.
#[derive(Default)]
struct Sink(Vec<(StreamId, u64)>);

impl Outlet for Sink {
    type Error = Infallible;

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn event(&mut self, _: Frame, stream: StreamId, seq: u64) -> Result<(), Infallible> {
        self.0.push((stream, seq));
        Ok(())
    }

    fn signal(&mut self, _: Frame) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Reader {
    /// Delivers until `n` events were fed, or until an interruption.
    async fn delivers(&mut self, n: usize) -> Result<(), Interruption<Infallible>> {
        let wakeup = self.follower.wakeup().clone();
        let delivering = poll_fn(|cx| {
            loop {
                // even without a mark: a page of the log that was asked for wakes the task, but marks nothing
                let marked = wakeup.poll(cx);
                let dirty = match marked {
                    Poll::Ready(dirty) => dirty,
                    Poll::Pending => Dirty::default(),
                };
                while self.follower.deliver(cx, dirty, &mut self.out)? {}
                if self.out.0.len() >= n {
                    return Poll::Ready(Ok(()));
                }
                if marked.is_pending() {
                    return Poll::Pending;
                }
            }
        });
        timeout(PATIENCE, delivering).await.expect("events in time")
    }
}

async fn create_task(node: &Node, reader: &Reader) {
    let request = Request::read("task.create", r#"{"title":"a"}"#).expect("a request");
    let created = node.engine.call(reader.follower.caller(), request, None).await;
    created.expect("a task");
}

#[tokio::test]
async fn a_reader_without_a_socket_follows_and_resumes() {
    let node = Node::start().await;
    let token = node.token().await;
    let mut first = node.open(&token, None).await.expect("let in");
    create_task(&node, &first).await;
    first.delivers(EVENTS).await.expect("events");
    let before: BTreeMap<StreamId, u64> = first.out.0.iter().copied().collect();
    let positions = first.follower.positions();
    let position = Resume {
        epoch: node.engine.epoch().to_string(),
        positions: positions.map(|(stream, seq)| (stream.to_string(), seq)).collect(),
    };
    for (stream, seq) in &before {
        assert_eq!(position.positions.get(&stream.to_string()), Some(seq));
    }
    assert_eq!((node.registry.count(), node.registry.users()), (1, 1));

    create_task(&node, &first).await;
    drop(first);
    assert_eq!((node.registry.count(), node.registry.users()), (0, 0));
    let mut second = node.open(&token, Some(position)).await.expect("let in");
    assert!(second.resumed.iter().all(|resumed| *resumed));
    second.delivers(EVENTS).await.expect("what was missed");
    let missed: BTreeMap<StreamId, u64> = second.out.0.iter().copied().collect();
    let next = before.into_iter().map(|(stream, seq)| (stream, seq + 1));
    assert_eq!(missed, next.collect());
}

#[tokio::test]
async fn the_end_of_its_session_interrupts_a_reader() {
    let node = Node::start().await;
    let mut reader = node.open(&node.token().await, None).await.expect("let in");
    let request = Request::read("auth.logout", "{}").expect("a request");
    let logged_out = node.engine.call(reader.follower.caller(), request, None).await;
    logged_out.expect("logged out");
    let Err(Interruption::Control(control)) = reader.delivers(usize::MAX).await else {
        panic!("delivered something else");
    };
    assert!(matches!(control, Control::SessionRevoked { .. }));
    let obeyed = reader
        .follower
        .obey(&node.engine, &reader.registration, control)
        .await;
    assert_eq!(obeyed, Ok(Obeyed::SessionEnded));
}

#[tokio::test]
async fn an_invalid_token_is_refused() {
    let node = Node::start().await;
    let rejection = node.open("none", None).await.err();
    let Some(Rejection::Refused(failure)) = rejection else {
        panic!("{rejection:?}");
    };
    assert_eq!(failure.code, ErrorCode::InvalidToken);
    assert_eq!((node.registry.count(), node.registry.users()), (0, 0));
}
