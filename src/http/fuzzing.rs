//! For fuzzers: what the routes read of a request's head.

use std::sync::LazyLock;

use axum::http::HeaderMap;

use super::conditions::{Part, knows, part};
use super::form::headers::Field;
use super::{body, cookie, form};
use crate::config::Settings;

/// The settings as they are by default: to make them takes longer than to read a head.
static SETTINGS: LazyLock<Settings> =
    LazyLock::new(|| Settings::from_pairs(&[]).unwrap_or_else(|error| panic!("{error}")));

/// None of them is too strange; a refresh token has no space around it.
pub(crate) fn head(headers: &HeaderMap) {
    if let Ok(Some(token)) = cookie::read(headers, &SETTINGS) {
        assert_eq!(token, token.trim());
    }
    let _ = (body::media(headers).is_ok(), form::boundary(headers).is_ok());
    for value in headers.values() {
        let _ = Field::read(value.as_bytes()).is_ok();
    }
    let _ = knows(headers, "\"tag\"");
    for size in [0, 1, 1000] {
        if let Part::Bytes(range) = part(headers, "\"tag\"", size) {
            assert!(
                range.start < range.end && range.end <= size,
                "{range:?} of {size}"
            );
        }
    }
}
