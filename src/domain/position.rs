//! Where a task stands among the others: a text between two others, compared byte by byte, so that a move changes one
//! task only.

use super::Result;
use fractional_index::FractionalIndex;
use taskwire_protocol::{ErrorCode, Failure};
use uuid::Uuid;

/// Behind everything made before: the time in a UUIDv7 grows. No other task has to be read for it.
pub fn at_end(id: Uuid) -> String {
    // ten bytes hold the milliseconds and the counter; the last byte ends a fractional index
    let mut text: String = id.as_bytes()[..10]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    text.push_str("80");
    text
}

/// A place between two others; `None` is the beginning or the end.
pub fn between(before: Option<&str>, after: Option<&str>) -> Result<String> {
    let read = |text: Option<&str>| {
        text.map(|text| FractionalIndex::from_string(text).map_err(|_| broken()))
            .transpose()
    };
    let (before, after) = (read(before)?, read(after)?);
    // two at the same place: right behind the first is as good, ties go by id
    let after = after.filter(|after| before.as_ref().is_none_or(|before| before < after));
    let place = FractionalIndex::new(before.as_ref(), after.as_ref()).ok_or_else(broken)?;
    Ok(place.to_string())
}

fn broken() -> Failure {
    Failure::new(ErrorCode::InternalError, "a task's position cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_room_between_two() -> Result<()> {
        let (first, mut last) = (at_end(Uuid::from_u128(1 << 90)), at_end(Uuid::from_u128(2 << 90)));
        assert!(first < last);
        for _ in 0..100 {
            let middle = between(Some(&first), Some(&last))?;
            assert!(first < middle && middle < last, "{first} {middle} {last}");
            last = middle;
        }
        assert!(between(None, Some(&first))? < first);
        assert!(between(Some(&first), None)? > first);
        Ok(())
    }
}
