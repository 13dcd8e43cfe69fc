//! The body of an answer that is made while the client takes it. Does not know what is in it.

use std::io;

use axum::body::Body;
use futures_util::{StreamExt as _, stream};
use taskwire_protocol::Failure;

use crate::engine::Pieces;

/// Waits for the first piece, so that what fails at once has a status. What fails later ends the connection before the
/// end of the body: the client sees that it is not whole.
pub(super) async fn body(mut pieces: Pieces) -> Result<Body, Failure> {
    let first = pieces.next().await.transpose()?.unwrap_or_default();
    let rest = stream::unfold(pieces, async |mut pieces: Pieces| {
        let piece = pieces.next().await?;
        Some((piece.map_err(|failure| io::Error::other(failure.message)), pieces))
    });
    // a compression asks again after the end
    Ok(Body::from_stream(stream::iter([Ok(first)]).chain(rest).fuse()))
}
