//! How many workspaces and members an account may have, and how much it may store: one bound for everybody, and others by
//! plan. The settings have the numbers. Who counts holds the lock of what is counted.

use super::Result;
use serde_json::json;
use taskwire_protocol::account::Plan;
use taskwire_protocol::{ErrorCode, Failure};

/// The numbers; `None` is no bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// The sessions that a user may have.
    pub sessions_per_user: Option<u64>,
    /// The workspaces that a person may be in.
    pub workspaces_per_user: Option<u64>,
    /// The comments that a task may have.
    pub comments_per_task: Option<u64>,
    /// The subtasks that a task may have.
    pub subtasks_per_task: Option<u64>,
    /// The attachments that a task may have.
    pub attachments_per_task: Option<u64>,
    /// The members that a workspace may have, whatever the plan of its owners.
    pub members_per_workspace: Option<u64>,
    /// The tasks that a workspace may have, deleted ones included.
    pub tasks_per_workspace: Option<u64>,
    /// The projects that a workspace may have.
    pub projects_per_workspace: Option<u64>,
    /// The tags that a workspace may have.
    pub tags_per_workspace: Option<u64>,
    /// The invitations that a workspace may have.
    pub invites_per_workspace: Option<u64>,
    /// Those of the free plan.
    pub free: OfPlan,
    /// Those of the paid plan.
    pub pro: OfPlan,
}

/// The numbers of a plan; `None` is no bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfPlan {
    /// Team workspaces that an account owns.
    pub workspaces: Option<u64>,
    /// Members of a workspace that an account owns, with the owner.
    pub members: Option<u64>,
    /// Bytes of the files that an account stores.
    pub storage: Option<u64>,
}

/// How many workspaces a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    /// All.
    pub all: u64,
    /// Team workspaces in which the user is an owner.
    pub owned: u64,
}

/// What an account stores, in bytes: each kind of file that counts for its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// All sizes of its photo, while it is set: what is stored does not tell.
    pub photo: u64,
    /// All attachments that it uploaded, wherever they are.
    pub attachments: u64,
}

impl Stored {
    fn bytes(self) -> u64 {
        let Stored { photo, attachments } = self;
        photo.saturating_add(attachments)
    }
}

impl Bounds {
    fn of(&self, plan: Plan) -> (OfPlan, &'static str) {
        match plan {
            Plan::Free => (self.free, "free"),
            Plan::Pro => (self.pro, "pro"),
        }
    }

    /// Whether a user of this plan, who has these workspaces, may make one more.
    pub(super) fn one_more_workspace(&self, has: Belongings, plan: Plan) -> Result<()> {
        self.owns(has, plan)?;
        self.joins(has)
    }

    /// Whether a user of this plan, who has these workspaces, may become an owner of one more of them.
    pub(super) fn owns(&self, has: Belongings, plan: Plan) -> Result<()> {
        let (plan, name) = self.of(plan);
        within(
            has.owned,
            plan.workspaces,
            &format!("plan_{name}_workspaces"),
            |limit| format!("the plan {name} allows {limit} workspaces of one's own"),
        )
    }

    /// Whether a user who has these workspaces may be in one more.
    pub(super) fn joins(&self, has: Belongings) -> Result<()> {
        within(
            has.all,
            self.workspaces_per_user,
            "workspaces_per_user",
            |limit| format!("a person may be in {limit} workspaces"),
        )
    }

    /// Whether a task with so many comments may have one more.
    pub(super) fn one_more_comment(&self, comments: i64) -> Result<()> {
        within(
            comments.unsigned_abs(),
            self.comments_per_task,
            "comments_per_task",
            |limit| format!("a task may have {limit} comments"),
        )
    }

    /// Whether a task with so many subtasks may have one more.
    pub(super) fn one_more_subtask(&self, subtasks: u64) -> Result<()> {
        within(subtasks, self.subtasks_per_task, "subtasks_per_task", |limit| {
            format!("a task may have {limit} subtasks; delete one first, or put the task elsewhere")
        })
    }

    /// Whether a task with so many attachments may have one more.
    pub fn one_more_attachment(&self, attachments: i64) -> Result<()> {
        within(
            attachments.unsigned_abs(),
            self.attachments_per_task,
            "attachments_per_task",
            |limit| format!("a task may have {limit} attachments; delete one first"),
        )
    }

    /// Whether a workspace with so many tasks may have one more.
    pub(super) fn one_more_task(&self, tasks: u64) -> Result<()> {
        within(tasks, self.tasks_per_workspace, "tasks_per_workspace", |limit| {
            format!("a workspace may have {limit} tasks, deleted ones included; delete some for good first")
        })
    }

    /// Whether a workspace with so many projects may have one more.
    pub(super) fn one_more_project(&self, projects: usize) -> Result<()> {
        within(
            projects as u64,
            self.projects_per_workspace,
            "projects_per_workspace",
            |limit| format!("a workspace may have {limit} projects; delete one first"),
        )
    }

    /// Whether a workspace with so many tags may have more of them.
    pub(super) fn more_tags(&self, tags: u64, more: usize) -> Result<()> {
        let Some(others) = more.checked_sub(1) else {
            return Ok(());
        };
        within(
            tags + others as u64,
            self.tags_per_workspace,
            "tags_per_workspace",
            |limit| format!("a workspace may have {limit} tags; delete or merge some first"),
        )
    }

    /// Whether a workspace with so many members may have one more: the best plan of its owners says how many, up to the bound
    /// for all.
    pub(super) fn one_more_member(&self, members: usize, plans: impl Iterator<Item = Plan>) -> Result<()> {
        within(
            members as u64,
            self.members_per_workspace,
            "members_per_workspace",
            |limit| format!("a workspace may have {limit} members; remove one first"),
        )?;
        let bounds = plans.map(|plan| self.of(plan));
        // no bound is the best one
        let best = bounds.max_by_key(|(plan, _)| plan.members.unwrap_or(u64::MAX));
        let Some((plan, name)) = best else { return Ok(()) };
        within(
            members as u64,
            plan.members,
            &format!("plan_{name}_members"),
            |limit| format!("the plan {name} of the workspace's owner allows {limit} members"),
        )
    }

    /// Whether a workspace with so many invitations may have one more.
    pub(super) fn one_more_invite(&self, invites: usize) -> Result<()> {
        within(
            invites as u64,
            self.invites_per_workspace,
            "invites_per_workspace",
            |limit| format!("a workspace may have {limit} invitations at a time; revoke one"),
        )
    }

    /// Whether some plan bounds what an account may store.
    pub fn bounds_storage(&self) -> bool {
        self.free.storage.is_some() || self.pro.storage.is_some()
    }

    /// Whether an account of this plan may store this.
    pub fn stores(&self, stored: Stored, plan: Plan) -> Result<()> {
        let (plan, name) = self.of(plan);
        let bytes = stored.bytes();
        match plan.storage {
            Some(limit) if bytes > limit => Err(refusal(
                limit,
                &format!("plan_{name}_storage_bytes"),
                &format!(
                    "the plan {name} allows {limit} bytes of files, and this file would make it {bytes}"
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// Refuses one more when the limit of this setting is reached.
fn within(has: u64, limit: Option<u64>, setting: &str, says: impl FnOnce(u64) -> String) -> Result<()> {
    match limit {
        Some(limit) if has >= limit => Err(refusal(limit, setting, &says(limit))),
        _ => Ok(()),
    }
}

/// The refusal names the setting: an operator can change it, and everybody else knows what to ask for.
pub(super) fn refusal(limit: u64, setting: &str, message: &str) -> Failure {
    let message = format!("{message} ({setting})");
    Failure::new(ErrorCode::PlanLimit, message).with(json!({ "limit": limit, "setting": setting }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_limit() {
        assert!(within(5, None, "some", |_| String::new()).is_ok());
        assert!(within(4, Some(5), "some", |_| String::new()).is_ok());
        let failure = within(5, Some(5), "some", |limit| format!("at most {limit}")).expect_err("refused");
        assert_eq!(failure.code, ErrorCode::PlanLimit);
        assert_eq!(failure.message, "at most 5 (some)");
        assert_eq!(failure.context, Some(json!({ "limit": 5, "setting": "some" })));
    }

    #[test]
    fn every_bound_of_a_workspace_task_or_plan_names_a_setting_that_there_is() {
        let bounds = Bounds {
            workspaces_per_user: Some(0),
            comments_per_task: Some(0),
            subtasks_per_task: Some(0),
            attachments_per_task: Some(0),
            members_per_workspace: Some(0),
            tasks_per_workspace: Some(0),
            projects_per_workspace: Some(0),
            tags_per_workspace: Some(0),
            invites_per_workspace: Some(0),
            ..Bounds::default()
        };
        let of_plan = OfPlan {
            workspaces: Some(0),
            members: Some(0),
            storage: Some(0),
        };
        let of_plans = Bounds {
            free: of_plan,
            pro: of_plan,
            ..Bounds::default()
        };
        let none = Belongings::default();
        let stored = Stored {
            photo: 1,
            attachments: 0,
        };
        let mut refused = vec![
            bounds.joins(none),
            bounds.one_more_comment(0),
            bounds.one_more_subtask(0),
            bounds.one_more_attachment(0),
            bounds.one_more_task(0),
            bounds.one_more_project(0),
            bounds.more_tags(0, 1),
            bounds.one_more_member(0, std::iter::empty()),
            bounds.one_more_invite(0),
        ];
        for plan in [Plan::Free, Plan::Pro] {
            refused.push(of_plans.owns(none, plan));
            refused.push(of_plans.one_more_member(0, std::iter::once(plan)));
            refused.push(of_plans.stores(stored, plan));
        }
        let manual = include_str!("../../config.default.toml");
        let mut named = std::collections::BTreeSet::new();
        for refused in refused {
            let failure = refused.expect_err("refused");
            let context = failure.context.expect("context");
            let setting = context["setting"].as_str().expect("a setting");
            assert!(manual.contains(&format!("\n{setting} = ")), "{setting}");
            assert!(
                failure.message.ends_with(&format!("({setting})")),
                "{}",
                failure.message
            );
            named.insert(setting.to_owned());
        }
        assert_eq!(named.len(), 15);
    }

    #[test]
    fn an_account_may_store_as_much_as_its_plan_allows() {
        let mut bounds = Bounds::default();
        let stored = |photo| Stored {
            photo,
            attachments: 0,
        };
        assert!(bounds.stores(stored(u64::MAX), Plan::Free).is_ok());
        bounds.free.storage = Some(100);
        assert!(bounds.stores(stored(100), Plan::Free).is_ok());
        assert!(bounds.stores(stored(101), Plan::Pro).is_ok());
        let more = Stored {
            photo: 60,
            attachments: 41,
        };
        assert!(bounds.stores(more, Plan::Free).is_err());
        let failure = bounds.stores(stored(101), Plan::Free).expect_err("refused");
        assert_eq!(failure.code, ErrorCode::PlanLimit);
        assert_eq!(
            failure.context,
            Some(json!({ "limit": 100, "setting": "plan_free_storage_bytes" }))
        );
        assert!(failure.message.contains("100 bytes"), "{}", failure.message);
    }
}
