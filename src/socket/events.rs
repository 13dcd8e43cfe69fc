//! `GET /v1/events`: the HTTP request that becomes a stream of server-sent events, and the reasons to refuse it. A client
//! reads the status of an answer, so everything is checked before it; what comes after is the same as on a socket, from
//! the welcome to the close (`connection`). Does not write events itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Method, Version};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use taskwire_protocol::account::{Authenticate, Streams};
use taskwire_protocol::{CloseCode, ErrorCode, Failure, UserId};
use tokio::time::Instant;
use uuid::Uuid;

use super::connection::Connection;
use super::event_stream::EventStream;
use super::position::{self, Position};
use super::requests::Asked;
use super::session::Stage;
use super::transport::Transport;
use crate::config::Settings;
use crate::engine::Origin;
use crate::follow::{Arrival, Close, Opened, Registration, Rejection, check_streams};
use crate::live::Wakeup;
use crate::peer::{self, Peer};
use crate::reply::{Line, Refusal};
use crate::state::App;

/// The client's position, unless it is in the query.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The most streams: the position over all of them must fit into a header, and into what proxies take for one.
const STREAMS: usize = 256;
/// When somebody who was not admitted comes again.
const AGAIN_MS: u64 = 1000;
/// When a user with too many readers comes again.
const FEWER_MS: u64 = 10_000;

/// Answers with a stream of events.
///
/// # Errors
/// The request must not become one.
pub async fn events(app: Arc<App>, request: Request) -> Result<Response, Refusal> {
    let extensions = request.extensions();
    let (Some(peer), Some(line)) = (
        extensions.get::<Peer>().copied(),
        extensions.get::<Line>().cloned(),
    ) else {
        let message = "the request does not know its connection";
        return Err(Failure::new(ErrorCode::InternalError, message).into());
    };
    let headers = request.headers();
    let params = params(headers, request.uri().query().unwrap_or_default(), &app.settings)?;
    let from = peer::origin(peer, headers, &app.settings);
    let wakeup = Arc::new(Wakeup::new(UserId(Uuid::nil()))); // no user yet
    let registration = enter(&app, &from, wakeup.clone())?;
    let arrival = Arrival {
        params: Box::new(params),
        address: from.address,
        network: app.admission.network(from.address),
        claim: registration.claim(),
        limit: app.settings.streams_per_socket.min(STREAMS),
    };
    let opened = match app.entrance.open(arrival).await {
        Ok(opened) => *opened,
        Err(Rejection::Refused(failure)) => return Err(failure.into()),
        Err(Rejection::Closed(close)) => return Err(refused(close, &app.settings).into()),
    };
    if request.method() == Method::HEAD {
        return Ok(head(Body::empty()));
    }
    let in_chunks = request.version() >= Version::HTTP_11;
    let (body, tcp) = line.take_over();
    let reader = Reader {
        from,
        wakeup,
        registration,
        opened,
        in_chunks,
    };
    let tasks = app.sockets.tasks().clone();
    tasks.spawn(async move {
        // none: the client left before it had the head of the answer
        if let Ok(tcp) = tcp.await {
            reader.read(app, tcp);
        }
    });
    Ok(head(body))
}

/// The answer. A proxy must pass each event on as it comes, and nobody must keep it.
fn head(body: Body) -> Response {
    let about = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (CONNECTION, "close"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (about, body).into_response()
}

/// Admits a reader, as the upgrade of a socket does.
fn enter(app: &App, from: &Origin, wakeup: Arc<Wakeup>) -> Result<Registration, Failure> {
    if app.is_draining() {
        return Err(Failure::new(ErrorCode::Unavailable, "the node is about to stop").after(AGAIN_MS));
    }
    let network = app.admission.network(from.address);
    let admitted = app.admission.admit(&app.sockets, network, app.elapsed_ms());
    admitted.map_err(|_| refused(Close::TOO_MANY, &app.settings))?;
    Ok(app.sockets.enter(wakeup, network))
}

/// The failure that says what a close would.
fn refused(close: Close, settings: &Settings) -> Failure {
    match close.code {
        CloseCode::RateIgnored => {
            let limit = json!({ "limit": settings.sockets_per_user, "setting": "sockets_per_user" });
            let failure = Failure::new(ErrorCode::RateLimited, close.reason);
            failure.with(limit).after(FEWER_MS)
        }
        _ => Failure::new(ErrorCode::Unavailable, close.reason).after(AGAIN_MS),
    }
}

/// The parameters of `auth`, from the headers and the query instead of a frame.
pub(super) fn params(headers: &HeaderMap, query: &str, settings: &Settings) -> Result<Authenticate, Failure> {
    let Some(token) = peer::bearer(headers) else {
        return Err(Failure::new(
            ErrorCode::AuthRequired,
            "send a token: `Authorization: Bearer`",
        ));
    };
    let query: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    // parameters that are not known are ignored, as caches' additions are
    let find = |wanted: &str| {
        let mut pairs = query.iter();
        pairs
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    let streams = find("streams").map_or_else(Streams::default, |names| {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        Streams::These(names.map(str::to_owned).collect())
    });
    check_streams(&streams, settings)?;
    // a browser repeats the query when it comes back, and says in the header where it is now
    let given = match headers.get(LAST_EVENT_ID) {
        Some(value) => Some(("Last-Event-ID", value.to_str().unwrap_or("?"))),
        None => find("position").map(|text| ("position", text)),
    };
    let resume = match given {
        None | Some((_, "")) => None,
        Some((field, text)) => Some(position::read(text).ok_or_else(|| {
            let message = format!("{field} must be the id of an event that this path gave");
            Failure::invalid(field, message)
        })?),
    };
    Ok(Authenticate {
        token: token.into(),
        client: None,
        streams,
        resume,
    })
}

/// A reader that was let in, before it has its connection.
struct Reader {
    from: Origin,
    wakeup: Arc<Wakeup>,
    registration: Registration,
    opened: Opened,
    in_chunks: bool,
}

impl Reader {
    /// Starts its task, which begins with the welcome.
    fn read(self, app: Arc<App>, tcp: tokio::net::TcpStream) {
        let Reader {
            from,
            wakeup,
            registration,
            opened,
            in_chunks,
        } = self;
        let follower = &opened.follower;
        let position = Position::new(
            opened.welcome.epoch.as_str().into(),
            follower.positions().collect(),
        );
        let events = EventStream::new(position, follower.grows_to(), in_chunks);
        let queue = app.settings.socket_queue_bytes;
        let wire = Transport::events(tcp, wakeup.clone().into(), queue, events);
        let mut connection = Connection::new(app, wire, wakeup, registration, Stage::stranger(from));
        let asked = Asked {
            id: None,
            name: "auth",
            since: Instant::now(),
            paused: None,
        };
        connection.welcome(&asked, opened);
        connection.spawn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::http::header::AUTHORIZATION;

    fn asked(query: &str, last: Option<&'static str>) -> Result<Authenticate, Failure> {
        let settings = Settings::from_pairs(&[]).unwrap_or_else(|error| panic!("{error}"));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a token"));
        if let Some(last) = last {
            headers.insert(LAST_EVENT_ID, HeaderValue::from_static(last));
        }
        params(&headers, query, &settings)
    }

    fn streams(query: &str) -> Streams {
        asked(query, None).expect("parameters").streams
    }

    #[test]
    fn streams_are_all_or_those_that_are_named() {
        let named = |names: &[&str]| Streams::These(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(streams(""), Streams::default());
        assert_eq!(streams("_=1&streams="), named(&[]));
        assert_eq!(
            streams("streams=user%3A1%2C%20workspace:2,"),
            named(&["user:1", "workspace:2"])
        );
        let many = format!("streams={}", "x,".repeat(4096));
        assert_eq!(
            asked(&many, None).map_err(|failure| failure.field),
            Err(Some("streams".into()))
        );
    }

    #[test]
    fn the_header_counts_before_the_query_and_a_bad_position_names_its_field() {
        let field = |query, last| {
            asked(query, last)
                .map(|params| params.resume)
                .map_err(|e| e.field)
        };
        assert_eq!(field("", None), Ok(None));
        assert_eq!(field("position=", Some("")), Ok(None));
        assert_eq!(field("position=42", None), Err(Some("position".into())));
        assert_eq!(field("position=", Some("42")), Err(Some("Last-Event-ID".into())));
        let empty = field("position=42", Some("AQA")).expect("a position");
        assert_eq!(empty.map(|resume| resume.positions.len()), Some(0));
    }
}
