//! What a socket does without a request, at a deadline: sends pings and notices, and closes when the client is late,
//! dead, or connected for too long. `pulse` tells what is due.

use std::task::{Context, Poll};

use taskwire_protocol::CloseCode;
use taskwire_protocol::frames::{Goodbye, SessionExpiring};
use tokio::time::Instant;

use super::connection::{Connection, End};
use super::pulse::Due;
use super::session::Stage;
use crate::follow::Close;
use crate::reply::frames;

/// A client that must reconnect because its socket is old does so within this many milliseconds. Few do at a time.
const MOVES_WITHIN_MS: u64 = 500;

impl Connection {
    /// Acts on deadlines; true when a ping was queued.
    pub(super) fn poll_pulse(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if !self.timer {
            return Ok(false);
        }
        let Poll::Ready(due) = self.pulse.poll_due(self.wire.input()) else {
            self.timer = false;
            return Ok(false);
        };
        let pinged = self.act_on(due)?;
        if !pinged {
            // the timer was set again, and it wakes the task only once it was polled
            cx.waker().wake_by_ref();
        }
        Ok(pinged)
    }

    /// Acts on one deadline; true when a ping was queued.
    fn act_on(&mut self, due: Due) -> Result<bool, End> {
        match due {
            Due::Late if self.revoked => return Err(Close::SESSION_ENDED.into()),
            // a token that arrived in time gets more time when the database is slow, but not when the peer receives no
            // answers
            Due::Late if self.has_room() && self.requests.is_under_way("auth") => self.wait_for_token(),
            Due::Late if self.has_long_message() => self.late_with_a_long_message()?,
            Due::Late => {
                return Err(End::Close(
                    CloseCode::Unauthenticated,
                    "not authenticated in time",
                ));
            }
            Due::Expired => return Err(Close::TOKEN_ENDED.into()),
            Due::Silent => self.look_for_life()?,
            Due::Expiring => {
                if let Stage::Member(follower) = &self.stage {
                    let expires_at = follower.expires_at();
                    self.wire.signal(&frames::signal(
                        "session.expiring",
                        &SessionExpiring { expires_at },
                    ));
                }
            }
            Due::Aged => {
                let reconnect_after_ms = u64::from(rand::random::<u16>()) % MOVES_WITHIN_MS;
                self.wire
                    .signal(&frames::signal("server.goodbye", &Goodbye { reconnect_after_ms }));
                self.finishing = true;
            }
            Due::Ping => {
                self.wire.ping();
                self.pace.forgive_controls();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing was read since the ping. The peer may still be alive: this task may have been waiting while input
    /// arrived; nothing is read while the peer waits for answers of the node; and a slow peer may still take what was
    /// sent before the ping. So read first, then look what the peer has taken, and close only after that.
    fn look_for_life(&mut self) -> Result<(), End> {
        let before = self.wire.reads();
        self.hear()?;
        if self.wire.reads() != before {
            self.pulse.heard(self.wire.reads());
            return Ok(());
        }
        let (now, uptake) = (Instant::now(), self.wire.uptake());
        if self.wire.is_one_way() && uptake.left == 0 {
            self.pulse.took_all();
        } else if self.is_deaf() {
            self.pulse.wait_on(now, uptake);
        } else if !self.pulse.looked(now, uptake) {
            self.wire.give_up();
            return Err(End::Close(CloseCode::Dead, "no sign of life"));
        }
        Ok(())
    }

    /// Restarts the time that a socket has to authenticate.
    pub(super) fn wait_for_token(&mut self) {
        self.pulse
            .wait_for_token(Instant::now() + self.app.settings.auth_timeout);
    }
}
