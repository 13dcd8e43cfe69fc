//! Where tasks that repeat stand in their series, for calendars.

use crate::domain::alarms::zone;
use crate::domain::ics::Standing;
use crate::domain::recurrence::Occurrence;
use crate::store::{self, Reader, repeats};
use std::collections::HashMap;
use taskwire_protocol::TaskId;
use taskwire_protocol::task::Task;

/// Reads it for those of these tasks that repeat.
pub(super) async fn standings(
    reader: &mut Reader,
    tasks: &[Task],
) -> store::Result<HashMap<TaskId, Standing>> {
    let repeating = tasks.iter().filter(|task| task.recurrence.is_some());
    let ids: Vec<TaskId> = repeating.map(|task| task.id).collect();
    let places = repeats::places(reader, &ids).await?.into_iter();
    let standing = |place: repeats::Place| Standing {
        zone: zone(&place.zone),
        place: place.at.map(|(local_ms, number)| Occurrence { local_ms, number }),
        has_next: place.has_next,
    };
    Ok(places.map(|(task, place)| (task, standing(place))).collect())
}
