//! The loop while a connection is open: incoming frames, calls of the program, the heartbeat, new tokens.

use super::{
    Call, Connection, Ended,
    calls::Answering,
    link::{Link, Read},
    positions::Verdict,
    renewal::Renewal,
    unreadable,
};
use crate::{
    error::{CallError, Disconnected, Stopped, TokenError},
    events::Item,
    state::closed,
    wire::{self, Answer, Incoming},
};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use taskwire_protocol::{
    Failure,
    frames::{EventFrame, Welcome},
    signals,
};
use tokio::{sync::watch, time::Instant};
use tokio_tungstenite::tungstenite::Message;

/// The connection counts as lost when nothing arrives for the server's heartbeat interval plus this time.
const GRACE: Duration = Duration::from_secs(10);
/// While a full queue of items stops the reading, the client sends a pong this often. The server closes after 8 s
/// without a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// The state of one connection.
struct Serving {
    link: Link,
    closing: watch::Receiver<bool>,
    welcome: Arc<Welcome>,
    welcomed: Instant,
    silence: Duration,
    in_flight: usize,
    heard: Instant,
    showed_life: Instant,
    program_gone: bool,
    renewal: Renewal,
}

enum Happened {
    Read(Read),
    Call(Option<Call>),
    Delivered,
    Closing,
    Silence,
    HeldUp,
    RenewalDue,
    Token(Result<String, TokenError>),
}

impl Connection {
    pub(super) async fn serve(&mut self, mut link: Link, welcome: &Arc<Welcome>) -> Ended {
        self.begin(&mut link, welcome);
        let now = Instant::now();
        // One request is reserved for the client itself, such as `auth.renew`.
        let in_flight = (welcome.limits.in_flight as usize)
            .saturating_sub(1)
            .min(self.config.in_flight);
        let mut serving = Serving {
            link,
            closing: self.ends.closing.clone(),
            welcome: welcome.clone(),
            welcomed: now,
            silence: Duration::from_millis(welcome.heartbeat_ms) + GRACE,
            in_flight: in_flight.max(1),
            heard: now,
            showed_life: now,
            program_gone: false,
            renewal: Renewal::of(welcome),
        };
        let ended = loop {
            let happened = self.next(&mut serving).await;
            if let Some(ended) = self.handle(&mut serving, happened) {
                break ended;
            }
        };
        self.last_welcome = Instant::now();
        self.backoff.served_since(serving.welcomed);
        match &ended {
            Ended::Stop(Stopped::Closed) => serving.link.close().await,
            Ended::Stop(_) | Ended::Retry(Disconnected::Closed { .. }, _) => serving.link.farewell().await,
            Ended::Retry(..) => {} // the connection is gone or cannot be trusted: drop it
        }
        ended
    }

    async fn next(&mut self, serving: &mut Serving) -> Happened {
        let reading = self.held.is_empty();
        let may_call = !serving.program_gone && self.calls.len() < serving.in_flight;
        let renew_at = serving.renewal.due();
        tokio::select! {
            () = closed(&mut serving.closing) => Happened::Closing,
            read = serving.link.drive(reading) => Happened::Read(read),
            room = self.ends.items.reserve(), if !reading => {
                match (room, self.held.pop_front()) {
                    (Ok(permit), Some(item)) => permit.send(item),
                    (Ok(_), None) => {}
                    (Err(_), _) => self.held.clear(), // the program dropped its `Events`
                }
                Happened::Delivered
            }
            call = self.ends.calls.recv(), if may_call => Happened::Call(call),
            () = tokio::time::sleep_until(serving.heard + serving.silence), if reading => Happened::Silence,
            () = tokio::time::sleep_until(serving.showed_life + SIGN_OF_LIFE), if !reading => Happened::HeldUp,
            () = until(renew_at), if renew_at.is_some() => Happened::RenewalDue,
            token = self.fetching.done() => Happened::Token(token),
        }
    }

    /// `Some` when the connection ends.
    fn handle(&mut self, serving: &mut Serving, happened: Happened) -> Option<Ended> {
        match happened {
            Happened::Read(read) => return self.read(serving, read),
            Happened::Call(None) => serving.program_gone = true,
            Happened::Call(Some(call)) => {
                let limit = serving.welcome.limits.frame_bytes;
                if let Some(frame) = self.calls.start(call, limit) {
                    serving.link.push(frame);
                }
            }
            // Reading continues now, so silence counts from now.
            Happened::Delivered => serving.heard = Instant::now(),
            Happened::Closing => return Some(Ended::Stop(Stopped::Closed)),
            Happened::Silence => return Some(Ended::Retry(Disconnected::Silent, None)),
            Happened::HeldUp => {
                serving.showed_life = Instant::now();
                serving.link.push_sign_of_life();
            }
            Happened::RenewalDue => self.renew(serving),
            Happened::Token(Ok(token)) => {
                if let Ok(frame) = serving.renewal.send(self.calls.next_id(), token) {
                    serving.link.push(frame);
                }
            }
            Happened::Token(Err(error)) => serving.renewal.failed(&error),
        }
        None
    }

    fn read(&mut self, serving: &mut Serving, read: Read) -> Option<Ended> {
        serving.heard = Instant::now();
        let text = match read {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return Some(self.closed_by_server(frame.as_ref())),
            Some(Ok(_)) => return None, // the WebSocket layer answers pings
            Some(Err(_)) | None => return Some(Ended::Retry(Disconnected::Cut, None)),
        };
        match wire::read(&text) {
            Ok(Incoming::Event(frame)) => return self.event(frame),
            Ok(Incoming::Answer(Some(id), answer)) => self.answer(serving, id, answer),
            Ok(Incoming::Signal(signal, data)) => {
                match signal.as_str() {
                    signals::SESSION_EXPIRING => self.renew(serving),
                    signals::SERVER_GOODBYE => self.note_goodbye(&data),
                    _ => {}
                }
                self.give(Item::Signal { signal, data });
            }
            // An answer without an id belongs to no call, because each request of this client has a readable id.
            Ok(Incoming::Answer(None, _) | Incoming::Unknown) => {}
            Err(error) => return Some(unreadable(&error)),
        }
        None
    }

    fn event(&mut self, frame: EventFrame) -> Option<Ended> {
        match self.positions.take(&frame) {
            Verdict::Next => self.give(Item::Event(frame)),
            Verdict::Unwanted => {}
            Verdict::Duplicate => {
                self.ends.counters.duplicates.fetch_add(1, Relaxed);
            }
            Verdict::Gap(last) => {
                self.ends.counters.gaps.fetch_add(1, Relaxed);
                let why = Disconnected::Gap {
                    stream: frame.stream,
                    last,
                    got: frame.seq,
                };
                return Some(Ended::Retry(why, None));
            }
        }
        None
    }

    fn answer(&mut self, serving: &mut Serving, id: i64, answer: Result<Answer, Box<Failure>>) {
        if serving.renewal.sent_with(id) {
            if let Some(token) = serving.renewal.answered(answer) {
                self.token = Some(token);
            }
        } else if let Some((effect, caller)) = self.calls.take(id) {
            if let Ok(answer) = &answer {
                // Do this before the caller gets the answer: an event after the answer must find the new position.
                self.positions.answered(effect, answer.data.get());
            }
            reply(caller, answer);
        }
    }

    /// Asks for a new token, unless a renewal is under way.
    fn renew(&mut self, serving: &mut Serving) {
        if serving.renewal.start() {
            self.fetching
                .start(self.config.tokens.clone(), self.token.clone());
        }
    }
}

fn reply(caller: Answering, answer: Result<Answer, Box<Failure>>) {
    caller.with(answer.map_err(CallError::Refused));
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
