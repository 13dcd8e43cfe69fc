use super::*;
use crate::{Request, limits};
use serde_json::json;

#[test]
fn every_operation_has_an_example_that_the_server_reads() {
    let examples = Examples::new();
    for entry in CATALOG {
        let example = examples.of(entry.name).expect(entry.name);
        let text = example.printed();
        assert!(
            !text.contains(r#""…""#),
            "{}: a required text has no #[schemars(example = …)]: {text}",
            entry.name
        );
        let read = Request::read(entry.name, &text);
        assert!(read.is_ok(), "{}: {text}: {read:?}", entry.name);
    }
}

#[test]
fn every_variation_is_read() {
    let examples = Examples::new();
    let mut state = 1_u64;
    let mut choose = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % n
    };
    for entry in CATALOG {
        for _ in 0..50 {
            let example = examples.varied(entry.name, &mut choose).expect(entry.name);
            let text = example.printed();
            let read = Request::read(entry.name, &text);
            assert!(read.is_ok(), "{}: {text}: {read:?}", entry.name);
        }
    }
}

#[test]
fn a_place_is_filled_wherever_it_appears() {
    let example = Examples::new().of("batch").expect("an operation");
    assert_eq!(example.places(), ["task"]);
    let data = example.fill(|_| Some(json!(id(7)))).expect("filled");
    assert_eq!(data["ops"][0]["data"]["id"], json!(id(7)));
}

#[test]
fn an_optional_parameter_without_a_value_is_omitted() {
    let example = Examples::new().of("task.move").expect("an operation");
    assert_eq!(example.places(), ["task", "other_task"]);
    let data = example.fill(|place| (place == "task").then(|| json!(id(1))));
    assert_eq!(data, Some(json!({ "id": id(1) })));
    assert_eq!(
        example.fill(|place| (place != "task").then(|| json!(id(1)))),
        None
    );
}

#[test]
fn an_operation_of_a_workspace_names_something_in_it() {
    let examples = Examples::new();
    for entry in CATALOG.iter().filter(|entry| entry.access.role().is_some()) {
        let example = examples.of(entry.name).expect(entry.name);
        assert!(
            !example.places().is_empty(),
            "{}: the example names no workspace and nothing in one",
            entry.name
        );
    }
}

#[test]
fn an_unknown_operation_has_no_example() {
    assert_eq!(Examples::new().of("task.paint"), None);
    assert!(TITLES.iter().all(|title| title.len() <= limits::TITLE));
}
