//! The stages of a workspace as its row has them: as JSON, or null for the standard ones. Does not know the row.

use super::Result;
use super::bind::Cell;
use taskwire_protocol::stage::{Stage, Stages};

/// The stages that a row has.
pub(super) fn read(text: Option<&str>) -> Result<Stages> {
    let Some(text) = text else {
        return Ok(Stages::default());
    };
    Ok(serde_json::from_str::<Vec<Stage>>(text)?.into())
}

/// What a row has of these stages.
pub(super) fn cell(stages: &Stages) -> Cell {
    let standard = *stages == Stages::default();
    Cell::Text((!standard).then(|| serde_json::to_string(stages).unwrap_or_default().into()))
}
