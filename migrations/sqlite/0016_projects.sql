-- Projects: groups of tasks in a workspace. A task's row names its project.
create table projects (
  id blob primary key,
  workspace_id blob not null,
  name text not null,
  color text,
  -- compared byte by byte
  position text not null,
  is_archived integer not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;
create index projects_order on projects (workspace_id, position, id);
