//! Several mutations in one request.

use crate::{Failure, OpId, json, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, value::RawValue};
use std::collections::BTreeMap;

/// Parameters of `batch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Up to 100 mutations, carried out in this order.
    #[schemars(length(min = 1, max = limits::BATCH))]
    pub ops: Vec<BatchOp>,
    /// Whether all or none are carried out; true when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atomic: Option<bool>,
}

// in the schema, `generate::schema::frames` makes a choice of it: each mutation with its parameters
/// One mutation of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchOp {
    /// The wire name of a mutation; not `batch`.
    #[schemars(example = "task.complete")]
    pub r#type: String,
    /// Makes this mutation exactly-once. Allowed with `atomic: false` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op_id: Option<OpId>,
    /// The parameters; may be omitted when none is required.
    #[serde(default = "nothing", deserialize_with = "parameters")]
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    pub data: Value,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// `null` means no parameters, as in the `data` of a request frame, and no key stands twice.
fn parameters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    json::value(deserializer).map(|value| if value.is_null() { nothing() } else { value })
}

/// The answer to `batch`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BatchResults {
    /// One result for each mutation, in order.
    pub results: Vec<BatchResult>,
}

/// The result of one mutation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BatchResult {
    /// The mutation was carried out.
    Done {
        /// The mutation's output.
        #[schemars(with = "serde_json::Map<String, Value>")]
        data: Box<RawValue>,
        /// The last `seq` that the mutation produced in each stream.
        at: BTreeMap<String, u64>,
        /// Whether this repeats the first answer, because the mutation was carried out before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replayed: bool,
    },
    /// The mutation was refused.
    Refused {
        /// The error.
        error: Failure,
    },
}
