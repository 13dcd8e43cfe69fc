//! The loop of a socket's only task: deliver events and answers, flush once, read from the client. Does not know what
//! requests mean (`incoming`, `session`) nor how bytes travel (`transport`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use taskwire_protocol::account::Authenticate;
use taskwire_protocol::frames::Goodbye;
use taskwire_protocol::{CloseCode, OpId, Request};
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::pace::Pace;
use super::pulse::{Pulse, Times};
use super::requests::{Asked, Requests};
use super::session::{self, Stage};
use super::settled::Settled;
use super::transport::Transport;
use crate::follow::{Close, Order, Registration};
use crate::live::{Control, Dirty, Wakeup};
use crate::reply::frames;
use crate::state::App;

/// The most rounds before other tasks get a turn.
const ROUNDS: usize = 32;

/// One socket. `repr(C)` keeps the order of the fields, so that the fields that a delivery touches are next to each
/// other in the middle. To fetch them is most of a delivery's cost, apart from the kernel's part.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a separate condition that every delivery checks"
)]
#[repr(C)]
pub(super) struct Connection {
    pub(super) pace: Pace,
    pub(super) registration: Registration,
    pub(super) pulse: Pulse,
    pub(super) app: Arc<App>,
    pub(super) wakeup: Arc<Wakeup>,
    pub(super) stage: Stage,
    /// The read half may have input; it is polled only then.
    pub(super) input: bool,
    /// The timer may have fired, or was not polled since it was set; it is polled only then. It calls the read half's
    /// waker. So a delivery does not poll the timer, which would touch memory that a delivery does not need.
    pub(super) timer: bool,
    /// Nothing more is read; once everything is answered, the socket closes.
    pub(super) finishing: bool,
    /// The session ended while its logout is carried out. The logout is still answered; nothing is read or delivered.
    pub(super) revoked: bool,
    /// The peer ended its half of the connection.
    pub(super) half_closed: bool,
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
    /// The peer ended its half of the connection without a close frame. It is told so.
    HalfClosed,
    /// The connection broke.
    Gone,
}

impl End {
    /// How a socket ends after a failed write. The kernel closes a connection whose peer acknowledged nothing for too long.
    pub(super) fn broke(error: &io::Error) -> End {
        match error.kind() {
            io::ErrorKind::TimedOut => End::Close(CloseCode::Dead, "no sign of life"),
            _ => End::Gone,
        }
    }
}

impl From<Close> for End {
    fn from(close: Close) -> End {
        End::Close(close.code, close.reason)
    }
}

/// Work that the loop must await, outside of its polling.
pub(super) enum Step {
    Settle(Asked, Box<Settled>),
    Control(Control),
    End(End),
}

impl Connection {
    /// A socket after its upgrade. The transport already calls `wakeup` on input.
    pub(super) fn new(
        app: Arc<App>,
        wire: Transport,
        wakeup: Arc<Wakeup>,
        registration: Registration,
        stage: Stage,
    ) -> Connection {
        let settings = &app.settings;
        let from = match &stage {
            Stage::Stranger(stranger) => stranger.from.address,
            Stage::Member(_) => None,
        };
        let payer = app.engine.limits().network(from);
        Connection {
            pace: Pace::new(settings, payer, app.elapsed_ms()),
            pulse: Pulse::new(Instant::now(), Times::of(settings)),
            registration,
            wire,
            wakeup,
            requests: Requests::default(),
            stage,
            // the read half and the timer call their waker only after they were polled once
            input: true,
            timer: true,
            finishing: false,
            revoked: false,
            half_closed: false,
            app,
        }
    }

    /// Starts the socket's task. The caller's own may be larger, and would keep its size.
    pub(super) fn spawn(self) {
        let tasks = self.app.sockets.tasks().clone();
        // at other log levels a socket has no span
        let span = tracing::debug_span!("socket", user.id = Empty, session.id = Empty);
        let socket = Box::new(self).run();
        if span.is_disabled() {
            tasks.spawn(socket);
        } else {
            tasks.spawn(socket.instrument(span));
        }
    }

    /// Serves the socket until its end. Boxed, so that the task holds it once, not once for each state of the future.
    pub(super) async fn run(mut self: Box<Self>) {
        let parting = loop {
            let done = match std::future::poll_fn(|cx| self.poll_step(cx)).await {
                Step::Settle(asked, settled) => Box::pin(self.settle(asked, *settled)).await,
                Step::Control(control) => Box::pin(self.obey(control)).await,
                Step::End(end) => Err(end),
            };
            if let Err(end) = done {
                if let End::Close(..) = end {
                    self.answer_what_is_done();
                }
                break self.part(&end);
            }
            self.start();
        };
        parting.await;
    }

    /// Takes leave of the peer.
    fn part(mut self: Box<Self>, end: &End) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.pace.belongs_to_nobody(self.app.engine.limits());
        if let (Stage::Member(follower), End::Close(CloseCode::Revoked, _)) = (&mut self.stage, end) {
            follower.leave_for_good();
        }
        // any number of strangers may have to leave, and each holds a file until it has
        let farewell = match (&self.stage, end) {
            (Stage::Stranger(_), End::Close(CloseCode::TryAgain, _)) => Some(self.app.admission.farewell()),
            _ => None,
        };
        let Connection {
            wire,
            stage,
            registration,
            ..
        } = *self;
        // the presence and the cursors end now, before the wait for the peer's close frame
        drop((stage, registration));
        let closed = |code: CloseCode| {
            metrics::counter!("taskwire_sockets_closed_total", "code" => code.code().to_string())
                .increment(1);
        };
        match *end {
            End::Close(code, reason) => {
                closed(code);
                match farewell {
                    None => Box::pin(wire.close(code, reason)),
                    Some(None) => Box::pin(std::future::ready(())),
                    Some(Some(permit)) => Box::pin(async move {
                        wire.close(code, reason).await;
                        drop(permit);
                    }),
                }
            }
            End::Closed => Box::pin(wire.hang_up()),
            End::HalfClosed => {
                closed(CloseCode::Protocol);
                let reason = "the connection ended without a close frame";
                Box::pin(wire.answer_the_end(CloseCode::Protocol, reason))
            }
            End::Gone => Box::pin(std::future::ready(())),
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

    /// One round. `None` when there is nothing to do until the task is woken.
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
            return Ok(Some(Step::End(End::broke(&error))));
        }
        // answers and events without room were not polled, so nothing else would wake this task for them
        again |= full && self.has_room();
        if pinged {
            self.pulse.asked(Instant::now(), self.wire.reads());
        }
        if self.finishing && self.requests.is_empty() {
            return Ok(Some(Step::End(if self.half_closed {
                End::HalfClosed
            } else {
                End::Close(CloseCode::Restart, "reconnect")
            })));
        }
        match self.hear() {
            Ok(heard) => again |= heard,
            Err(end) => return Ok(Some(Step::End(end))),
        }
        self.pulse.heard(self.wire.reads());
        // after a ping the timer was set again, and a timer wakes the task only once it was polled
        if again || pinged { Err(Again) } else { Ok(None) }
    }

    /// Carries out the registry's orders to this socket.
    fn take_orders(&mut self) -> Result<(), End> {
        while let Some(order) = self.registration.order() {
            match order {
                Order::Goodbye { reconnect_after_ms } => {
                    self.wire
                        .signal(&frames::signal("server.goodbye", &Goodbye { reconnect_after_ms }));
                }
                Order::Close(CloseCode::Restart) => self.finishing = true,
                Order::Close(CloseCode::TryAgain) => return Err(Close::TOO_MANY.into()),
                Order::Close(code) => return Err(End::Close(code, "closed by the server")),
            }
        }
        Ok(())
    }

    /// Whether the queue is less than half full. The other half is for what is queued after this check: answers, a bite
    /// of events, control frames.
    pub(super) fn has_room(&self) -> bool {
        self.wire.queued() < self.app.settings.socket_queue_bytes / 2
    }

    /// Starts the requests whose turn has come.
    pub(super) fn start(&mut self) {
        let Connection {
            requests,
            app,
            stage,
            registration,
            ..
        } = self;
        requests
            .start(|asked, request, op_id| session::begin(app, stage, registration, asked, request, op_id));
    }

    /// Adds a request, and starts it if its turn has come.
    pub(super) fn push(&mut self, asked: Asked, request: Request, op_id: Option<OpId>) {
        self.requests.push(asked, request, op_id);
        self.start();
    }

    /// Authenticates a new socket with the token of the upgrade's header.
    pub(super) fn authenticate_by_header(&mut self, asked: Asked, params: Authenticate) {
        let by_header = true;
        let state = self
            .stage
            .open(&self.app, &self.registration, Box::new(params), by_header);
        self.requests.begun(asked, state);
    }
}

/// There is more to do immediately.
struct Again;
