-- Search: the words of comments are indexed too, and each indexed word begins with the tag of its workspace, so all words
-- are indexed again, by a job. Until it has done so, texts that changed before the upgrade are found in steps, new ones first.
insert into task_search_due (number) select number from tasks
where number > coalesce((select max(id) from task_search_docsize), 0)
  and number not in (select number from task_search_due);
drop table task_search;
create virtual table task_search using fts5 (
  title, description, tags,
  content = '', contentless_delete = 1, tokenize = 'ascii'
);

-- number: the full-text index knows a comment by it.
create table comment_numbers (number integer primary key, id blob not null unique) strict;
insert into comment_numbers (id) select id from comments order by id;
create virtual table comment_search using fts5 (body, content = '', contentless_delete = 1, tokenize = 'ascii');
-- Like task_search_due: comments whose words are to be indexed anew. New ones have a number beyond the highest in the index.
create table comment_search_due (number integer primary key) strict;
create trigger comment_search_insert after insert on comments begin
  insert into comment_numbers (id) values (new.id);
end;
create trigger comment_search_update after update of body on comments when new.body is not old.body begin
  insert into comment_search_due (number) select n.number from comment_numbers n
  where n.id = new.id and not exists (select 1 from comment_search_due where number = n.number);
end;
create trigger comment_search_delete after delete on comments begin
  insert into comment_search_due (number) select n.number from comment_numbers n
  where n.id = old.id and not exists (select 1 from comment_search_due where number = n.number);
  delete from comment_numbers where id = old.id;
end;

-- What an older version wrote. Rows up to the number `top` are not new, and those up to `below` wait to be indexed: the
-- newest are indexed first.
create table search_backlog (what text primary key, top integer not null, below integer not null) strict;
insert into search_backlog (what, top, below)
select 'tasks', number, number from (select max(number) as number from tasks) where number is not null
union all
select 'comments', number, number from (select max(number) as number from comment_numbers) where number is not null;

insert into jobs (kind, key, payload, due_at, attempts, revision)
select 'words', '', 'null', cast(unixepoch('subsec') * 1000 as integer), 0, 0
where exists (select 1 from search_backlog)
on conflict (kind, key) do update set due_at = excluded.due_at, attempts = 0, dead_at = null, revision = jobs.revision + 1;
