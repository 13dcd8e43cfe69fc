-- What is still to be forgotten of tasks that were purged when much had been told about them: a stream's entries about the
-- task up to this seq, and in a user's stream the notifications about it too. Readers see nothing of it; a job removes it.
create table purges (
  task_id blob not null,
  stream blob not null,
  seq integer not null,
  primary key (task_id, stream)
) strict, without rowid;
-- with the user, so that a step finds one user's among very many
drop index notifications_task;
create index notifications_task on notifications (task_id, user_id) where task_id is not null;
-- Deleted tasks by age: those that were deleted long ago are purged.
create index tasks_deleted_at on tasks (deleted_at, id) where deleted_at is not null;
