//! The arguments of `export` and `calendar`.

use clap::{Args as Group, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use std::path::PathBuf;
use taskwire_client::protocol::export::ExportFormat;

#[derive(Group)]
pub(crate) struct ExportWorkspaceArgs {
    /// The file, or a folder; `-` is standard output. When omitted, the server names a file in this folder, or standard
    /// output is taken if it is no terminal.
    pub(crate) file: Option<PathBuf>,
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// The format: all of it for an import, a sheet, or a calendar of to-dos. By default that of the file's ending, or json.
    #[arg(long, short, value_parser = format())]
    pub(crate) format: Option<ExportFormat>,
    /// Replace the file if it exists.
    #[arg(long)]
    pub(crate) force: bool,
}

fn format() -> impl clap::builder::TypedValueParser<Value = ExportFormat> {
    PossibleValuesParser::new(["json", "csv", "ics"])
        .map(|name| ExportFormat::named(&name).unwrap_or_default())
}

#[derive(Subcommand)]
pub(crate) enum CalendarAction {
    /// Make the feed, and print its address. A feed that you had before ends.
    Create,
    /// End the feed.
    Revoke,
}
