//! I11: what became of the sockets and tokens of sessions that ended.

use crate::load::record::{Ended, Farewell, Parting};
use crate::verdict::{Invariant, Verdicts};

/// The close code of a socket whose session ended.
const REVOKED: u16 = 4403;
/// The close code of a socket whose instance restarts.
const RESTART: u16 = 1012;

/// I11: once the end of a session was acknowledged and its grace time is over, its sockets get no event and are closed
/// with 4403, and no instance accepts its tokens. Before anybody ended it, no socket is closed with 4403.
pub(crate) fn ended(sessions: &[Ended], verdicts: &Verdicts) {
    for session in sessions {
        let by = session.at + session.grace;
        let late = |at: u64| at.saturating_sub(session.at) / 1_000_000;
        let violated = |what: String| {
            let what = format!(
                "a session of {}, ended by {:?}: {what}",
                session.user, session.way
            );
            verdicts.violated(Invariant::I11, what);
        };
        for socket in &session.sockets {
            verdicts.checked(Invariant::I11, 1);
            if socket.last > by {
                violated(format!("a socket got an event {} ms after it", late(socket.last)));
            }
            if let Some(wrong) = wrong_end(socket, session, by) {
                violated(wrong);
            }
        }
        for attempt in session.attempts.iter().filter(|attempt| attempt.began > by) {
            verdicts.checked(Invariant::I11, 1);
            if attempt.accepted {
                violated(format!(
                    "instance {} accepted its {:?} token {} ms after it",
                    attempt.instance,
                    attempt.token,
                    late(attempt.began)
                ));
            }
        }
    }
}

fn wrong_end(socket: &Parting, session: &Ended, by: u64) -> Option<String> {
    let revoked = socket.how == Farewell::Closed(REVOKED);
    if revoked && socket.ended < session.began {
        return Some("a socket was closed with 4403 before".to_owned());
    }
    // what ended a socket before the session ended is judged elsewhere
    if socket.ended < session.at {
        return None;
    }
    let late = socket.ended.saturating_sub(session.at) / 1_000_000;
    match socket.how {
        Farewell::Closed(REVOKED) if socket.ended > by => {
            Some(format!("a socket was closed {late} ms after it"))
        }
        Farewell::Closed(REVOKED | RESTART) | Farewell::Broken { instance_died: true } => None,
        Farewell::Open => Some("a socket was not closed".to_owned()),
        Farewell::Closed(code) => Some(format!("a socket was closed with {code}, {late} ms after it")),
        Farewell::Broken { .. } => Some(format!(
            "a socket ended without a close frame, {late} ms after it"
        )),
    }
}
