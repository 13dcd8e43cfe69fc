//! Calls under way, in the order in which they were sent, until each has its answer. Does not touch the socket.

use super::effect::Effect;
use crate::{
    error::{CallError, Stopped},
    wire::{self, Answer},
};
use std::{borrow::Cow, collections::BTreeMap};
use taskwire_protocol::{OpId, frames::too_deep, limits};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Repeating one of these would make a second account or session.
const NOT_REPEATABLE: [&str; 2] = ["auth.signup", "auth.login"];

/// A call on its way from the program to the socket.
pub(crate) struct Call {
    name: Cow<'static, str>,
    op_id: Option<OpId>,
    data: String,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Answer, CallError>>;

impl Call {
    pub(crate) fn new(name: Cow<'static, str>, op_id: Option<OpId>, data: String, reply: Reply) -> Call {
        Call {
            name,
            op_id,
            data,
            reply,
        }
    }
}

/// The calls without an answer. An id is never used twice: the order of ids is the order of sending, and a frame can
/// be sent again unchanged.
#[derive(Default)]
pub(super) struct Calls {
    last_id: i64,
    pending: BTreeMap<i64, Pending>,
}

struct Pending {
    frame: Utf8Bytes,
    reply: Reply,
    effect: Effect,
    repeatable: bool,
}

impl Calls {
    pub(super) fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// The frame to send; `None` when the caller is gone, or when the server would refuse the frame. A frame that nests
    /// too deep must not be sent: the server answers it without its id, so the caller would wait for ever.
    pub(super) fn start(&mut self, call: Call, limit: u64) -> Option<Utf8Bytes> {
        if call.reply.is_closed() {
            return None;
        }
        let id = self.next_id();
        let text = wire::request(&call.name, Some(id), call.op_id, &call.data);
        if text.len() as u64 > limit {
            let bytes = text.len();
            // Sending fails when the caller is gone; it needs no answer then. The same holds below.
            let _ = call.reply.send(Err(CallError::TooLarge { bytes, limit }));
            return None;
        }
        if too_deep(&text) {
            let limit = limits::DEPTH;
            let _ = call.reply.send(Err(CallError::TooDeep { limit }));
            return None;
        }
        let frame = Utf8Bytes::from(text);
        let pending = Pending {
            frame: frame.clone(),
            reply: call.reply,
            effect: Effect::of(&call.name, &call.data),
            repeatable: !NOT_REPEATABLE.contains(&&*call.name),
        };
        self.pending.insert(id, pending);
        Some(frame)
    }

    /// Removes and returns the call with this id, for its answer.
    pub(super) fn take(&mut self, id: i64) -> Option<(Effect, Answering)> {
        let pending = self.pending.remove(&id)?;
        Some((pending.effect, Answering(pending.reply)))
    }

    /// After the connection is lost: forgets calls whose callers are gone, and ends those that must not be repeated.
    pub(super) fn interrupt(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        for (id, call) in pending {
            if call.reply.is_closed() {
                continue;
            }
            if call.repeatable {
                self.pending.insert(id, call);
            } else {
                let _ = call.reply.send(Err(CallError::Interrupted));
            }
        }
    }

    /// The frames to send again, in order.
    pub(super) fn frames(&self) -> impl ExactSizeIterator<Item = Utf8Bytes> {
        self.pending.values().map(|pending| pending.frame.clone())
    }

    pub(super) fn stop(&mut self, why: &Stopped) {
        for (_, pending) in std::mem::take(&mut self.pending) {
            let _ = pending.reply.send(Err(CallError::Stopped(why.clone())));
        }
    }
}

/// The caller that waits for an answer.
pub(super) struct Answering(Reply);

impl Answering {
    pub(super) fn with(self, answer: Result<Answer, CallError>) {
        let _ = self.0.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &'static str) -> (Call, oneshot::Receiver<Result<Answer, CallError>>) {
        let (reply, answer) = oneshot::channel();
        (Call::new(name.into(), None, "{}".to_owned(), reply), answer)
    }

    #[test]
    fn unanswered_calls_are_sent_again_in_their_order() {
        let mut calls = Calls::default();
        let mut answers = Vec::new();
        for name in ["task.create", "task.get", "task.delete"] {
            let (call, answer) = call(name);
            assert!(calls.start(call, 1000).is_some());
            answers.push(answer);
        }
        calls.take(1);
        calls.interrupt();
        let frames: Vec<String> = calls.frames().map(|frame| frame.to_string()).collect();
        assert_eq!(
            frames,
            [
                r#"{"type":"task.get","id":2,"data":{}}"#,
                r#"{"type":"task.delete","id":3,"data":{}}"#
            ]
        );
    }

    #[test]
    fn an_abandoned_call_is_not_sent_again() {
        let mut calls = Calls::default();
        let (call, answer) = call("task.create");
        assert!(calls.start(call, 1000).is_some());
        drop(answer);
        calls.interrupt();
        assert_eq!(calls.frames().len(), 0);
    }

    #[test]
    fn a_sign_in_is_not_sent_twice() {
        let mut calls = Calls::default();
        let (call, mut answer) = call("auth.login");
        assert!(calls.start(call, 1000).is_some());
        calls.interrupt();
        assert!(matches!(answer.try_recv(), Ok(Err(CallError::Interrupted))));
    }

    #[test]
    fn a_frame_beyond_the_limit_is_not_sent() {
        let mut calls = Calls::default();
        let (call, mut answer) = call("task.create");
        assert!(calls.start(call, 10).is_none());
        assert!(matches!(
            answer.try_recv(),
            Ok(Err(CallError::TooLarge { limit: 10, .. }))
        ));
        assert_eq!(calls.len(), 0);
    }

    #[test]
    fn a_frame_that_nests_too_deep_is_not_sent() {
        let nested = |levels: usize| {
            let (reply, answer) = oneshot::channel();
            let data = format!(r#"{{"title":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
            (Call::new("task.create".into(), None, data, reply), answer)
        };
        let mut calls = Calls::default();
        // The frame and its `data` are two levels.
        let (call, mut answer) = nested(limits::DEPTH - 1);
        assert!(calls.start(call, 1000).is_none());
        assert!(matches!(answer.try_recv(), Ok(Err(CallError::TooDeep { .. }))));
        let (call, _answer) = nested(limits::DEPTH - 2);
        assert!(calls.start(call, 1000).is_some());
    }
}
