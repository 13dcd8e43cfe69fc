//! The integration tests, through real sockets and real processes; one module a topic.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "a test binary exports nothing; support serves every module"
)]

mod access; // what users receive while their access changes
mod accounts; // signing up, in and out
mod administration; // instances, sockets, kicks, operators
mod api_tokens; // tokens of programs
mod at_once; // one code that a hundred use at once
mod attachments; // files at tasks
mod audit_lines; // the log of what is done to accounts
mod batches; // several mutations in one request
mod blockers; // tasks that wait for others, and which are ready
mod board; // the page that the node serves, and its files
mod calendars; // the calendar feed of a person
mod clocks; // a clock that was set back
mod closing; // every close code
mod command_line; // `tw`, about one's own account
mod comments; // comments on tasks, mentions
mod contention; // many people in shared workspaces on several instances
mod contract; // the schema, and what it refuses
mod convergence; // clients that come and go agree at the end
mod crash; // kill -9 in the middle of writes
mod crowd; // a thousand people who sign in at once
mod defence; // limits, locks, known devices
mod deletion; // the end of an account, and what is left of it
mod demo; // the month of a team that is made up
mod deploy; // the image, the compose file, nginx
mod device_sign_in; // a program that signs in with a code
mod doctor; // what `taskwire doctor` finds
mod documents; // the links of the README and other pages
mod draining; // a node that stops, a node that is full
mod enumeration; // what strangers learn of who has an account
mod environments; // settings as deployments give them
mod errors; // every error code
mod events; // server-sent events: the same as on a socket, from the welcome to the close
mod exactly_once; // op_id
mod exports; // the archive of an account's own data
mod failpoints; // a normal build has none
mod first_admin; // the link that makes the first administrator
mod fitness; // databases that cannot be used
mod hardening; // what protects a node without its operator's doing
#[path = "../hostile/mod.rs"]
mod hostile; // attacks, while somebody else works
mod imports; // files of other programs that become tasks
mod instances; // several instances, with Redis and without
mod invites; // invitations, by address and by link
mod jobs; // background work: once, on one instance, again after a failure
mod journey; // the first steps of a new user
mod large_input; // what is as large as it may be costs little
mod lifetimes; // how long codes and tokens are good, whatever the clock does
mod limits; // the numbers of single limits, and how locks end
mod list_index; // lists of large workspaces, beside lists from rows
mod loads; // what mutations make the writer read
mod mail; // mails on their way
mod meter; // what operations cost, whatever the way in
mod notifications; // notifications
mod operating; // what an operator sees: the log, outages, metrics
mod optimism; // groups that lock nothing, and what proves them wrong
mod permissions; // every operation by every role
mod photos; // the photos of accounts: uploads, who sees them, where they are stored
mod plans; // the main lists neither scan nor sort whole tables
mod postgres; // PostgreSQL restarts, dies, loses answers, has leaked transactions
mod presence; // who is present, who is typing
mod profiles;
mod projects; // what users change about themselves, and how their workspaces show it
mod purges; // what is forgotten of a purged task, and which tasks are purged for their age
mod readers; // who reads while others read much, and what ends a query
mod readmes; // every command of every README
mod recurrences; // tasks that repeat
mod refresh; // the family of refresh tokens of a session
mod reminders; // who is told when the time of a task comes
mod restarts; // two instances restarted one right after the other behind nginx
mod retention; // what is kept, and for how long
mod rolling; // instances restarted one after the other behind nginx
mod rotation; // a secret that is replaced by another
mod rpc; // the operations without a socket
mod same_moment; // what people do to the same things at the same moment
mod search; // tasks and comments by their words
mod sessions; // what ends with a session, and how it ends
mod shares; // what a few take is not taken from everybody else
mod signing_out; // one session, all of them, another password; the list of sessions
mod silent_links; // connections to PostgreSQL that die without a word
mod snapshots;
mod stages; // the stages of a workspace, and where its tasks are
mod statistics; // how many tasks there are, by day and by kind; the signal that it changed
mod storage; // a database that is full, in use, newer, or away for a moment
mod strangers; // who hold connections, sockets and memory, and keep nobody out
mod streams; // snapshots, events, the log read back
mod structure; // the imports run one way
mod subtasks; // what becomes of subtasks when a task is completed, deleted, restored or moved
mod support; // servers, databases, clients
mod survivors; // what ends with a password, a session, an account
mod tags; // tags as entities, on the tasks that carry them
mod task_lists; // filters, orders, pages, search
mod task_places; // moves, parents, assignees
mod tasks; // what the operations on tasks do
mod text; // every script: search, order, names, addresses, passwords
mod token_corpus; // access tokens that somebody made up
mod traces; // what a log line says of its request, socket or job
mod upgrade; // a database that an older version wrote
mod users; // what administrators do to accounts, and plans
mod validation; // every bound, every wrong value
mod verification; // addresses, passwords and what mails prove of them
mod web; // HTTP beside the socket
mod workspace_ends; // leaving, handing over, deleting a workspace
mod workspace_exports; // a workspace as a file
mod workspaces; // workspaces and members
mod writer; // chores and searches beside writes, a writer that hangs or fails
