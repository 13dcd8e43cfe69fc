//! The cookie that stores a browser's refresh token out of reach of scripts. Does not know what the token means.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::{Environment, Settings};

/// The name. In production it has the prefix with which browsers take the cookie over HTTPS only (RFC 6265bis, section
/// 4.1.3.1): a page of plain HTTP cannot replace it.
fn name(settings: &Settings) -> &'static str {
    match settings.environment {
        Environment::Production => "__Secure-taskwire_refresh",
        Environment::Development => "taskwire_refresh",
    }
}

/// The refresh token that a browser sent.
pub(super) fn read(headers: &HeaderMap, settings: &Settings) -> Option<String> {
    let wanted = name(settings);
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == wanted)
        .map(|(_, token)| token.to_owned())
}

/// The `Set-Cookie` header that stores a token until it expires. Without a token it deletes the cookie.
pub(super) fn write(token: Option<&str>, settings: &Settings) -> Option<HeaderValue> {
    let seconds = if token.is_some() {
        settings.refresh_token.as_secs()
    } else {
        0
    };
    let secure = if settings.environment == Environment::Production {
        "; Secure"
    } else {
        ""
    };
    let token = token.unwrap_or("");
    let name = name(settings);
    let line = format!("{name}={token}; Path=/v1/auth; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&line).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("a=b; taskwire_refresh=r.1; c=d"));
        let settings = Settings::from_pairs(&[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read(&headers, &settings).as_deref(), Some("r.1"));
        assert_eq!(read(&HeaderMap::new(), &settings), None);
    }

    #[test]
    fn the_cookie_is_limited_to_its_path_and_hidden_from_scripts() {
        let settings = Settings::from_pairs(&[]).unwrap_or_else(|error| panic!("{error}"));
        let line = write(Some("r"), &settings).expect("a header");
        let line = line.to_str().expect("text");
        assert_eq!(
            line,
            "taskwire_refresh=r; Path=/v1/auth; HttpOnly; SameSite=Strict; Max-Age=604800"
        );
    }
}
