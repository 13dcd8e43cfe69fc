//! The arguments of `attach`, `attachments`, `get` and `import`.

use clap::Args as Group;
use std::path::PathBuf;

#[derive(Group)]
pub(crate) struct AttachArgs {
    /// The task's id, or the end of it.
    pub(crate) id: String,
    /// The files to upload.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Group)]
pub(crate) struct AttachmentsArgs {
    /// The task's id, or the end of it.
    pub(crate) id: String,
    /// The largest number of items.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Delete this attachment instead: its id, or the end of it.
    #[arg(long, value_name = "ATTACHMENT")]
    pub(crate) delete: Option<String>,
}

#[derive(Group)]
pub(crate) struct ImportArgs {
    /// The file: an export of Taskwire, Todoist, Trello, Vikunja or Taskwarrior.
    pub(crate) file: PathBuf,
    /// Its format, if the content does not show it.
    #[arg(long, short, value_parser = ["json", "csv", "todoist", "trello", "vikunja", "taskwarrior"])]
    pub(crate) format: Option<String>,
    /// The workspace: its id, the end of its id, or its name; your own by default.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// The project of tasks that have none in the file; it is made if it is not there. By default a CSV of Todoist gives its
    /// name.
    #[arg(long, short)]
    pub(crate) project: Option<String>,
    /// Only tell what would happen, and what would be lost.
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    /// Import a file again that was imported into this workspace before.
    #[arg(long)]
    pub(crate) again: bool,
}

#[derive(Group)]
pub(crate) struct GetArgs {
    /// The task's id, or the end of it; or the whole id of an attachment.
    #[arg(value_name = "TASK|ATTACHMENT")]
    pub(crate) id: String,
    /// The attachment of the task: its name, its id, or the end of it. Not needed if there is one.
    pub(crate) name: Option<String>,
    /// Where to save it: a file, a folder, or `-` for standard output; by default its own name in this folder.
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace a file that exists.
    #[arg(long)]
    pub(crate) force: bool,
}
