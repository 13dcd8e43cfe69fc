//! Bodies that are read from the database while the client takes them. A task of its own reads short pages and hands on
//! one piece after the other. Between two pages it holds no connection to the database, so a slow client costs only the
//! memory of two pieces. What ends early never looks whole: the last piece is marked.
//!
//! - `calendar`  the calendar feed of a person
//! - `export`    an account's own data as an archive
//! - `snapshot`  the state of a workspace as lines of JSON
//! - `workspace` a workspace as a file: JSON, CSV, ICS
//! - `series`    where tasks that repeat stand, for calendars
//! - `pieces`    a body on its way to the client
//! - `running`   who downloads now

mod calendar;
mod export;
mod pieces;
mod running;
mod series;
mod snapshot;
mod workspace;

pub use calendar::CalendarFeed;
pub use export::Export;
pub use pieces::Pieces;
pub use running::{Place, Room, Running};
pub use workspace::WorkspaceFile;

/// Who downloads what now.
#[derive(Clone)]
pub(super) struct Downloads {
    exports: Running,
    calendars: Running,
    snapshots: Running,
    workspaces: Running,
}

impl Default for Downloads {
    fn default() -> Downloads {
        Downloads {
            exports: export::running(),
            calendars: calendar::running(),
            snapshots: snapshot::running(),
            workspaces: workspace::running(),
        }
    }
}
