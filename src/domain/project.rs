//! Rules for projects.

use super::Result;
use taskwire_protocol::Failure;

/// Checks a color. Returns it with small letters.
pub fn color(color: &str) -> Result<String> {
    let digits = color.trim().strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(color.trim().to_ascii_lowercase());
    }
    Err(Failure::invalid("color", "color must be written as #rrggbb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_written_with_six_digits() {
        assert_eq!(color("#3B82f6").as_deref(), Ok("#3b82f6"));
        for wrong in [
            "", "#", "3b82f6", "#3b82f", "#3b82f67", "#3b82fg", "#3b82é", "red",
        ] {
            let failure = color(wrong).expect_err(wrong);
            assert_eq!(failure.field.as_deref(), Some("color"), "{wrong}");
        }
    }
}
