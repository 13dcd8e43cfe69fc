//! `tag`: lists, makes, renames, merges, colors and deletes tags.

use crate::{
    args::{TagAction, Within},
    fault::Fault,
    output::Output,
    paging, resolve,
    table::{self, Cell, Row},
    terminal::{note, plain},
    text::short,
};
use taskwire_client::{
    Client,
    protocol::{
        Patch, WorkspaceId,
        tag::{CreateTag, DeleteTag, Tag, UpdateTag},
    },
};

pub(crate) async fn tag(client: &Client, output: &Output, action: TagAction) -> Result<(), Fault> {
    match action {
        TagAction::Ls { within } => list(client, output, &within).await,
        TagAction::New { name, color, within } => {
            let workspace_id = of(client, &within).await?;
            let params = CreateTag {
                workspace_id,
                name,
                color,
            };
            show(output, &paging::call(client, &params).await?)
        }
        TagAction::Rename { tag, name, within } => rename(client, output, &tag, name, &within).await,
        TagAction::Merge { tag, into, within } => {
            merge(client, output, (tag.as_str(), into.as_str()), &within).await
        }
        TagAction::Color { tag, color, within } => {
            let color = if color.is_empty() {
                Patch::Clear
            } else {
                Patch::Set(color)
            };
            let params = UpdateTag {
                id: resolve::tag(client, of(client, &within).await?, &tag).await?.id,
                name: None,
                color,
            };
            show(output, &paging::call(client, &params).await?)
        }
        TagAction::Delete { tag, within } => {
            let found = resolve::tag(client, of(client, &within).await?, &tag).await?;
            let gone = paging::call(client, &DeleteTag { id: found.id }).await?;
            if output.json {
                return output.value(&gone);
            }
            output.line(&format!(
                "{}  deleted; no task carries it now",
                plain(&found.name)
            ))
        }
    }
}

/// A name that is taken would make two tags one, which nobody can undo: that needs `merge`.
async fn rename(
    client: &Client,
    output: &Output,
    tag: &str,
    name: String,
    within: &Within,
) -> Result<(), Fault> {
    let tags = resolve::tags(client, of(client, within).await?).await?;
    let found = resolve::tag_among(&tags, tag)?;
    let taken = resolve::named(&tags, &name).find(|other| other.id != found.id);
    if let Some(taken) = taken {
        return Err(Fault::usage(format!(
            "there is a tag {:?} already; `tw tag merge {tag:?} {name:?}` makes the two one",
            &*taken.name
        )));
    }
    let params = UpdateTag {
        id: found.id,
        name: Some(name),
        color: Patch::Keep,
    };
    show(output, &paging::call(client, &params).await?)
}

async fn merge(
    client: &Client,
    output: &Output,
    (tag, into): (&str, &str),
    within: &Within,
) -> Result<(), Fault> {
    let tags = resolve::tags(client, of(client, within).await?).await?;
    let (gone, kept) = (resolve::tag_among(&tags, tag)?, resolve::tag_among(&tags, into)?);
    if gone.id == kept.id {
        return Err(Fault::usage(format!("{tag:?} and {into:?} are the same tag")));
    }
    let params = UpdateTag {
        id: gone.id,
        name: Some(kept.name.to_string()),
        color: Patch::Keep,
    };
    show(output, &paging::call(client, &params).await?)
}

/// The workspace in which to look.
async fn of(client: &Client, within: &Within) -> Result<WorkspaceId, Fault> {
    resolve::workspace_or_personal(client, within.workspace.as_deref()).await
}

async fn list(client: &Client, output: &Output, within: &Within) -> Result<(), Fault> {
    let tags = resolve::tags(client, of(client, within).await?).await?;
    if output.json {
        return output.value(&tags);
    }
    if tags.is_empty() {
        note("there is no tag; `tw add TITLE --tag NAME` makes one");
    }
    let rows: Vec<Row> = tags.iter().map(row).collect();
    output.table(&rows, 1)
}

fn show(output: &Output, tag: &Tag) -> Result<(), Fault> {
    if output.json {
        return output.value(tag);
    }
    output.line(&table::line(&row(tag)))
}

fn row(tag: &Tag) -> Row {
    vec![
        short(tag.id).into(),
        Cell::from(&*tag.name),
        tag.color.as_deref().unwrap_or_default().into(),
    ]
}
