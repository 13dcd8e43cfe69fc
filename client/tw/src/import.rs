//! `import`: a file of another program, or an export of Taskwire, becomes tasks of a workspace. The `op_id` is made of the
//! file and the workspace, so repeating the command after a broken connection goes on, and imports nothing twice.

use crate::{
    args::ImportArgs,
    connect::Context,
    fault::Fault,
    output::Output,
    progress::Progress,
    resolve,
    terminal::{note, plain},
    waiting::waiting,
};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use taskwire_client::{
    CallError, Upload,
    protocol::{
        Failure, WorkspaceId,
        import::{ImportFormat, Imported, Made},
        limits,
    },
};
use tokio::fs::File;
use uuid::Uuid;

/// How long an import is tried again while the server is away or busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest time of all tries. A proxy may end each of them although the server goes on with the import.
const LONGEST: Duration = Duration::from_hours(1);
const PAUSE: Duration = Duration::from_secs(1);
/// The time between two looks at an import that goes on.
const TICK: Duration = Duration::from_millis(250);

pub(crate) async fn import(context: &Context, output: &Output, args: ImportArgs) -> Result<(), Fault> {
    let named = |error: std::io::Error| Fault::usage(format!("{}: {error}", args.file.display()));
    let content = std::fs::read(&args.file).map_err(named)?;
    let format = match args.format.as_deref().and_then(ImportFormat::of) {
        Some(format) => format,
        None => guess(&content).ok_or_else(|| unknown(&args.file))?,
    };
    let workspace = context
        .calling(async |client| resolve::workspace_or_personal(client, args.workspace.as_deref()).await)
        .await?;
    let project = project(&args, format, &content);
    let op_id = if args.again {
        Uuid::new_v4()
    } else {
        op_id(&content, workspace, format, project.as_deref())
    };
    let path = path(workspace, format, op_id, args.dry_run, project.as_deref());
    let size = content.len() as u64;
    drop(content);
    let imported: Imported = match send(context, &path, &args.file, size).await? {
        Ok(imported) => imported,
        Err(failure) => {
            tell_errors(&failure);
            return Err(CallError::Refused(Box::new(failure)).into());
        }
    };
    if output.json {
        return output.value(&imported);
    }
    tell(output, &imported, args.dry_run)
}

fn unknown(file: &Path) -> Fault {
    Fault::usage(format!(
        "{}: its content does not show its format; write --format json, csv, todoist, trello, vikunja or taskwarrior",
        file.display()
    ))
}

/// The format that a content shows.
fn guess(content: &[u8]) -> Option<ImportFormat> {
    let has = |needle: &str| {
        let needle = needle.as_bytes();
        content.windows(needle.len()).any(|window| window == needle)
    };
    let content_begins = content
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(content)
        .trim_ascii_start();
    match content_begins.first()? {
        b'P' if content_begins.starts_with(b"PK\x03\x04") => Some(if has("data.json") {
            ImportFormat::Vikunja
        } else {
            ImportFormat::Todoist
        }),
        b'{' if has("\"format\":\"taskwire\"") => Some(ImportFormat::Json),
        b'{' if has("\"cards\"") && has("\"lists\"") => Some(ImportFormat::Trello),
        b'{' | b'[' if has("\"uuid\"") && has("\"entry\"") => Some(ImportFormat::Taskwarrior),
        b'[' if has("\"tasks\"") || has("\"lists\"") => Some(ImportFormat::Vikunja),
        b'{' | b'[' => None,
        _ => {
            let line = content_begins.split(|byte| *byte == b'\n').next()?;
            let line = String::from_utf8_lossy(line).to_lowercase();
            let columns: Vec<&str> = line
                .split([',', ';', '\t'])
                .map(|cell| cell.trim().trim_matches('"'))
                .collect();
            if columns.contains(&"type") && columns.contains(&"content") {
                Some(ImportFormat::Todoist)
            } else if columns.contains(&"title") {
                Some(ImportFormat::Csv)
            } else {
                None
            }
        }
    }
}

/// The project of tasks that have none. The name of a project's file of Todoist is all that says its name, as
/// `Home [220325187].csv` does.
fn project(args: &ImportArgs, format: ImportFormat, content: &[u8]) -> Option<String> {
    let is_one_project = format == ImportFormat::Todoist && !content.starts_with(b"PK\x03\x04");
    args.project.clone().or_else(|| {
        let stem = args.file.file_stem().filter(|_| is_one_project)?;
        let stem = stem.to_string_lossy();
        let name = stem
            .rsplit_once(" [")
            .filter(|(_, id)| id.ends_with(']'))
            .map_or(&*stem, |(name, _)| name);
        let name: String = name.trim().chars().take(limits::PROJECT_NAME).collect();
        Some(name).filter(|name| !name.is_empty())
    })
}

/// The same for the same file in the same workspace.
fn op_id(content: &[u8], workspace: WorkspaceId, format: ImportFormat, project: Option<&str>) -> Uuid {
    let digest = Sha256::new()
        .chain_update(workspace.to_string())
        .chain_update(format.name())
        .chain_update(project.unwrap_or_default())
        .chain_update([0])
        .chain_update(content)
        .finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}

fn path(
    workspace: WorkspaceId,
    format: ImportFormat,
    op_id: Uuid,
    dry_run: bool,
    project: Option<&str>,
) -> String {
    let mut path = format!("v1/import?workspace_id={workspace}&format={}", format.name());
    if dry_run {
        path.push_str("&dry_run=true");
    } else {
        let _ = write!(path, "&op_id={op_id}");
    }
    if let Some(project) = project {
        path.push_str("&project=");
        for byte in project.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => path.push(char::from(byte)),
                byte => {
                    let _ = write!(path, "%{byte:02X}");
                }
            }
        }
    }
    path
}

/// Sends the file, again when the server was away or busy.
async fn send(
    context: &Context,
    path: &str,
    file: &Path,
    size: u64,
) -> Result<Result<Imported, Failure>, Fault> {
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let began = Instant::now();
    let mut away = began;
    loop {
        let tried = Instant::now();
        let opened = File::open(file).await;
        let opened = opened.map_err(|error| Fault::other(format!("{}: {error}", file.display())))?;
        let line = Arc::new(Mutex::new(Line::new(&name, size)));
        let sending = line.clone();
        let upload = Upload {
            name: name.clone(),
            file: opened,
            size,
            progress: Box::new(move |bytes| lock(&sending).at(bytes)),
        };
        let http = context.http().await?.signed_in(context.access_token().await?);
        let is_shown = lock(&line).progress.is_shown();
        let answer = told(http.import(path, upload), &line);
        let answer = if is_shown {
            answer.await
        } else {
            waiting(&context.answer(), answer).await
        };
        lock(&line).ends();
        let wait = match &answer {
            Ok(answer) if !answer.is_success() && answer.may_pass() => answer.wait().unwrap_or(PAUSE),
            Err(CallError::Interrupted) => PAUSE,
            _ => Duration::MAX,
        };
        // a server that took so long was there
        if tried.elapsed() >= PATIENCE {
            away = Instant::now();
        }
        let is_over = |since: Instant, most| since.elapsed().saturating_add(wait) >= most;
        if is_over(away, PATIENCE) || is_over(began, LONGEST) {
            return match answer?.read() {
                Ok(imported) => Ok(Ok(imported)),
                Err(CallError::Refused(failure)) => Ok(Err(*failure)),
                Err(error) => Err(error.into()),
            };
        }
        tokio::time::sleep(wait).await;
    }
}

/// The line about an import: first the file is sent, then the server works.
struct Line {
    progress: Progress,
    size: u64,
    sent: Option<Instant>,
}

impl Line {
    fn new(name: &str, size: u64) -> Line {
        Line {
            progress: Progress::of_work(name, Some(size)),
            size,
            sent: None,
        }
    }

    fn at(&mut self, bytes: u64) {
        if self.sent.is_some() {
            return;
        }
        self.progress.at(bytes);
        if bytes >= self.size {
            self.sent = Some(Instant::now());
            self.goes_on();
        }
    }

    /// Removes the line, though the body of the request may still hold it.
    fn ends(&mut self) {
        self.progress = Progress::none();
    }

    /// Tells that the server is at work, and for how long.
    fn goes_on(&mut self) {
        if let Some(sent) = self.sent {
            self.progress
                .goes_on(&format!("importing… {} s", sent.elapsed().as_secs()));
        }
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the answer, and keeps the line up to date meanwhile.
async fn told<T>(answer: impl Future<Output = T>, line: &Mutex<Line>) -> T {
    let mut answer = pin!(answer);
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            _ = ticks.tick() => lock(line).goes_on(),
        }
    }
}

/// Each thing that is wrong with the file, after the first, which the error itself tells.
fn tell_errors(failure: &Failure) {
    let errors = failure
        .context
        .as_ref()
        .and_then(|context| context["errors"].as_array());
    for error in errors.into_iter().flatten().skip(1) {
        let message = plain(error["message"].as_str().unwrap_or_default());
        match error["line"].as_u64() {
            Some(line) => note(&format!("line {line}: {message}")),
            None => note(&message),
        }
    }
}

/// What happened, in lines.
fn tell(output: &Output, imported: &Imported, dry_run: bool) -> Result<(), Fault> {
    let made = counted(&imported.made);
    let made = if made.is_empty() {
        "nothing".to_owned()
    } else {
        made
    };
    let line = match (dry_run, imported.replayed) {
        (true, _) => format!("would create {made}"),
        (false, true) => format!("imported before; it created {made} (--again imports it once more)"),
        (false, false) => format!("created {made}"),
    };
    output.line(&line)?;
    if imported.updated > 0 {
        output.line(&format!("changed {} that were there", imported.updated))?;
    }
    if imported.skipped > 0 {
        output.line(&format!(
            "skipped {} that are there already or are not imported",
            imported.skipped
        ))?;
    }
    if imported.lost.is_empty() {
        return Ok(());
    }
    output.line(&format!("lost or changed ({}):", imported.lost.len()))?;
    for lost in &imported.lost {
        let line = lost.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        output.line(&format!("  {line}{}: {}", plain(&lost.what), plain(&lost.why)))?;
    }
    Ok(())
}

/// `5 tasks, 1 project`
fn counted(made: &Made) -> String {
    let kinds = [
        (made.tasks, "task"),
        (made.comments, "comment"),
        (made.projects, "project"),
        (made.tags, "tag"),
        (made.stages, "stage"),
    ];
    let some = kinds.into_iter().filter(|(number, _)| *number > 0);
    let texts = some.map(|(number, kind)| format!("{number} {kind}{}", if number == 1 { "" } else { "s" }));
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_shows_the_format() {
        for (content, format) in [
            ("{\"format\":\"taskwire\",\"version\":1", ImportFormat::Json),
            ("{\"name\":\"b\",\"lists\":[],\"cards\":[]}", ImportFormat::Trello),
            ("[\n{\"uuid\":\"1\",\"entry\":\"2\"}]", ImportFormat::Taskwarrior),
            ("{\"entry\":\"2\",\"uuid\":\"1\"}\n", ImportFormat::Taskwarrior),
            ("[{\"title\":\"a\",\"tasks\":[]}]", ImportFormat::Vikunja),
            ("PK\u{3}\u{4}…data.json", ImportFormat::Vikunja),
            ("PK\u{3}\u{4}…Inbox.csv", ImportFormat::Todoist),
            ("\u{feff}TYPE,CONTENT,PRIORITY\r\n", ImportFormat::Todoist),
            ("\"id\";\"title\"\n", ImportFormat::Csv),
        ] {
            assert_eq!(guess(content.as_bytes()), Some(format), "{content}");
        }
        for content in ["", "{}", "[]", "a,b\n", "PK"] {
            assert_eq!(guess(content.as_bytes()), None, "{content}");
        }
    }

    #[test]
    fn kinds_are_counted() {
        let made = Made {
            tasks: 2,
            projects: 1,
            ..Made::default()
        };
        assert_eq!(counted(&made), "2 tasks, 1 project");
    }
}
