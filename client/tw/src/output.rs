//! A command's result on standard output: lines for people, or JSON for programs.

use crate::{
    fault::Fault,
    names::Names,
    table::{self, Row},
    terminal,
    text::{TITLE, line, row},
};
use serde::Serialize;
use std::io::Write as _;
use taskwire_client::protocol::task::Task;

/// How a command prints its result.
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json }
    }

    /// Prints a JSON value on one line.
    #[allow(clippy::unused_self)] // every function that prints a result is a method of this type
    pub(crate) fn value(&self, value: &impl Serialize) -> Result<(), Fault> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", terminal::json(value)?)?;
        out.flush()?;
        Ok(())
    }

    /// Prints a frame as the server wrote it.
    #[allow(clippy::unused_self)]
    pub(crate) fn frame(&self, text: &str) -> Result<(), Fault> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", terminal::frame(text))?;
        out.flush()?;
        Ok(())
    }

    /// Prints a line, without colours when standard output does not support them.
    #[allow(clippy::unused_self)]
    pub(crate) fn line(&self, text: &str) -> Result<(), Fault> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    /// Prints a task.
    pub(crate) fn task(&self, task: &Task) -> Result<(), Fault> {
        if self.json {
            self.value(task)
        } else {
            self.line(&line(task))
        }
    }

    /// Prints several tasks; as JSON, one array.
    pub(crate) fn tasks(&self, tasks: &[Task]) -> Result<(), Fault> {
        if self.json {
            return self.value(&tasks);
        }
        let names = Names::default();
        let rows: Vec<Row> = tasks.iter().map(|task| row(task, &names)).collect();
        self.table(&rows, TITLE)
    }

    /// Prints rows, which fit on the terminal if standard output is one; the `long` column gives way first.
    pub(crate) fn table(&self, rows: &[Row], long: usize) -> Result<(), Fault> {
        let lines = table::lines(rows, long, terminal::width());
        lines.iter().try_for_each(|line| self.line(line))
    }
}
