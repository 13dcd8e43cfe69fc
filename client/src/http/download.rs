//! A file that a server sends, taken piece by piece: of any size, and for as long as something arrives.

use super::{ANSWER_TIMEOUT, Http, whole};
use crate::{error::CallError, terminal::is_active};
use reqwest::{Method, Response, header};
use std::time::Duration;
use tokio::time::timeout;

/// The longest time without a piece: a server may have to look through much to find the next one.
const SILENCE: Duration = Duration::from_mins(2);
/// The most characters of a file's name.
const NAME: usize = 200;

/// A file on its way. See [`Http::download`].
#[derive(Debug)]
pub struct Download {
    /// The name that the server gives it, if it is a plain one: neither a path nor hidden.
    pub name: Option<String>,
    /// How many bytes it has, if the server says so.
    pub size: Option<u64>,
    response: Response,
}

impl Http {
    /// Downloads the file at a path, like `v1/profile/export`.
    ///
    /// # Errors
    /// As [`Http::post`]; `Refused` with the server's error.
    pub async fn download(&self, path: &str) -> Result<Download, CallError> {
        let asked = self.open(Method::GET, path, None, None);
        let response = within(ANSWER_TIMEOUT + self.patience, asked).await?;
        if !response.status().is_success() {
            return Err(whole(response).await?.refusal());
        }
        let disposition = response.headers().get(header::CONTENT_DISPOSITION);
        let name = disposition.and_then(|value| file_name(value.to_str().ok()?));
        let size = response.content_length();
        Ok(Download { name, size, response })
    }
}

impl Download {
    /// The next piece; `None` at the end of the file.
    ///
    /// # Errors
    /// `Interrupted` when the file ends early, or nothing arrives for two minutes.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        let piece = async { self.response.chunk().await.map_err(|_| CallError::Interrupted) };
        Ok(within(SILENCE, piece).await?.map(Vec::from))
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    timeout(limit, work).await.unwrap_or(Err(CallError::Interrupted))
}

/// The name in a header `Content-Disposition`, exactly (RFC 8187) where the server writes it so. A server must not choose
/// the folder, nor a name that hides the file or looks like an option.
fn file_name(disposition: &str) -> Option<String> {
    let exact = disposition.split_once("filename*=UTF-8''");
    let exact = exact.and_then(|(_, rest)| decoded(rest.split(';').next()?.trim()));
    let simple = || {
        let (_, rest) = disposition.split_once("filename=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    exact.or_else(simple).filter(|name| is_plain(name))
}

/// Whether a file may have this name in any folder.
fn is_plain(name: &str) -> bool {
    let is_active = |char: char| is_active(char) || matches!(char, '/' | '\\' | ':');
    (1..=NAME).contains(&name.chars().count())
        && !name.starts_with(['.', '-', ' '])
        && !name.contains(is_active)
}

/// A text that is percent-encoded.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    loop {
        match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', high, low, after @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
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
    use super::file_name;

    #[test]
    fn a_server_names_a_file_and_no_place() {
        let named = |name: &str| file_name(&format!("attachment; filename=\"{name}\""));
        assert_eq!(named("data-2026.zip").as_deref(), Some("data-2026.zip"));
        assert_eq!(named("my notes.txt").as_deref(), Some("my notes.txt"));
        for name in [
            "",
            "../x",
            "/etc/passwd",
            "a\\b",
            "c:b",
            ".bashrc",
            "-rf",
            "a\u{7}b",
            &"x".repeat(201),
        ] {
            assert_eq!(named(name), None, "{name}");
        }
        assert_eq!(file_name("inline"), None);
    }

    #[test]
    fn a_name_with_any_letters_is_exact() {
        let named = |name: &str| {
            file_name(&format!(
                "attachment; filename=\"_.txt\"; filename*=UTF-8''{name}"
            ))
        };
        assert_eq!(named("caf%C3%A9%22.txt").as_deref(), Some("café\".txt"));
        for name in [
            "%2e%2e%2fx",
            "%2Fetc%2Fpasswd",
            "a%0D%0Ab",
            "a%1b[2J",
            "x%E2%80%AEfdp",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
        // what cannot be read is as if it were not there
        assert_eq!(named("%ff%fe").as_deref(), Some("_.txt"));
    }
}
