//! The writer that others watch: it sends requests that make events, or frames to the limit, and reads the answers.
//! `pace` decides when it sends.

use crate::answer::Answer;
use crate::board::Board;
use crate::check::Ledger;
use crate::event;
use crate::link::Link;
use crate::pace::{Pace, Writes};
use crate::requests::{create, note, op_id};
use crate::trouble::Trouble;
use crate::websocket;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::{NotificationId, WorkspaceId};
use uuid::Uuid;

/// The frames that a writer sends.
pub(crate) enum Source {
    /// Requests, each of which makes an event.
    Requests(Requests),
    /// One frame, repeated with the next `seq` each time.
    Frames { sample: Vec<u8> },
}

/// The operation of the requests.
pub(crate) enum Wish {
    /// Makes a task in a workspace. Its event is the whole task.
    Task(WorkspaceId),
    /// Deletes one of these notifications: the smallest event that a mutation makes, about 280 bytes.
    Deletion(Vec<NotificationId>),
}

/// Requests of one operation, and what is known of their answers.
pub(crate) struct Requests {
    wish: Wish,
    ledger: Arc<Mutex<Ledger>>,
    /// The UUID that identifies the event of each request, by the request's id.
    causes: Vec<Uuid>,
    answered: usize,
}

impl Source {
    /// Requests, noted in a ledger.
    pub(crate) fn of(wish: Wish, ledger: Arc<Mutex<Ledger>>) -> Source {
        Source::Requests(Requests {
            wish,
            ledger,
            causes: Vec::new(),
            answered: 0,
        })
    }

    /// Appends the frame that makes event `seq`.
    fn encode(&mut self, out: &mut Vec<u8>, text: &mut String, seq: u64) -> Result<(), Trouble> {
        match self {
            Source::Requests(requests) => {
                requests.ask(text)?;
                websocket::client_frame(out, websocket::TEXT, text.as_bytes());
            }
            Source::Frames { sample } => {
                let frame = event::renumbered(sample, seq).unwrap_or_default();
                websocket::client_frame(out, websocket::TEXT, &frame);
            }
        }
        Ok(())
    }

    /// Handles a text from the server.
    fn hear(&mut self, text: &[u8], board: &Board) {
        if let (Source::Requests(requests), Some(answer)) = (self, Answer::read(text)) {
            requests.answered += 1;
            let cause = |id| requests.causes.get(usize::try_from(id).ok()?).copied();
            note(answer, cause, &requests.ledger, board);
        }
    }

    fn unanswered(&self) -> u64 {
        match self {
            Source::Requests(requests) => requests.causes.len().saturating_sub(requests.answered) as u64,
            Source::Frames { .. } => 0,
        }
    }
}

impl Requests {
    /// Writes the next request into `text`.
    fn ask(&mut self, text: &mut String) -> Result<(), Trouble> {
        let id = self.causes.len();
        let cause = match &mut self.wish {
            Wish::Task(workspace) => {
                let op_id = op_id();
                create(text, id as u64, op_id, Some(*workspace));
                op_id
            }
            Wish::Deletion(notifications) => {
                let notification = notifications.pop();
                let notification = notification
                    .ok_or_else(|| Trouble::setup("fewer notifications were made than are to be deleted"))?;
                text.clear();
                // There is no op_id: the contract makes it optional, and a notification can be deleted only once.
                // Writing to a string cannot fail.
                let _ = write!(
                    text,
                    r#"{{"type":"notification.delete","id":{id},"data":{{"id":"{notification}"}}}}"#
                );
                notification.0
            }
        };
        self.causes.push(cause);
        Ok(())
    }
}

/// The writer.
pub(crate) struct Writer {
    pub(crate) link: Link,
    pub(crate) source: Source,
    pub(crate) board: Arc<Board>,
    /// How many sockets get each event.
    pub(crate) watchers: usize,
    /// The last `seq` of the stream.
    pub(crate) head: u64,
}

impl Writer {
    /// Sends at a pace until everything is delivered and answered. Returns how many events were sent.
    pub(crate) async fn run(&mut self, pace: Pace, duration: Duration) -> Result<u64, Trouble> {
        let (board, watchers) = (self.board.clone(), self.watchers as u64);
        board.begin(self.head);
        pace.drive(self, &board, watchers, duration).await
    }
}

impl Writes for Writer {
    /// Reads answers while it sends. When the server is too slow, the writer does not wait between turns, so it has no
    /// other time to read.
    async fn send(&mut self, count: usize, turn: Instant) -> Result<(), Trouble> {
        let (mut text, mut bytes) = (String::new(), Vec::new());
        for _ in 0..count {
            self.head += 1;
            self.board.intend(turn);
            self.source.encode(&mut bytes, &mut text, self.head)?;
        }
        let Writer {
            link, source, board, ..
        } = self;
        link.send_and_read(&bytes, |_, text| source.hear(text, board))
            .await
    }

    async fn hear(&mut self) -> Result<(), Trouble> {
        let Writer {
            link, source, board, ..
        } = self;
        link.read(|_, text| source.hear(text, board)).await
    }

    fn unanswered(&self) -> u64 {
        self.source.unanswered()
    }
}
