//! The cookie that stores a browser's refresh token out of reach of scripts. Does not know what the token means.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::{Environment, PublicUrl, Settings};

/// The name. In production it has the prefix with which browsers take the cookie over HTTPS only (RFC 6265bis, section
/// 4.1.3.1): a page of plain HTTP cannot replace it.
fn name(settings: &Settings) -> &'static str {
    match settings.environment {
        Environment::Production => "__Secure-taskwire_refresh",
        Environment::Development => "taskwire_refresh",
    }
}

/// A browser sent several cookies of the name. A page of another subdomain can add one, which browsers may send first: its
/// visitor would be signed in as somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Several;

/// The refresh token that a browser sent.
pub(super) fn read(headers: &HeaderMap, settings: &Settings) -> Result<Option<String>, Several> {
    let wanted = name(settings);
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut tokens = pairs.filter(|(name, _)| name.trim_end() == wanted);
    match (tokens.next(), tokens.next()) {
        (found, None) => Ok(found.map(|(_, token)| token.trim().to_owned())),
        (_, Some(_)) => Err(Several),
    }
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
    // browsers know the path by which they came, before a proxy took its part away
    let prefix = settings.public_url.as_ref().map_or("", PublicUrl::path);
    let line = format!(
        "{name}={token}; Path={prefix}/v1/auth; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
    );
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
        assert_eq!(read(&headers, &settings), Ok(Some("r.1".to_owned())));
        assert_eq!(read(&HeaderMap::new(), &settings), Ok(None));
    }

    #[test]
    fn two_cookies_of_the_name_are_none() {
        let settings = Settings::from_pairs(&[]).unwrap_or_else(|error| panic!("{error}"));
        let of = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line)));
            read(&lines.collect(), &settings)
        };
        for several in [
            &["taskwire_refresh=a; x=y; taskwire_refresh=b"][..],
            &["taskwire_refresh=a; taskwire_refresh=a"],
            &["taskwire_refresh=a;taskwire_refresh="],
            &["taskwire_refresh=a", "taskwire_refresh=b"],
            &["taskwire_refresh =a; taskwire_refresh=b"],
        ] {
            assert_eq!(of(several), Err(Several), "{several:?}");
        }
        assert_eq!(
            of(&["xtaskwire_refresh=a; taskwire_refresh=b"]),
            Ok(Some("b".to_owned()))
        );
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

    #[test]
    fn behind_a_path_of_a_proxy_the_cookie_has_that_path() {
        let settings = Settings::from_pairs(&[("public_url", "https://example.com/tasks/")]);
        let line = write(None, &settings.expect("settings")).expect("a header");
        assert!(
            line.to_str().expect("text").contains("; Path=/tasks/v1/auth; "),
            "{line:?}"
        );
    }
}
