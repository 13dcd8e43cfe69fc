"""The FastAPI peer: sign in by JWT on a WebSocket, durable task.create with a notification, pushes by Redis pub/sub.

It does only the part of Taskwire's job that the comparison needs: no log, no resume, no order over connections, no
exactly-once. Started by `loadtest/peers/peer fastapi`, which sets the environment.
"""

import asyncio
import os
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import jwt
import orjson
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis import asyncio as aioredis

SECRET = os.environ["PEERS_SECRET"]
AUTH_SECONDS = 10

SCHEMA = """
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
);
"""

# One statement, so one transaction and one round trip; asyncpg prepares it once a connection.
CREATE = """
with task as (
  insert into tasks values ($1, $2, $3, $4, false, $5, $6, 1, $7, $8, $8) returning id
)
insert into notifications
select $7, $9, 'TASK_CREATED', 'Task created', $10, false, task.id, $2, $8 from task
"""


class TaskCreate(BaseModel):
    """The parameters of task.create."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    workspace_id: uuid.UUID | None = None
    title: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=1000)
    priority: str = Field(default="none", pattern="^(none|low|medium|high|urgent)$")
    tags: list[str] = Field(default_factory=list, max_length=20)


class Connections:
    """The sockets of this process, by the channel that they watch. Passes the messages of Redis on to them."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self.redis = redis
        self.pubsub = redis.pubsub(ignore_subscribe_messages=True)
        self.watchers: dict[str, set[WebSocket]] = {}

    async def watch(self, socket: WebSocket, channels: list[str]) -> None:
        for channel in channels:
            watchers = self.watchers.setdefault(channel, set())
            watchers.add(socket)
            if len(watchers) == 1:
                await self.pubsub.subscribe(channel)

    async def leave(self, socket: WebSocket, channels: list[str]) -> None:
        for channel in channels:
            watchers = self.watchers.get(channel, set())
            watchers.discard(socket)
            if not watchers and self.watchers.pop(channel, None) is not None:
                await self.pubsub.unsubscribe(channel)

    async def listen(self) -> None:
        # A permanent subscription, because the loop ends when there is none.
        await self.pubsub.subscribe("all")
        async for message in self.pubsub.listen():
            watchers = self.watchers.get(message["channel"].decode(), ())
            if watchers:
                text = message["data"].decode()
                # One after the other, as the documentation's manager does. This costs less than a task for each send.
                for socket in tuple(watchers):
                    await send(socket, text)


async def send(socket: WebSocket, text: str) -> None:
    """Sends to one watcher. A watcher that is gone must not prevent the sends to the others."""
    try:
        await socket.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        pass  # its own handler notices this too, and removes it from the lists


async def keep(connection: asyncpg.Connection) -> None:
    """Does nothing: no query leaves state on a connection, so the pool saves the round trip of a reset."""


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=16, max_size=16, reset=keep)
    await app.state.pool.execute(SCHEMA)
    redis = aioredis.from_url(os.environ["REDIS_URL"])
    app.state.connections = Connections(redis)
    listening = asyncio.create_task(app.state.connections.listen())
    yield
    listening.cancel()
    await redis.aclose()
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


@app.websocket("/socket")
async def socket(ws: WebSocket) -> None:
    await ws.accept()
    connections: Connections = app.state.connections
    channels: list[str] = []
    try:
        user, everything = await authenticate(ws)
        if everything:
            channels = [f"user:{user['sub']}", *(f"workspace:{id}" for id in [user["sub"], *user["workspaces"]])]
            await connections.watch(ws, channels)
        await ws.send_text('{"type":"welcome","id":1,"data":{}}')
        async for text in ws.iter_text():
            await answer(ws, user, orjson.loads(text))
    except (jwt.InvalidTokenError, TimeoutError, orjson.JSONDecodeError, KeyError):
        await ws.close(4401)
    except (WebSocketDisconnect, RuntimeError):
        pass  # the client disconnected in the middle of a send
    finally:
        await connections.leave(ws, channels)


async def authenticate(ws: WebSocket) -> tuple[dict, bool]:
    """Reads the token from the first frame."""
    frame = orjson.loads(await asyncio.wait_for(ws.receive_text(), AUTH_SECONDS))
    user = jwt.decode(frame["data"]["token"], SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    return user, frame["data"].get("streams", "all") == "all"


async def answer(ws: WebSocket, user: dict, frame: dict) -> None:
    try:
        if frame["type"] != "task.create":
            raise PermissionError("unknown type")
        task, event = await create(user, TaskCreate.model_validate(frame["data"]), frame.get("op_id"))
    except (ValidationError, PermissionError) as error:
        reply = {"type": "error", "id": frame.get("id"), "error": {"message": str(error)}}
        await ws.send_text(orjson.dumps(reply).decode())
        return
    await ws.send_text(orjson.dumps({"type": "ok", "id": frame.get("id"), "data": task}).decode())
    await app.state.connections.redis.publish(event["stream"], orjson.dumps(event))


async def create(user: dict, wanted: TaskCreate, op_id: str | None) -> tuple[dict, dict]:
    """Stores a task and its notification; both are durable when it returns."""
    own = str(user["sub"])
    workspace = str(wanted.workspace_id or own)
    if workspace != own and workspace not in user["workspaces"]:
        raise PermissionError("not a member")
    id, now = uuid.uuid4(), datetime.now(UTC)
    await app.state.pool.execute(
        CREATE,
        id,
        uuid.UUID(workspace),
        wanted.title,
        wanted.description,
        wanted.priority,
        orjson.dumps(wanted.tags).decode(),
        uuid.UUID(own),
        now,
        uuid.uuid4(),
        f"{user['name']} created “{wanted.title}”",
    )
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    task = {
        "id": str(id), "workspace_id": workspace, "project_id": None, "parent_id": None, "title": wanted.title,
        "description": wanted.description, "completed": False, "completed_at": None, "priority": wanted.priority,
        "due_at": None, "all_day": False, "remind_at": None, "recurrence": None, "position": id.hex[:21],
        "tags": wanted.tags, "assignee_ids": [], "comment_count": 0, "attachment_count": 0, "is_deleted": False,
        "deleted_at": None, "version": 1, "created_by": own, "created_at": at, "updated_at": at,
    }  # fmt: skip
    event = {
        "type": "event", "stream": f"workspace:{workspace}", "seq": 1, "event": "task.created", "at": at,
        "actor": {"id": own, "name": user["name"]}, "op_id": op_id, "data": task,
    }  # fmt: skip
    return task, event
