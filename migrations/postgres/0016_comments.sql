-- Comments on tasks. `mentions` and `told` are JSON lists of users: whom the comment mentions now, and who was told that it
-- mentions them, now or before. The author's index finds what a person wrote, for the export of their data.
create table comments (
  id uuid primary key,
  workspace_id uuid not null,
  task_id uuid not null,
  author_id uuid not null,
  body text not null,
  mentions text not null,
  told text not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null
);
create index comments_task on comments (task_id, id);
create index comments_author on comments (author_id, id);
