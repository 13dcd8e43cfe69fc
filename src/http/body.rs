//! Reads bodies of requests: checks their media type, and limits how many large bodies arrive at once, how much memory they
//! take (`memory`), and how long each may take to arrive. Does not know what a body means.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use taskwire_protocol::json::object;
use taskwire_protocol::{ErrorCode, Failure, UserId, operations};
use tokio::time::{Instant, timeout_at};

use super::BODY;
use super::form::Pace;
use super::memory::Share;
use crate::auth::limits::Network;
use crate::engine::{Place, Room, Running};
use crate::reply::Refusal;

/// The limits that all requests of this process share.
static DOOR: LazyLock<Door> = LazyLock::new(|| Door {
    places: Running::new(&Room {
        each: 2,
        all: 16,
        already: "two large bodies are on their way from you; wait until one of them has arrived",
        too_many: TOO_MANY,
        retry_after_ms: RETRY_AFTER_MS,
    }),
    sending: Duration::from_secs(10),
    waiting: Duration::from_secs(5),
});
/// Those of pictures. A telephone may take long to send one, so they have places of their own.
static PICTURES: LazyLock<Door> = LazyLock::new(|| Door {
    places: Running::new(&Room {
        each: 2,
        all: 16,
        already: "two pictures are on their way from you; wait until one of them is done",
        too_many: "too many pictures at once; try again shortly",
        retry_after_ms: RETRY_AFTER_MS,
    }),
    sending: Duration::from_secs(20),
    waiting: Duration::from_secs(3),
});
const TOO_MANY: &str = "too many large bodies at once; try again shortly";
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
        // so few bytes count for no network
        let held = DOOR.take(request.into_body(), None, SIGN_IN, nobody).await;
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

/// A body in memory.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    /// If it is large. Others wait for it, so it is free again as soon as the body is read.
    pub(super) place: Option<Place>,
    /// Keep it as long as the body, or what was read from it, is in memory.
    pub(super) memory: Share,
}

/// Who sends a body, and how large it may be.
pub(super) struct Sender {
    pub(super) user: UserId,
    pub(super) most: usize,
}

/// Limits how many large bodies arrive at once, of an account and of all. The others wait in the kernel's buffers and at
/// their senders.
struct Door {
    places: Running,
    /// A body that takes longer to arrive is refused, so that a slow sender frees its place.
    sending: Duration,
    /// A request that waits longer for a place is refused.
    waiting: Duration,
}

/// Reads a body that may be large, from this network. `sender` tells who sends it, or refuses them; it runs only if the body
/// exceeds [`STRANGERS`], or if the network sends too much already.
pub(super) async fn held(
    body: Body,
    network: Option<Network>,
    sender: impl Future<Output = Result<Sender, Failure>>,
) -> Result<Held, Failure> {
    DOOR.take(body, network, STRANGERS, sender).await
}

/// Reads a picture of this account.
pub(super) async fn picture(body: Body, user: UserId) -> Result<Held, Failure> {
    let most = PICTURE;
    // known from the first byte
    PICTURES
        .take(body, None, 0, async { Ok(Sender { user, most }) })
        .await
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
    /// Reads a body. Of `free` bytes anybody may send so many, as long as their network does not send too much; `sender` is
    /// asked once more has come. What is larger than `BODY` needs a place.
    async fn take(
        &self,
        body: Body,
        network: Option<Network>,
        free: usize,
        sender: impl Future<Output = Result<Sender, Failure>>,
    ) -> Result<Held, Failure> {
        let mut pieces = body.into_data_stream();
        let mut held = Held {
            bytes: Vec::new(),
            place: None,
            memory: Share::of_network(network),
        };
        let (mut unknown, mut known) = (Some(sender), None);
        let mut room = free;
        let mut ends = Instant::now() + self.sending;
        let late = |_| Failure::new(ErrorCode::Timeout, "the body did not arrive in time");
        while let Some(piece) = timeout_at(ends, pieces.next()).await.map_err(late)? {
            let piece = piece.map_err(|_| broke_off())?;
            let size = held.bytes.len() + piece.len();
            let waited = Instant::now();
            let mut counted = held.memory.resize(size);
            if (size > room || counted.is_err())
                && let Some(sender) = unknown.take()
            {
                match sender.await {
                    Ok(Sender { user, most }) => {
                        (room, known) = (most, Some(user));
                        held.memory = Share::of_account(user);
                        counted = held.memory.resize(size);
                    }
                    Err(failure) if size > room => return Err(discard_rest(pieces, ends, failure).await),
                    Err(_) => {}
                }
            }
            let refused = (size > room).then(|| too_large(room)).or(counted.err());
            if let Some(failure) = refused {
                drop(held);
                return Err(discard_rest(pieces, ends, failure).await);
            }
            if let (true, None, Some(user)) = (size > BODY, &held.place, known) {
                match self.places.take_within(user, self.waiting).await {
                    Ok(place) => held.place = Some(place),
                    Err(failure) => {
                        drop(held);
                        return Err(discard_rest(pieces, ends + waited.elapsed(), failure).await);
                    }
                }
            }
            ends += waited.elapsed();
            held.bytes.extend_from_slice(&piece);
        }
        Ok(held)
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
    use crate::http::memory::UNCOUNTED;
    use futures_util::{FutureExt as _, stream};
    use std::net::IpAddr;
    use uuid::Uuid;

    const PIECE: usize = 64 * 1024;

    fn door(all: usize) -> Door {
        let room = Room {
            each: 2,
            all,
            already: "two of yours",
            too_many: "too many",
            retry_after_ms: 1000,
        };
        Door {
            places: Running::new(Box::leak(Box::new(room))),
            sending: Duration::from_millis(300),
            waiting: Duration::from_millis(100),
        }
    }

    async fn ada() -> Result<Sender, Failure> {
        somebody(1).await
    }

    fn somebody(n: u128) -> impl Future<Output = Result<Sender, Failure>> {
        std::future::ready(Ok(Sender {
            user: UserId(Uuid::from_u128(n)),
            most: 2 * BODY,
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

    fn never() -> impl Future<Output = Result<Sender, Failure>> {
        std::future::poll_fn(|_| panic!("nobody asks who sends a small body"))
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
    async fn only_a_large_body_takes_a_place_until_it_is_read() {
        let door = door(1);
        let is_free = || door.places.take(UserId(Uuid::from_u128(9))).is_ok();
        let mut small = Box::pin(door.take(stalled(BODY), None, BODY, never()));
        assert!((&mut small).now_or_never().is_none());
        assert!(is_free());
        let held = door
            .take(whole(BODY + 1), None, STRANGERS, ada())
            .await
            .expect("a large body");
        assert_eq!((held.bytes.len(), is_free()), (BODY + 1, false));
        let small = door.take(whole(BODY), None, BODY, never()).await;
        assert_eq!(small.expect("a small body").bytes.len(), BODY);
        let failure = door
            .take(whole(BODY + 1), None, STRANGERS, somebody(2))
            .await
            .expect_err("every place is taken");
        assert_eq!(failure.code, ErrorCode::Unavailable);
        let Held { place, memory, .. } = held;
        drop(place);
        assert!(memory.counts(), "its frames may still be in memory");
        assert!(
            door.take(whole(2 * BODY), None, STRANGERS, somebody(2))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn an_account_has_two_large_bodies_at_a_time_and_others_have_theirs() {
        let door = door(16);
        let take = |n| door.take(whole(BODY + 1), None, STRANGERS, somebody(n));
        let held = [take(1).await.expect("one"), take(1).await.expect("two")];
        let failure = take(1).await.expect_err("three");
        assert_eq!(failure.code, ErrorCode::RateLimited);
        assert!(take(2).await.is_ok());
        drop(held);
        assert!(take(1).await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_that_is_refused_or_too_slow_keeps_no_place() {
        let door = door(1);
        let stranger = async { Err(Failure::new(ErrorCode::AuthRequired, "who are you?")) };
        let failure = door
            .take(whole(STRANGERS + 1), None, STRANGERS, stranger)
            .await
            .expect_err("no token");
        assert_eq!(failure.code, ErrorCode::AuthRequired);
        let failure = door
            .take(whole(2 * BODY + 1), None, STRANGERS, ada())
            .await
            .expect_err("too large");
        assert_eq!(failure.code, ErrorCode::PayloadTooLarge);
        for bytes in [1, BODY + 1] {
            let failure = door
                .take(stalled(bytes), None, STRANGERS, ada())
                .await
                .expect_err("too slow");
            assert_eq!(failure.code, ErrorCode::Timeout, "{bytes}");
        }
        assert!(door.places.take(UserId(Uuid::from_u128(9))).is_ok());
    }

    #[tokio::test]
    async fn a_network_that_sends_too_much_keeps_out_its_strangers_and_nobody_who_is_known() {
        let door = door(16);
        let network = |text: &str| Some(Network::from(text.parse::<IpAddr>().expect("an address")));
        let (flood, other) = (network("2001:db8:1::1"), network("2001:db8:2::1"));
        let nobody = async || Err(too_large_for_a_stranger());
        let mut held = Vec::new();
        let failure = loop {
            match door.take(whole(STRANGERS), flood, STRANGERS, nobody()).await {
                Ok(body) => held.push(body),
                Err(failure) => break failure,
            }
        };
        assert_eq!(failure.code, ErrorCode::RateLimited);
        // 8 MiB, without the first 16 KiB of each
        assert_eq!(held.len(), 8 * BODY / (STRANGERS - UNCOUNTED));
        let small = door.take(whole(UNCOUNTED), flood, STRANGERS, nobody()).await;
        assert!(small.is_ok());
        let known = door.take(whole(STRANGERS), flood, STRANGERS, ada()).await;
        assert!(known.is_ok());
        let elsewhere = door.take(whole(STRANGERS), other, STRANGERS, nobody()).await;
        assert!(elsewhere.is_ok());
        held.pop();
        let next = door.take(whole(STRANGERS), flood, STRANGERS, nobody()).await;
        assert!(next.is_ok());
    }
}
