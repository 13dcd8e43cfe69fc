-- Tags: the names that tasks of a workspace carry. A tag is known by its key, without case. No two tags of a workspace have
-- one key; the index does not say so, because one statement may give the key of one tag to another.
create table tags (
  id blob primary key,
  workspace_id blob not null,
  key text not null,
  name text not null,
  color text,
  version integer not null
) strict, without rowid;
create index tags_key on tags (workspace_id, key, id);

-- The job that makes tags of the names that tasks have already.
insert into jobs (kind, key, payload, due_at, attempts, revision)
select 'adopt_tags', '', 'null', cast(unixepoch('subsec') * 1000 as integer), 0, 0
where exists (select 1 from task_tags);
