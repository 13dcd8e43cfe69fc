use super::*;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use rand::rngs::StdRng;
use rand::{Rng, RngExt as _, SeedableRng};
use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

/// The kernel rounds it up to a few KiB: every answer is written in many parts.
const BUFFER: u32 = 1024;
/// What looks like the beginning of an answer.
const FORGED: [&str; 4] = [
    "HTTP/1.1 400 ",
    "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.0 503 Service Unavailable\r\n\r\n",
    "HTTP/1.1 431 x\r\n",
];

#[test]
fn only_a_failure_is_given_our_shape() {
    assert_eq!(failed(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), None);
    assert_eq!(failed(b"GET / HTTP/1.1\r\n\r\n"), None);
    assert_eq!(failed(b"HTTP/1.1 40"), None);
    let bad = failed(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    assert_eq!(bad, Some(StatusCode::BAD_REQUEST));
}

/// A server with tiny buffers that answers each request with the next of `bodies`; a connection to it.
async fn served(bodies: Vec<Vec<Vec<u8>>>) -> TcpStream {
    let listening = TcpSocket::new_v4().expect("a socket");
    listening.set_send_buffer_size(BUFFER).expect("a small buffer");
    listening.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let listener = listening.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let connecting = TcpSocket::new_v4().expect("a socket");
    connecting.set_recv_buffer_size(BUFFER).expect("a small buffer");
    let (accepted, connected) = tokio::join!(listener.accept(), connecting.connect(address));
    let (tcp, _) = accepted.expect("a connection");
    tcp.set_nodelay(true).expect("a connection");

    let settings = Settings::from_pairs(&[]).unwrap_or_else(|error| panic!("{error}"));
    let turn = Turn::default();
    let stream = HttpStream::new(tcp, settings.into(), turn.clone());
    let bodies = Arc::new(Mutex::new(bodies.into_iter()));
    let service = service_fn(move |_: Request<Incoming>| {
        let at_work = turn.of_route();
        let pieces = bodies.lock().expect("no panic").next().expect("a body");
        let length: usize = pieces.iter().map(Vec::len).sum();
        let body = match <[Vec<u8>; 1]>::try_from(pieces) {
            Ok([whole]) => Body::from(whole),
            Err(pieces) => Body::from_stream(futures_util::stream::iter(
                pieces.into_iter().map(Ok::<_, Infallible>),
            )),
        };
        let answer = Response::builder().header("content-length", length);
        let answer = answer.body(RouteBody { body, at_work });
        async move { answer }
    });
    tokio::spawn(http1::Builder::new().serve_connection(stream, service));
    connected.expect("a connection")
}

/// A body in one piece or several, of random bytes and of what looks like an answer, at random places.
fn body(random: &mut StdRng) -> Vec<Vec<u8>> {
    let pieces = if random.random_bool(0.5) {
        1
    } else {
        random.random_range(2..6)
    };
    let piece = |random: &mut StdRng| {
        let (size, mut bytes) = (random.random_range(0..30_000), Vec::new());
        while bytes.len() < size {
            if random.random_bool(0.8) {
                bytes.extend_from_slice(FORGED[random.random_range(0..FORGED.len())].as_bytes());
            } else {
                let mut noise = vec![0; random.random_range(0..100)];
                random.fill_bytes(&mut noise);
                bytes.extend(noise);
            }
        }
        bytes
    };
    (0..pieces).map(|_| piece(random)).collect()
}

/// The head of an answer, and so many bytes of its body as the head says.
async fn read(peer: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(peer.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8(head).expect("text");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or_else(|| panic!("no length: {head}"))];
    // a reader that stops now and then, so that the server writes whatever little there is room for
    for part in body.chunks_mut(7_919) {
        peer.read_exact(part).await.expect("a body");
        tokio::task::yield_now().await;
    }
    (head, body)
}

#[tokio::test]
async fn every_byte_of_an_answer_is_as_the_route_gave_it_whatever_it_looks_like() {
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let bodies: Vec<_> = (0..20).map(|_| body(&mut random)).collect();
    let whole: Vec<Vec<u8>> = bodies.iter().map(|pieces| pieces.concat()).collect();
    let mut peer = served(bodies).await;
    let all = async {
        for (n, expected) in whole.iter().enumerate() {
            peer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                .await
                .expect("sent");
            let (head, body) = read(&mut peer).await;
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
            assert!(body == *expected, "body {n} of seed {seed} changed on its way");
        }
        // after whole answers too, the library's own is given our shape
        peer.write_all(b"no HTTP\r\n\r\n").await.expect("sent");
        let (head, body) = read(&mut peer).await;
        let body = String::from_utf8(body).expect("text");
        assert!(
            head.starts_with("HTTP/1.1 400 ") && head.contains("\r\nx-request-id: "),
            "{head}"
        );
        assert!(body.contains(r#""code":"BAD_FRAME""#), "{body}");
        assert_eq!(peer.read(&mut [0; 1]).await.expect("an end"), 0);
    };
    let in_time = tokio::time::timeout(Duration::from_mins(1), all).await;
    in_time.expect("all answers in time");
}

/// The library may drop the answer of one route after it has asked the next.
#[test]
fn the_end_of_one_turn_does_not_end_the_next() {
    let turn = Turn::default();
    assert!(turn.is_of_library());
    let first = turn.of_route();
    let second = turn.of_route();
    drop(first);
    turn.written();
    assert!(!turn.is_of_library());
    drop(second);
    assert!(!turn.is_of_library(), "its end waits to be written");
    turn.written();
    assert!(turn.is_of_library());
}
