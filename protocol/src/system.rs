//! Operations without an entity: `ping` and `protocol.describe`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `ping`: answered with a `pong` frame, at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ping {}

/// Parameters of `protocol.describe`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Describe {}
