//! Whether a request may read or set the cookie. A browser sends the cookie with requests of any page, and stores one that
//! any page asked for: a stranger's page could sign its visitor in to the stranger's account. So the page must be ours, and
//! the request must be one that only our own pages can send. Does not know what the cookie holds.

use axum::http::header::{CONTENT_TYPE, COOKIE, ORIGIN};
use axum::http::{HeaderMap, Uri};
use taskwire_protocol::{ErrorCode, Failure};

use crate::config::{Origin, Settings};
use crate::peer;
use crate::state::App;

/// Refuses a request of a page that is not ours, before the cookie is read or set. A request without a page (no `Origin`, no
/// `Sec-Fetch-Site`) is a program's, which nobody can make somebody else's browser send.
pub(super) fn check_page(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<(), Failure> {
    let may_come = peer::may_come_from(headers, uri, &app.settings);
    if !may_come {
        app.strangers.refused(headers, uri, &app.settings);
    }
    if may_come && is_of_our_site(headers, &app.settings) {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::Forbidden,
        "the cookie is not accepted from this page; see allowed_origins",
    ))
}

/// What the browser says of the page's site. A page of another subdomain is `same-site`, and ours only if it is named.
fn is_of_our_site(headers: &HeaderMap, settings: &Settings) -> bool {
    let mut said = headers.get_all("sec-fetch-site").iter();
    let (Some(site), None) = (said.next(), said.next()) else {
        return !headers.contains_key("sec-fetch-site");
    };
    match site.as_bytes() {
        // `none`: the person opened it, by no page
        b"same-origin" | b"none" => true,
        b"same-site" => {
            let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
            let origin = origin.and_then(|origin| origin.parse::<Origin>().ok());
            origin.is_some_and(|origin| settings.lets_in(&origin))
        }
        _ => false,
    }
}

/// Refuses a browser's body without a type, which every page can send without asking; browsers ask before they send
/// `application/json` or a token to another origin. A form has a type, and the browser that sends one says whose page it is.
/// Programs need no type.
pub(super) fn check_body(headers: &HeaderMap) -> Result<(), Failure> {
    let is_of_browser = headers.contains_key(ORIGIN)
        || headers.contains_key(COOKIE)
        || headers.contains_key("sec-fetch-site");
    if !is_of_browser || headers.contains_key(CONTENT_TYPE) || peer::bearer(headers).is_some() {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::UnsupportedMedia,
        "with the cookie the body needs the header Content-Type: application/json",
    ))
}
