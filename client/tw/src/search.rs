//! `search`.

use crate::{
    args::SearchArgs,
    fault::Fault,
    names::Names,
    output::Output,
    paging, resolve,
    table::{self, Cell, Row},
    terminal::{self, note},
    text::{DIM, MARK, TITLE, row_titled},
};
use anstyle::Style;
use taskwire_client::{
    Client,
    protocol::task::{Everywhere, FoundIn, FoundTask, FoundText, SearchTasks, Task, Where},
};

pub(crate) async fn search(client: &Client, output: &Output, args: SearchArgs) -> Result<(), Fault> {
    let workspace_id = match args.workspace.as_deref() {
        None | Some("all") => Where::Everywhere(Everywhere::All),
        Some(workspace) => Where::One(resolve::workspace(client, workspace).await?),
    };
    let params = SearchTasks {
        q: args.words.join(" "),
        workspace_id: Some(workspace_id),
        status: args.status,
        ..SearchTasks::default()
    };
    let mut found: Vec<FoundTask> = Vec::new();
    let more = paging::read(client, params.clone(), args.limit as usize, |page| {
        found.extend(page.items);
    })
    .await?;
    if output.json {
        return output.value(&found);
    }
    let across = matches!(params.workspace_id, Some(Where::Everywhere(_)));
    let tasks: Vec<Task> = found.iter().map(|item| item.task.clone()).collect();
    let names = Names::in_list(client, &tasks, across).await?;
    let rows: Vec<Row> = found.iter().map(|item| titled(item, &names)).collect();
    let width = terminal::width();
    for (line, item) in table::lines(&rows, TITLE, width).iter().zip(&found) {
        output.line(line)?;
        for line in table::lines(&below(item), 0, width) {
            output.line(&line)?;
        }
    }
    if found.is_empty() {
        note("nothing found");
    }
    if more {
        let (shown, next) = (found.len(), args.limit.saturating_mul(2));
        note(&format!("the best {shown}; --limit {next} shows more"));
    }
    Ok(())
}

/// A task with what was found in its title set off.
fn titled(item: &FoundTask, names: &Names) -> Row {
    let is_title = |found: &&FoundText| found.r#in == FoundIn::Title;
    let title = match item.matches.iter().find(is_title) {
        Some(found) => marked(found),
        None => vec![(Style::new(), item.task.title.to_string())],
    };
    let title = title.iter().map(|(style, text)| (*style, &**text));
    row_titled(&item.task, title, names)
}

/// The texts that the line of the task does not show, to be printed below it.
fn below(item: &FoundTask) -> Vec<Row> {
    let texts = item.matches.iter().filter_map(|found| {
        let name = match found.r#in {
            FoundIn::Title | FoundIn::Tag => return None,
            FoundIn::Description => "",
            FoundIn::Comment => "comment: ",
        };
        let indented = Cell::from("          ").and(DIM, name);
        let texts = marked(found);
        Some(vec![
            texts
                .iter()
                .fold(indented, |cell, (style, text)| cell.and(*style, text)),
        ])
    });
    texts.collect()
}

/// A snippet on one line, with what was found set off.
fn marked(found: &FoundText) -> Vec<(Style, String)> {
    let chars: Vec<char> = found.snippet.chars().map(one_line).collect();
    let part = |from: u32, to: u32| -> String {
        let part = chars.get(from as usize..to as usize).unwrap_or_default();
        part.iter().collect()
    };
    let (mut texts, mut at) = (Vec::new(), 0);
    for [start, end] in &found.marks {
        texts.push((Style::new(), part(at, *start)));
        texts.push((MARK, part(*start, *end)));
        at = *end;
    }
    texts.push((Style::new(), part(at, chars.len() as u32)));
    texts
}

fn one_line(c: char) -> char {
    if c.is_whitespace() { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_set_off() {
        let found = FoundText {
            r#in: FoundIn::Comment,
            comment_id: None,
            snippet: "a\n牛乳\u{1b}b".to_owned(),
            marks: vec![[2, 4]],
        };
        let shown = |found: &FoundText| {
            let texts = marked(found);
            let cell = texts
                .iter()
                .fold(Cell::default(), |cell, (style, text)| cell.and(*style, text));
            table::line(&[cell])
        };
        assert_eq!(shown(&found), format!("a {MARK}牛乳{MARK:#}\u{fffd}b"));
        let wrong = FoundText {
            marks: vec![[5, 9], [1, 2]],
            ..found
        };
        assert!(
            shown(&wrong).contains('b'),
            "marks of another server's making do no harm"
        );
    }
}
