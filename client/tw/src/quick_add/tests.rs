//! What lines mean: the table of cases that the board reads too.

use super::{Known, read};
use crate::cases::{now, said, table, text, texts};
use serde_json::{Value, json};
use taskwire_client::protocol::task::Priority;

/// Only what a line says.
fn without_nothing(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| !value.is_null() && *value != json!([]));
    }
    value
}

#[test]
fn a_line_means_what_the_table_says() {
    let table = table();
    let known = Known {
        projects: texts(&table["known"]["projects"]),
        tags: texts(&table["known"]["tags"]),
        members: texts(&table["known"]["members"]),
    };
    let mut read_lines = 0;
    for group in table["lines"].as_array().expect("groups") {
        let now = now(&table, group);
        for expected in group["lines"].as_array().expect("lines") {
            let line = read(text(&expected["text"]), &now, &known);
            let meant = json!({
                "text": expected["text"],
                "title": line.title,
                "due": line.due.map(said),
                "every": line.every,
                "priority": line.priority.map(Priority::name),
                "project": line.project.map(|place| &known.projects[place]),
                "tags": line.tags,
                "people": line.people,
            });
            assert_eq!(without_nothing(meant), *expected);
            read_lines += 1;
        }
    }
    assert!(read_lines > 150, "{read_lines}");
}
