//! A request's body as text of a media type that the route takes; and bodies that may be large: how long they may take to
//! come, and how many are held at once.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::BODY;
use crate::reply::Refusal;

/// What lets large bodies in.
static DOOR: Door = Door {
    places: Semaphore::const_new(16),
    sending: Duration::from_secs(10),
    waiting: Duration::from_secs(5),
};
/// How long a request that found no place should wait before it is sent again.
const RETRY_AFTER_MS: u64 = 1000;

/// The result of the `Bytes` extractor.
pub(super) type Read = Result<Bytes, BytesRejection>;

/// The media types that routes take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

/// Which of them a request's body is; nothing said counts as JSON.
pub(super) fn media(headers: &HeaderMap) -> Result<Media, Failure> {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or("application/json", |kind| kind.to_str().unwrap_or(""));
    match kind
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "application/json" => Ok(Media::Json),
        "application/x-www-form-urlencoded" => Ok(Media::Form),
        _ => Err(not_json()),
    }
}

/// A body in memory, and its place while it is there.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    pub(super) place: Option<Permit>,
}

/// A place for a large body. Kept as long as what was made from the body is in memory.
pub(super) type Permit = SemaphorePermit<'static>;

/// Few large bodies are in memory at once. The others wait in the kernel and at their senders.
struct Door {
    places: Semaphore,
    /// A body that takes longer to arrive is given up, so that a slow sender frees its place.
    sending: Duration,
    /// A request that waits longer for a place is refused.
    waiting: Duration,
}

/// A body that may be large if `most` allows it, and says how large. It is asked once the body turns out to be larger than
/// others may be.
pub(super) async fn held(body: Body, most: impl FnOnce() -> Result<usize, Failure>) -> Result<Held, Failure> {
    DOOR.take(body, most).await
}

impl Door {
    async fn take(
        &'static self,
        body: Body,
        most: impl FnOnce() -> Result<usize, Failure>,
    ) -> Result<Held, Failure> {
        let mut pieces = body.into_data_stream();
        let mut held = Held {
            bytes: Vec::new(),
            place: None,
        };
        let mut most = Some(most);
        let mut room = BODY;
        let mut ends = Instant::now() + self.sending;
        let late = |_| Failure::new(ErrorCode::Timeout, "the body did not come in time");
        while let Some(piece) = timeout_at(ends, pieces.next()).await.map_err(late)? {
            let piece = piece.map_err(|_| broke_off())?;
            let size = held.bytes.len() + piece.len();
            if size > room
                && let Some(most) = most.take()
            {
                room = match most() {
                    Ok(bytes) => bytes,
                    Err(failure) => return Err(heard_out(pieces, ends, failure).await),
                };
                let waited = Instant::now();
                held.place = Some(self.place().await?);
                ends += waited.elapsed();
            }
            if size > room {
                drop(held);
                return Err(heard_out(pieces, ends, too_large()).await);
            }
            held.bytes.extend_from_slice(&piece);
        }
        Ok(held)
    }

    async fn place(&'static self) -> Result<Permit, Failure> {
        match timeout(self.waiting, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Failure::new(
                ErrorCode::Unavailable,
                "too many large bodies at once; try again shortly",
            )
            .after(RETRY_AFTER_MS)),
        }
    }
}

/// Reads and discards the rest of the body: a client may read nothing until it has sent everything, and would miss the
/// answer.
async fn heard_out(
    mut pieces: impl futures_util::Stream<Item = Result<Bytes, axum::Error>> + Unpin,
    ends: Instant,
    failure: Failure,
) -> Failure {
    let coming = async { while let Some(Ok(_)) = pieces.next().await {} };
    let _ = timeout_at(ends, coming).await;
    failure
}

/// The body of a route that takes JSON alone.
pub(super) fn json(headers: &HeaderMap, body: Read) -> Result<Bytes, Refusal> {
    let bytes = bytes(body)?;
    is_json(headers)?;
    Ok(bytes)
}

/// Refuses whatever is not JSON.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Failure> {
    match media(headers)? {
        Media::Json => Ok(()),
        Media::Form => Err(not_json()),
    }
}

fn not_json() -> Failure {
    Failure::new(ErrorCode::UnsupportedMedia, "the body is application/json")
}

fn too_large() -> Failure {
    Failure::new(ErrorCode::PayloadTooLarge, "the body is too large")
}

fn broke_off() -> Failure {
    Failure::new(ErrorCode::BadFrame, "the body broke off")
}

/// The body, whatever it is.
pub(super) fn bytes(body: Read) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large().into(),
        _ => broke_off().into(),
    })
}

/// A JSON object; an empty body is an empty one.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    let bad = |message| Failure::new(ErrorCode::BadFrame, message);
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(bad("the body is a JSON object")),
        Err(_) => Err(bad("the body is not JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, stream};

    const PIECE: usize = 64 * 1024;

    fn door(places: usize) -> &'static Door {
        Box::leak(Box::new(Door {
            places: Semaphore::new(places),
            sending: Duration::from_millis(300),
            waiting: Duration::from_millis(100),
        }))
    }

    /// A body of so many bytes that come at once, and then nothing more without an end.
    fn stalled(bytes: usize) -> Body {
        Body::from_stream(come(bytes).chain(stream::pending()))
    }

    fn whole(bytes: usize) -> Body {
        Body::from_stream(come(bytes))
    }

    fn come(bytes: usize) -> impl futures_util::Stream<Item = Result<Vec<u8>, std::io::Error>> + Send {
        let pieces = (0..bytes.div_ceil(PIECE)).map(move |n| vec![b'x'; (bytes - n * PIECE).min(PIECE)]);
        stream::iter(pieces.map(Ok))
    }

    fn never() -> Result<usize, Failure> {
        panic!("a small body is asked for nothing")
    }

    #[tokio::test]
    async fn only_what_has_grown_large_takes_a_place_and_keeps_it_while_it_is_held() {
        let door = door(1);
        let mut small = Box::pin(door.take(stalled(BODY), never));
        assert!((&mut small).now_or_never().is_none());
        assert_eq!(door.places.available_permits(), 1);
        let held = door
            .take(whole(BODY + 1), || Ok(2 * BODY))
            .await
            .expect("a large body");
        assert_eq!((held.bytes.len(), door.places.available_permits()), (BODY + 1, 0));
        let small = door.take(whole(BODY), never).await.expect("a small body");
        assert_eq!(small.bytes.len(), BODY);
        let failure = door
            .take(whole(BODY + 1), || Ok(2 * BODY))
            .await
            .expect_err("no place");
        assert_eq!(failure.code, ErrorCode::Unavailable);
        drop(held);
        assert!(door.take(whole(2 * BODY), || Ok(2 * BODY)).await.is_ok());
    }

    #[tokio::test]
    async fn who_may_not_send_more_or_sends_it_too_slowly_gets_no_place_or_loses_it() {
        let door = door(1);
        let stranger = || Err(Failure::new(ErrorCode::AuthRequired, "who are you?"));
        let failure = door
            .take(whole(BODY + 1), stranger)
            .await
            .expect_err("a stranger");
        assert_eq!(failure.code, ErrorCode::AuthRequired);
        let failure = door
            .take(whole(2 * BODY + 1), || Ok(2 * BODY))
            .await
            .expect_err("too large");
        assert_eq!(failure.code, ErrorCode::PayloadTooLarge);
        for bytes in [1, BODY + 1] {
            let failure = door
                .take(stalled(bytes), || Ok(2 * BODY))
                .await
                .expect_err("too slow");
            assert_eq!(failure.code, ErrorCode::Timeout, "{bytes}");
        }
        assert_eq!(door.places.available_permits(), 1);
    }
}
