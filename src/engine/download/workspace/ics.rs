//! A calendar with a to-do for each task that is not deleted.

use super::super::pieces::Stop;
use super::Outgoing;
use super::source::{PAGE, Source};
use super::tree::Tree;
use crate::domain::ics::{About, Calendar, Component};
use std::collections::HashMap;
use taskwire_protocol::ProjectId;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::Task;
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
    let mut calendar = Calendar::begin(Component::Todo, &opening.workspace.name, None, &mut out.text);
    loop {
        let tasks = some(&mut tree, source).await?;
        if tasks.is_empty() {
            break;
        }
        let standings = source.standings(&tasks).await?;
        for task in &tasks {
            let about = About {
                kind: stages
                    .find(&task.stage)
                    .map_or(StageKind::Open, |stage| stage.kind),
                project: task.project_id.and_then(|id| projects.get(&id).copied()),
                reminds: true,
                standing: standings.get(&task.id).copied(),
            };
            calendar.add(task, about, &mut out.text);
            number += 1;
            out.send().await?;
        }
    }
    calendar.end(&mut out.text);
    Ok(number)
}

/// The next tasks that are not deleted; none at the end.
async fn some(tree: &mut Tree, source: &Source) -> Result<Vec<Task>, Stop> {
    let mut tasks = Vec::new();
    while tasks.len() < PAGE as usize {
        let Some(task) = tree.next(source).await? else {
            break;
        };
        if !task.is_deleted {
            tasks.push(task);
        }
    }
    Ok(tasks)
}
