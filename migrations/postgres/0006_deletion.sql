-- When an account was deleted. Its row stays, because tasks and logs name the user by its id; it has no name, address or
-- password any more, and nobody finds it but by that id.
alter table users add column deleted_at bigint;
