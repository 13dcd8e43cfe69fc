//! Reads Taskwire's answers to requests, as far as the harness needs them.

use crate::trouble::Trouble;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use taskwire_protocol::Failure;

/// An answer to a request.
#[derive(Deserialize)]
pub(crate) struct Answer<'a> {
    r#type: &'a str,
    pub(crate) id: Option<u64>,
    /// For a mutation: the last `seq` that it produced in each stream.
    #[serde(borrow, default)]
    pub(crate) at: BTreeMap<&'a str, u64>,
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    pub(crate) error: Option<Box<Failure>>,
}

impl<'a> Answer<'a> {
    /// Reads a frame as an answer; `None` for events, signals and everything else.
    pub(crate) fn read(text: &'a [u8]) -> Option<Answer<'a>> {
        let answer: Answer<'a> = serde_json::from_slice(text).ok()?;
        ["ok", "error", "welcome"]
            .contains(&answer.r#type)
            .then_some(answer)
    }

    /// `Err` with the failure when the answer is an error.
    pub(crate) fn failed(self) -> Result<Self, Box<Failure>> {
        match self.error {
            Some(failure) => Err(failure),
            None => Ok(self),
        }
    }

    /// The output of the operation `name`.
    pub(crate) fn output<T: DeserializeOwned>(self, name: &'static str) -> Result<T, Trouble> {
        let answer = self.failed().map_err(|failure| Trouble::Refused(name, failure))?;
        let data = answer.data.map_or("{}", RawValue::get);
        serde_json::from_str(data)
            .map_err(|error| Trouble::setup(format!("the answer to {name} breaks the contract: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_distinguished_from_an_event() {
        let ok = br#"{"type":"ok","id":7,"at":{"workspace:1":42},"data":{}}"#;
        let answer = Answer::read(ok).expect("an answer");
        assert_eq!((answer.id, answer.at.get("workspace:1")), (Some(7), Some(&42)));
        let event = br#"{"type":"event","stream":"user:1","seq":1,"event":"x","at":"2026-01-01T00:00:00Z","data":{}}"#;
        assert!(Answer::read(event).is_none());
    }
}
