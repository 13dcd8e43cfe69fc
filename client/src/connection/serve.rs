//! The loop while a connection stands: what arrives, what the program asks for, the heartbeat, fresh tokens.

use super::{Call, Connection, Ended, calls::Answering, closed, link::Link, link::Read, unreadable};
use crate::{
    error::{CallError, Disconnected, Stopped, TokenError},
    events::Item,
    wire::{self, Answer, Incoming},
};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use taskwire_protocol::{
    Failure, Operation as _, Timestamp,
    account::{RenewAuth, Renewed},
    frames::{EventFrame, Welcome},
    signals,
};
use tokio::{sync::watch, time::Instant};
use tokio_tungstenite::tungstenite::Message;

use super::positions::Verdict;

/// How much longer than the server's heartbeat silence may last.
const GRACE: Duration = Duration::from_secs(10);
/// A reader that is held up shows that it is alive this often: less than the 8 s that a server waits.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// The server's `session.expiring` comes 60 s before the end; this is for one that was missed.
const RENEW_BEFORE: Duration = Duration::from_secs(45);
const RENEW_AGAIN: Duration = Duration::from_secs(10);
/// A token that lives longer than this outlives the connection.
const FAR_FUTURE: Duration = Duration::from_hours(365 * 24);

/// What belongs to one connection.
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

/// Where the change of tokens stands.
enum Renewal {
    /// Nothing to do until then; never, when not said.
    At(Option<Instant>),
    /// The token source is at it.
    Fetching,
    /// The server has the new token, under this request.
    Sent(i64, String),
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
        // One place is kept for the client's own requests.
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
            renewal: Renewal::At(None),
        };
        serving.renewal = Renewal::At(serving.renew_at(welcome.session.expires_at));
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
            Ended::Retry(..) => {} // dropped: the connection is not to be trusted, or gone
        }
        ended
    }

    async fn next(&mut self, serving: &mut Serving) -> Happened {
        let reading = self.held.is_empty();
        let may_call = !serving.program_gone && self.calls.len() < serving.in_flight;
        let renew_at = match &serving.renewal {
            Renewal::At(at) => *at,
            Renewal::Fetching | Renewal::Sent(..) => None,
        };
        tokio::select! {
            () = closed(&mut serving.closing) => Happened::Closing,
            read = serving.link.drive(reading) => Happened::Read(read),
            room = self.ends.items.reserve(), if !reading => {
                match (room, self.held.pop_front()) {
                    (Ok(permit), Some(item)) => permit.send(item),
                    (Ok(_), None) => {}
                    (Err(_), _) => self.held.clear(), // nobody listens
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
            // Silence counts from where reading goes on.
            Happened::Delivered => serving.heard = Instant::now(),
            Happened::Closing => return Some(Ended::Stop(Stopped::Closed)),
            Happened::Silence => return Some(Ended::Retry(Disconnected::Silent, None)),
            Happened::HeldUp => {
                serving.showed_life = Instant::now();
                serving.link.push_sign_of_life();
            }
            Happened::RenewalDue => self.renew(serving),
            Happened::Token(token) => self.send_renewal(serving, token),
        }
        None
    }

    fn read(&mut self, serving: &mut Serving, read: Read) -> Option<Ended> {
        serving.heard = Instant::now();
        let text = match read {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return Some(self.closed_by_server(frame.as_ref())),
            Some(Ok(_)) => return None, // pings are answered below this
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
            // Without an id it belongs to no call: the requests of this client all have one that can be read.
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
        if matches!(&serving.renewal, Renewal::Sent(sent, _) if *sent == id) {
            self.renewed(serving, answer);
        } else if let Some((effect, caller)) = self.calls.take(id) {
            if let Ok(answer) = &answer {
                // Before the caller knows: an event that comes after the answer must find the new position.
                self.positions.answered(effect, answer.data.get());
            }
            reply(caller, answer);
        }
    }

    fn renew(&mut self, serving: &mut Serving) {
        if let Renewal::At(_) = serving.renewal {
            self.fetching
                .start(self.config.tokens.clone(), self.token.clone());
            serving.renewal = Renewal::Fetching;
        }
    }

    fn send_renewal(&mut self, serving: &mut Serving, token: Result<String, TokenError>) {
        serving.renewal = match token {
            Ok(token) => {
                let id = self.calls.next_id();
                let params = RenewAuth { token: token.clone() };
                if let Ok(data) = serde_json::to_string(&params) {
                    serving
                        .link
                        .push(wire::request(RenewAuth::NAME, Some(id), None, &data));
                }
                Renewal::Sent(id, token)
            }
            // The server will close with 4401 when the token has ended, and then this comes to the program.
            Err(TokenError::SignedOut(_)) => Renewal::At(None),
            Err(_) => Renewal::At(Instant::now().checked_add(RENEW_AGAIN)),
        };
    }

    fn renewed(&mut self, serving: &mut Serving, answer: Result<Answer, Box<Failure>>) {
        let Renewal::Sent(_, token) = std::mem::replace(&mut serving.renewal, Renewal::At(None)) else {
            return;
        };
        match answer {
            Ok(answer) => {
                self.token = Some(token);
                let renewed = serde_json::from_str::<Renewed>(answer.data.get());
                let at = renewed
                    .ok()
                    .and_then(|renewed| serving.renew_at(renewed.expires_at));
                serving.renewal = Renewal::At(at);
            }
            Err(failure) if failure.retryable => {
                serving.renewal = Renewal::At(Instant::now().checked_add(RENEW_AGAIN));
            }
            // A token of another session: good for the next connection, which 4401 will ask for.
            Err(_) => {}
        }
    }
}

impl Serving {
    /// When to renew a token that ends at that time of the server's clock; never, when it ends in the far future.
    fn renew_at(&self, ends: Timestamp) -> Option<Instant> {
        let lifetime = ends.0.saturating_sub(self.welcome.server.time.0);
        let lifetime = Duration::from_millis(u64::try_from(lifetime).unwrap_or(0));
        let at = self.welcomed.checked_add(lifetime.saturating_sub(RENEW_BEFORE))?;
        // A source that gives tokens which end at once must not be asked without pause.
        let soonest = Instant::now() + RENEW_AGAIN;
        (lifetime < FAR_FUTURE).then_some(at.max(soonest))
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
