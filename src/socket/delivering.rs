//! Sends the events and signals of a socket's streams, and the answers that are ready.

use std::io;
use std::task::{Context, Poll, Waker, ready};

use taskwire_protocol::StreamId;

use super::connection::{Connection, End, Step};
use super::requests::Outcome;
use super::session::Stage;
use super::settled::Settled;
use super::transport::Transport;
use crate::engine::{Reply, Then};
use crate::follow::Interruption;
use crate::live::{Dirty, Frame, Outlet};

impl Connection {
    /// Feeds events; true when there are more to feed at once.
    pub(super) fn deliver(&mut self, cx: &mut Context<'_>, dirty: Dirty) -> Result<bool, Step> {
        let Stage::Member(follower) = &mut self.stage else {
            return Ok(false);
        };
        if self.revoked {
            follower.keep(dirty);
            return Ok(false);
        }
        let mut out = Room {
            wire: &mut self.wire,
            limit: self.app.settings.socket_queue_bytes / 2,
        };
        follower
            .deliver(cx, dirty, &mut out)
            .map_err(|stopped| match stopped {
                Interruption::Control(control) => Step::Control(control),
                Interruption::Close(close) => Step::End(close.into()),
                Interruption::Outlet(error) => Step::End(End::broke(&error)),
            })
    }

    /// Writes answers, oldest first, while there is room for them. A stranger's `auth` goes on without room, because it
    /// holds one of the entrance's few turns.
    pub(super) fn answer_ready(&mut self, cx: &mut Context<'_>) -> Option<Step> {
        while self.has_room() || self.is_entering() {
            let Poll::Ready((asked, outcome)) = self.requests.poll_first(cx) else {
                break;
            };
            match outcome {
                Outcome::Reply(result) => {
                    let moves = |reply: &Reply| reply.then != Then::Nothing;
                    if asked.paused.is_some() || self.revoked || result.as_ref().is_ok_and(moves) {
                        return Some(Step::Settle(asked, Box::new(Settled::Replied(result))));
                    }
                    self.answer(&asked, &result);
                    self.start();
                }
                Outcome::Refused(failure) => {
                    self.refuse(&asked, &failure);
                    self.start();
                }
                Outcome::Settle(settled) => return Some(Step::Settle(asked, settled)),
            }
        }
        None
    }

    fn is_entering(&self) -> bool {
        matches!(self.stage, Stage::Stranger(_)) && self.requests.is_under_way("auth")
    }

    /// Answers all requests that are done, before a close: a burst that led to the close may have many refused ones.
    pub(super) fn answer_what_is_done(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready((asked, outcome)) = self.requests.poll_first(&mut cx) {
            match outcome {
                Outcome::Reply(result) => self.answer(&asked, &result),
                Outcome::Refused(failure) => self.refuse(&asked, &failure),
                Outcome::Settle(_) => return,
            }
        }
    }
}

/// The transport's queue as an outlet.
struct Room<'a> {
    wire: &'a mut Transport,
    limit: usize,
}

impl Outlet for Room<'_> {
    type Error = io::Error;

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        if self.wire.queued() >= self.limit {
            ready!(self.wire.poll_flush(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn bite(&self) -> usize {
        self.wire.bite()
    }

    fn expect(&mut self, frames: usize, bytes: usize) {
        self.wire.expect(frames, bytes);
    }

    fn event(&mut self, frame: Frame, stream: StreamId, seq: u64) -> Result<(), io::Error> {
        self.wire.event(&frame, stream, seq);
        Ok(())
    }

    fn signal(&mut self, frame: Frame) -> Result<(), io::Error> {
        self.wire.signal(&frame);
        Ok(())
    }
}
