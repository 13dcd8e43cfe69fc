//! Imports: reads a file of one of the formats and says what it would make. Pure: bytes go in, a valid plan comes out, or an
//! error that names lines. Does not know which workspace gets it.
//!
//! - `plan`     what an import makes, whatever its format; `settle` makes it valid
//! - `lost`     what is left out; `errors` what is wrong
//! - `whole`, `table`   our own formats, JSON and CSV
//! - `todoist`, `trello`, `vikunja`, `taskwarrior`   those of other programs
//! - `csv`, `items`, `zip`, `html`, `dates`, `kinds`   what these are made of

mod csv;
mod dates;
mod errors;
mod html;
mod items;
mod kinds;
pub mod lost;
pub mod plan;
mod settle;
mod table;
mod taskwarrior;
mod todoist;
mod trello;
mod vikunja;
mod whole;
mod zip;

use super::Result;
use errors::unreadable;
use plan::Plan;
use taskwire_protocol::import::ImportFormat;
use taskwire_protocol::{Failure, Timestamp};

/// A file to import.
pub struct Given<'g> {
    /// Its content.
    pub bytes: &'g [u8],
    /// The time of the import.
    pub now: Timestamp,
    /// The project of tasks that have none.
    pub project: Option<&'g str>,
    /// The most bytes that an archive may have when it is unpacked.
    pub most: usize,
}

/// What a file would make.
///
/// # Errors
/// `VALIDATION_ERROR`, with what is wrong on which lines.
pub fn read(format: ImportFormat, given: &Given<'_>) -> Result<Plan> {
    let (plan, strict) = match format {
        ImportFormat::Json => (whole::read(given)?, true),
        ImportFormat::Csv => (table::read(given)?, true),
        ImportFormat::Todoist => (todoist::read(given)?, false),
        ImportFormat::Trello => (trello::read(given)?, false),
        ImportFormat::Vikunja => (vikunja::read(given)?, false),
        ImportFormat::Taskwarrior => (taskwarrior::read(given)?, false),
    };
    let mut plan = plan;
    plan.is_foreign = !strict;
    if let Some(name) = given.project
        && plan.tasks.iter().any(|task| task.project.is_none())
    {
        let project = plan.project(None, name);
        for task in &mut plan.tasks {
            task.project = task.project.or(Some(project));
        }
    }
    settle::settle(plan, strict, given.now)
}

/// The text of a file. It is UTF-8, with or without the mark of its byte order.
fn text_of(bytes: &[u8]) -> std::result::Result<&str, Failure> {
    for mark in [b"\xff\xfe", b"\xfe\xff"] {
        if bytes.starts_with(mark) {
            return Err(unreadable(1, None, "the file is in UTF-16; save it as UTF-8"));
        }
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count() as u64;
        unreadable(line, None, "this is no UTF-8; save the file as UTF-8")
    })
}

#[cfg(test)]
mod tests;
