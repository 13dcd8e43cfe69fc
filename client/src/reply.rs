//! An answer as the program gets it, with its data read.

use crate::{error::CallError, wire::Answer};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// An answer: the operation's output, and what the contract adds to it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The operation's output.
    pub data: T,
    /// For a mutation: the last `seq` that it produced in each stream that the caller may read.
    pub at: BTreeMap<String, u64>,
    /// The mutation was done before under the same `op_id`, and this repeats the first answer.
    pub replayed: bool,
}

impl<T: DeserializeOwned> Reply<T> {
    pub(crate) fn read(answer: Answer) -> Result<Reply<T>, CallError> {
        let data = serde_json::from_str(answer.data.get());
        Ok(Reply {
            data: data.map_err(|error| CallError::Unreadable(error.to_string()))?,
            at: answer.at,
            replayed: answer.replayed,
        })
    }
}

impl Reply<Box<RawValue>> {
    /// Leaves the data as the server wrote it.
    pub(crate) fn raw(answer: Answer) -> Reply<Box<RawValue>> {
        Reply {
            data: answer.data,
            at: answer.at,
            replayed: answer.replayed,
        }
    }
}
