//! A file that a server sends, taken piece by piece: of any size, and for as long as something arrives.

use super::{ANSWER_TIMEOUT, Http, whole};
use crate::error::CallError;
use reqwest::{Method, Response, header};
use std::time::Duration;
use tokio::time::timeout;

/// The longest time without a piece: a server may have to look through much to find the next one.
const SILENCE: Duration = Duration::from_mins(2);
/// The most characters of a file's name.
const NAME: usize = 100;

/// A file on its way. See [`Http::download`].
#[derive(Debug)]
pub struct Download {
    /// The name that the server gives it, if it is a plain one: neither a path nor hidden.
    pub name: Option<String>,
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
        Ok(Download { name, response })
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

/// The name in a header `Content-Disposition`. A server must not choose the folder, nor a name that hides the file.
fn file_name(disposition: &str) -> Option<String> {
    let (_, rest) = disposition.split_once("filename=\"")?;
    let (name, _) = rest.split_once('"')?;
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let is_plain =
        (1..=NAME).contains(&name.len()) && !name.starts_with(['.', '-']) && name.chars().all(plain);
    is_plain.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_server_names_a_file_and_no_place() {
        let named = |name: &str| file_name(&format!("attachment; filename=\"{name}\""));
        assert_eq!(named("data-2026.zip").as_deref(), Some("data-2026.zip"));
        for name in [
            "",
            "../x",
            "/etc/passwd",
            "a\\b",
            ".bashrc",
            "-rf",
            "a\u{7}b",
            &"x".repeat(101),
        ] {
            assert_eq!(named(name), None, "{name}");
        }
        assert_eq!(file_name("inline"), None);
    }
}
