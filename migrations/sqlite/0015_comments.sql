-- Comments on tasks. `mentions` and `told` are JSON lists of users: whom the comment mentions now, and who was told that it
-- mentions them, now or before. The author's index finds what a person wrote, for the export of their data.
create table comments (
  id blob primary key,
  workspace_id blob not null,
  task_id blob not null,
  author_id blob not null,
  body text not null,
  mentions text not null,
  told text not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;
create index comments_task on comments (task_id, id);
create index comments_author on comments (author_id, id);
