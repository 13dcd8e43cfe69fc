//! What a transport reads from its peer.

use taskwire_protocol::CloseCode;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What arrived from the peer.
pub(super) enum Heard {
    /// A text message. It is a slice of the read buffer: copy what is kept.
    Text(Utf8Bytes),
    /// A ping (answered already), a pong, or bytes that mean nothing.
    Control,
    /// A close frame; the answer is queued.
    Closing,
    /// The peer violated the protocol.
    Broken(CloseCode, &'static str),
    /// Nothing more, without a close frame. It may still read.
    HalfClosed,
    /// As many bytes arrived without a whole message as may: nothing more is read until it may be more.
    Full,
    /// It is gone.
    Gone,
}
