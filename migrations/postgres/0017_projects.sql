-- Projects: groups of tasks in a workspace. A task's row names its project.
create table projects (
  id uuid primary key,
  workspace_id uuid not null,
  name text not null,
  color text,
  -- compared byte by byte
  position text collate "C" not null,
  is_archived boolean not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null
);
create index projects_order on projects (workspace_id, position, id);
