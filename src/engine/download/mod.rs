//! Bodies that are read from the database while the client takes them. A task of its own reads short pages and hands on
//! one piece after the other. Between two pages it holds no connection to the database, so a slow client costs only the
//! memory of two pieces. What ends early never looks whole: the last piece is marked.
//!
//! - `export`    an account's own data as an archive
//! - `snapshot`  the state of a workspace as lines of JSON
//! - `pieces`    a body on its way to the client
//! - `running`   who downloads now

mod export;
mod pieces;
mod running;
mod snapshot;

pub use export::Export;
pub use pieces::Pieces;
pub(super) use running::{Place, Room, Running};

/// Who downloads what now.
#[derive(Clone)]
pub(super) struct Downloads {
    exports: Running,
    snapshots: Running,
}

impl Default for Downloads {
    fn default() -> Downloads {
        Downloads {
            exports: export::running(),
            snapshots: snapshot::running(),
        }
    }
}
