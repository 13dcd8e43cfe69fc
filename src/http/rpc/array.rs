//! Splits the text of an array into its frames. Does not know what is in a frame.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use taskwire_protocol::{ErrorCode, Failure};

/// The frames of a JSON array, at most `most` of them.
pub(super) fn frames(text: &str, most: usize) -> Result<Vec<Box<RawValue>>, Failure> {
    let mut from = serde_json::Deserializer::from_str(text);
    let read = from.deserialize_seq(AtMost(most));
    match read.and_then(|frames| from.end().map(|()| frames)) {
        Ok(Some(frames)) => Ok(frames),
        Ok(None) => Err(Failure::new(
            ErrorCode::ValidationError,
            format!("an array can have at most {most} requests"),
        )),
        Err(_) => Err(Failure::new(ErrorCode::BadFrame, "the body is not valid JSON")),
    }
}

/// Reads at most this many frames; `None` if there are more. The rest is skipped, not stored: millions of tiny frames
/// would take more memory than their text.
struct AtMost(usize);

impl<'de> Visitor<'de> for AtMost {
    type Value = Option<Vec<Box<RawValue>>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of frames")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut frames = Vec::new();
        while frames.len() < self.0 {
            match from.next_element()? {
                Some(frame) => frames.push(frame),
                None => return Ok(Some(frames)),
            }
        }
        let mut more = false;
        while from.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok((!more).then_some(frames))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_a_limited_number_of_frames_and_nothing_after_it() {
        let read = |text: &str| frames(text, 2).map_err(|failure| failure.code);
        let texts =
            |text: &str| read(text).map(|all| all.iter().map(|one| one.get().to_owned()).collect::<Vec<_>>());
        assert_eq!(texts(" [] "), Ok(vec![]));
        assert_eq!(
            texts("[{\"a\": 1}, [2]]"),
            Ok(vec!["{\"a\": 1}".to_owned(), "[2]".to_owned()])
        );
        assert_eq!(texts("[1,2,3]"), Err(ErrorCode::ValidationError));
        for bad in ["[1,2", "[1,2,3", "[1,]", "[1][2]", "[1] 2"] {
            assert_eq!(texts(bad), Err(ErrorCode::BadFrame), "{bad}");
        }
    }
}
