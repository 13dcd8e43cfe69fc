//! The requests of one socket that are under way. They take effect and are answered in the order sent. Mutations enter
//! the engine's queue one after another without waiting. A query waits for earlier mutations. Every request waits for
//! an earlier query, or for an earlier request that changes the socket itself. Does not know what requests mean.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use taskwire_protocol::frames::RequestId;
use taskwire_protocol::{Failure, Kind, OpId, Request, StreamId};
use tokio::time::Instant;

use super::settled::Settled;
use crate::engine::{Answering, Measure, Reply, waits_before_the_lane};

/// A request under way.
pub(super) struct Asked {
    /// The client's id, which the answer repeats.
    pub(super) id: Option<RequestId>,
    /// The operation's wire name, for the metrics.
    pub(super) name: &'static str,
    /// When it arrived.
    pub(super) since: Instant,
    /// The stream that must deliver nothing until the answer.
    pub(super) paused: Option<StreamId>,
}

impl Asked {
    /// Its measurement for the metrics.
    pub(super) fn measure(&self) -> Measure {
        Measure::begin(self.name, self.since)
    }
}

/// The result of a request.
pub(super) enum Outcome {
    /// The dispatcher's answer.
    Reply(Result<Reply, Failure>),
    /// It was refused before it reached the dispatcher.
    Refused(Failure),
    /// The socket itself must act on this.
    Settle(Box<Settled>),
}

/// The progress of a request.
pub(super) enum State {
    /// Its turn has not come.
    Waiting(Request, Option<OpId>),
    /// The engine carries it out.
    Call(Answering),
    /// It concerns the socket itself, which waits for this future.
    Session(Pin<Box<dyn Future<Output = Settled> + Send>>),
    /// It is done.
    Done(Outcome),
}

/// Which later requests wait for this one.
#[derive(Clone, Copy)]
enum Weight {
    /// None: it was refused when it arrived.
    None,
    /// All except mutations.
    Mutation,
    /// All.
    Other,
}

struct Entry {
    asked: Asked,
    weight: Weight,
    /// `None` only while it changes.
    state: Option<State>,
}

/// The requests of one socket, oldest first.
#[derive(Default)]
pub(super) struct Requests {
    queue: VecDeque<Entry>,
    /// How many, counted from the front, are under way or done.
    started: usize,
    mutations: usize,
    others: usize,
}

impl Requests {
    /// How many have not been answered yet.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether everything was answered.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Adds a request that waits for its turn.
    pub(super) fn push(&mut self, asked: Asked, request: Request, op_id: Option<OpId>) {
        let weight = if request.kind() == Kind::Mutation && !waits_before_the_lane(&request) {
            Weight::Mutation
        } else {
            Weight::Other
        };
        self.queue.push_back(Entry {
            asked,
            weight,
            state: Some(State::Waiting(request, op_id)),
        });
    }

    /// Adds a request that was refused when it arrived; it is answered in its turn.
    pub(super) fn refuse(&mut self, asked: Asked, failure: Failure) {
        let state = Some(State::Done(Outcome::Refused(failure)));
        self.queue.push_back(Entry {
            asked,
            weight: Weight::None,
            state,
        });
    }

    /// Refuses the requests that wait for their turn, except those that must pass.
    pub(super) fn refuse_waiting(&mut self, failure: &Failure, must_pass: impl Fn(&Request) -> bool) {
        for entry in self.queue.range_mut(self.started..) {
            if matches!(&entry.state, Some(State::Waiting(request, _)) if !must_pass(request)) {
                entry.weight = Weight::None;
                entry.state = Some(State::Done(Outcome::Refused(failure.clone())));
            }
        }
    }

    /// Adds a request that was started already, before any other.
    pub(super) fn begun(&mut self, asked: Asked, state: State) {
        self.queue.push_back(Entry {
            asked,
            weight: Weight::Other,
            state: Some(state),
        });
        self.started += 1;
        self.others += 1;
    }

    /// Whether a request of this name waits or is under way. One that was refused when it arrived does not count.
    pub(super) fn has(&self, name: &str) -> bool {
        let is_one = |entry: &Entry| entry.asked.name == name && !matches!(entry.weight, Weight::None);
        self.queue.iter().any(is_one)
    }

    /// Whether a request of this name is being carried out: it is the oldest, and was started.
    pub(super) fn is_under_way(&self, name: &str) -> bool {
        let began = |state: &Option<State>| matches!(state, Some(State::Session(_) | State::Call(_)));
        self.queue
            .front()
            .is_some_and(|entry| entry.asked.name == name && began(&entry.state))
    }

    /// Whether a stream must deliver nothing until one of the requests is answered.
    pub(super) fn keep_silent(&self, stream: StreamId) -> bool {
        self.queue.iter().any(|entry| entry.asked.paused == Some(stream))
    }

    /// Starts the requests that may start now, in order.
    pub(super) fn start(&mut self, mut begin: impl FnMut(&mut Asked, Request, Option<OpId>) -> State) {
        while let Some(entry) = self.queue.get_mut(self.started) {
            match entry.weight {
                Weight::None => {}
                Weight::Mutation if self.others == 0 => self.mutations += 1,
                Weight::Other if self.others + self.mutations == 0 => self.others += 1,
                Weight::Mutation | Weight::Other => return,
            }
            entry.state = match entry.state.take() {
                Some(State::Waiting(request, op_id)) => {
                    Some(take_place(begin(&mut entry.asked, request, op_id)))
                }
                state => state,
            };
            self.started += 1;
        }
    }

    /// The oldest request's outcome. The others do not need polling: their work continues without it.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<(Asked, Outcome)> {
        let Some(entry) = self.queue.front_mut() else {
            return Poll::Pending;
        };
        let outcome = match entry.state.take() {
            Some(State::Done(outcome)) => outcome,
            Some(State::Call(mut future)) => match future.as_mut().poll(cx) {
                Poll::Ready(reply) => Outcome::Reply(reply),
                Poll::Pending => {
                    entry.state = Some(State::Call(future));
                    return Poll::Pending;
                }
            },
            Some(State::Session(mut future)) => match future.as_mut().poll(cx) {
                Poll::Ready(settled) => Outcome::Settle(Box::new(settled)),
                Poll::Pending => {
                    entry.state = Some(State::Session(future));
                    return Poll::Pending;
                }
            },
            waiting => {
                entry.state = waiting;
                return Poll::Pending;
            }
        };
        match self.pop() {
            Some(asked) => Poll::Ready((asked, outcome)),
            None => Poll::Pending,
        }
    }

    fn pop(&mut self) -> Option<Asked> {
        let entry = self.queue.pop_front()?;
        self.started -= 1;
        match entry.weight {
            Weight::None => {}
            Weight::Mutation => self.mutations -= 1,
            Weight::Other => self.others -= 1,
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new(); // an idle socket keeps nothing
        }
        Some(entry.asked)
    }
}

/// Polls a mutation once, even when others are before it: the first poll puts it into the engine's queue. It does not
/// need to wake the task: once it is the oldest, it is polled again.
fn take_place(state: State) -> State {
    let State::Call(mut future) = state else {
        return state;
    };
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(reply) => State::Done(Outcome::Reply(reply)),
        Poll::Pending => State::Call(future),
    }
}

#[cfg(test)]
mod tests;
