//! The ids of what an import makes. They follow from the file, the op_id and a row's place in the file: so a step that is
//! repeated, or begun again by another instance, makes the same ids and finds what it made before.

use crate::domain::import::plan::{Plan, PlannedTask};
use sha2::{Digest, Sha256};
use taskwire_protocol::{CommentId, OpId, TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// What the ids of one import are made of.
#[derive(Clone, Debug)]
pub struct Key {
    seed: [u8; 32],
    /// Whether the same import has the same key again.
    is_stable: bool,
}

/// What an id is for.
#[derive(Clone, Copy)]
enum Purpose {
    Task = 1,
    /// The id that the file gives it is that of a task elsewhere.
    TaskElsewhere = 2,
    Comment = 3,
    Step = 4,
}

impl Key {
    /// The key of an import with this op_id, or with one that nobody else has.
    pub fn new(user: UserId, workspace: WorkspaceId, op_id: Option<OpId>, other: Uuid, request: &str) -> Key {
        let seed = Sha256::new()
            .chain_update(user.0)
            .chain_update(workspace.0)
            .chain_update(op_id.map_or(other, |op_id| op_id.0))
            .chain_update(request)
            .finalize();
        Key {
            seed: seed.into(),
            is_stable: op_id.is_some(),
        }
    }

    fn random(&self, purpose: Purpose, place: u64) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.seed)
            .chain_update([purpose as u8])
            .chain_update(place.to_be_bytes())
            .finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first)
    }

    /// A UUIDv7 with this time. Those of one time are in the order of their places.
    fn id(&self, purpose: Purpose, place: usize, at: Timestamp) -> Uuid {
        let ms = u128::from(at.0.max(0).unsigned_abs()) & 0xffff_ffff_ffff;
        let place = place as u64;
        let high = u128::from((place >> 12) & 0xfff);
        let low = u128::from(place & 0xfff);
        let random = u128::from(self.random(purpose, place)) & ((1 << 50) - 1);
        Uuid::from_u128(ms << 80 | 7 << 76 | high << 64 | 2 << 62 | low << 50 | random)
    }

    /// The op_id of the first step of an import with an op_id. It follows from nothing else, so of two files with one op_id
    /// the second is refused before anything of it is written.
    pub fn first(user: UserId, op_id: OpId) -> OpId {
        let digest = Sha256::new()
            .chain_update("first step")
            .chain_update(user.0)
            .chain_update(op_id.0)
            .finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        OpId(uuid::Builder::from_custom_bytes(first).into_uuid())
    }

    /// The op_id of a step.
    pub fn step(&self, number: u64) -> OpId {
        let (high, low) = (
            self.random(Purpose::Step, 2 * number),
            self.random(Purpose::Step, 2 * number + 1),
        );
        OpId(
            uuid::Builder::from_custom_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
                .into_uuid(),
        )
    }

    /// The id of a task, if nothing else has it. `None`: it depends on when the import happens.
    pub(super) fn task(
        &self,
        place: usize,
        task: &PlannedTask,
        workspace: WorkspaceId,
        begun: Option<Timestamp>,
    ) -> Option<TaskId> {
        if let Some(id) = task.name.and_then(|name| name.id_in(workspace)) {
            return Some(id);
        }
        let at = task.created_at.filter(|_| self.is_stable).or(begun)?;
        Some(TaskId(self.id(Purpose::Task, place, at)))
    }

    /// The id of a task whose own is taken in another workspace.
    pub(super) fn another(&self, place: usize, task: &PlannedTask, begun: Timestamp) -> TaskId {
        TaskId(self.id(Purpose::TaskElsewhere, place, task.created_at.unwrap_or(begun)))
    }

    /// The id of a comment, which is so many in the plan.
    pub(super) fn comment(&self, place: usize, at: Timestamp) -> CommentId {
        CommentId(self.id(Purpose::Comment, place, at))
    }
}

/// All ids that a task may have or get, as far as they are known before the import happens.
pub(super) fn candidates(
    key: &Key,
    plan: &Plan,
    place: usize,
    workspace: WorkspaceId,
    begun: Option<Timestamp>,
) -> impl Iterator<Item = TaskId> {
    let task = &plan.tasks[place];
    let own = key.task(place, task, workspace, begun);
    let at = task.created_at.or(begun).filter(|_| task.name.is_some());
    own.into_iter().chain(at.map(|at| key.another(place, task, at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::moment_ms;

    fn key(op_id: u128) -> Key {
        let (user, workspace) = (UserId(Uuid::from_u128(1)), WorkspaceId(Uuid::from_u128(2)));
        Key::new(
            user,
            workspace,
            Some(OpId(Uuid::from_u128(op_id))),
            Uuid::nil(),
            "file",
        )
    }

    #[test]
    fn ids_have_their_time_and_the_order_of_the_file() {
        let at = Timestamp(1_893_456_000_000);
        let ids: Vec<Uuid> = (0..10_000)
            .map(|place| key(1).id(Purpose::Task, place, at))
            .collect();
        assert!(ids.is_sorted());
        assert!(
            ids.iter()
                .all(|id| id.get_version_num() == 7 && moment_ms(*id) == at.0)
        );
        assert!(ids.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
        assert_eq!(ids[77], key(1).id(Purpose::Task, 77, at));
        assert_ne!(ids[77], key(2).id(Purpose::Task, 77, at));
        assert_ne!(key(1).step(1), key(1).step(2));
        let first =
            |user: u128, op_id: u128| Key::first(UserId(Uuid::from_u128(user)), OpId(Uuid::from_u128(op_id)));
        assert_eq!(first(1, 1), first(1, 1));
        assert!(first(1, 1) != first(1, 2) && first(1, 1) != first(2, 1));
    }
}
