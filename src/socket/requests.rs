//! The requests of one socket on their way: they take effect and are answered in the order sent. Mutations follow
//! each other into the engine's queue without waiting; a query waits for the mutations before it, and everything
//! waits for a query before it, or for what changes the socket itself. Does not know what requests mean.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use taskwire_protocol::frames::RequestId;
use taskwire_protocol::{Failure, Kind, OpId, Request, StreamId};
use tokio::time::Instant;

use super::session::Settled;
use crate::engine::{Answering, Measure, Reply};

/// A request under way.
pub(super) struct Asked {
    /// To be echoed.
    pub(super) id: Option<RequestId>,
    /// The operation's wire name, for the metrics.
    pub(super) name: &'static str,
    /// When it came.
    pub(super) since: Instant,
    /// The stream that is silent until the answer.
    pub(super) paused: Option<StreamId>,
}

impl Asked {
    /// For the metrics.
    pub(super) fn measure(&self) -> Measure {
        Measure::begin(self.name, self.since)
    }
}

/// What a request came to.
pub(super) enum Outcome {
    /// The dispatcher's answer.
    Reply(Result<Reply, Failure>),
    /// It never reached the dispatcher.
    Refused(Failure),
    /// What the socket itself must do.
    Settle(Box<Settled>),
}

/// Where a request is on its way.
pub(super) enum State {
    /// Its turn has not come.
    Waiting(Request, Option<OpId>),
    /// The engine carries it out.
    Call(Answering),
    /// It concerns the socket itself, which waits for something.
    Session(Pin<Box<dyn Future<Output = Settled> + Send>>),
    /// It is done.
    Done(Outcome),
}

/// What a request is to the ones after it.
#[derive(Clone, Copy)]
enum Weight {
    /// Refused when it came: in nobody's way.
    None,
    /// The next mutation may follow at once.
    Mutation,
    /// Everything waits for it.
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
    /// How many from the front are under way or done.
    started: usize,
    mutations: usize,
    others: usize,
}

impl Requests {
    /// How many have no answer yet.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether everything was answered.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// A request that waits for its turn.
    pub(super) fn push(&mut self, asked: Asked, request: Request, op_id: Option<OpId>) {
        let weight = if request.kind() == Kind::Mutation {
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

    /// A request that was refused when it came; it is answered in its turn.
    pub(super) fn refuse(&mut self, asked: Asked, failure: Failure) {
        let state = Some(State::Done(Outcome::Refused(failure)));
        self.queue.push_back(Entry {
            asked,
            weight: Weight::None,
            state,
        });
    }

    /// A request that is begun already, before any other.
    pub(super) fn begun(&mut self, asked: Asked, state: State) {
        self.queue.push_back(Entry {
            asked,
            weight: Weight::Other,
            state: Some(state),
        });
        self.started += 1;
        self.others += 1;
    }

    /// Whether one of this name waits or is under way. One that was refused when it came is neither.
    pub(super) fn has(&self, name: &str) -> bool {
        let is_one = |entry: &Entry| entry.asked.name == name && !matches!(entry.weight, Weight::None);
        self.queue.iter().any(is_one)
    }

    /// Whether one of this name is being carried out, as the oldest.
    pub(super) fn is_under_way(&self, name: &str) -> bool {
        let began = |state: &Option<State>| matches!(state, Some(State::Session(_) | State::Call(_)));
        self.queue
            .front()
            .is_some_and(|entry| entry.asked.name == name && began(&entry.state))
    }

    /// Whether a stream is silent until one of them is answered.
    pub(super) fn keep_silent(&self, stream: StreamId) -> bool {
        self.queue.iter().any(|entry| entry.asked.paused == Some(stream))
    }

    /// Starts what may start now, in order.
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

    /// The oldest request's outcome. The others need no polling: their work goes on without it.
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

/// A mutation takes its place in the engine's queue at its first poll, so that comes now, whichever request is the
/// first. Nobody need be woken by it: once it is the first, it is polled again.
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
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::HashMap;
    use taskwire_protocol::ErrorCode;
    use tokio::sync::oneshot;

    /// Requests whose calls are answered by hand.
    #[derive(Default)]
    struct Bench {
        requests: Requests,
        begun: RefCell<HashMap<&'static str, oneshot::Sender<()>>>,
    }

    impl Bench {
        fn push(&mut self, name: &'static str, wire: &str, data: &str) {
            let request = Request::read(wire, data).unwrap_or_else(|failure| panic!("{failure}"));
            self.requests.push(asked(name), request, None);
            self.start();
        }

        fn start(&mut self) {
            let begun = &self.begun;
            self.requests.start(|asked, _, _| {
                let (sender, receiver) = oneshot::channel();
                begun.borrow_mut().insert(asked.name, sender);
                State::Call(Box::pin(async move {
                    let _answered = receiver.await;
                    Ok(Reply::data(""))
                }))
            });
        }

        fn begun(&self) -> Vec<&'static str> {
            let mut names: Vec<_> = self.begun.borrow().keys().copied().collect();
            names.sort_unstable();
            names
        }

        fn answer(&mut self, name: &str) {
            let sender = self
                .begun
                .borrow_mut()
                .remove(name)
                .unwrap_or_else(|| panic!("{name} was not begun"));
            assert!(sender.send(()).is_ok());
        }

        fn first(&mut self) -> Option<&'static str> {
            let polled = self.requests.poll_first(&mut noop());
            self.start();
            match polled {
                Poll::Ready((asked, _)) => Some(asked.name),
                Poll::Pending => None,
            }
        }
    }

    fn noop() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    fn asked(name: &'static str) -> Asked {
        Asked {
            id: None,
            name,
            since: Instant::now(),
            paused: None,
        }
    }

    const TITLE: &str = r#"{"title":"a"}"#;

    #[test]
    fn mutations_follow_each_other_and_a_query_waits_for_them() {
        let mut bench = Bench::default();
        bench.push("m1", "task.create", TITLE);
        bench.push("m2", "task.create", TITLE);
        bench.push("q", "task.list", "{}");
        bench.push("m3", "task.create", TITLE);
        assert_eq!(bench.begun(), ["m1", "m2"]);
        bench.answer("m2");
        assert_eq!(bench.first(), None, "m2 was answered before m1");
        bench.answer("m1");
        assert_eq!((bench.first(), bench.first()), (Some("m1"), Some("m2")));
        assert_eq!(bench.begun(), ["q"]);
        bench.answer("q");
        assert_eq!(bench.first(), Some("q"));
        assert_eq!(bench.begun(), ["m3"]);
    }

    #[test]
    fn a_refused_request_is_answered_in_its_turn_and_in_nobodys_way() {
        let mut bench = Bench::default();
        bench.push("m1", "task.create", TITLE);
        bench
            .requests
            .refuse(asked("r"), Failure::new(ErrorCode::UnknownType, "no"));
        bench.push("m2", "task.create", TITLE);
        assert_eq!(bench.begun(), ["m1", "m2"]);
        assert_eq!(bench.first(), None);
        bench.answer("m1");
        assert_eq!(
            (bench.first(), bench.first(), bench.first()),
            (Some("m1"), Some("r"), None)
        );
    }

    #[tokio::test]
    async fn what_waits_or_was_refused_is_not_under_way() {
        let mut bench = Bench::default();
        bench.push("m1", "task.create", TITLE);
        let failure = Failure::new(ErrorCode::ValidationError, "no");
        bench.requests.refuse(asked("refused"), failure);
        let request = Request::read("auth.logout", "{}").unwrap_or_else(|failure| panic!("{failure}"));
        bench.requests.push(asked("out"), request, None);
        let begin = |requests: &mut Requests| {
            requests.start(|_, _, _| State::Session(Box::pin(std::future::pending())));
        };
        begin(&mut bench.requests);
        let is = |bench: &Bench, name| (bench.requests.has(name), bench.requests.is_under_way(name));
        assert_eq!(
            (is(&bench, "refused"), is(&bench, "out")),
            ((false, false), (true, false))
        );
        bench.answer("m1");
        assert_eq!(
            bench
                .requests
                .poll_first(&mut noop())
                .map(|(asked, _)| asked.name),
            Poll::Ready("m1")
        );
        begin(&mut bench.requests);
        assert!(!bench.requests.is_under_way("out"), "a refusal is answered first");
        assert_eq!(
            bench
                .requests
                .poll_first(&mut noop())
                .map(|(asked, _)| asked.name),
            Poll::Ready("refused")
        );
        assert!(bench.requests.is_under_way("out"));
    }

    #[test]
    fn what_concerns_the_socket_itself_waits_for_all_before_it() {
        let mut bench = Bench::default();
        bench.push("m1", "task.create", TITLE);
        bench.push("out", "auth.logout", "{}");
        assert_eq!(bench.begun(), ["m1"]);
        bench.answer("m1");
        assert_eq!(bench.first(), Some("m1"));
        assert_eq!(bench.begun(), ["out"]);
    }
}
