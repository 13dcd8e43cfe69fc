-- What a workspace's stream last told about each of its members, so that a snapshot shows what the events before it
-- told. A change of a profile reaches the workspaces in a job. Null in rows of an older version, which kept no copy.
alter table members add column username text;
alter table members add column name text;
alter table members add column photo_url text;
update members set
  username = (select u.username from users u where u.id = members.user_id),
  name = (select u.name from users u where u.id = members.user_id),
  photo_url = (select u.photo_url from users u where u.id = members.user_id);
