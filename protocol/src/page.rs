//! Pages of a list, by keyset: a cursor is opaque, and a late page costs no more than the first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items, in the order asked for. Equal items are ordered by id.
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page; `null` on the last page.
    pub next_cursor: Option<String>,
    /// The number of items on all pages; on the first page only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// A list that comes whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Items")]
pub struct Items<T> {
    /// The items.
    pub items: Vec<T>,
}
