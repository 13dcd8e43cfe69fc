//! `comment` and `comments`: what people say about a task.

use crate::{
    args::{CommentArgs, CommentsArgs},
    fault::Fault,
    output::Output,
    paging, resolve,
    terminal::{note, plain},
    text::{DIM, moment, short},
};
use std::io::Read as _;
use taskwire_client::{
    Client,
    protocol::{
        TaskId,
        comment::{Comment, CreateComment, DeleteComment, ListComments, UpdateComment},
        limits,
    },
};
use uuid::Uuid;

/// What `comment` is to say; `-` reads it from standard input, before the client connects.
pub(crate) fn body(words: &[String]) -> Result<String, Fault> {
    if words != ["-"] {
        return Ok(words.join(" "));
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

pub(crate) async fn comment(
    client: &Client,
    output: &Output,
    args: CommentArgs,
    body: String,
) -> Result<(), Fault> {
    let task_id = resolve::task(client, &args.id).await?;
    let comment = if let Some(text) = args.edit {
        let id = one(client, task_id, &text).await?.into();
        paging::call(client, &UpdateComment { id, body }).await?
    } else if let Some(text) = args.delete {
        let id = one(client, task_id, &text).await?.into();
        let gone = paging::call(client, &DeleteComment { id }).await?;
        if !output.json {
            return output.line(&format!("{}  deleted", short(gone.id)));
        }
        gone
    } else {
        let mentions = None;
        paging::call(
            client,
            &CreateComment {
                task_id,
                body,
                mentions,
            },
        )
        .await?
    };
    if output.json {
        return output.value(&comment);
    }
    output.line(&sheet(&comment))
}

/// The comment on a task whose id is, begins or ends with this text.
async fn one(client: &Client, task: TaskId, text: &str) -> Result<Uuid, Fault> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let (comments, _) = read(client, task, paging::ALL).await?;
    let ids: Vec<(Uuid, &str)> = comments
        .iter()
        .map(|comment| (comment.id.0, &*comment.body))
        .collect();
    resolve::one_of(&ids, text, "comment on this task", "`tw comments`")
}

async fn read(client: &Client, task_id: TaskId, wanted: usize) -> Result<(Vec<Comment>, Option<u64>), Fault> {
    let params = ListComments {
        task_id,
        limit: None,
        cursor: None,
    };
    let (mut comments, mut total) = (Vec::new(), None);
    let read = paging::read(client, params, wanted, |page| {
        comments.extend(page.items);
        total = total.or(page.total);
    });
    read.await?;
    Ok((comments, total))
}

pub(crate) async fn comments(client: &Client, output: &Output, args: CommentsArgs) -> Result<(), Fault> {
    let task = resolve::task(client, &args.id).await?;
    let (comments, total) = read(client, task, args.limit as usize).await?;
    if output.json {
        return output.value(&comments);
    }
    if comments.is_empty() {
        note("no comments");
    }
    print(output, &comments)?;
    if let Some(total) = total.filter(|total| *total > comments.len() as u64) {
        note(&format!(
            "{} of {total}; --limit {total} shows all",
            comments.len()
        ));
    }
    Ok(())
}

/// The first comments, below a task that is shown.
pub(crate) async fn below(client: &Client, output: &Output, task: TaskId) -> Result<(), Fault> {
    let (comments, total) = read(client, task, limits::PAGE as usize).await?;
    if !comments.is_empty() {
        output.line("")?;
    }
    print(output, &comments)?;
    if total.is_some_and(|total| total > comments.len() as u64) {
        note("there are more comments; `tw comments` shows them");
    }
    Ok(())
}

fn print(output: &Output, comments: &[Comment]) -> Result<(), Fault> {
    comments
        .iter()
        .try_for_each(|comment| output.line(&sheet(comment)))
}

/// A comment on several lines.
fn sheet(comment: &Comment) -> String {
    let edited = if comment.version > 1 { "  (edited)" } else { "" };
    let mut lines = vec![format!(
        "{DIM}{}  {}{DIM:#}  {}{edited}",
        short(comment.id),
        moment(comment.created_at),
        plain(&comment.author.name)
    )];
    lines.extend(comment.body.lines().map(|line| format!("    {}", plain(line))));
    lines.join("\n")
}
