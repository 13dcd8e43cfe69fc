-- Refresh tokens of one session are a family: each is replaced at its use. The session knows the newest one and the one
-- before it: a client whose answer was lost repeats that one for a short time, and gets the same successor. Older tokens
-- are recognised by their tag, and end the session.
alter table sessions
  -- the hash of the token before the newest one, and when it was replaced
  add column parent_hash text,
  add column rotated_at bigint,
  -- the newest token, sealed under a key that only the holder of the one before it can derive
  add column successor text,
  -- when the session ends, however much it is used; null in rows of older versions: counted from created_at
  add column ends_at bigint;

-- What retention clears.
create index sessions_sealed on sessions (rotated_at) where successor is not null;
