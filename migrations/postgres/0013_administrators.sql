-- Who administers the server is asked before an administrator goes, under the writer's lock: without a look at every account.
create index users_administrators on users (id) where role = 1 and is_active = true;
