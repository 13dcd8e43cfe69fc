-- What was mailed to prove that an address is its owner's: at most one code of each purpose for an account. The code itself
-- is not here: the server makes it of the id and its secret.
create table codes (
  user_id blob not null,
  purpose integer not null, -- 1 verify the address, 2 reset the password, 3 change the address
  id blob not null unique,
  email text not null,
  email_key text not null,
  tries integer not null, -- wrong ones
  expires_at integer not null,
  ended_at integer, -- when it was used or became void
  primary key (user_id, purpose)
) strict, without rowid;
create index codes_email on codes (email_key, id);
create index codes_expiry on codes (expires_at);
