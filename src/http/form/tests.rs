//! Forms, whole and broken, in pieces of every size.

use super::*;
use axum::http::HeaderValue;
use futures_util::stream;
use proptest::prelude::*;

const PACE: Pace = Pace {
    silence: Duration::from_millis(100),
    least: Duration::from_secs(5),
    slowest: 1,
    longest: Duration::from_secs(5),
};

fn form_headers(content_type: &str) -> HeaderMap {
    let value = HeaderValue::from_str(content_type).expect("a header");
    HeaderMap::from_iter([(CONTENT_TYPE, value)])
}

/// A body in pieces of this size.
fn body(bytes: &[u8], size: usize) -> Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = bytes
        .chunks(size.max(1))
        .map(|piece| Ok(piece.to_vec()))
        .collect();
    Body::from_stream(stream::iter(pieces))
}

/// The name and the content of a form's file.
async fn read(body: Body) -> Result<(String, Vec<u8>), Failure> {
    let FormFile { name, mut content } =
        file(&form_headers("multipart/form-data; boundary=xx"), body, PACE).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = content.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok((name, bytes))
}

const HEAD: &str = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";

fn form(content: &[u8]) -> Vec<u8> {
    [HEAD.as_bytes(), content, b"\r\n--xx--\r\n"].concat()
}

proptest! {
    #[test]
    fn a_file_arrives_as_it_was_sent(
        content in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'x'), any::<u8>()], 0..200),
        size in 1..50_usize,
    ) {
        prop_assume!(memmem::find(&content, b"\r\n--xx").is_none());
        prop_assume!(!content.starts_with(b"--xx"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (name, found) = runtime.block_on(read(body(&form(&content), size))).expect("a file");
        prop_assert_eq!((&*name, found), ("a", content));
    }
}

#[tokio::test]
async fn what_is_no_form_with_one_file_is_refused() {
    let other = HEAD.replace("name=\"file\"", "name=\"other\"");
    for (text, code, field) in [
        (String::new(), ErrorCode::BadFrame, None),
        ("--xy\r\n".to_owned(), ErrorCode::BadFrame, None),
        ("--xx--".to_owned(), ErrorCode::ValidationError, Some("file")),
        (HEAD[..20].to_owned(), ErrorCode::BadFrame, None),
        (format!("{HEAD}half"), ErrorCode::BadFrame, None),
        (format!("{HEAD}half\r\n--x"), ErrorCode::BadFrame, None),
        (format!("{HEAD}a\r\n--xxyy\r\n"), ErrorCode::BadFrame, None),
        (
            format!("{other}a\r\n--xx--"),
            ErrorCode::ValidationError,
            Some("other"),
        ),
        (
            format!("{HEAD}a\r\n{HEAD}b\r\n--xx--"),
            ErrorCode::ValidationError,
            Some("file"),
        ),
        (
            format!("{HEAD}a\r\n{other}b\r\n--xx--"),
            ErrorCode::ValidationError,
            Some("other"),
        ),
        (
            format!("--xx\r\n{}", "x".repeat(100_000)),
            ErrorCode::BadFrame,
            None,
        ),
        (format!("--xx{}", " ".repeat(100_000)), ErrorCode::BadFrame, None),
        // as many headers at once as in pieces
        (form_with_headers_of(HEADERS + 1), ErrorCode::BadFrame, None),
    ] {
        for size in [1, 7, 1 << 20] {
            let failure = read(body(text.as_bytes(), size)).await.expect_err(&text);
            assert_eq!(
                (failure.code, failure.field.as_deref()),
                (code, field),
                "{text:.80}"
            );
        }
    }
    for wrong in [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=xx",
    ] {
        let failure = boundary(&form_headers(wrong)).expect_err(wrong);
        assert_eq!(failure.code, ErrorCode::UnsupportedMedia, "{wrong}");
    }
}

/// A form whose field has headers of so many bytes.
fn form_with_headers_of(size: usize) -> String {
    let (begin, end) = (
        "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"",
        "\"",
    );
    let name = "a".repeat(size - begin.len() - end.len());
    format!("--xx{begin}{name}{end}\r\n\r\nx\r\n--xx--")
}

#[tokio::test]
async fn headers_may_be_long_however_they_arrive() {
    for size in [1, 7, 1 << 20] {
        let (_, content) = read(body(form_with_headers_of(HEADERS).as_bytes(), size))
            .await
            .expect("a file");
        assert_eq!(content, b"x");
    }
}

#[tokio::test]
async fn a_file_that_comes_drop_by_drop_is_refused_before_the_longest_time() {
    let drops = stream::repeat(b"y").then(|byte| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(byte))
    });
    let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(HEAD.as_bytes()))]);
    let pace = Pace {
        least: Duration::from_millis(200),
        slowest: 100_000,
        longest: Duration::from_mins(10),
        ..PACE
    };
    let headers = form_headers("multipart/form-data; boundary=xx");
    let body = Body::from_stream(begun.chain(drops));
    let mut file = file(&headers, body, pace).await.expect("a file");
    let refused = async {
        while let Some(piece) = file.content.next().await {
            if let Err(failure) = piece {
                return failure.code;
            }
        }
        ErrorCode::InternalError
    };
    let code = tokio::time::timeout(Duration::from_secs(5), refused).await;
    assert_eq!(code.expect("an end"), ErrorCode::Timeout);
}

#[tokio::test]
async fn a_file_that_stops_coming_is_refused() {
    let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from(format!("{HEAD}half")))]);
    let failure = read(Body::from_stream(begun.chain(stream::pending()))).await;
    assert_eq!(failure.expect_err("too slow").code, ErrorCode::Timeout);
    // little by little, but too long
    let slow = stream::repeat(b"y").then(|byte| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(byte))
    });
    let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(HEAD.as_bytes()))]);
    let pace = Pace {
        longest: Duration::from_millis(200),
        ..PACE
    };
    let headers = form_headers("multipart/form-data; boundary=xx");
    let mut file = file(&headers, Body::from_stream(begun.chain(slow)), pace)
        .await
        .expect("a file");
    let failure = loop {
        if let Err(failure) = file.content.next().await.expect("more") {
            break failure;
        }
    };
    assert_eq!(failure.code, ErrorCode::Timeout);
}
