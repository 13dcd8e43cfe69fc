//! A sheet with a row for each task, deleted ones included.

use super::super::pieces::Stop;
use super::source::Source;
use super::tree::Tree;
use super::{Outgoing, PIECE};
use crate::domain::sheet::{COLUMNS, MARK, Names, row};
use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use std::io;
use taskwire_protocol::workspace::SnapshotOpening;

type Result<T> = std::result::Result<T, Stop>;

/// Writes all of it. Returns the number of tasks.
pub(super) async fn write(source: &Source, opening: &SnapshotOpening, out: &mut Outgoing) -> Result<usize> {
    let names = Names {
        projects: opening
            .projects
            .iter()
            .map(|project| (project.id, project.name.as_str().into()))
            .collect(),
        people: opening
            .members
            .iter()
            .map(|member| (member.user.id, member.user.username.clone()))
            .collect(),
    };
    out.text.push_str(MARK);
    let (mut rows, mut tree, mut number) = (writer(), Tree::default(), 0);
    rows.write_record(COLUMNS).map_err(failed)?;
    while let Some(task) = tree.next(source).await? {
        rows.write_record(row(&task, &names)).map_err(failed)?;
        number += 1;
        if rows.get_ref().len() >= PIECE {
            hand_over(std::mem::replace(&mut rows, writer()), out)?;
            out.send().await?;
        }
    }
    hand_over(rows, out)?;
    Ok(number)
}

/// Every cell is in quotes: so what is in it ends no cell, and a program that reads `;` as a comma begins none.
fn writer() -> Writer<Vec<u8>> {
    let mut builder = WriterBuilder::new();
    builder
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF);
    builder.from_writer(Vec::new())
}

fn hand_over(rows: Writer<Vec<u8>>, out: &mut Outgoing) -> Result<()> {
    let bytes = rows.into_inner().map_err(csv::IntoInnerError::into_error)?;
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    out.text.push_str(&text);
    Ok(())
}

fn failed(error: csv::Error) -> Stop {
    io::Error::other(error).into()
}
