//! `attach`, `attachments` and `get`: the files of a task, up and down over HTTP.

use crate::{
    args::{AttachArgs, AttachmentsArgs, GetArgs},
    connect::Context,
    fault::Fault,
    output::Output,
    paging,
    progress::{Progress, size_of},
    resolve, saving,
    table::{Cell, Row},
    terminal::{note, plain},
    text::{DIM, moment, short},
    waiting::waiting,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use taskwire_client::{
    CallError, Client, Http, Upload,
    protocol::{
        ErrorCode, TaskId, UserId,
        attachment::{Attachment, DeleteAttachment, ListAttachments},
        limits,
        task::GetTask,
    },
};
use tokio::fs::File;
use uuid::Uuid;

/// How long an upload is tried again while the server is away or busy.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(1);
/// The column of the names.
const NAME: usize = 1;

pub(crate) async fn attach(context: &Context, output: &Output, args: AttachArgs) -> Result<(), Fault> {
    // what cannot be read is known before anything is sent
    let mut files = Vec::with_capacity(args.files.len());
    for path in &args.files {
        files.push((path, size(path)?));
    }
    let task = context
        .calling(async |client| resolve::task(client, &args.id).await)
        .await?;
    let (mut made, mut done) = (Vec::new(), Ok(()));
    for (path, size) in files {
        match upload(context, task, path, size).await {
            Ok(attachment) => made.push(attachment),
            Err(fault) => {
                done = Err(fault);
                break;
            }
        }
    }
    if output.json {
        output.value(&made)?;
    } else {
        let rows: Vec<Row> = made.iter().map(|one| row(one, None)).collect();
        output.table(&rows, NAME)?;
    }
    done
}

/// The size of a file that can be read.
fn size(path: &Path) -> Result<u64, Fault> {
    let named = |error: std::io::Error| Fault::usage(format!("{}: {error}", path.display()));
    let about = std::fs::File::open(path).and_then(|file| file.metadata());
    let about = about.map_err(named)?;
    if about.is_dir() {
        return Err(Fault::usage(format!("{} is a folder", path.display())));
    }
    Ok(about.len())
}

/// Uploads a file, with an `op_id`: an upload whose answer got lost is sent again, and attached once.
async fn upload(context: &Context, task: TaskId, path: &Path, size: u64) -> Result<Attachment, Fault> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let target = format!("v1/tasks/{task}/attachments?op_id={}", Uuid::new_v4());
    let began = Instant::now();
    loop {
        let file = File::open(path)
            .await
            .map_err(|error| Fault::other(format!("{}: {error}", path.display())))?;
        let mut progress = Progress::of(&name, Some(size));
        let is_shown = progress.is_shown();
        let upload = Upload {
            name: name.clone(),
            file,
            size,
            progress: Box::new(move |bytes| progress.at(bytes)),
        };
        let http = http(context).await?;
        let answer = http.upload(&target, upload);
        let answer = if is_shown {
            answer.await
        } else {
            waiting(&context.answer(), answer).await
        };
        let wait = match &answer {
            Ok(answer) if !answer.is_success() && answer.may_pass() => answer.wait().unwrap_or(PAUSE),
            Err(CallError::Interrupted) => PAUSE,
            _ => return Ok(answer?.read()?),
        };
        if began.elapsed() + wait >= PATIENCE {
            return Ok(answer?.read()?);
        }
        tokio::time::sleep(wait).await;
    }
}

async fn http(context: &Context) -> Result<Http, Fault> {
    Ok(context.http().await?.signed_in(context.access_token().await?))
}

pub(crate) async fn attachments(
    client: &Client,
    output: &Output,
    args: AttachmentsArgs,
) -> Result<(), Fault> {
    let task_id = resolve::task(client, &args.id).await?;
    if let Some(text) = args.delete {
        let (all, _) = read(client, task_id, paging::ALL).await?;
        let id = one(&all, &text)?.id;
        let gone = paging::call(client, &DeleteAttachment { id }).await?;
        if output.json {
            return output.value(&gone);
        }
        return output.line(&format!("{}  deleted", short(gone.id)));
    }
    let (found, total) = read(client, task_id, args.limit as usize).await?;
    if output.json {
        return output.value(&found);
    }
    if found.is_empty() {
        note("no attachments");
        return Ok(());
    }
    let task = paging::call(client, &GetTask { id: task_id }).await?;
    let people = resolve::members(client, task.workspace_id).await?;
    let people: BTreeMap<UserId, String> = people.into_iter().collect();
    let rows = found.iter().map(|one| row(one, people.get(&one.created_by)));
    output.table(&rows.collect::<Vec<_>>(), NAME)?;
    if let Some(total) = total.filter(|total| *total > found.len() as u64) {
        note(&format!("{} of {total}; --limit {total} shows all", found.len()));
    }
    Ok(())
}

/// The first attachments, below a task that is shown.
pub(crate) async fn below(client: &Client, output: &Output, task: TaskId) -> Result<(), Fault> {
    let (found, total) = read(client, task, limits::PAGE as usize).await?;
    if !found.is_empty() {
        output.line("")?;
    }
    let rows: Vec<Row> = found.iter().map(|one| row(one, None)).collect();
    output.table(&rows, NAME)?;
    if total.is_some_and(|total| total > found.len() as u64) {
        note("there are more attachments; `tw attachments` shows them");
    }
    Ok(())
}

async fn read(
    client: &Client,
    task_id: TaskId,
    wanted: usize,
) -> Result<(Vec<Attachment>, Option<u64>), CallError> {
    let params = ListAttachments {
        task_id,
        limit: None,
        cursor: None,
    };
    let (mut found, mut total) = (Vec::new(), None);
    let read = paging::read(client, params, wanted, |page| {
        found.extend(page.items);
        total = total.or(page.total);
    });
    read.await?;
    Ok((found, total))
}

/// The attachment with this name, or whose id is, begins or ends with this text.
fn one<'a>(all: &'a [Attachment], text: &str) -> Result<&'a Attachment, Fault> {
    let named: Vec<&Attachment> = all.iter().filter(|one| &*one.name == text).collect();
    match named.as_slice() {
        [one] => return Ok(one),
        [] => {}
        several => {
            let ids: Vec<String> = several.iter().map(|one| short(one.id)).collect();
            return Err(Fault::usage(format!(
                "{} attachments have this name; write the id of one: {}",
                several.len(),
                ids.join(", ")
            )));
        }
    }
    let missing = || {
        let name = plain(text);
        Fault::not_found(format!(
            "no attachment of this task is named {name}; `tw attachments` lists them"
        ))
    };
    if !text.chars().all(|char| char.is_ascii_hexdigit() || char == '-') {
        return Err(missing());
    }
    let ids: Vec<(Uuid, &str)> = all.iter().map(|one| (one.id.0, &*one.name)).collect();
    let id = resolve::one_of(&ids, text, "attachment of this task", "`tw attachments`")?;
    all.iter().find(|one| one.id.0 == id).ok_or_else(missing)
}

/// What to download: the id, and the name if it is known.
struct Wanted {
    id: Uuid,
    name: Option<String>,
}

pub(crate) async fn get(context: &Context, output: &Output, args: GetArgs) -> Result<(), Fault> {
    let to = args.output.as_deref();
    if let Some(file) = to.filter(|file| !file.is_dir()) {
        saving::check_free(file, args.force)?;
    }
    let wanted = context
        .calling(async |client| wanted(client, &args.id, args.name.as_deref()).await)
        .await?;
    let path = format!("v1/attachments/{}", wanted.id);
    let http = http(context).await?;
    let mut download = waiting(&context.answer(), http.download(&path)).await?;
    if to == Some(Path::new(saving::STDOUT)) {
        return saving::print(&mut download).await;
    }
    let name = wanted.name.or_else(|| download.name.clone());
    let name = name.map_or_else(
        || format!("attachment-{}", short(wanted.id)),
        |name| saving::safe_name(&name),
    );
    let file: PathBuf = saving::place(to, &name);
    saving::check_free(&file, args.force)?;
    let mut progress = Progress::of(&name, download.size);
    let bytes = saving::save(&mut download, &file, args.force, &mut progress).await?;
    drop(progress);
    let shown = file.display().to_string();
    if output.json {
        return output.value(&json!({ "id": wanted.id, "file": shown, "bytes": bytes }));
    }
    output.line(&format!("{}  {}", plain(&shown), size_of(bytes)))
}

/// The attachment of a task, or the attachment with this id.
async fn wanted(client: &Client, id: &str, name: Option<&str>) -> Result<Wanted, Fault> {
    let whole: Option<Uuid> = id.parse().ok();
    let all = match whole {
        Some(id) => match read(client, TaskId(id), paging::ALL).await {
            Ok((all, _)) => all,
            // no task has this id, so it is that of an attachment
            Err(CallError::Refused(failure)) if failure.code == ErrorCode::NotFound && name.is_none() => {
                return Ok(Wanted { id, name: None });
            }
            Err(error) => return Err(error.into()),
        },
        None => {
            read(client, resolve::task(client, id).await?, paging::ALL)
                .await?
                .0
        }
    };
    let found = match (name, all.as_slice()) {
        (Some(name), _) => one(&all, name)?,
        (None, [single]) => single,
        (None, []) => return Err(Fault::not_found("this task has no attachments")),
        (None, several) => {
            let names: Vec<String> = several.iter().take(10).map(|one| plain(&one.name)).collect();
            let more = if several.len() > names.len() { ", …" } else { "" };
            return Err(Fault::usage(format!(
                "this task has {} attachments; name one of them: {}{more}",
                several.len(),
                names.join(", ")
            )));
        }
    };
    Ok(Wanted {
        id: found.id.0,
        name: Some(found.name.to_string()),
    })
}

fn row(attachment: &Attachment, by: Option<&String>) -> Row {
    let by = by.map(|name| format!("@{name}")).unwrap_or_default();
    vec![
        Cell::styled(DIM, &short(attachment.id)),
        Cell::from(&*attachment.name),
        Cell::styled(DIM, &size_of(attachment.size)),
        Cell::styled(DIM, &attachment.media_type),
        Cell::styled(DIM, &moment(attachment.created_at)),
        Cell::styled(DIM, &by),
    ]
}
