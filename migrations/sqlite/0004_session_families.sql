-- Refresh tokens of one session are a family: each is replaced at its use. The session knows the newest one and the one
-- before it: a client whose answer was lost repeats that one for a short time, and gets the same successor. Older tokens
-- are recognised by their tag, and end the session.

-- The hash of the token before the newest one, and when it was replaced.
alter table sessions add column parent_hash text;
alter table sessions add column rotated_at integer;
-- The newest token, sealed under a key that only the holder of the one before it can derive.
alter table sessions add column successor text;
-- When the session ends, however much it is used; null in rows of older versions: counted from created_at.
alter table sessions add column ends_at integer;

-- What retention clears.
create index sessions_sealed on sessions (rotated_at) where successor is not null;
