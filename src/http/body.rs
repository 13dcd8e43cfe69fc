//! Reads bodies of requests: checks their media type, and limits how many large bodies are in memory and how long each
//! may take to arrive. Does not know what a body means.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use taskwire_protocol::json::object;
use taskwire_protocol::{ErrorCode, Failure, operations};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::BODY;
use super::form::Pace;
use crate::reply::Refusal;

/// The limits that all requests of this process share.
static DOOR: Door = Door {
    places: Semaphore::const_new(16),
    sending: Duration::from_secs(10),
    waiting: Duration::from_secs(5),
};
/// Those of pictures. A telephone may take long to send one, so they have places of their own.
static PICTURES: Door = Door {
    places: Semaphore::const_new(16),
    sending: Duration::from_secs(20),
    waiting: Duration::from_secs(3),
};
/// The largest picture, in bytes.
const PICTURE: usize = 5_000_000;
/// The largest body of a request whose token was not checked yet, in bytes: as large as a frame that a socket answers.
const STRANGERS: usize = 256 * 1024;
/// The largest body of a request that signs somebody in or proves who somebody is, in bytes. Real ones have less than 1000.
const SIGN_IN: usize = 16 * 1024;
/// How long a client should wait before it repeats a request that got no place.
const RETRY_AFTER_MS: u64 = 1000;

/// The body of a request whose sender nobody knows yet: at most [`SIGN_IN`] bytes, within the time of other bodies.
#[derive(Debug)]
pub(super) struct Read(Result<Bytes, Failure>);

impl<S: Send + Sync> FromRequest<S> for Read {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Read, Infallible> {
        let nobody = async { Err(too_large(SIGN_IN)) };
        let held = DOOR.take(request.into_body(), SIGN_IN, nobody).await;
        Ok(Read(held.map(|held| held.bytes.into())))
    }
}

/// The media types that routes accept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

/// The media type of a request's body: JSON if the request does not say. A compressed body is none of them.
pub(super) fn media(headers: &HeaderMap) -> Result<Media, Refusal> {
    uncompressed(headers)?;
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
        _ => Err(not_json().into()),
    }
}

/// Refuses a compressed body.
pub(super) fn uncompressed(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_none = |coding: &&[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    if !codings(headers, CONTENT_ENCODING).all(|coding| is_none(&coding)) {
        return Err(compressed("Content-Encoding"));
    }
    let mut transfer = codings(headers, TRANSFER_ENCODING).filter(|coding| !is_none(coding));
    let chunked = transfer
        .next()
        .is_none_or(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    if !chunked || transfer.next().is_some() {
        return Err(compressed("other Transfer-Encoding than chunked"));
    }
    Ok(())
}

/// The codings that a header names.
fn codings(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| {
        line.as_bytes()
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
    })
}

/// The refusal of a compressed body; its header says what is taken (RFC 7694, section 3).
fn compressed(without: &str) -> Refusal {
    let message = format!("the body must not be compressed: send it without {without}");
    let mut refusal = Refusal::from(Failure::new(ErrorCode::UnsupportedMedia, message));
    refusal
        .headers
        .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    refusal
}

/// A body in memory, and its place if it is large.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    pub(super) place: Option<Permit>,
}

/// A place for a large body. Keep it as long as the body, or what was parsed from it, is in memory.
pub(super) type Permit = SemaphorePermit<'static>;

/// Limits how many large bodies are in memory at once. The others wait in the kernel's buffers and at their senders.
struct Door {
    places: Semaphore,
    /// A body that takes longer to arrive is refused, so that a slow sender frees its place.
    sending: Duration,
    /// A request that waits longer for a place is refused.
    waiting: Duration,
}

/// Reads a body that may be large. `most` returns its largest size, or refuses the caller; it runs only if the body
/// exceeds [`STRANGERS`].
pub(super) async fn held(
    body: Body,
    most: impl Future<Output = Result<usize, Failure>>,
) -> Result<Held, Failure> {
    DOOR.take(body, STRANGERS, most).await
}

/// Reads a picture, whose sender is known.
pub(super) async fn picture(body: Body) -> Result<Held, Failure> {
    PICTURES.take(body, PICTURE, async { Ok(PICTURE) }).await
}

/// Reads a file whose sender has a place for it. It may arrive slowly, but not stand still, nor drip: others wait for the
/// place.
pub(super) async fn file(body: Body, most: usize, pace: Pace) -> Result<Vec<u8>, Failure> {
    let begun = Instant::now();
    let mut pieces = body.into_data_stream();
    let mut bytes = Vec::new();
    let late = |_| Failure::new(ErrorCode::Timeout, "the file did not arrive in time");
    loop {
        let until = pace.ends(begun, bytes.len() as u64);
        let Some(piece) = timeout_at(until, pieces.next()).await.map_err(late)? else {
            return Ok(bytes);
        };
        let piece = piece.map_err(|_| broke_off())?;
        if bytes.len() + piece.len() > most {
            drop(bytes);
            let message = format!("the file is too large: it may have {most} bytes");
            let mut failure = Failure::new(ErrorCode::PayloadTooLarge, message);
            failure.context = Some(serde_json::json!({ "limit": most }));
            return Err(discard_rest(pieces, until, failure).await);
        }
        bytes.extend_from_slice(&piece);
    }
}

impl Door {
    /// Reads a body. Of `free` bytes anybody may send so many; `most` decides what more they may, once more has come. What
    /// is larger than `BODY` needs a place.
    async fn take(
        &'static self,
        body: Body,
        free: usize,
        most: impl Future<Output = Result<usize, Failure>>,
    ) -> Result<Held, Failure> {
        let mut pieces = body.into_data_stream();
        let mut held = Held {
            bytes: Vec::new(),
            place: None,
        };
        let mut most = Some(most);
        let mut room = free;
        let mut ends = Instant::now() + self.sending;
        let late = |_| Failure::new(ErrorCode::Timeout, "the body did not arrive in time");
        while let Some(piece) = timeout_at(ends, pieces.next()).await.map_err(late)? {
            let piece = piece.map_err(|_| broke_off())?;
            let size = held.bytes.len() + piece.len();
            let waited = Instant::now();
            if size > room
                && let Some(most) = most.take()
            {
                room = match most.await {
                    Ok(bytes) => bytes,
                    Err(failure) => return Err(discard_rest(pieces, ends, failure).await),
                };
            }
            if size > room {
                drop(held);
                return Err(discard_rest(pieces, ends, too_large(room)).await);
            }
            if size > BODY && held.place.is_none() {
                held.place = Some(self.place().await?);
            }
            ends += waited.elapsed();
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

/// Reads and discards the rest of the body. Some clients read nothing until they have sent everything, and would miss
/// the answer.
async fn discard_rest(
    mut pieces: impl futures_util::Stream<Item = Result<Bytes, axum::Error>> + Unpin,
    ends: Instant,
    failure: Failure,
) -> Failure {
    let coming = async { while let Some(Ok(_)) = pieces.next().await {} };
    let _ = timeout_at(ends, coming).await;
    failure
}

/// The refusal of a caller who may send no large body because nobody knows them.
pub(super) fn too_large_for_a_stranger() -> Failure {
    let message = format!("without a token the body can have at most {STRANGERS} bytes");
    Failure::new(ErrorCode::PayloadTooLarge, message).with(serde_json::json!({ "limit": STRANGERS }))
}

/// The body of a route that accepts only JSON.
pub(super) fn json(headers: &HeaderMap, body: Read) -> Result<Bytes, Refusal> {
    let bytes = bytes(body)?;
    is_json(headers)?;
    Ok(bytes)
}

/// The parameters in a body that must be JSON. An empty body has none.
pub(super) fn parameters<T: DeserializeOwned>(headers: &HeaderMap, body: Read) -> Result<T, Refusal> {
    let object = object(&json(headers, body)?)?;
    Ok(operations::body(
        &serde_json::to_string(&object).unwrap_or_default(),
    )?)
}

/// Refuses other media types than JSON.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    match media(headers)? {
        Media::Json => Ok(()),
        Media::Form => Err(not_json().into()),
    }
}

fn not_json() -> Failure {
    Failure::new(
        ErrorCode::UnsupportedMedia,
        "the content type must be application/json",
    )
}

fn too_large(most: usize) -> Failure {
    let message = format!("the body is too large: it may have {most} bytes");
    Failure::new(ErrorCode::PayloadTooLarge, message).with(serde_json::json!({ "limit": most }))
}

fn broke_off() -> Failure {
    Failure::new(ErrorCode::BadFrame, "the body is incomplete")
}

/// The body of any media type.
pub(super) fn bytes(Read(body): Read) -> Result<Bytes, Refusal> {
    Ok(body?)
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

    /// A body whose bytes arrive at once, and whose end never arrives.
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

    fn never() -> impl Future<Output = Result<usize, Failure>> {
        std::future::poll_fn(|_| panic!("`most` must not run for a small body"))
    }

    #[tokio::test]
    async fn a_file_that_drips_is_refused() {
        let pace = Pace {
            silence: Duration::from_secs(5),
            least: Duration::from_millis(200),
            slowest: 1000,
            longest: Duration::from_mins(1),
        };
        let drips = stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(b"x".to_vec()), ()))
        });
        let failure = file(Body::from_stream(drips), 1000, pace)
            .await
            .expect_err("too slow");
        assert_eq!(failure.code, ErrorCode::Timeout);
        assert_eq!(file(whole(900), 1000, pace).await.expect("a file").len(), 900);
        let failure = file(whole(1001), 1000, pace).await.expect_err("too large");
        assert_eq!(failure.code, ErrorCode::PayloadTooLarge);
    }

    #[tokio::test]
    async fn only_a_large_body_takes_a_place_and_keeps_it_while_it_is_in_memory() {
        let door = door(1);
        let mut small = Box::pin(door.take(stalled(BODY), BODY, never()));
        assert!((&mut small).now_or_never().is_none());
        assert_eq!(door.places.available_permits(), 1);
        let held = door
            .take(whole(BODY + 1), STRANGERS, async { Ok(2 * BODY) })
            .await
            .expect("a large body");
        assert_eq!((held.bytes.len(), door.places.available_permits()), (BODY + 1, 0));
        let small = door.take(whole(BODY), BODY, never()).await.expect("a small body");
        assert_eq!(small.bytes.len(), BODY);
        let failure = door
            .take(whole(BODY + 1), STRANGERS, async { Ok(2 * BODY) })
            .await
            .expect_err("every place is taken");
        assert_eq!(failure.code, ErrorCode::Unavailable);
        drop(held);
        assert!(
            door.take(whole(2 * BODY), STRANGERS, async { Ok(2 * BODY) })
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_caller_that_is_refused_or_too_slow_keeps_no_place() {
        let door = door(1);
        let stranger = async { Err(Failure::new(ErrorCode::AuthRequired, "who are you?")) };
        let failure = door
            .take(whole(STRANGERS + 1), STRANGERS, stranger)
            .await
            .expect_err("no token");
        assert_eq!(failure.code, ErrorCode::AuthRequired);
        let failure = door
            .take(whole(2 * BODY + 1), STRANGERS, async { Ok(2 * BODY) })
            .await
            .expect_err("too large");
        assert_eq!(failure.code, ErrorCode::PayloadTooLarge);
        for bytes in [1, BODY + 1] {
            let failure = door
                .take(stalled(bytes), STRANGERS, async { Ok(2 * BODY) })
                .await
                .expect_err("too slow");
            assert_eq!(failure.code, ErrorCode::Timeout, "{bytes}");
        }
        assert_eq!(door.places.available_permits(), 1);
    }
}
