//! For fuzzers: the bytes of a socket, its handshake, and where it continues.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use tokio_tungstenite::tungstenite::protocol::frame::FrameSocket;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

use super::frames::Frames;
use super::position::{self, Position};
use super::upgrade;
use crate::config::Settings;

/// The settings as they are by default: to make them takes longer than to read a query.
static SETTINGS: LazyLock<Settings> =
    LazyLock::new(|| Settings::from_pairs(&[]).unwrap_or_else(|error| panic!("{error}")));

/// The handshake of a socket.
pub(crate) fn head(headers: &HeaderMap) {
    let _ = upgrade::negotiate(headers).is_ok();
}

/// The query of a handshake: the streams to follow, and where to continue.
pub(crate) fn resume(bytes: &[u8]) {
    let query = String::from_utf8_lossy(bytes);
    if let Ok(params) = upgrade::by_header("a token", &query, &SETTINGS) {
        assert_eq!(params.token.expose(), "a token");
    }
    event_id(&query);
}

/// The id of an event, which says where to continue: what was read of it is what another id says.
fn event_id(text: &str) {
    let Some(resume) = position::read(text) else {
        return;
    };
    let seqs = resume.positions.iter();
    let seqs = seqs.map(|(stream, seq)| (stream.parse().expect("the name of a stream"), *seq));
    let position = Position::new(resume.epoch.as_str().into(), seqs.collect());
    assert_eq!(position::read(&position.text()), Some(resume));
}

/// The bytes of a peer, cut anywhere: the close code is the one that another reader of the same frames finds.
pub(crate) fn close_code(bytes: &[u8]) {
    let mut whole = Frames::default();
    whole.pass(bytes);
    for size in [1, 2, 3, 7, 125] {
        let mut cut = Frames::default();
        bytes.chunks(size).for_each(|part| cut.pass(part));
        assert_eq!(cut.close_code(), whole.close_code(), "in parts of {size}");
    }
    let mut frames = FrameSocket::new(std::io::Cursor::new(bytes.to_vec()));
    let (mut read, mut code) = (0, None);
    while let Ok(Some(frame)) = frames.read(Some(1 << 16)) {
        read += frame.len();
        let mask = frame.header().mask.unwrap_or_default();
        code = match (frame.header().opcode, frame.payload()) {
            (OpCode::Control(Control::Close), [one, two, ..]) => {
                Some(u16::from_be_bytes([one ^ mask[0], two ^ mask[1]]))
            }
            _ => None,
        };
    }
    // the other reader stops at a frame that it refuses
    if read == bytes.len() {
        assert_eq!(whole.close_code(), code);
    }
}
