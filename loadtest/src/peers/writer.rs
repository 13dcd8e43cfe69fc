//! The writer that others watch: it sends requests that make events at a peer, and reads the answers.

use super::account::Account;
use super::hear::Heard;
use super::join::{Role, join};
use super::link::Link;
use super::peer::Target;
use super::say;
use crate::board::Board;
use crate::fault::Fault;
use crate::pace::{Pace, Writes};
use crate::trouble::Trouble;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The writer.
pub(super) struct Writer<'a> {
    link: Link,
    target: &'a Target,
    account: &'a Account,
    board: Arc<Board>,
    /// How many sockets get each event.
    watchers: u64,
    /// Events sent so far.
    sent: u64,
    answered: u64,
}

impl<'a> Writer<'a> {
    /// Opens the writer's socket.
    pub(super) async fn open(
        target: &'a Target,
        account: &'a Account,
        board: &Arc<Board>,
        watchers: usize,
    ) -> Result<Writer<'a>, Trouble> {
        Ok(Writer {
            link: join(target, account, Role::Write, &None).await?.0,
            target,
            account,
            board: board.clone(),
            watchers: watchers as u64,
            sent: 0,
            answered: 0,
        })
    }

    /// Sends at a pace until everything is delivered and answered.
    pub(super) async fn run(&mut self, pace: Pace, duration: Duration) -> Result<(), Trouble> {
        let (board, watchers) = (self.board.clone(), self.watchers);
        board.begin(self.sent);
        pace.drive(self, &board, watchers, duration).await.map(drop)
    }
}

impl Writes for Writer<'_> {
    async fn send(&mut self, count: usize, turn: Instant) -> Result<(), Trouble> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            self.sent += 1;
            self.board.intend(turn);
            say::create(&mut bytes, self.target.peer, self.account, self.sent, true);
        }
        self.link.send(&bytes).await
    }

    async fn hear(&mut self) -> Result<(), Trouble> {
        let (answered, board) = (&mut self.answered, &self.board);
        let note = |_, heard: Heard<'_>| match heard {
            Heard::Ok(_) => *answered += 1,
            Heard::Refused(why) => {
                *answered += 1;
                board.fault(Fault::Refused, 1, || String::from_utf8_lossy(why).into_owned());
            }
            _ => {}
        };
        self.link.read(note).await
    }

    fn unanswered(&self) -> u64 {
        if self.target.peer.answers() {
            self.sent.saturating_sub(self.answered)
        } else {
            0
        }
    }
}
