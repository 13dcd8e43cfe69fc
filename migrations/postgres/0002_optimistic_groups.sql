-- Ends a statement whose group relied on counters that somebody else has advanced. Nothing of it stays, and the group runs
-- again with locks: a serialization failure.
create function taskwire_refuse() returns void language plpgsql as $$
begin
  raise exception 'another writer advanced a stream of this group first; it runs again with locks' using errcode = '40001';
end
$$;
