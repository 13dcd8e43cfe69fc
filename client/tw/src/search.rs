//! `search`.

use crate::{
    args::SearchArgs,
    fault::Fault,
    output::Output,
    paging, resolve,
    terminal::{note, plain},
    text::{DIM, MARK, row_titled},
};
use std::fmt::Write as _;
use taskwire_client::{
    Client,
    protocol::task::{Everywhere, FoundIn, FoundTask, FoundText, SearchTasks, Where},
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
    let more = paging::read(client, params, args.limit as usize, |page| {
        found.extend(page.items);
    })
    .await?;
    if output.json {
        return output.value(&found);
    }
    for item in &found {
        for line in lines(item) {
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

/// A task, and below it the texts that its line does not show.
fn lines(item: &FoundTask) -> Vec<String> {
    let is_title = |found: &&FoundText| found.r#in == FoundIn::Title;
    let title = item.matches.iter().find(is_title);
    let title = title.map_or_else(|| plain(&item.task.title), marked);
    let mut lines = vec![row_titled(&item.task, &title)];
    for found in &item.matches {
        let name = match found.r#in {
            FoundIn::Title | FoundIn::Tag => continue,
            FoundIn::Description => "",
            FoundIn::Comment => "comment: ",
        };
        lines.push(format!("          {DIM}{name}{DIM:#}{}", marked(found)));
    }
    lines
}

/// A snippet on one line, with what was found set off.
fn marked(found: &FoundText) -> String {
    let chars: Vec<char> = found.snippet.chars().map(one_line).collect();
    let part = |from: u32, to: u32| -> String {
        let part = chars.get(from as usize..to as usize).unwrap_or_default();
        plain(&part.iter().collect::<String>())
    };
    let (mut text, mut at) = (String::new(), 0);
    for [start, end] in &found.marks {
        let (before, mark) = (part(at, *start), part(*start, *end));
        let _ = write!(text, "{before}{MARK}{mark}{MARK:#}");
        at = *end;
    }
    text + &part(at, chars.len() as u32)
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
        assert_eq!(marked(&found), format!("a {MARK}牛乳{MARK:#}\u{fffd}b"));
        let wrong = FoundText {
            marks: vec![[5, 9], [1, 2]],
            ..found
        };
        assert!(
            marked(&wrong).contains('b'),
            "marks of another server's making do no harm"
        );
    }
}
