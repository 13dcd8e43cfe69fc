//! The loop of the ONE task of a socket: deliver what moved and what was answered, flush once, hear the client.
//! Does not know what requests mean (`incoming`, `session`) nor how bytes travel (`transport`).

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use taskwire_protocol::account::Authenticate;
use taskwire_protocol::frames::{Goodbye, SessionExpiring};
use taskwire_protocol::{CloseCode, Request};
use tokio::time::Instant;

use super::pace::Pace;
use super::pulse::{Due, Pulse, Times};
use super::registry::{Order, Seat};
use super::requests::{Asked, Outcome, Requests};
use super::session::{self, Settled, Stage};
use super::transport::{Heard, Transport};
use crate::config::Settings;
use crate::engine::{Reply, Then};
use crate::live::{Control, Delivered, Dirty, Frame, Outlet, Stop, Wakeup};
use crate::reply::frames;
use crate::state::App;

/// Messages that are heard before what they brought is flushed.
const HEARD_AT_ONCE: usize = 16;
/// Rounds before other tasks get a turn.
const ROUNDS: usize = 32;

/// A socket that is asked to come back for its age does so within so many milliseconds: few do at a time.
const MOVES_WITHIN_MS: u64 = 500;

/// One socket. Its fields lie as they stand here: what a delivery touches is together in the middle, because fetching
/// it from memory is most of what a delivery costs beside the kernel's part.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is asked about for itself, on the way of every delivery"
)]
#[repr(C)]
pub(super) struct Connection {
    pub(super) pace: Pace,
    pub(super) seat: Seat,
    pub(super) pulse: Pulse,
    pub(super) app: Arc<App>,
    pub(super) wakeup: Arc<Wakeup>,
    pub(super) stage: Stage,
    /// The read half may have input; it is polled only then.
    pub(super) input: bool,
    /// The timer may have fired, or was not polled since it was set; it is polled only then. It calls the read half's
    /// waker, because a delivery that looked at it would touch memory that nothing else on its way does.
    pub(super) timer: bool,
    /// Nothing more is heard; once everything is answered, the socket closes.
    finishing: bool,
    /// The session ended while the logout is carried out: that is answered yet, and nothing else heard or delivered.
    pub(super) revoked: bool,
    pub(super) requests: Requests,
    pub(super) wire: Transport,
}

/// How a socket ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// We close it.
    Close(CloseCode, &'static str),
    /// The peer closed it; the answer to its close frame is queued.
    Closed,
    /// The connection broke.
    Gone,
}

/// What has to be waited for outside of the loop's polling.
enum Step {
    Settle(Asked, Box<Settled>),
    Control(Control),
    End(End),
}

impl Connection {
    /// A socket after its upgrade. `wakeup` wakes its task on input already.
    pub(super) fn new(app: Arc<App>, wire: Transport, wakeup: Arc<Wakeup>, stage: Stage) -> Connection {
        let settings = &app.settings;
        Connection {
            pace: Pace::new(settings, app.elapsed_ms()),
            pulse: Pulse::new(Instant::now(), times(settings)),
            seat: app.sockets.enter(wakeup.clone()),
            wire,
            wakeup,
            requests: Requests::default(),
            stage,
            // each calls its waker only after it was polled once
            input: true,
            timer: true,
            finishing: false,
            revoked: false,
            app,
        }
    }

    /// Serves the socket until its end. Boxed, so that the task holds it once and not once for each way it goes.
    pub(super) async fn run(mut self: Box<Self>) {
        let end = loop {
            let done = match std::future::poll_fn(|cx| self.poll_step(cx)).await {
                Step::Settle(asked, settled) => Box::pin(self.settle(asked, *settled)).await,
                Step::Control(control) => Box::pin(self.obey(control)).await,
                Step::End(end) => Err(end),
            };
            if let Err(end) = done {
                break end;
            }
            self.start();
        };
        if let End::Close(..) = end {
            self.answer_what_is_done();
        }
        let Connection {
            wire, stage, seat, ..
        } = *self;
        // the user's place and the cursors are free before the peer has taken leave
        drop((stage, seat));
        match end {
            End::Close(code, reason) => {
                metrics::counter!("taskwire_sockets_closed_total", "code" => code.code().to_string())
                    .increment(1);
                Box::pin(wire.close(code, reason)).await;
            }
            End::Closed => Box::pin(wire.hang_up()).await,
            End::Gone => {}
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        for _ in 0..ROUNDS {
            match self.poll_round(cx) {
                Ok(Some(step)) => return Poll::Ready(step),
                Ok(None) => return Poll::Pending,
                Err(Again) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One round: `None` when there is nothing to do until the task is woken.
    fn poll_round(&mut self, cx: &mut Context<'_>) -> Result<Option<Step>, Again> {
        let dirty = match self.wakeup.poll(cx) {
            Poll::Ready(dirty) => dirty,
            Poll::Pending => Dirty::default(),
        };
        self.input |= dirty.has_input();
        self.timer |= dirty.has_input();
        if dirty.has_nudge()
            && let Err(end) = self.take_orders()
        {
            return Ok(Some(Step::End(end)));
        }
        let pinged = match self.poll_pulse(cx) {
            Ok(pinged) => pinged,
            Err(end) => return Ok(Some(Step::End(end))),
        };
        let mut again = match self.deliver(cx, dirty) {
            Ok(again) => again,
            Err(step) => return Ok(Some(step)),
        };
        if let Some(step) = self.answer_ready(cx) {
            return Ok(Some(step));
        }
        let full = !self.has_room();
        if let Poll::Ready(Err(error)) = self.wire.poll_flush(cx) {
            return Ok(Some(Step::End(broke(&error))));
        }
        // what found no room was not asked whether it is ready, so nothing else would wake this task for it
        again |= full && self.has_room();
        if pinged {
            self.pulse.asked(Instant::now(), self.wire.progress());
        }
        if self.finishing && self.requests.is_empty() {
            return Ok(Some(Step::End(End::Close(CloseCode::Restart, "come back"))));
        }
        match self.hear() {
            Ok(heard) => again |= heard,
            Err(end) => return Ok(Some(Step::End(end))),
        }
        self.pulse.heard(self.wire.progress());
        // a timer that fired was set anew, and wakes nobody before it is polled
        if again || pinged { Err(Again) } else { Ok(None) }
    }

    /// Acts on what the registry told this socket.
    fn take_orders(&mut self) -> Result<(), End> {
        while let Some(order) = self.seat.order() {
            match order {
                Order::Goodbye { reconnect_after_ms } => {
                    self.wire
                        .text(&frames::signal("server.goodbye", &Goodbye { reconnect_after_ms }));
                }
                Order::Close(CloseCode::Restart) => self.finishing = true,
                Order::Close(code) => return Err(End::Close(code, "closed by the server")),
            }
        }
        Ok(())
    }

    /// Acts on deadlines; true when a ping was queued.
    fn poll_pulse(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if !self.timer {
            return Ok(false);
        }
        let Poll::Ready(due) = self.pulse.poll_due(self.wire.input()) else {
            self.timer = false;
            return Ok(false);
        };
        match due {
            Due::Late if self.revoked => Err(session::session_ended()),
            // a token that came in time is not late because the database is; it is when its peer takes no answers
            Due::Late if self.has_room() && self.requests.is_under_way("auth") => {
                self.wait_for_token();
                cx.waker().wake_by_ref(); // the timer was not polled again
                Ok(false)
            }
            Due::Late => Err(End::Close(
                CloseCode::Unauthenticated,
                "not authenticated in time",
            )),
            Due::Expired => Err(End::Close(CloseCode::Unauthenticated, "the token ended")),
            Due::Dead => {
                self.look_for_life()?;
                cx.waker().wake_by_ref(); // the timer was not polled again
                Ok(false)
            }
            Due::Expiring => {
                if let Stage::Member(session) = &self.stage {
                    let expiring = SessionExpiring {
                        expires_at: session.expires_at,
                    };
                    self.wire.text(&frames::signal("session.expiring", &expiring));
                }
                cx.waker().wake_by_ref(); // the timer was not polled again
                Ok(false)
            }
            Due::Aged => {
                let reconnect_after_ms = u64::from(rand::random::<u16>()) % MOVES_WITHIN_MS;
                self.wire
                    .text(&frames::signal("server.goodbye", &Goodbye { reconnect_after_ms }));
                self.finishing = true;
                cx.waker().wake_by_ref(); // the timer was not polled again
                Ok(false)
            }
            Due::Ping => {
                self.wire.ping();
                self.pace.forgive_controls();
                Ok(true)
            }
        }
    }

    /// Nothing was heard since the ping; but did anybody listen? What came while the socket waited for something lies
    /// unread, and while the peer waits for answers that are not there yet, nothing is read at all.
    fn look_for_life(&mut self) -> Result<(), End> {
        let before = self.wire.progress();
        self.hear()?;
        if self.wire.progress() != before {
            self.pulse.heard(self.wire.progress());
        } else if self.is_deaf() {
            self.pulse.wait_on(Instant::now());
        } else {
            return Err(End::Close(CloseCode::Dead, "no sign of life"));
        }
        Ok(())
    }

    /// Whoever is not authenticated has the whole time again.
    pub(super) fn wait_for_token(&mut self) {
        self.pulse
            .wait_for_token(Instant::now() + self.app.settings.auth_timeout);
    }

    /// Feeds events; true when there are more that have room.
    fn deliver(&mut self, cx: &mut Context<'_>, dirty: Dirty) -> Result<bool, Step> {
        let Stage::Member(session) = &mut self.stage else {
            return Ok(false);
        };
        if self.revoked {
            return Ok(false);
        }
        let mut out = Room {
            wire: &mut self.wire,
            limit: self.app.settings.socket_queue_bytes / 2,
        };
        match session.subscriptions.poll_deliver(cx, dirty, &mut out) {
            Poll::Pending | Poll::Ready(Ok(Delivered::All)) => Ok(false),
            Poll::Ready(Ok(Delivered::More)) => Ok(true),
            Poll::Ready(Ok(Delivered::Control(control))) => Err(Step::Control(control)),
            // the client resumes, and is told what it missed and whether it must sync
            Poll::Ready(Ok(Delivered::Overtaken(_)) | Err(Stop::Broken(_))) => {
                Err(Step::End(End::Close(CloseCode::Dead, "too far behind")))
            }
            Poll::Ready(Err(Stop::Outlet(error))) => Err(Step::End(broke(&error))),
        }
    }

    /// Writes answers, oldest first, while there is room for them.
    fn answer_ready(&mut self, cx: &mut Context<'_>) -> Option<Step> {
        while self.has_room() {
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

    /// Before a close: what was refused in the same burst that led to it is still said.
    fn answer_what_is_done(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready((asked, outcome)) = self.requests.poll_first(&mut cx) {
            match outcome {
                Outcome::Reply(result) => self.answer(&asked, &result),
                Outcome::Refused(failure) => self.refuse(&asked, &failure),
                Outcome::Settle(_) => return,
            }
        }
    }

    /// Takes in some messages; true when there were any: their answers wait to be flushed.
    fn hear(&mut self) -> Result<bool, End> {
        for heard in 0..HEARD_AT_ONCE {
            if !self.may_hear() {
                return Ok(heard > 0);
            }
            match self.wire.hear() {
                Poll::Pending => {
                    self.input = false;
                    return Ok(heard > 0);
                }
                Poll::Ready(Heard::Text(text)) => self.take_in(&text)?,
                Poll::Ready(Heard::Control) => self
                    .pace
                    .control()
                    .map_err(|_| End::Close(CloseCode::RateIgnored, "too many control frames"))?,
                Poll::Ready(Heard::Closing) => return Err(End::Closed),
                Poll::Ready(Heard::Broken(code, reason)) => return Err(End::Close(code, reason)),
                Poll::Ready(Heard::Gone) => return Err(End::Gone),
            }
        }
        Ok(true)
    }

    /// A peer that does not take its answers, or has as many requests under way as it may, is not heard; what it
    /// sends waits in the kernel, and then at its own end.
    fn may_hear(&self) -> bool {
        self.input
            && !self.finishing
            && !self.revoked
            && self.has_room()
            && self.requests.len() < self.app.settings.in_flight
    }

    /// The peer is not heard though it takes its answers: the node has not made them yet, which takes it so long only.
    fn is_deaf(&self) -> bool {
        self.has_room() && (self.finishing || self.requests.len() >= self.app.settings.in_flight)
    }

    /// Half of the queue is for what comes after the last look: answers, a bite of events, control frames.
    fn has_room(&self) -> bool {
        self.wire.queued() < self.app.settings.socket_queue_bytes / 2
    }

    /// Starts the requests whose turn has come.
    pub(super) fn start(&mut self) {
        let Connection {
            requests,
            app,
            stage,
            seat,
            ..
        } = self;
        requests.start(|asked, request, op_id| session::begin(app, stage, seat, asked, request, op_id));
    }

    /// A request whose turn has not come.
    pub(super) fn push(&mut self, asked: Asked, request: Request, op_id: Option<taskwire_protocol::OpId>) {
        self.requests.push(asked, request, op_id);
        self.start();
    }

    /// Begins a new socket with the token of the upgrade's header.
    pub(super) fn authenticate_by_header(&mut self, asked: Asked, params: Authenticate) {
        let state = session::identify(&self.app, Box::new(params), true);
        self.requests.begun(asked, state);
    }
}

fn times(settings: &Settings) -> Times {
    Times {
        authenticate: settings.auth_timeout,
        heartbeat: settings.heartbeat,
        grace: settings.auth_grace,
        age: settings.socket_max_age,
    }
}

/// How a connection ends that cannot be written to: the kernel gives up a peer that took nothing for too long.
fn broke(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::TimedOut => End::Close(CloseCode::Dead, "no sign of life"),
        _ => End::Gone,
    }
}

/// There is more to do at once.
struct Again;

/// The queue as the live part sees it.
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

    fn expect(&mut self, frames: usize, bytes: usize) {
        self.wire.expect(frames, bytes);
    }

    fn feed(&mut self, frame: Frame) -> Result<(), io::Error> {
        self.wire.text(&frame);
        Ok(())
    }
}
