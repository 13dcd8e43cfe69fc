// The Socket.IO peer: sign in by JWT in the handshake, durable task.create with a notification, pushes to rooms over
// the Redis adapter. It does only the part of Taskwire's job that the comparison needs: no log, no resume, no order
// over connections, no exactly-once. Started by `loadtest/peers/peer socketio`, which sets the environment.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import jwt from "jsonwebtoken";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";

const { PEERS_SECRET, PEERS_PORT, DATABASE_URL, REDIS_URL } = process.env;

const SCHEMA = `
create table if not exists tasks (
  id uuid primary key, workspace_id uuid not null, title text not null, description text, completed boolean not null,
  priority text not null, tags jsonb not null, version bigint not null, created_by uuid not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create index if not exists tasks_created on tasks (workspace_id, created_at, id);
create table if not exists notifications (
  user_id uuid not null, id uuid not null, type text not null, title text not null, message text not null,
  is_read boolean not null, task_id uuid not null, workspace_id uuid not null, created_at timestamptz not null,
  primary key (user_id, id)
);`;

// One statement, so one transaction and one round trip; its name makes pg prepare it once a connection.
const CREATE = {
  name: "create",
  text: `with task as (
  insert into tasks values ($1, $2, $3, $4, false, $5, $6, 1, $7, $8, $8) returning id
)
insert into notifications
select $7, $9, 'TASK_CREATED', 'Task created', $10, false, task.id, $2, $8 from task`,
};

const PRIORITIES = new Set(["none", "low", "medium", "high", "urgent"]);

const pool = new pg.Pool({ connectionString: DATABASE_URL, min: 16, max: 16, idleTimeoutMillis: 0 });
await pool.query(SCHEMA);
const publisher = createClient({ url: REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  serveClient: false,
  perMessageDeflate: false,
  httpCompression: false,
  maxHttpBufferSize: 65536,
  connectTimeout: 10000,
});

// This program never reads a session's first HTTP request again, so the request need not stay in memory.
io.engine.on("connection", (socket) => {
  socket.request = null;
});

io.use((socket, next) => {
  try {
    socket.data.user = jwt.verify(socket.handshake.auth.token, PEERS_SECRET, { algorithms: ["HS256"] });
    next();
  } catch {
    next(new Error("INVALID_TOKEN"));
  }
});

io.on("connection", (socket) => {
  const { user } = socket.data;
  if ((socket.handshake.auth.streams ?? "all") === "all") {
    socket.join([`user:${user.sub}`, ...[user.sub, ...user.workspaces].map((id) => `workspace:${id}`)]);
  }
  socket.on("task.create", async (request, answer) => {
    try {
      const { task, event } = await create(user, request);
      answer({ type: "ok", data: task });
      io.to(event.stream).emit("event", event);
    } catch (error) {
      answer({ type: "error", error: { message: error.message } });
    }
  });
});

/** Throws unless the condition holds for a parameter of task.create. */
function check(condition, message) {
  if (!condition) throw new Error(message);
}

/** Stores a task and its notification; both are durable when it resolves. */
async function create(user, { op_id, data }) {
  const { workspace_id = user.sub, title, description = null, priority = "none", tags = [] } = data;
  const text = typeof title === "string" ? title.trim() : "";
  check(text.length >= 1 && text.length <= 200, "title must be 1 to 200 characters");
  check(description === null || description.length <= 1000, "description must be at most 1000 characters");
  check(PRIORITIES.has(priority), "unknown priority");
  check(Array.isArray(tags) && tags.length <= 20, "at most 20 tags");
  check(workspace_id === user.sub || user.workspaces.includes(workspace_id), "not a member");
  const id = randomUUID();
  const at = new Date().toISOString();
  const message = `${user.name} created “${text}”`;
  const values = [id, workspace_id, text, description, priority, JSON.stringify(tags), user.sub, at, randomUUID(), message];
  await pool.query({ ...CREATE, values });
  const task = {
    id, workspace_id, project_id: null, parent_id: null, title: text, description, completed: false,
    completed_at: null, priority, due_at: null, all_day: false, remind_at: null, recurrence: null,
    position: id.slice(0, 21), tags, assignee_ids: [], comment_count: 0, attachment_count: 0, is_deleted: false,
    deleted_at: null, version: 1, created_by: user.sub, created_at: at, updated_at: at,
  };
  const event = {
    type: "event", stream: `workspace:${workspace_id}`, seq: 1, event: "task.created", at,
    actor: { id: user.sub, name: user.name }, op_id, data: task,
  };
  return { task, event };
}

process.on("SIGTERM", () => process.exit(0));
http.listen(Number(PEERS_PORT), "127.0.0.1", 4096);
