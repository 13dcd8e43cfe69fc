//! What fuzzers call, a function for each kind of input that strangers send: it must not panic, and what it reads must keep
//! its promises, which each function checks. The inputs that once failed, or that reach far, are in `fuzz/corpus`; the tests
//! here read all of them, so that a fault that was found cannot come back.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use taskwire_protocol::frames::RequestFrame;
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{Request, limits};
use uuid::Uuid;

use crate::domain::position;
use crate::ops::cursor::List;
use crate::{http, live, peer, socket, unicode};

/// A function for one kind of input.
pub type Target = fn(&[u8]);

/// All of them, by name. Each has a folder in `fuzz/corpus` and a program in `fuzz/fuzz_targets`.
pub const TARGETS: [(&str, Target); 8] = [
    ("cursor", cursor),
    ("frame", frame),
    ("head", head),
    ("position", places),
    ("redis", live::redis::fuzzing::message),
    ("resume", socket::fuzzing::resume),
    ("search", search),
    ("websocket", socket::fuzzing::close_code),
];

/// Gives an input to the target of this name.
///
/// # Panics
/// There is none of this name, or the input shows a fault.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.expect("a target of this name").1(bytes);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A frame of a client: it is read or refused, whatever is in it. What is read is not nested too deep, and names its fields
/// in the error.
fn frame(bytes: &[u8]) {
    let text = text(bytes);
    let Ok(frame) = RequestFrame::parse(&text) else {
        return;
    };
    assert!(depth(&text) <= limits::DEPTH, "{text}");
    let known = CATALOG.iter().map(|entry| entry.name);
    for name in known.filter(|name| *name == frame.r#type || frame.r#type.is_empty()) {
        if let Err(failure) = Request::read(name, frame.data) {
            assert!(!failure.message.is_empty(), "{text}");
        }
    }
}

/// How deep JSON is nested.
fn depth(text: &str) -> usize {
    fn of(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(items) => 1 + items.iter().map(of).max().unwrap_or(0),
            serde_json::Value::Object(fields) => 1 + fields.values().map(of).max().unwrap_or(0),
            _ => 0,
        }
    }
    serde_json::from_str(text).map_or(0, |value| of(&value))
}

/// The head of a request: a line for each header, `name: value`. No header is too strange for the parts of the node that
/// read some.
fn head(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(64) {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(at);
        let value = value.strip_prefix(b": ").unwrap_or(value);
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    peer::fuzzing::head(&headers);
    http::fuzzing::head(&headers);
    socket::fuzzing::head(&headers);
}

/// A cursor that a client sends back: read or refused, and what was read makes a cursor that says the same.
fn cursor(bytes: &[u8]) {
    let list = List::for_fuzzing();
    let sent = text(bytes);
    if let Ok(Some(position)) = list.position::<(String, Uuid)>(Some(&sent)) {
        let again = list.position(Some(&list.cursor(&position)));
        assert_eq!(again.ok().flatten(), Some(position));
    }
    let position = (sent.replace('\0', ""), Uuid::nil());
    let read = list.position(Some(&list.cursor(&position)));
    assert_eq!(read.ok().flatten(), Some(position));
}

/// Words to look for, and a text, with a line break between them: what is marked is in the text, in order.
fn search(bytes: &[u8]) {
    let text = text(bytes);
    let (wanted, text) = text.split_once('\n').unwrap_or((&text, &text));
    let terms = unicode::terms(wanted);
    let found = unicode::find(text, &terms);
    let length = text.chars().count();
    for place in &found {
        assert!(place.term < terms.len() && place.start < place.end && place.end <= length);
    }
    let snippet = unicode::snippet(text, &found);
    let shown = snippet.text.chars().count() as u32;
    let mut before = 0;
    for [from, to] in snippet.marks {
        assert!(before <= from && from < to && to <= shown);
        before = to;
    }
    unicode::words(text, |word| assert!(!word.is_empty()));
}

/// Moves of tasks, a byte each, among at most 200: their places keep the order, and stay short.
fn places(bytes: &[u8]) {
    let end = position::at_end(Uuid::from_u128(u128::MAX / 2));
    let mut order: Vec<String> = Vec::new();
    for byte in bytes.iter().take(2000) {
        let at = usize::from(*byte) % (order.len() + 1);
        let before = at.checked_sub(1).map(|before| order[before].as_str());
        let place = position::between(before, order.get(at).unwrap_or(&end));
        assert!(position::is_place(&place), "{place}");
        if place.len() > position::LONG {
            let places: Vec<&str> = order.iter().map(String::as_str).collect();
            let (from, made) = position::rebalanced(&places, at, position::ALL, &end);
            let replaced = made.len() - 1;
            order.splice(from..from + replaced, made);
            assert!(order.is_sorted_by(|one, next| one < next));
            assert!(order.iter().all(|place| place.len() <= 64 && *place < end));
        } else {
            assert!(before.is_none_or(|before| before < &*place) && place < *order.get(at).unwrap_or(&end));
            order.insert(at, place);
        }
        if order.len() > 200 {
            order.remove(usize::from(*byte) % order.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    #[test]
    fn what_fuzzers_found_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, target) in TARGETS {
            let inputs =
                std::fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut number = 0;
            for input in inputs {
                let path = input.expect("an input").path();
                let bytes = std::fs::read(&path).expect("an input");
                println!("{}", path.display());
                target(&bytes);
                number += 1;
            }
            assert!(number >= 3, "{name} has {number} inputs");
        }
    }

    #[test]
    fn each_target_has_a_program() {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
        for (name, _) in TARGETS {
            let program = std::fs::read_to_string(programs.join(format!("{name}.rs"))).expect(name);
            assert!(program.contains(&format!("\"{name}\"")), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,80}") {
            for (_, target) in TARGETS {
                target(&bytes);
                target(text.as_bytes());
            }
        }
    }
}
