//! Several mutations in one request.

use crate::{Failure, OpId, json, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value, value::RawValue};
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
    #[serde(default)]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub data: Parameters,
}

/// The parameters of one mutation of a batch, unread: what is wrong with them concerns this mutation alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    value: Value,
    /// The path of a key that stands twice.
    twice: Option<String>,
}

impl Parameters {
    /// The JSON text of the parameters.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when a key stands twice in an object.
    pub fn text(&self) -> Result<String, Failure> {
        match &self.twice {
            Some(field) => Err(json::given_twice(field.clone())),
            None => Ok(self.value.to_string()),
        }
    }
}

/// `null` means no parameters, as in the `data` of a request frame.
impl From<Value> for Parameters {
    fn from(value: Value) -> Parameters {
        let value = if value.is_null() { Map::new().into() } else { value };
        Parameters { value, twice: None }
    }
}

impl Default for Parameters {
    fn default() -> Parameters {
        Value::Null.into()
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Parameters, D::Error> {
        let (value, twice) = json::value_and_twice(from)?;
        Ok(Parameters {
            twice,
            ..value.into()
        })
    }
}

/// The answer to `batch`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BatchResults {
    /// One result for each mutation, in order.
    pub results: Vec<BatchResult>,
}

/// The result of one mutation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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

/// An untagged enum cannot be derived here: it reads by way of a copy, in which `RawValue` is not found.
impl<'de> Deserialize<'de> for BatchResult {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<BatchResult, D::Error> {
        #[derive(Deserialize)]
        struct Either {
            data: Option<Box<RawValue>>,
            #[serde(default)]
            at: BTreeMap<String, u64>,
            #[serde(default)]
            replayed: bool,
            error: Option<Failure>,
        }
        let either = Either::deserialize(from)?;
        match (either.data, either.error) {
            (Some(data), None) => Ok(BatchResult::Done {
                data,
                at: either.at,
                replayed: either.replayed,
            }),
            (None, Some(error)) => Ok(BatchResult::Refused { error }),
            _ => Err(D::Error::custom("a result has either data or an error")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_a_batch_are_read() {
        let text = r#"{"results":[{"data":{"id":1},"at":{"user:1":7}},{"error":{"code":"NOT_FOUND","message":"no","retryable":false,"retry_after_ms":null,"request_id":""}}]}"#;
        let read: BatchResults = serde_json::from_str(text).expect("results");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
        let neither = serde_json::from_str::<BatchResult>(r#"{"at":{}}"#);
        assert!(neither.is_err());
    }
}
