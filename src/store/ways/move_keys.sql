insert or rollback into log_keys (stream, seq, number)
  select stream, seq, number from log_keys_new order by stream, seq;
delete from log_keys_new;
insert or rollback into notification_keys (user_id, id, number)
  select user_id, id, number from notification_keys_new order by user_id, id;
delete from notification_keys_new;
insert or rollback into task_keys (workspace_id, created_at, id, dated_by_id, number)
  select workspace_id, created_at, id, dated_by_id, number from task_keys_new order by workspace_id, created_at, id;
delete from task_keys_new
