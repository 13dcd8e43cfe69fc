//! What is wrong with a file: each thing with its line, column and field, as many as help to mend the file.

use super::lost::Place;
use serde_json::json;
use taskwire_protocol::{ErrorCode, Failure};

/// The most that are told at once.
const MOST: usize = 100;

/// Something in the file that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The line of the file, from 1.
    pub(super) line: Option<u64>,
    /// The column of a table, or the byte in a line, from 1.
    pub(super) column: Option<u64>,
    /// The field.
    pub(super) field: String,
    /// What is wrong.
    pub(super) message: String,
}

/// What is wrong so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Errors {
    list: Vec<Wrong>,
    more: u64,
}

impl Errors {
    /// Something is wrong on a line.
    pub(super) fn add(&mut self, line: Option<u64>, field: impl Into<String>, message: impl Into<String>) {
        self.push(Wrong {
            line,
            column: None,
            field: field.into(),
            message: message.into(),
        });
    }

    /// A rule refused a value on a line. What it calls the value is not what the file calls it.
    pub(super) fn refused(&mut self, line: Option<u64>, field: &str, failure: &Failure) {
        self.add(line, field, failure.message.clone());
    }

    pub(super) fn push(&mut self, wrong: Wrong) {
        if self.list.len() < MOST {
            self.list.push(wrong);
        } else {
            self.more += 1;
        }
    }

    /// Refuses the file if anything is wrong with it.
    pub(super) fn check(self) -> Result<(), Failure> {
        let Some(first) = self.list.first() else {
            return Ok(());
        };
        let others = self.list.len() as u64 - 1 + self.more;
        let more = match others {
            0 => String::new(),
            1 => "; and one more error".to_owned(),
            many => format!("; and {many} more errors"),
        };
        let message = format!("{}{}{more}", place(first), first.message);
        let mut failure = Failure::new(ErrorCode::ValidationError, message).at(first.field.clone());
        let list = self.list.iter().map(|wrong| {
            let Wrong {
                line,
                column,
                field,
                message,
            } = wrong;
            json!({ "line": line, "column": column, "field": field, "message": message })
        });
        failure.context = Some(json!({ "errors": list.collect::<Vec<_>>(), "more": self.more }));
        Err(failure)
    }
}

fn place(wrong: &Wrong) -> String {
    match (wrong.line, wrong.column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

/// Refuses a file that cannot be read from here on.
pub(super) fn unreadable(line: impl Place, column: impl Place, message: impl Into<String>) -> Failure {
    let mut errors = Errors::default();
    errors.push(Wrong {
        line: line.line(),
        column: column.line(),
        field: "body".to_owned(),
        message: message.into(),
    });
    let refused = errors.check();
    refused
        .err()
        .unwrap_or_else(|| Failure::invalid("body", "the file cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_first_line_and_lists_all() {
        assert!(Errors::default().check().is_ok());
        let mut errors = Errors::default();
        errors.add(Some(3), "title", "title must be 1 to 200 characters");
        errors.add(Some(4), "due_at", "no date");
        let failure = errors.check().expect_err("refused");
        assert_eq!(failure.code, ErrorCode::ValidationError);
        assert_eq!(failure.field.as_deref(), Some("title"));
        assert_eq!(
            failure.message,
            "line 3: title must be 1 to 200 characters; and one more error"
        );
        assert_eq!(failure.context.expect("context")["errors"][1]["line"], 4);
        assert_eq!(unreadable(2, 7, "no").message, "line 2, column 7: no");
    }
}
