//! Makes the JSON Schema, the TypeScript types and the reference from the tables. The files are committed; a test fails
//! when one is stale. Knows the types behind the tables only by their schemas.
//!
//! - `schema`      the whole contract as one JSON Schema document
//! - `typescript`  types for browsers and Node, from that document; the client in `web/` has a copy
//! - `reference`   `PROTOCOL.md`: hand-written prose around generated tables

mod reference;
mod schema;
mod typescript;

pub use schema::{describe, schema_text};
pub(crate) use schema::{document, fields, reference, resolve, variants};

/// A generated file: its path from the `protocol` folder, and what makes its text.
pub type Output = (&'static str, fn() -> String);

/// Every generated file.
pub const OUTPUTS: &[Output] = &[
    ("taskwire.schema.json", schema_text),
    ("taskwire.ts", typescript::text),
    ("../web/src/sdk/contract.ts", typescript::text),
    ("PROTOCOL.md", reference::text),
];
