//! The files of the board as they are in the program, and how one answers a request: in the form that the client takes
//! (RFC 9110, section 12.5.3), or with nothing when it has the file already. Does not know at which paths they are.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest, Sha256};

use super::coding::{self, Coding};
use super::compress;
use crate::http::conditions;

/// A file of `web/built`. `build.rs` writes the rows.
struct Embedded {
    /// Its path below `web/built`.
    name: &'static str,
    /// Names its bytes.
    digest: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

static EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/board.rs"));

/// The page; it is not served as it is: see [`super::page`].
const PAGE: &str = "index.html";
/// Names in this folder contain a hash of the bytes, so their files never change.
pub(super) const LASTING: &str = "assets/";

/// A file, in all its forms.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: Cow<'static, str>,
    digest: Cow<'static, str>,
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    policy: HeaderValue,
}

/// All files beside the page, under this content security policy.
pub(super) fn all(policy: &HeaderValue) -> Vec<File> {
    let rows = EMBEDDED.iter().filter(|row| row.name != PAGE);
    rows.map(|row| File {
        name: row.name.into(),
        digest: row.digest.into(),
        plain: Bytes::from_static(row.plain),
        brotli: row.brotli.map(Bytes::from_static),
        gzip: row.gzip.map(Bytes::from_static),
        policy: policy.clone(),
    })
    .collect()
}

/// The text of the page.
pub(super) fn page() -> &'static str {
    let row = EMBEDDED.iter().find(|row| row.name == PAGE);
    row.and_then(|row| std::str::from_utf8(row.plain).ok())
        .unwrap_or_default()
}

impl File {
    /// The page with this text.
    pub(super) fn page(text: String, policy: HeaderValue) -> File {
        let digest = Sha256::digest(&text);
        File {
            name: PAGE.into(),
            digest: digest[..12].iter().map(|byte| format!("{byte:02x}")).collect(),
            brotli: compress::brotli(text.as_bytes()).map(Bytes::from),
            gzip: compress::gzip(text.as_bytes()).map(Bytes::from),
            plain: text.into(),
            policy,
        }
    }

    /// Answers a request with these headers.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let coding = coding::chosen(headers, |coding| self.form(coding).is_some());
        let tag = format!("\"{}{}\"", self.digest, coding.suffix());
        let mut response = if conditions::knows(headers, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.whole(coding)
        };
        let about = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            about.insert(ETAG, tag);
        }
        about.insert(CACHE_CONTROL, self.lasts());
        about.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        // also where nothing is new: browsers replace the headers that they keep by these
        about.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        response
    }

    fn whole(&self, coding: Coding) -> Response {
        let bytes = self.form(coding).unwrap_or(&self.plain).clone();
        let mut response = Body::from(bytes).into_response();
        let about = response.headers_mut();
        about.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind()));
        if let Some(name) = coding.name() {
            about.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    }

    fn form(&self, coding: Coding) -> Option<&Bytes> {
        match coding {
            Coding::Brotli => self.brotli.as_ref(),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Plain => Some(&self.plain),
        }
    }

    /// How long a copy is good.
    fn lasts(&self) -> HeaderValue {
        HeaderValue::from_static(if self.name.starts_with(LASTING) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        })
    }

    fn kind(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("webmanifest") => "application/manifest+json",
            Some("json") => "application/json",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_type_and_texts_are_compressed() {
        let files = all(&HeaderValue::from_static("default-src 'none'"));
        assert!(files.len() > 10 && page().contains("<base href=\"/\">"));
        for file in &files {
            assert_ne!(file.kind(), "application/octet-stream", "{}", file.name);
            let is_text = file.kind().starts_with("text/") && file.plain.len() > 1000;
            let (brotli, gzip) = (file.brotli.as_ref(), file.gzip.as_ref());
            if is_text {
                assert!(brotli.map(Bytes::len) < gzip.map(Bytes::len), "{}", file.name);
            }
        }
    }
}
