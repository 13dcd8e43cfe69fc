//! A calendar with a to-do for each task that is not deleted.

use super::super::pieces::Stop;
use super::Outgoing;
use super::source::Source;
use super::tree::Tree;
use crate::domain::ics::{self, About, Component};
use std::collections::HashMap;
use taskwire_protocol::ProjectId;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::workspace::SnapshotOpening;

/// Writes all of it. Returns the number of tasks.
pub(super) async fn write(
    source: &Source,
    opening: &SnapshotOpening,
    out: &mut Outgoing,
) -> Result<usize, Stop> {
    let projects = opening.projects.iter();
    let projects: HashMap<ProjectId, &str> = projects
        .map(|project| (project.id, project.name.as_str()))
        .collect();
    let (stages, mut tree, mut number) = (&opening.workspace.stages, Tree::default(), 0);
    ics::begin(&opening.workspace.name, None, &mut out.text);
    while let Some(task) = tree.next(source).await? {
        if task.is_deleted {
            continue;
        }
        let about = About {
            kind: stages
                .find(&task.stage)
                .map_or(StageKind::Open, |stage| stage.kind),
            project: task.project_id.and_then(|id| projects.get(&id).copied()),
            reminds: true,
        };
        ics::add(Component::Todo, &task, about, &mut out.text);
        number += 1;
        out.send().await?;
    }
    ics::end(number == 0, &mut out.text);
    Ok(number)
}
