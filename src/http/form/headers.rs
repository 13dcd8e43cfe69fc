//! The headers of a form's field: its name, and the name of its file.

use taskwire_protocol::{ErrorCode, Failure};

/// The field that has the file.
const FILE: &str = "file";
/// The most characters of a field's name in an answer.
const NAMED: usize = 64;

/// A field, by its headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct Field {
    name: String,
    file_name: Option<String>,
    is_encoded: bool,
}

impl Field {
    /// Reads lines of headers.
    pub(in crate::http) fn read(headers: &[u8]) -> Result<Field, Failure> {
        let Ok(headers) = std::str::from_utf8(headers) else {
            let message = "the headers of a field must be UTF-8";
            return Err(Failure::invalid(FILE, message));
        };
        let mut field = Field::default();
        for line in headers.split("\r\n") {
            let (name, value) = line.split_once(':').unwrap_or_default();
            let (value, parameters) = value.split_once(';').unwrap_or((value, ""));
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-disposition") && value.eq_ignore_ascii_case("form-data") {
                field.name = parameter(parameters, "name").unwrap_or_default();
                let extended = parameter(parameters, "filename*").and_then(|text| decoded(&text));
                field.file_name = extended.or_else(|| parameter(parameters, "filename"));
            }
            if name.eq_ignore_ascii_case("content-transfer-encoding") {
                let plain = ["binary", "8bit", "7bit"];
                field.is_encoded = !plain.iter().any(|plain| value.eq_ignore_ascii_case(plain));
            }
        }
        Ok(field)
    }

    /// The name of the file, if this is its field.
    pub(super) fn file(self) -> Result<String, Failure> {
        if self.name != FILE {
            return Err(self.one_too_many());
        }
        if self.is_encoded {
            let message = "send the file as it is, without Content-Transfer-Encoding";
            return Err(Failure::new(ErrorCode::UnsupportedMedia, message));
        }
        Ok(self.file_name.unwrap_or_default())
    }

    /// The refusal of this field.
    pub(super) fn one_too_many(self) -> Failure {
        let name: String = self.name.chars().take(NAMED).collect();
        let (field, message) = match &*name {
            FILE => (FILE, "send one file in each form"),
            "" => (FILE, "a field has no name; send the file in the field file"),
            name => (name, "the form has one field, file"),
        };
        Failure::invalid(field, message)
    }
}

/// A parameter of a header, by its name. In quotes, a backslash stands before a quote or a backslash that is meant.
pub(super) fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let (value, after) = after.split_once(';').unwrap_or((after, ""));
            (value.trim().to_owned(), after)
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// The text up to the closing quote, and what follows the quote.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let (mut text, mut chars) = (String::new(), quoted.char_indices().peekable());
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((text, &quoted[at + 1..])),
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, meant)) => text.push(meant),
                None => text.push('\\'),
            },
            _ => text.push(char),
        }
    }
    None
}

/// A value of RFC 8187: `UTF-8''` and the text, percent-encoded.
fn decoded(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    loop {
        match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', high, low, after @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
                rest = after;
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_browsers_and_programs_write_them() {
        for (header, name, file_name) in [
            (
                r#"form-data; name="file"; filename="a.txt""#,
                "file",
                Some("a.txt"),
            ),
            (
                r#"form-data; filename="say \"hi\"; x.txt"; name=file"#,
                "file",
                Some("say \"hi\"; x.txt"),
            ),
            (
                r#"Form-Data;name="file";filename="C:\docs\a""#,
                "file",
                Some("C:\\docs\\a"),
            ),
            (
                r#"form-data; name="file"; filename="x"; filename*=utf-8'en'%c3%a4"#,
                "file",
                Some("ä"),
            ),
            (
                r#"form-data; name="file"; filename="x"; filename*=latin1''%e4"#,
                "file",
                Some("x"),
            ),
            (r#"form-data; name="other""#, "other", None),
            (r#"form-data; name="open"#, "", None),
            ("attachment; name=file", "", None),
            ("form-data", "", None),
        ] {
            let lines = format!("Content-Type: text/html\r\ncontent-disposition: {header}");
            let field = Field::read(lines.as_bytes()).expect("a field");
            assert_eq!(
                (&*field.name, field.file_name.as_deref()),
                (name, file_name),
                "{header}"
            );
        }
        assert!(Field::read(b"Content-Disposition: form-data; name=\"\xff\"").is_err());
        assert_eq!(
            parameter(" charset=utf-8; boundary=\"a b\"", "Boundary").as_deref(),
            Some("a b")
        );
    }
}
