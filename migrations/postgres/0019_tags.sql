-- Tags: the names that tasks of a workspace carry. A tag is known by its key, without case. No two tags of a workspace have
-- one key; the index does not say so, because one statement may give the key of one tag to another.
create table tags (
  id uuid primary key,
  workspace_id uuid not null,
  -- compared byte by byte
  key text collate "C" not null,
  name text not null,
  color text,
  version bigint not null
);
create index tags_key on tags (workspace_id, key, id);

-- The job that makes tags of the names that tasks have already. Instances of the older version may run for a while beside
-- new ones, so it runs again after an hour.
insert into jobs (kind, key, payload, due_at, attempts, revision)
select 'adopt_tags', r.key, 'null', cast(extract(epoch from now()) * 1000 as bigint) + r.delay, 0, 0
from (values ('', 0), ('again', 3600000)) r (key, delay)
where exists (select 1 from task_tags);
