//! What a missing parameter and `null` mean, where the contract differs from how serde reads an `Option`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

/// For a parameter with a default, where `null` means the default, like omitting it. Put
/// `#[serde(default, deserialize_with = "or_default")]` and `#[schemars(with = "Option<…>")]` on the field.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// For a field that must be present but may be `null`: without this, serde reads a missing `Option` as `null`.
pub(crate) fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// The schema of a [`required`] field: without this, schemars describes an `Option` as a field that may be missing.
pub(crate) fn nullable<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    Option::<T>::json_schema(generator)
}

/// For a field that may be omitted but not `null`: without this, serde reads `null` as a missing `Option`.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
