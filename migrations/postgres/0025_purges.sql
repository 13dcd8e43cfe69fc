-- What is still to be forgotten of tasks that were purged when much had been told about them: a stream's entries about the
-- task up to this seq, and in a user's stream the notifications about it too. Readers see nothing of it; a job removes it.
create table purges (
  task_id uuid not null,
  stream uuid not null,
  seq bigint not null,
  primary key (task_id, stream)
);
-- Deleted tasks by age: those that were deleted long ago are purged.
create index tasks_deleted_at on tasks (deleted_at, id) where deleted_at is not null;
-- With the user, so that a step finds one user's among very many. The old index goes last: nobody can read notifications from
-- then until the migration ends.
create index notifications_told on notifications (task_id, user_id) where task_id is not null;
drop index notifications_task;
alter index notifications_told rename to notifications_task;
