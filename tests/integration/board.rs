//! The board as a node serves it: at which addresses, in which form, under which headers. What the page does is tested in
//! browsers (`web/e2e`).

use crate::support::http::{self, Response};
use crate::support::{Engine, PASSWORD, Server};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read as _;

async fn server(settings: &[(&str, &str)]) -> Server {
    Server::start(Engine::Sqlite, settings).await
}

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&'static str, &str)]) -> Response {
    let request = http::request(server, method, path);
    let request = headers.iter().fold(request, |request, &(name, value)| {
        request.header(name, value.to_owned())
    });
    request.send().await.expect("an answer")
}

async fn get(server: &Server, path: &str) -> Response {
    ask(server, Method::GET, path, &[]).await
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

async fn page(server: &Server) -> String {
    get(server, "/").await.text().await.expect("the page")
}

/// The files that the page loads, as paths from the server's root.
fn loaded(page: &str) -> Vec<String> {
    let named = ["src=\"", "href=\""].map(|opening| page.split(opening).skip(1));
    let named = named.into_iter().flatten();
    let named = named.filter_map(|rest| Some(rest.split_once('"')?.0));
    named
        .filter(|name| !name.ends_with('/'))
        .map(|name| format!("/{name}"))
        .collect()
}

fn script(page: &str) -> String {
    let scripts = loaded(page).into_iter();
    let mut scripts = scripts.filter(|name| name.starts_with("/assets/board-"));
    scripts.next().expect("the script of the page")
}

fn unpacked(coding: &str, bytes: &Bytes) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "br" => brotli::BrotliDecompress(&mut &bytes[..], &mut plain).expect("brotli"),
        "gzip" => {
            flate2::read::GzDecoder::new(&bytes[..])
                .read_to_end(&mut plain)
                .expect("gzip");
        }
        _ => plain.extend_from_slice(bytes),
    }
    plain
}

#[tokio::test]
async fn every_address_of_the_board_is_its_page_and_no_other_is() {
    let server = server(&[]).await;
    let page = page(&server).await;
    assert!(page.contains("<base href=\"/\">"), "{page}");
    for path in [
        "/today",
        "/upcoming/",
        "/inbox",
        "/mine?task=01a1",
        "/search?q=a%2Fb",
        "/settings",
        "/settings/sessions",
        "/admin/accounts",
        "/w/01a1/board",
        "/w/01a1/p/01b1/calendar",
        "/w/01a1/t/01c1/history",
        "/signup",
        "/join",
        "/reset-password",
        "/first-admin",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(
            header(&answer, "content-type"),
            "text/html; charset=utf-8",
            "{path}"
        );
        assert_eq!(answer.text().await.expect("the page"), page, "{path}");
    }
    for path in [
        "/todays",
        "/nowhere",
        "/index.html",
        "/assets",
        "/assets/",
        "/assets/board.js",
        "/assets/..%2findex.html",
        "/v1/nothing",
        "/v1/today",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
        let error: Value = answer.json().await.expect("JSON");
        assert_eq!(error["error"]["code"], "NOT_FOUND", "{path}");
    }
    let refused = ask(&server, Method::POST, "/today", &[]).await;
    assert_eq!(refused.status(), 405);
}

#[tokio::test]
async fn what_the_page_loads_is_there_and_says_how_long_it_is_good() {
    let server = server(&[]).await;
    let files = loaded(&page(&server).await);
    assert!(files.len() > 4, "{files:?}");
    let others = ["/", "/worker.js", "/icon-512.png"].map(str::to_owned);
    for path in files.iter().chain(&others) {
        let answer = get(&server, path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let expected = if path.starts_with("/assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        assert_eq!(header(&answer, "cache-control"), expected, "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert!(header(&answer, "etag").starts_with('"'), "{path}");
        let (kind, extension) = (header(&answer, "content-type"), path.rsplit_once('.'));
        let kinds = match extension.map(|(_, extension)| extension) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("webmanifest") => "application/manifest+json",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(kind, kinds, "{path}");
    }
}

#[tokio::test]
async fn a_file_comes_in_the_form_that_the_client_takes() {
    let server = server(&[]).await;
    let script = script(&page(&server).await);
    for path in [script.as_str(), "/", "/worker.js"] {
        let plain = get(&server, path).await;
        assert_eq!(header(&plain, "content-encoding"), "", "{path}");
        let plain = plain.bytes().await.expect("a body");
        let mut sizes = Vec::new();
        for (accepted, coding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, br;q=0", "gzip"),
            ("deflate", ""),
            ("br;q=0.5, identity", ""),
        ] {
            let asked = [("accept-encoding", accepted)];
            let answer = ask(&server, Method::GET, path, &asked).await;
            assert_eq!(header(&answer, "content-encoding"), coding, "{path}: {accepted}");
            let varies: Vec<&str> = answer
                .headers()
                .get_all("vary")
                .iter()
                .map(|value| value.to_str().expect("text"))
                .collect();
            assert!(
                varies.contains(&"Accept-Encoding"),
                "{path}: caches would mix forms up: {varies:?}"
            );
            let head = ask(&server, Method::HEAD, path, &asked).await;
            for name in [
                "content-length",
                "content-encoding",
                "content-type",
                "etag",
                "cache-control",
                "content-security-policy",
            ] {
                assert_eq!(header(&head, name), header(&answer, name), "HEAD {path}: {name}");
            }
            assert_eq!(head.bytes().await.expect("a body").len(), 0);
            let bytes = answer.bytes().await.expect("a body");
            assert!(unpacked(coding, &bytes) == plain, "{path}: {accepted}");
            sizes.push(bytes.len());
        }
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{path}: {sizes:?}");
    }
}

#[tokio::test]
async fn a_file_that_the_client_has_is_not_sent_again() {
    let server = server(&[]).await;
    let script = script(&page(&server).await);
    for path in ["/", "/w/01a1/board", "/worker.js", &script] {
        let mut tags = Vec::new();
        for coding in ["br", "gzip", "identity"] {
            let first = ask(&server, Method::GET, path, &[("accept-encoding", coding)]).await;
            let tag = header(&first, "etag").to_owned();
            for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
                let asked = [("accept-encoding", coding), ("if-none-match", known.as_str())];
                let again = ask(&server, Method::GET, path, &asked).await;
                assert_eq!(again.status(), 304, "{path}: {known}");
                // browsers put these in the place of those that they have
                for name in ["etag", "cache-control", "content-security-policy"] {
                    assert_eq!(header(&again, name), header(&first, name), "{path}: {name}");
                }
                assert_eq!(again.bytes().await.expect("a body").len(), 0);
            }
            tags.push(tag);
        }
        let asked = [("accept-encoding", "br"), ("if-none-match", tags[1].as_str())];
        assert_eq!(ask(&server, Method::GET, path, &asked).await.status(), 200);
        tags.dedup();
        assert_eq!(tags.len(), 3, "{path}: other bytes have another tag: {tags:?}");
    }
}

#[tokio::test]
async fn the_page_may_load_and_ask_only_what_the_node_has() {
    let server = server(&[]).await;
    let answer = get(&server, "/today").await;
    assert_eq!(
        header(&answer, "content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types taskwire"
    );
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(header(&answer, name), value, "{name}");
    }
    let page = answer.text().await.expect("the page");
    for inline in ["<style", " style=", " onload=", "javascript:", "://"] {
        assert!(!page.contains(inline), "{inline} in {page}");
    }
    assert_eq!(
        page.matches("<script").count(),
        page.matches("<script type=\"module\" src=").count()
    );
}

#[tokio::test]
async fn behind_a_path_of_a_proxy_page_and_cookie_have_that_path() {
    let server = server(&[("public_url", "https://example.com/tasks/")]).await;
    let answer = get(&server, "/w/01a1/board").await;
    let policy = header(&answer, "content-security-policy");
    assert!(
        policy.contains("connect-src 'self' wss://example.com;"),
        "{policy}"
    );
    let tag = header(&answer, "etag").to_owned();
    let page = answer.text().await.expect("the page");
    assert!(page.contains("<base href=\"/tasks/\">"), "{page}");
    let elsewhere = self::server(&[]).await;
    assert_ne!(
        header(&get(&elsewhere, "/").await, "etag"),
        tag,
        "it is another page"
    );

    http::sign_up(&server, "ada").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let request = http::request(&server, Method::POST, "/v1/auth/login").json(&body);
    let answer = request.send().await.expect("an answer");
    let cookie = header(&answer, "set-cookie");
    assert!(cookie.contains("; Path=/tasks/v1/auth; "), "{cookie}");
}
