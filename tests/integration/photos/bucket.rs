//! A small S3-compatible server: objects of one bucket in memory, by path-style addresses. It refuses what is not
//! signed, and a body that is not the signed one. It does not check signatures themselves. An object may come in parts, each
//! but the last of 5 MiB at least, and a range of it may be read. Lists come in short pages.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use taskwire_protocol::Timestamp;
use tokio::net::TcpListener;

pub const KEY: &str = "AKIAOFTHETESTS";
pub const SECRET: &str = "a/secret+key-of-the-bucket-of-tests";
const AT: &str = "Sun, 01 Nov 2026 10:00:00 GMT";
/// The most names of a page.
const PAGE: usize = 2;

#[derive(Clone, Default)]
pub struct Bucket {
    /// By upload and number.
    parts: Arc<Mutex<BTreeMap<(String, u32), Bytes>>>,
    uploads: Arc<AtomicUsize>,
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    /// When objects were written, as far as a test says so.
    dates: Arc<Mutex<BTreeMap<String, Timestamp>>>,
    down: Arc<AtomicBool>,
    address: String,
}

impl Bucket {
    /// Starts it on a free port.
    pub async fn start() -> Bucket {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let bucket = Bucket {
            address,
            ..Bucket::default()
        };
        let router = Router::new().fallback(answer).with_state(bucket.clone());
        let router = router.layer(DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await });
        bucket
    }

    /// The value of `files_url`.
    pub fn url(&self) -> String {
        let secret = SECRET.replace('/', "%2F").replace('+', "%2B");
        format!(
            "s3://{KEY}:{secret}@pictures/team/a?region=eu-1&endpoint=http://{}",
            self.address
        )
    }

    /// The names of all objects.
    pub fn names(&self) -> Vec<String> {
        self.objects.lock().expect("objects").keys().cloned().collect()
    }

    /// Lists an object as written at this time; makes it if there is none.
    pub fn dated(&self, name: &str, at: Timestamp) {
        let mut objects = self.objects.lock().expect("objects");
        objects
            .entry(name.to_owned())
            .or_insert_with(|| "half a file".into());
        self.dates.lock().expect("dates").insert(name.to_owned(), at);
    }

    /// How many parts there are of objects that are not whole.
    pub fn parts(&self) -> usize {
        self.parts.lock().expect("parts").len()
    }

    /// Answers what is about an object in parts.
    fn in_parts(
        &self,
        method: &Method,
        name: &str,
        query: &[(String, String)],
        body: Bytes,
    ) -> Option<Response> {
        let value = |key: &str| {
            query
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.clone())
        };
        if method == Method::POST && value("uploads").is_some() {
            let id = self.uploads.fetch_add(1, Ordering::SeqCst);
            let xml = format!(
                "<InitiateMultipartUploadResult><UploadId>u{id}</UploadId></InitiateMultipartUploadResult>"
            );
            return Some(xml.into_response());
        }
        let upload = value("uploadId")?;
        let mut parts = self.parts.lock().expect("parts");
        if let Some(number) = value("partNumber") {
            let number: u32 = number.parse().expect("a number");
            let tag = format!("\"{number}\"");
            parts.insert((upload, number), body);
            return Some([("etag", tag)].into_response());
        }
        let of_upload: Vec<(String, u32)> = parts.keys().filter(|(id, _)| *id == upload).cloned().collect();
        let pieces: Vec<Bytes> = of_upload.iter().filter_map(|key| parts.remove(key)).collect();
        if method == Method::DELETE {
            return Some(StatusCode::NO_CONTENT.into_response());
        }
        let (_last, full) = pieces.split_last().expect("parts");
        assert!(full.iter().all(|part| part.len() == 5 << 20), "a small part");
        self.objects
            .lock()
            .expect("objects")
            .insert(name.to_owned(), pieces.concat().into());
        let xml = "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
        Some(xml.into_response())
    }

    /// Refuses everything from now on, or no longer.
    pub fn is_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn refusal(&self, headers: &HeaderMap, body: &[u8]) -> Option<StatusCode> {
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("")
        };
        let signed = header("authorization").starts_with(&format!("AWS4-HMAC-SHA256 Credential={KEY}/"));
        let hash = Sha256::digest(body).iter().fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        let whole = header("x-amz-content-sha256") == hash;
        match (self.down.load(Ordering::SeqCst), signed && whole) {
            (true, _) => Some(StatusCode::SERVICE_UNAVAILABLE),
            (false, false) => Some(StatusCode::FORBIDDEN),
            (false, true) => None,
        }
    }

    /// A page of names. A token is the last name of the page before.
    fn list(&self, prefix: &str, token: &str) -> String {
        let (objects, dates) = (self.objects.lock(), self.dates.lock());
        let (objects, dates) = (objects.expect("objects"), dates.expect("dates"));
        let is_next = |name: &str| name.starts_with(prefix) && name > token;
        let mut found: Vec<(&String, &Bytes)> = objects.iter().filter(|(name, _)| is_next(name)).collect();
        let more = found.len() > PAGE;
        found.truncate(PAGE);
        let contents = found.iter().map(|(name, bytes)| {
            let at = dates.get(*name).map(ToString::to_string);
            let at = at.as_deref().unwrap_or("2026-11-01T10:00:00.000Z");
            let size = bytes.len();
            format!(
                "<Contents><Key>{name}</Key><LastModified>{at}</LastModified>\
                 <ETag>\"1\"</ETag><Size>{size}</Size></Contents>"
            )
        });
        let contents: String = contents.collect();
        let next = found
            .last()
            .filter(|_| more)
            .map_or_else(String::new, |(name, _)| {
                format!("<NextContinuationToken>{name}</NextContinuationToken>")
            });
        format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>{next}{contents}</ListBucketResult>")
    }
}

async fn answer(
    State(bucket): State<Bucket>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = bucket.refusal(&headers, &body) {
        return refusal.into_response();
    }
    let Some(name) = uri.path().strip_prefix("/pictures") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let name = name.trim_start_matches('/').to_owned();
    let query: Vec<(String, String)> =
        serde_urlencoded::from_str(uri.query().unwrap_or_default()).expect("a query");
    if let Some(answer) = bucket.in_parts(&method, &name, &query, body.clone()) {
        return answer;
    }
    let mut objects = bucket.objects.lock().expect("objects");
    match (method, name.is_empty()) {
        (Method::GET, true) => {
            drop(objects);
            let value = |key: &str| {
                let found = query.iter().find(|(name, _)| name == key);
                found.map_or("", |(_, value)| value.as_str())
            };
            bucket
                .list(value("prefix"), value("continuation-token"))
                .into_response()
        }
        (Method::PUT, false) => {
            objects.insert(name, body);
            [("etag", "\"1\"")].into_response()
        }
        (Method::GET | Method::HEAD, false) => match objects.get(&name) {
            Some(bytes) => read(&headers, bytes),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        (Method::DELETE, false) => {
            objects.remove(&name);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// An object, or the range of it that is asked for.
fn read(headers: &HeaderMap, bytes: &Bytes) -> Response {
    let about = [("etag", "\"1\""), ("last-modified", AT)];
    let range = headers
        .get("range")
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return (about, bytes.clone()).into_response();
    };
    let first: usize = first.parse().expect("a position");
    let end = last
        .parse::<usize>()
        .map_or(bytes.len(), |last| (last + 1).min(bytes.len()));
    let told = format!("bytes {first}-{}/{}", end - 1, bytes.len());
    let part = bytes.slice(first..end);
    (
        StatusCode::PARTIAL_CONTENT,
        about,
        [("content-range", told)],
        part,
    )
        .into_response()
}
