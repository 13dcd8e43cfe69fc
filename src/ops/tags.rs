//! Tags: names that tasks of a workspace carry, with a color. A tag is known by its key, so `Home` and `home` are one; all
//! tasks carry it by its name. The first task with a new name makes the tag.

use super::caller::{targets_a_tag, targets_a_workspace};
use super::cursor::{List, Wanted};
use super::step::{Step, decided_as_steps};
use super::world::{Crowd, Logged, World};
use super::{
    Act, Ask, Caller, Change, DONE, Mutation, Needs, Place, Query, Result, Target, cascade, conflict, json,
    not_found, too_many,
};
use crate::domain::text;
use crate::store::tags;
use crate::unicode::name_key;
use std::sync::Arc;
use taskwire_protocol::events;
use taskwire_protocol::tag::{CreateTag, DeleteTag, ListTags, Tag, TagDeleted, UpdateTag};
use taskwire_protocol::task::Task;
use taskwire_protocol::{Page, Patch, TagId, WorkspaceId, limits};
use uuid::Uuid;

targets_a_workspace!(CreateTag, ListTags);
targets_a_tag!(UpdateTag, DeleteTag);
decided_as_steps!(AdoptTags);

/// To put tags on a task, a mutation needs to know which of them there are.
pub(super) fn needs_tags<'t>(target: Target, names: impl IntoIterator<Item = &'t String>, needs: &mut Needs) {
    let keys = names.into_iter().map(|name| (target, name_key(name)));
    needs.tags_named.extend(keys);
}

/// The tags of a task, as their workspace writes them. Makes those that are new.
pub(super) fn carried<'t>(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    names: impl Iterator<Item = &'t String> + Clone,
) -> Result<Vec<Arc<str>>> {
    let is_new = |name: &&String| world.tag_named(workspace, &name_key(name)).is_none();
    let new = names.clone().filter(is_new).count();
    act.bounds
        .more_tags(world.number_of_tags(workspace), new)
        .map_err(|failure| failure.at("tags"))?;
    let names = names.map(|name| {
        let key = name_key(name);
        if let Some(tag) = world.tag_named(workspace, &key) {
            return Ok(tag.name.clone());
        }
        let name = world
            .carried(workspace, &key)
            .unwrap_or_else(|| name.as_str().into());
        make(act, world, workspace, name.clone(), None)?;
        Ok(name)
    });
    names.collect()
}

fn make(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    name: Arc<str>,
    color: Option<String>,
) -> Result<Logged<Tag>> {
    let tag = Tag {
        id: TagId(act.new_id()),
        workspace_id: workspace,
        name,
        color,
        version: 1,
    };
    let logged = world.emit::<events::TagCreated>(act, workspace, &tag)?;
    world.put_tag(tag);
    Ok(logged)
}

impl Mutation for CreateTag {
    fn check(mut self) -> Result<Self> {
        self.name = text::name("name", &self.name, 1, limits::TAG)?;
        let color = self.color.map(|color| text::color("color", color.trim()));
        self.color = color.transpose()?;
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs_tags(Target::Workspace(self.workspace_id), [&self.name], needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Tag>> {
        let (workspace, key) = (act.workspace()?, name_key(&self.name));
        if world.tag_named(workspace, &key).is_some() || world.carried(workspace, &key).is_some() {
            return Err(conflict("the workspace has a tag with this name").at("name"));
        }
        act.bounds.more_tags(world.number_of_tags(workspace), 1)?;
        let logged = make(
            act,
            world,
            workspace,
            self.name.as_str().into(),
            self.color.clone(),
        )?;
        Ok(Change::as_logged(logged))
    }
}

impl Mutation for UpdateTag {
    fn check(mut self) -> Result<Self> {
        let name = self.name.map(|name| text::name("name", &name, 1, limits::TAG));
        self.name = name.transpose()?;
        if let Patch::Set(color) = &self.color {
            self.color = Patch::Set(text::color("color", color.trim())?);
        }
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        if let Some(name) = &self.name {
            needs_tags(Target::Tag(self.id), [name], needs);
            needs_tasks(self.id, needs);
        }
    }

    fn cascades(&self) -> bool {
        self.name.is_some()
    }

    fn narrow(&self, _: Place, world: &World, needs: &mut Needs) -> Result<()> {
        let tag = world.tags.get(self.id);
        if tag.is_some_and(|tag| self.name.as_deref() == Some(&*tag.name)) {
            needs.tasks_with_tag.clear();
        }
        Ok(())
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Tag>> {
        let before = there(world, self.id)?;
        let mut tag = before.clone();
        if let Some(name) = &self.name {
            let other = world.tag_named(before.workspace_id, &name_key(name));
            if let Some(other) = other.filter(|other| other.id != before.id).cloned() {
                return merge(act, world, &before, other, &self.color);
            }
            tag.name = name.as_str().into();
        }
        tag.color = self.color.clone().change().unwrap_or(tag.color);
        if tag.name != before.name {
            let tasks = carrying(world, &before)?;
            rename(act, world, &before, &tag.name, tasks)?;
        }
        changed(act, world, before, tag)
    }
}

impl Mutation for DeleteTag {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs_tasks(self.id, needs);
    }

    fn cascades(&self) -> bool {
        true
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<TagDeleted>> {
        let tag = there(world, self.id)?;
        let tasks = carrying(world, &tag)?;
        let key = name_key(&tag.name);
        cascade::each::<events::TaskUpdated>(act, world, tag.workspace_id, tasks, |task| {
            task.tags.retain(|name| !is_name_of(&tag, &key, name));
        })?;
        let (logged, gone) = remove(act, world, &tag)?;
        Ok(Change::logged(logged, gone))
    }
}

/// The tasks that carry a tag change with it: others of the group do not wait for them.
fn needs_tasks(tag: TagId, needs: &mut Needs) {
    needs.tasks_with_tag.insert(tag);
    needs.alone = true;
}

fn there(world: &World, id: TagId) -> Result<Tag> {
    world.tags.get(id).cloned().ok_or_else(|| not_found("tag"))
}

/// Whether a task's name is that of a tag with this key. Most tasks write it as the tag does: a key costs far more than
/// the comparison.
fn is_name_of(tag: &Tag, key: &str, name: &str) -> bool {
    *name == *tag.name || name_key(name) == key
}

/// The tasks that carry a tag, by id.
fn carrying(world: &World, tag: &Tag) -> Result<Vec<Task>> {
    if !world.has_all(Crowd::Tagged) {
        let message = format!(
            "more than {} tasks carry the tag, with deleted ones; take it off some of them, or purge deleted ones, first",
            limits::RETAGGED
        );
        return Err(too_many(&message, limits::RETAGGED));
    }
    let key = name_key(&tag.name);
    let carries = |task: &&Task| {
        let mut names = task.tags.iter();
        task.workspace_id == tag.workspace_id && names.any(|name| is_name_of(tag, &key, name))
    };
    let tasks = world.tasks.iter().map(|(_, task)| task);
    let mut tasks: Vec<Task> = tasks.filter(carries).cloned().collect();
    tasks.sort_unstable_by_key(|task| task.id);
    Ok(tasks)
}

/// Gives tasks another name in the place of a tag's name. A task that has both keeps one, in the place of the first.
fn rename(act: &Act<'_>, world: &mut World, tag: &Tag, name: &Arc<str>, tasks: Vec<Task>) -> Result<()> {
    let (from, to) = (name_key(&tag.name), name_key(name));
    cascade::each::<events::TaskUpdated>(act, world, tag.workspace_id, tasks, |task| {
        let mut is_there = false;
        task.tags.retain_mut(|carried| {
            if !is_name_of(tag, &from, carried) && **carried != **name && name_key(carried) != to {
                return true;
            }
            carried.clone_from(name);
            !std::mem::replace(&mut is_there, true)
        });
    })
}

/// Makes two tags one: the other stays.
fn merge(
    act: &Act<'_>,
    world: &mut World,
    tag: &Tag,
    other: Tag,
    color: &Patch<String>,
) -> Result<Change<Tag>> {
    let tasks = carrying(world, tag)?;
    rename(act, world, tag, &other.name, tasks)?;
    let (logged, _) = remove(act, world, tag)?;
    let mut kept = other.clone();
    kept.color = color.clone().change().unwrap_or(kept.color);
    if kept != other {
        return changed(act, world, other, kept);
    }
    Ok(Change::logged(logged, kept))
}

fn remove(act: &Act<'_>, world: &mut World, tag: &Tag) -> Result<(Logged<TagDeleted>, TagDeleted)> {
    let gone = TagDeleted {
        id: tag.id,
        version: tag.version + 1,
    };
    world.remove_tag(tag.id);
    let logged = world.emit::<events::TagDeleted>(act, tag.workspace_id, &gone)?;
    Ok((logged, gone))
}

/// Writes a changed tag, unless it is equal to the tag before.
fn changed(act: &Act<'_>, world: &mut World, before: Tag, tag: Tag) -> Result<Change<Tag>> {
    if tag == before {
        return Ok(Change::nothing(before));
    }
    let tag = Tag {
        version: before.version + 1,
        ..tag
    };
    let logged = world.emit::<events::TagUpdated>(act, tag.workspace_id, &tag)?;
    world.put_tag(tag);
    Ok(Change::as_logged(logged))
}

impl Query for ListTags {
    async fn answer(self, ask: Ask) -> Result<Page<Tag>> {
        let list = List::of(&self, &ask.caller);
        let wanted: Wanted<(String, Uuid)> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let (workspace, mut reader) = (self.workspace_id, ask.read().await?);
        let items = tags::list(&mut reader, workspace, wanted.after.as_ref(), wanted.to_read()).await?;
        let count = tags::count(&mut reader, workspace);
        let at = |tag: &Tag| (name_key(&tag.name), tag.id.0);
        wanted.page(items, at, count).await
    }
}

/// Makes tags of names that tasks of a workspace have from an older version, given by their keys, however many these are.
pub struct AdoptTags {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The keys.
    pub keys: Vec<String>,
}

impl Step for AdoptTags {
    const NAME: &'static str = "tag.adopt";

    fn target(&self) -> Target {
        Target::Outside(self.workspace)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs_tags(Target::Workspace(self.workspace), &self.keys, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let is_there = world
            .members(self.workspace)
            .is_some_and(|members| !members.is_empty());
        for key in self.keys.iter().filter(|_| is_there) {
            let carried = world.carried(self.workspace, key);
            if let Some(name) = carried.filter(|_| world.tag_named(self.workspace, key).is_none()) {
                make(act, world, self.workspace, name, None)?;
            }
        }
        Ok(json(&DONE)?.into())
    }
}
