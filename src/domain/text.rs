//! Text from people: trimmed, counted in Unicode scalar values, without U+0000 (PostgreSQL refuses it).

use super::Result;
use taskwire_protocol::Failure;

/// Trims a text and checks its length.
pub fn checked(field: &str, text: &str, min: usize, max: usize) -> Result<String> {
    let text = text.trim();
    if text.contains('\0') {
        return Err(Failure::invalid(
            field,
            format!("{field} must not contain U+0000"),
        ));
    }
    // a text has no more characters than bytes, so most texts need no counting
    let length = if text.len() <= max && min <= 1 {
        text.len().min(max)
    } else {
        text.chars().count()
    };
    if length < min || length > max {
        return Err(Failure::invalid(field, bounds(field, min, max)));
    }
    Ok(text.to_owned())
}

fn bounds(field: &str, min: usize, max: usize) -> String {
    match min {
        0 => format!("{field} must be at most {max} characters"),
        _ => format!("{field} must be {min} to {max} characters"),
    }
}

/// Trims and checks an optional text. An empty one becomes `None`.
pub fn optional(field: &str, text: Option<String>, max: usize) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    Ok(Some(checked(field, &text, 0, max)?).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters_after_trimming() {
        assert_eq!(checked("title", "  é ", 1, 1).ok().as_deref(), Some("é"));
        assert!(checked("title", "   ", 1, 200).is_err());
        assert!(checked("title", &"é".repeat(200), 1, 200).is_ok());
        assert!(checked("title", &"é".repeat(201), 1, 200).is_err());
        assert!(checked("title", "a\0b", 1, 200).is_err());
    }
}
