// The Taskwire wire contract. Made by `cargo run -p taskwire-protocol --bin generate`; edit the Rust types instead.
// Ignore fields, events and signals that are not listed here: a newer server may send them.

/** The version of the contract, announced in `welcome`. */
export const PROTOCOL = 1;

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "taskwire.v1";

/** The fixed bounds; those of a socket are announced in `welcome`. */
export const LIMITS = {
  /** A task's title: 1 to this many characters. */
  title: 200,
  /** Characters of a task's description. */
  description: 1000,
  /** Tags of one task. */
  tags: 20,
  /** A tag's name: 1 to this many characters. */
  tag: 50,
  /** Assignees of one task. */
  assignees: 50,
  /** Characters of a recurrence rule (RFC 5545, section 3.3.10). */
  recurrence: 500,
  /** Characters of a search text. */
  search: 200,
  /** A workspace's name: 1 to this many characters. */
  workspace_name: 100,
  /** Characters of a person's name, at least. */
  name_min: 2,
  /** Characters of a person's name, at most. */
  name: 100,
  /** Characters of a username, at least. */
  username_min: 3,
  /** Characters of a username, at most. */
  username: 32,
  /** Characters of an e-mail address (RFC 5321, section 4.5.3.1.3). */
  email: 254,
  /** Characters of a password, at least. */
  password_min: 8,
  /** Characters of a password, at most. */
  password: 128,
  /** Characters of the name that a device gives itself. */
  device_name: 100,
  /** Characters of a request's `id` when it is a string. */
  request_id: 64,
  /** The largest whole number that every JSON reader keeps exact (RFC 8259, section 6). */
  integer: 9007199254740991,
  /** Items of one page, at most. */
  page: 100,
  /** Items of one page when the request does not say. */
  page_default: 50,
  /** Events of one page of `stream.history`, at most. */
  history: 500,
  /** Events of one page of `stream.history` when the request does not say. */
  history_default: 100,
  /** Operations of one `batch`, and frames of one `/v1/rpc` array. */
  batch: 100,
  /** Ids of one `notification.delete_many`. */
  delete_many: 100,
  /** Levels of JSON nesting in a frame. */
  depth: 32,
  /** Notifications in `user.sync`. */
  sync_notifications: 100,
  /** Who is there in one answer of `presence.list`, at most. */
  presences: 1000,
  /** Tasks that one cascade changes with an event each; beyond it a single `stream.reset` stands for all. */
  cascade: 1000,
} as const;

/** Why a socket was closed, and what a client does then. */
export const CLOSE_CODES = {
  /** Normal. */
  1000: { name: "Normal", then: "as_you_like" },
  /** Going away. */
  1001: { name: "GoingAway", then: "as_you_like" },
  /** Broken WebSocket protocol: reserved bits or opcodes, an unmasked frame. */
  1002: { name: "Protocol", then: "stop" },
  /** A binary frame. */
  1003: { name: "Unsupported", then: "stop" },
  /** Invalid UTF-8. */
  1007: { name: "InvalidText", then: "stop" },
  /** A frame of more than four times the limit. */
  1009: { name: "TooBig", then: "stop" },
  /** The server restarts; `server.goodbye` gave a delay. */
  1012: { name: "Restart", then: "after_goodbye" },
  /** Overloaded, or too many sockets are being admitted. */
  1013: { name: "TryAgain", then: "backoff" },
  /** Ten frames that were no requests. */
  4400: { name: "BadFrames", then: "stop" },
  /** Not, or no longer, authenticated. */
  4401: { name: "Unauthenticated", then: "token" },
  /** The session was revoked or kicked. */
  4403: { name: "Revoked", then: "ask_the_person" },
  /** Nothing moved on the socket: dead or no progress. */
  4408: { name: "Dead", then: "resume" },
  /** The rate limit was ignored, or one user has too many sockets. */
  4429: { name: "RateIgnored", then: "ten_seconds" },
} as const;

/** What went wrong, as a closed set. */
export type ErrorCode =
  /** Not JSON, not an object, no string `type`, or nested too deep. */
  | "BAD_FRAME"
  /** No operation has this `type`. */
  | "UNKNOWN_TYPE"
  /** The socket or request is not authenticated. */
  | "AUTH_REQUIRED"
  /** The token is not one of ours, or is of the wrong kind. */
  | "INVALID_TOKEN"
  /** The token was valid once. */
  | "TOKEN_EXPIRED"
  /** The token's session has ended. */
  | "TOKEN_REVOKED"
  /** E-mail and password do not match an account. */
  | "INVALID_CREDENTIALS"
  /** The caller's role is too low. */
  | "FORBIDDEN"
  /** The plan does not allow more. */
  | "PLAN_LIMIT"
  /** The address has to be verified first. */
  | "EMAIL_NOT_VERIFIED"
  /** The account is deactivated. */
  | "ACCOUNT_INACTIVE"
  /** It does not exist, or the caller may not know that it does. */
  | "NOT_FOUND"
  /** The path has no such method. */
  | "METHOD_NOT_ALLOWED"
  /** The state does not allow it, or somebody took it first. */
  | "CONFLICT"
  /** `if_version` is stale; `context.current` has the entity. */
  | "VERSION_CONFLICT"
  /** The task is not deleted. */
  | "NOT_DELETED"
  /** More bytes than allowed. */
  | "PAYLOAD_TOO_LARGE"
  /** The media type is not supported. */
  | "UNSUPPORTED_MEDIA"
  /** A value is missing or wrong; `field` names it. */
  | "VALIDATION_ERROR"
  /** Too many failed sign-ins. */
  | "ACCOUNT_LOCKED"
  /** Too many requests. */
  | "RATE_LIMITED"
  /** A fault of the server; the log has it under `request_id`. */
  | "INTERNAL_ERROR"
  /** The database or the server is not available just now. */
  | "UNAVAILABLE"
  /** It took too long. */
  | "TIMEOUT"
  /** The disk is full. */
  | "STORAGE_FULL";

/** The status of each code over HTTP, and whether trying again makes sense. */
export const ERRORS: Record<ErrorCode, { http: number; retry: "no" | "yes" | "after" }> = {
  BAD_FRAME: { http: 400, retry: "no" },
  UNKNOWN_TYPE: { http: 400, retry: "no" },
  AUTH_REQUIRED: { http: 401, retry: "no" },
  INVALID_TOKEN: { http: 401, retry: "no" },
  TOKEN_EXPIRED: { http: 401, retry: "no" },
  TOKEN_REVOKED: { http: 401, retry: "no" },
  INVALID_CREDENTIALS: { http: 401, retry: "no" },
  FORBIDDEN: { http: 403, retry: "no" },
  PLAN_LIMIT: { http: 403, retry: "no" },
  EMAIL_NOT_VERIFIED: { http: 403, retry: "no" },
  ACCOUNT_INACTIVE: { http: 403, retry: "no" },
  NOT_FOUND: { http: 404, retry: "no" },
  METHOD_NOT_ALLOWED: { http: 405, retry: "no" },
  CONFLICT: { http: 409, retry: "no" },
  VERSION_CONFLICT: { http: 409, retry: "no" },
  NOT_DELETED: { http: 409, retry: "no" },
  PAYLOAD_TOO_LARGE: { http: 413, retry: "no" },
  UNSUPPORTED_MEDIA: { http: 415, retry: "no" },
  VALIDATION_ERROR: { http: 422, retry: "no" },
  ACCOUNT_LOCKED: { http: 423, retry: "after" },
  RATE_LIMITED: { http: 429, retry: "after" },
  INTERNAL_ERROR: { http: 500, retry: "yes" },
  UNAVAILABLE: { http: 503, retry: "yes" },
  TIMEOUT: { http: 503, retry: "yes" },
  STORAGE_FULL: { http: 507, retry: "yes" },
};

/** The payload of `access.changed`. */
export interface AccessChanged {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The role now. */
  role: Role;
}

/** The payload of `access.granted`: the user's socket follows the workspace from the event after `seq`. */
export interface AccessGranted {
  /** The workspace. */
  workspace: Workspace;
  /** The role in it. */
  role: Role;
  /** The head of the workspace's stream at that moment. */
  seq: number;
}

/** The payload of `access.lost`. */
export interface AccessLost {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** Why access ended. */
  reason: AccessLostReason;
}

/** Why access ended. */
export type AccessLostReason =
  /** Somebody removed the member. */
  | "removed"
  /** The member left. */
  | "left"
  /** The workspace was deleted. */
  | "deleted";

/** Who caused an event: a user, the server itself, or an operator on the command line. */
export type Actor = {
  kind: "user";
  /** The account. */
  id: UserId;
  /** The display name at that time. */
  name: string;
  /** The name of the API token, when the user acted through one. */
  token?: string;
} | {
  kind: "server";
} | {
  kind: "operator";
};

/** Parameters of `member.add`: exactly one of `username` and `email`. */
export interface AddMember {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** Their role from now on; at most the caller's own role. */
  role: Role;
  /** The person, by e-mail address. */
  email?: string | null;
  /** The person, by username. */
  username?: string | null;
}

/** The payload of `notification.all_read`. */
export interface AllRead {
  /** Every notification created up to this moment is read now. */
  up_to: Timestamp;
  /** How many were unread. */
  updated: number;
  /** How many are unread now. */
  unread: number;
}

/** The word `all`. */
export type AllStreams =
  /** The user's own and every workspace they belong to or will. */
  | "all";

/** Parameters of `task.assign`. */
export interface AssignTask {
  /** The task. */
  id: TaskId;
  /** Members of the workspace. */
  add?: UserId[] | null;
  /** Those who no longer do it. */
  remove?: UserId[] | null;
}

/** Parameters of `auth`. */
export interface Authenticate {
  /** The access token. */
  token: string;
  /** What the program says about itself. */
  client?: ClientInfo | null;
  /** Where to go on after a lost connection. */
  resume?: Resume | null;
  /** Which streams to follow; `"all"` when omitted. */
  streams?: Streams | null;
}

/** Parameters of `batch`. */
export interface Batch {
  /** Up to 100 mutations, done in this order. */
  ops: BatchOp[];
  /** All or none; true when omitted. */
  atomic?: boolean | null;
}

/** One mutation of a batch. */
export interface BatchOp {
  /** The operation's wire name. */
  type: string;
  /** Its parameters; may be left out when none is needed. */
  data?: Record<string, unknown> | null;
  /** Makes this one exactly-once; with `atomic: false` only. */
  op_id?: OpId | null;
}

/** What became of one mutation. */
export type BatchResult = {
  /** What it answers on its own. */
  data: Record<string, unknown>;
  /** The last `seq` that it produced in each stream. */
  at: Record<string, number>;
  /** It was done before: this is the first answer again. */
  replayed?: boolean;
} | {
  /** Why. */
  error: Failure;
};

/** What `batch` answers. */
export interface BatchResults {
  /** One for each mutation, in order. */
  results: BatchResult[];
}

/** What a program says about itself. */
export interface ClientInfo {
  /** Like `tw`. */
  name: string;
  /** Like `0.1.0`. */
  version?: string | null;
}

/** Parameters of `task.complete`. */
export interface CompleteTask {
  /** The task. */
  id: TaskId;
  /** Omitted: the opposite of what it is. */
  completed?: boolean | null;
}

/** A socket of somebody who is signed in. */
export interface Connection {
  /** The session that it speaks for. */
  session_id: SessionId;
  /** Whose it is. */
  user: PublicUser;
  /** What the program said about itself in `auth`, like `tw/0.1.0`. */
  client: string | null;
  /** The address that it comes from. */
  address: string | null;
  /** When it was authenticated. */
  connected_at: Timestamp;
  /** The instance that it is connected to. */
  instance: InstanceName;
}

/** A page of sockets. */
export interface ConnectionPage {
  /** The sockets, instance by instance. */
  items: Connection[];
  /** Pass it as `cursor` for the next page; `null` at the end. */
  next_cursor: string | null;
  /** The instances that did not answer within a second: their sockets are missing here. */
  unanswered: InstanceName[];
  /** How many there are in all on the instances that answered; on the first page only. */
  total?: number;
}

/** Parameters of `notification.unread_count`. */
export type CountUnread = Record<string, never>;

/** Parameters of `task.create`. */
export interface CreateTask {
  /** 1 to 200 characters. */
  title: string;
  /** `due_at` means a day. */
  all_day?: boolean | null;
  /** Members of the workspace. */
  assignee_ids?: UserId[] | null;
  /** Up to 1000 characters. */
  description?: string | null;
  /** When it is due. */
  due_at?: Timestamp | null;
  /** A UUIDv7 made by the client, so that it can show the task before the answer. */
  id?: TaskId | null;
  /** The task that it is a part of. */
  parent_id?: TaskId | null;
  /** `none` when omitted. */
  priority?: Priority | null;
  /** The project. */
  project_id?: ProjectId | null;
  /** How it repeats (RFC 5545, section 3.3.10). */
  recurrence?: string | null;
  /** When to remind. */
  remind_at?: Timestamp | null;
  /** Up to 20 names of up to 50 characters. */
  tags?: string[] | null;
  /** The personal one when omitted. */
  workspace_id?: WorkspaceId | null;
}

/** Parameters of `workspace.create`. */
export interface CreateWorkspace {
  /** 1 to 100 characters. */
  name: string;
}

/** Parameters of `notification.delete`. */
export interface DeleteNotification {
  /** The notification. */
  id: NotificationId;
}

/** Parameters of `notification.delete_many`. */
export interface DeleteNotifications {
  /** Up to 100; unknown ones are passed over. */
  ids: NotificationId[];
}

/** Parameters of `task.delete`. */
export interface DeleteTask {
  /** The task. */
  id: TaskId;
  /** For good: the log forgets its content too. */
  permanent?: boolean | null;
}

/** What `task.delete` answers: the deleted task, or what is left of a purged one. */
export type Deleted = Task | Purged;

/** What `notification.delete_many` answers. */
export interface DeletedNotifications {
  /** How many there were. */
  deleted: number;
}

/** Parameters of `protocol.describe`. */
export type Describe = Record<string, never>;

/** The word `all`. */
export type Everywhere =
  /** Everywhere the user is. */
  | "all";

/** An error as it travels. */
export interface Failure {
  /** What went wrong. */
  code: ErrorCode;
  /** For people; may change. */
  message: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** Milliseconds to wait before trying again. */
  retry_after_ms: number | null;
  /** Names this answer in the server's log. */
  request_id: string;
  /** More for programs, like the current entity of a `VERSION_CONFLICT`. */
  context?: unknown;
  /** The parameter at fault, like `title` or `ops[1].data.title`. */
  field?: string;
}

/** What is left of an entry whose task was purged. */
export interface Forgotten {
  /** The entity that the entry was about. */
  id: string;
  /** Always true. */
  purged: boolean;
}

/** Parameters of `notification.get`. */
export interface GetNotification {
  /** The notification. */
  id: NotificationId;
}

/** Parameters of `profile.get`. */
export type GetProfile = Record<string, never>;

/** Parameters of `task.get`. */
export interface GetTask {
  /** The task. */
  id: TaskId;
}

/** Parameters of `user.get`. */
export interface GetUser {
  /** Somebody who shares a workspace with the caller. */
  id: UserId;
}

/** Parameters of `workspace.get`. */
export interface GetWorkspace {
  /** The workspace. */
  workspace_id: WorkspaceId;
}

/** What somebody may do on the whole server. */
export type GlobalRole =
  /** Everybody. */
  | "user"
  /** May administer the server. */
  | "admin";

/** The payload of the signal `server.goodbye`. */
export interface Goodbye {
  /** Milliseconds to wait before reconnecting; different for each socket. */
  reconnect_after_ms: number;
}

/** A page of a log. */
export interface History {
  /** Event frames, oldest first, as they were sent. */
  events: EventFrame[];
  /** Whether there are more. */
  has_more: boolean;
}

/** A running server, of those that share a database. */
export interface Instance {
  /** Another one each time it starts. */
  id: InstanceId;
  /** The setting `instance`. */
  name: string;
  /** The version of the server. */
  version: string;
  /** When it started. */
  started_at: Timestamp;
  /** When it last said that it lives; some seconds ago at most. */
  seen_at: Timestamp;
  /** How many sockets it had then. */
  sockets: number;
  /** Whether it is the one that answers. */
  current: boolean;
}

/** An instance of the server, from its start to its end. */
export type InstanceId = string;

/** What `admin.instances` answers. */
export interface InstanceList {
  /** Those seen within the last minute, the oldest first. */
  items: Instance[];
}

/** An instance in few words. */
export interface InstanceName {
  /** The instance. */
  id: InstanceId;
  /** The setting `instance`. */
  name: string;
}

/** An invitation. */
export interface Invite {
  /** The invitation. */
  id: string;
  /** The workspace that it invites to. */
  workspace: WorkspaceName;
  /** The address of who is invited. */
  email: string;
  /** The role that it offers. */
  role: Role;
  /** Who invited. */
  invited_by: PublicUser;
  /** When it ends. */
  expires_at: Timestamp;
  /** When it was made. */
  created_at: Timestamp;
}

/** Parameters of `admin.kick`: one of the two. */
export interface Kick {
  /** The session whose sockets are closed. */
  session_id?: SessionId | null;
  /** Whose sockets are closed. */
  user_id?: UserId | null;
}

/** What a socket may ask for. */
export interface Limits {
  /** Bytes of a frame that the server reads. */
  frame_bytes: number;
  /** Requests under way; past it the server stops reading. */
  in_flight: number;
  /** Operations of a batch. */
  batch: number;
  /** Streams of a socket. */
  streams: number;
  /** Operations a second, in the long run. */
  ops_per_second: number;
  /** Operations at once, after a pause. */
  burst: number;
}

/** Parameters of `admin.connections`. */
export interface ListConnections {
  /** From the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Only the sockets of this person. */
  user_id?: UserId | null;
}

/** Parameters of `admin.instances`. */
export type ListInstances = Record<string, never>;

/** Parameters of `member.list`. */
export interface ListMembers {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** From the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `notification.list`. */
export interface ListNotifications {
  /** From the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Newest first when omitted. */
  sort?: NotificationSort | null;
  /** Only those not seen. */
  unread_only?: boolean | null;
}

/** Parameters of `presence.list`. */
export interface ListPresence {
  /** The workspace. */
  workspace_id: WorkspaceId;
}

/** Parameters of `task.list`. */
export interface ListTasks {
  /** Done by this person. */
  assignee_id?: UserId | null;
  /** From the page before. */
  cursor?: string | null;
  /** Created at or after. */
  date_from?: Timestamp | null;
  /** Created at or before. */
  date_to?: Timestamp | null;
  /** Due after. */
  due_after?: Timestamp | null;
  /** Due before. */
  due_before?: Timestamp | null;
  /** Deleted ones too. */
  include_deleted?: boolean | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Parts of this task. */
  parent_id?: TaskId | null;
  /** Of this priority. */
  priority?: Priority | null;
  /** In this project. */
  project_id?: ProjectId | null;
  /** Full-text search in title, description and tags; the last word may be a beginning. */
  q?: string | null;
  /** Newest first when omitted; best match first with `q`. */
  sort?: Sort | null;
  /** Pending and completed ones when omitted. */
  status?: Status | null;
  /** Bearing this tag. */
  tag?: string | null;
  /** The personal one when omitted. */
  workspace_id?: Where | null;
}

/** Parameters of `workspace.list`. */
export interface ListWorkspaces {
  /** From the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `auth.login`. */
export interface LogIn {
  /** The address of the account. */
  email: string;
  /** Its password. */
  password: string;
  /** What the device calls itself. */
  device_name?: string | null;
}

/** Parameters of `auth.logout`. */
export type LogOut = Record<string, never>;

/** Parameters of `notification.mark_all_read`. */
export type MarkAllRead = Record<string, never>;

/** Parameters of `notification.mark`. */
export interface MarkNotification {
  /** The notification. */
  id: NotificationId;
  /** Whether the user has seen it. */
  is_read: boolean;
}

/** What `notification.mark_all_read` answers. */
export interface MarkedAllRead {
  /** How many were unread. */
  updated: number;
}

/** Somebody in a workspace. */
export interface Member {
  /** The person. */
  user: PublicUser;
  /** Their role. */
  role: Role;
  /** When they joined. */
  joined_at: Timestamp;
  /** Grows with every change. */
  version: number;
}

/** A page of a list. */
export interface MemberPage {
  /** The items, in the order asked for; ties by id. */
  items: Member[];
  /** Pass it as `cursor` for the next page; `null` at the end. */
  next_cursor: string | null;
  /** How many there are in all; on the first page only. */
  total?: number;
}

/** The payload of `member.removed`. */
export interface MemberRemoved {
  /** The person. */
  user_id: UserId;
}

/** Parameters of `task.move`: at most one of `before` and `after`. */
export interface MoveTask {
  /** The task. */
  id: TaskId;
  /** Right after this task of the same workspace. */
  after?: TaskId | null;
  /** Right before this task of the same workspace. */
  before?: TaskId | null;
  /** Under this task, or to the top with `null`. */
  parent_id?: TaskId | null;
  /** Into this project, or out of any with `null`. */
  project_id?: ProjectId | null;
}

/** An answer with nothing to say. */
export type Nothing = object;

/** Something that concerns the user. */
export interface Notification {
  /** The notification. */
  id: NotificationId;
  /** What happened. */
  type: NotificationType;
  /** What happened, in few words; at most 200 characters. */
  title: string;
  /** What happened, in more words; at most 1000 characters. */
  message: string;
  /** Whether the user has seen it. */
  is_read: boolean;
  /** The task concerned. */
  task_id: TaskId | null;
  /** The workspace concerned. */
  workspace_id: WorkspaceId | null;
  /** Who did it. */
  actor: PublicUser | null;
  /** Grows with every change. */
  version: number;
  /** When it happened. */
  created_at: Timestamp;
}

/** The payload of `notification.created` and `.updated`. */
export interface NotificationChanged {
  /** The notification. */
  id: NotificationId;
  /** What happened. */
  type: NotificationType;
  /** What happened, in few words; at most 200 characters. */
  title: string;
  /** What happened, in more words; at most 1000 characters. */
  message: string;
  /** Whether the user has seen it. */
  is_read: boolean;
  /** The task concerned. */
  task_id: TaskId | null;
  /** The workspace concerned. */
  workspace_id: WorkspaceId | null;
  /** Who did it. */
  actor: PublicUser | null;
  /** Grows with every change. */
  version: number;
  /** When it happened. */
  created_at: Timestamp;
  /** How many are unread now. */
  unread: number;
}

/** The payload of `notification.deleted`. */
export interface NotificationDeleted {
  /** The notification. */
  id: NotificationId;
  /** How many are unread now. */
  unread: number;
}

/** A notification. */
export type NotificationId = string;

/** A page of notifications. */
export interface NotificationPage {
  /** The notifications. */
  items: Notification[];
  /** Pass it as `cursor` for the next page; `null` at the end. */
  next_cursor: string | null;
  /** How many are unread. */
  unread: number;
  /** How many there are in all; on the first page only. */
  total?: number;
}

/** The order of notifications. */
export type NotificationSort =
  /** Oldest first. */
  | "created_at"
  /** Newest first. */
  | "-created_at";

/** What happened. */
export type NotificationType =
  /** A task was made. */
  | "TASK_CREATED"
  /** A task was changed. */
  | "TASK_UPDATED"
  /** A task was deleted. */
  | "TASK_DELETED"
  /** A task was restored. */
  | "TASK_RESTORED"
  /** A task was completed. */
  | "TASK_COMPLETED"
  /** A task was reopened. */
  | "TASK_PENDING"
  /** A task was given to somebody. */
  | "TASK_ASSIGNED"
  /** The time to be reminded. */
  | "TASK_REMINDER"
  /** A task is due. */
  | "TASK_DUE"
  /** A task is overdue. */
  | "TASK_OVERDUE"
  /** A comment was added. */
  | "COMMENT_ADDED"
  /** Somebody was mentioned. */
  | "MENTION"
  /** Somebody was added to a workspace. */
  | "MEMBER_ADDED"
  /** Somebody was invited. */
  | "INVITE"
  /** A sign-in. */
  | "LOGIN"
  /** A sign-out. */
  | "LOGOUT"
  /** An account was made. */
  | "SIGNUP"
  /** The profile was changed. */
  | "PROFILE_UPDATED"
  /** The password was changed. */
  | "PASSWORD_CHANGED"
  /** Something about the account's security. */
  | "SECURITY";

/** Makes a mutation exactly-once: the client's name for one intent. */
export type OpId = string;

/** Parameters of `ping`: answered with a `pong` frame, at once. */
export type Ping = Record<string, never>;

/** What somebody pays for. */
export type Plan =
  /** Nothing. */
  | "free"
  /** Something. */
  | "pro";

/** Somebody who is in a workspace now: all their sockets there are one presence. */
export interface Presence {
  /** The person. */
  user: PublicUser;
  /** `online` when at least one of their sockets is. */
  state: PresenceState;
  /** The task that they look at, by the socket that set this state last. */
  task_id: TaskId | null;
  /** Since when they are in this state. */
  since: Timestamp;
}

/** The payload of the signal `presence.changed`. */
export interface PresenceChanged {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The person. */
  user: PublicUser;
  /** What they are now. */
  state: PresenceNow;
  /** The task that they look at. */
  task_id: TaskId | null;
  /** Since when they are in this state. */
  since: Timestamp;
}

/** What `presence.list` answers. */
export interface PresenceList {
  /** Who is there, by user id. */
  items: Presence[];
}

/** What became of somebody's presence. */
export type PresenceNow =
  /** There, and looking. */
  | "online"
  /** There, and doing something else. */
  | "away"
  /** Not there any more. */
  | "offline";

/** What a socket says of its user. */
export type PresenceState =
  /** There, and looking. */
  | "online"
  /** There, and doing something else. */
  | "away";

/** How pressing a task is. */
export type Priority =
  /** Not said. */
  | "none"
  /** When there is time. */
  | "low"
  /** As usual. */
  | "medium"
  /** Soon. */
  | "high"
  /** Now. */
  | "urgent";

/** A group of tasks in a workspace. */
export interface Project {
  /** The project. */
  id: ProjectId;
  /** Where it is. */
  workspace_id: WorkspaceId;
  /** Its name. */
  name: string;
  /** Its color as `#rrggbb`; `null` for none. */
  color: string | null;
  /** Where it stands among the others: compare as text. */
  position: string;
  /** Whether it is put away. */
  is_archived: boolean;
  /** Grows with every change. */
  version: number;
  /** When it was made. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** A project. */
export type ProjectId = string;

/** A person, as others see them. */
export interface PublicUser {
  /** The account. */
  id: UserId;
  /** Unique, ignoring case. */
  username: string;
  /** The display name. */
  name: string;
  /** Where the photo is, when there is one. */
  photo_url: string | null;
}

/** The payload of `task.purged`. */
export interface Purged {
  /** What was purged. */
  id: TaskId;
  /** Its last version. */
  version: number;
}

/** Parameters of `stream.history`. */
export interface ReadHistory {
  /** The stream. */
  stream: StreamId;
  /** Events after this `seq`; from the beginning when omitted. */
  after?: number | null;
  /** Events of a page; 100 when omitted. */
  limit?: number | null;
  /** Only those of this task. */
  task_id?: TaskId | null;
}

/** Why a position could not be resumed from. */
export type Reason =
  /** No position was given. */
  | "new"
  /** The log no longer holds it. */
  | "expired"
  /** It belongs to another epoch. */
  | "epoch"
  /** It is ahead of the head. */
  | "unknown"
  /** The caller may not read this stream. */
  | "no_access"
  /** The socket follows as many streams as it may. */
  | "limit";

/** Parameters of `member.remove`. */
export interface RemoveMember {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The person. */
  user_id: UserId;
}

/** Parameters of `auth.renew`. */
export interface RenewAuth {
  /** A fresh access token of the same user and session. */
  token: string;
}

/** What `auth.renew` answers. */
export interface Renewed {
  /** When the socket's authentication ends now. */
  expires_at: Timestamp;
}

/** Parameters of `task.replace`: all of them have to be there. */
export interface ReplaceTask {
  /** The task. */
  id: TaskId;
  /** 1 to 200 characters. */
  title: string;
  /** Up to 1000 characters; `null` for none. */
  description: string | null;
  /** Whether it is done. */
  completed: boolean;
  /** How pressing it is. */
  priority: Priority;
  /** When it is due; `null` for never. */
  due_at: Timestamp | null;
  /** Up to 20 names of up to 50 characters. */
  tags: string[];
}

/** Parameters of `presence.typing`. */
export interface ReportTyping {
  /** The task on which the user is typing. */
  task_id: TaskId;
}

/** A request's `id`, echoed in its answer. */
export type RequestId = number | string;

/** Parameters of `task.restore`. */
export interface RestoreTask {
  /** The task. */
  id: TaskId;
}

/** Where a client stands in each stream. */
export interface Resume {
  /** The `epoch` of the `welcome` in which the positions were valid. */
  epoch: string;
  /** The last `seq` applied of each stream, by its name. */
  positions?: Record<string, number> | null;
}

/** What a member may do; each role may what the one before it may. */
export type Role =
  /** Reads. */
  | "viewer"
  /** Works on tasks. */
  | "member"
  /** Manages members. */
  | "admin"
  /** Everything. */
  | "owner";

/** Who answers. */
export interface ServerInfo {
  /** `taskwire`. */
  name: string;
  /** The version of the server. */
  version: string;
  /** The instance that answers, of several. */
  instance: string;
  /** The server's time. */
  time: Timestamp;
}

/** One sign-in on one device. */
export interface Session {
  /** The session. */
  id: SessionId;
  /** What the device calls itself. */
  device_name: string | null;
  /** The program, like `tw/0.1.0`. */
  client: string | null;
  /** The address it signed in from. */
  address: string | null;
  /** When it signed in. */
  created_at: Timestamp;
  /** When it last got a token. */
  last_seen_at: Timestamp;
  /** Whether it is the one that asks. */
  current: boolean;
}

/** The payload of the signal `session.expiring`. */
export interface SessionExpiring {
  /** When the access token ends. */
  expires_at: Timestamp;
}

/** A session: one sign-in on one device. */
export type SessionId = string;

/** The session of a token. */
export interface SessionInfo {
  /** The session. */
  id: SessionId;
  /** When the token ends. */
  expires_at: Timestamp;
}

/** The payload of `session.revoked`. */
export interface SessionRevoked {
  /** The session. */
  id: SessionId;
}

/** Parameters of `presence.set`. */
export interface SetPresence {
  /** The workspace. A socket is in one at a time: setting another one ends its presence in the first. */
  workspace_id: WorkspaceId;
  /** Whether the user is looking. */
  state: PresenceState;
  /** The task of that workspace that they look at; none when omitted. */
  task_id?: TaskId | null;
}

/** Parameters of `auth.signup`. */
export interface SignUp {
  /** Unique, ignoring case. */
  email: string;
  /** 8 to 128 characters, not a common one. */
  password: string;
  /** The display name. */
  name: string;
  /** What the device calls itself. */
  device_name?: string | null;
  /** 3 to 32 of `a-z 0-9 _ . -`, unique ignoring case; made from the e-mail address when omitted. */
  username?: string | null;
}

/** The order of a list; `-` in front means descending. */
export type Sort =
  /** Oldest first. */
  | "created_at"
  /** Newest first. */
  | "-created_at"
  /** Longest unchanged first. */
  | "updated_at"
  /** Last changed first. */
  | "-updated_at"
  /** Most pressing date first, those without one last. */
  | "due_at"
  /** Latest date first, those without one last. */
  | "-due_at"
  /** Least pressing first. */
  | "priority"
  /** Most pressing first. */
  | "-priority"
  /** By title, ignoring case. */
  | "title"
  /** By title, backwards. */
  | "-title"
  /** By hand. */
  | "position"
  /** By hand, backwards. */
  | "-position";

/** Which tasks, by what became of them. */
export type Status =
  /** Deleted ones too. */
  | "all"
  /** Not done, not deleted. */
  | "pending"
  /** Done, not deleted. */
  | "completed"
  /** Deleted. */
  | "deleted";

/** A durable log: `user:<id>` or `workspace:<id>`. */
export type StreamId = string;

/** The payload of `stream.reset`: too much changed at once; sync again. */
export interface StreamReset {
  /** What happened, for people. */
  message: string;
}

/** A stream in `welcome`. */
export interface StreamState {
  /** The stream, as it was asked for. */
  stream: string;
  /** Its head; 0 where the caller may not know it. */
  seq: number;
  /** Whether the events after the given position follow. */
  resumed: boolean;
  /** Why it was not resumed. */
  reason?: Reason;
  /** The workspace, of a workspace's stream. */
  workspace?: StreamWorkspace;
}

/** The workspace of a stream. */
export interface StreamWorkspace {
  /** The workspace. */
  id: WorkspaceId;
  /** Its name. */
  name: string;
  /** What it is for. */
  kind: WorkspaceKind;
  /** The caller's role. */
  role: Role;
}

/** Which streams a socket follows. */
export type Streams = AllStreams | string[];

/** Parameters of `stream.subscribe`. */
export interface Subscribe {
  /** The stream. */
  stream: StreamId;
  /** The last `seq` that the client has; from now on when omitted. */
  since?: number | null;
}

/** What `stream.subscribe` answers. */
export interface Subscribed {
  /** The head. */
  seq: number;
  /** Whether the events after `since` follow; otherwise live from `seq`. */
  resumed: boolean;
  /** Why it was not resumed. */
  reason?: Reason;
}

/** Parameters of `user.sync`. */
export type SyncUser = Record<string, never>;

/** Parameters of `workspace.sync`. */
export interface SyncWorkspace {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** From the page before. */
  cursor?: string | null;
}

/** A name that tasks can bear. */
export interface Tag {
  /** The tag. */
  id: string;
  /** Where it is. */
  workspace_id: WorkspaceId;
  /** Its name. */
  name: string;
  /** Its color as `#rrggbb`; `null` for none. */
  color: string | null;
  /** Grows with every change. */
  version: number;
}

/** Something to do. */
export interface Task {
  /** The task. */
  id: TaskId;
  /** Where it is; never changes. */
  workspace_id: WorkspaceId;
  /** The project, when it is in one. */
  project_id: ProjectId | null;
  /** The task that it is a part of. */
  parent_id: TaskId | null;
  /** What is to be done. */
  title: string;
  /** More about it. */
  description: string | null;
  /** Whether it is done. */
  completed: boolean;
  /** When it was completed; `null` while it is not. */
  completed_at: Timestamp | null;
  /** How pressing it is. */
  priority: Priority;
  /** When it is due. */
  due_at: Timestamp | null;
  /** `due_at` means a day, not a moment. */
  all_day: boolean;
  /** When to remind. */
  remind_at: Timestamp | null;
  /** How it repeats (RFC 5545, section 3.3.10). */
  recurrence: string | null;
  /** Where it stands among the others: compare as text, ties by id. */
  position: string;
  /** Names, in the order given. */
  tags: string[];
  /** Who does it. */
  assignee_ids: UserId[];
  /** How many comments it has. */
  comment_count: number;
  /** How many attachments it has. */
  attachment_count: number;
  /** Deleted, but can be restored. */
  is_deleted: boolean;
  /** When it was deleted; `null` while it is not. */
  deleted_at: Timestamp | null;
  /** Grows with every change. */
  version: number;
  /** Who made it. */
  created_by: UserId;
  /** When it was made. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** A task. */
export type TaskId = string;

/** A page of a list. */
export interface TaskPage {
  /** The items, in the order asked for; ties by id. */
  items: Task[];
  /** Pass it as `cursor` for the next page; `null` at the end. */
  next_cursor: string | null;
  /** How many there are in all; on the first page only. */
  total?: number;
}

/** RFC 3339; the server writes UTC with milliseconds. */
export type Timestamp = string;

/** What a sign-in gives. */
export interface Tokens {
  /** Proves who is calling; a JWT (RFC 7519). */
  access_token: string;
  /** Always `Bearer` (RFC 6750). */
  token_type: string;
  /** Seconds until the access token ends. */
  expires_in: number;
  /** Whose they are. */
  user: User;
  /** Gets the next pair, once; over HTTP without `"token_delivery":"body"` it is a cookie instead. */
  refresh_token?: string;
}

/** The payload of the signal `typing`. */
export interface Typing {
  /** The workspace of the task. */
  workspace_id: WorkspaceId;
  /** The task. */
  task_id: TaskId;
  /** Who is typing. */
  user: PublicUser;
}

/** What `notification.unread_count` answers. */
export interface Unread {
  /** How many are unread. */
  unread: number;
}

/** Parameters of `stream.unsubscribe`. */
export interface Unsubscribe {
  /** The stream. */
  stream: StreamId;
}

/** Parameters of `member.update`. */
export interface UpdateMember {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The person. */
  user_id: UserId;
  /** Their role from now on; at most the caller's own role. */
  role: Role;
}

/** Parameters of `task.update`: only what changes. */
export interface UpdateTask {
  /** The task. */
  id: TaskId;
  /** `due_at` means a day. */
  all_day?: boolean | null;
  /** Members of the workspace; `null` is nobody. */
  assignee_ids?: UserId[] | null;
  /** Whether it is done. */
  completed?: boolean | null;
  /** Up to 1000 characters. */
  description?: string | null;
  /** When it is due. */
  due_at?: Timestamp | null;
  /** Refuse with `VERSION_CONFLICT` when the task has another version. */
  if_version?: number | null;
  /** The task that it is a part of. */
  parent_id?: TaskId | null;
  /** How pressing it is; `null` is `none`. */
  priority?: Priority | null;
  /** The project. */
  project_id?: ProjectId | null;
  /** How it repeats. */
  recurrence?: string | null;
  /** When to remind. */
  remind_at?: Timestamp | null;
  /** Up to 20 names of up to 50 characters; `null` is none. */
  tags?: string[] | null;
  /** 1 to 200 characters. */
  title?: string | null;
}

/** A person's own account. */
export interface User {
  /** The account. */
  id: UserId;
  /** Unique, ignoring case. */
  username: string;
  /** The display name. */
  name: string;
  /** Unique, ignoring case. */
  email: string;
  /** What they may do on the whole server. */
  role: GlobalRole;
  /** What they pay for. */
  plan: Plan;
  /** False: signed out everywhere and cannot sign in. */
  is_active: boolean;
  /** Whether the address was verified. */
  is_verified: boolean;
  /** An IANA time zone. */
  timezone: string;
  /** Theirs; `notifications` is the part that the server reads. */
  preferences: Record<string, unknown>;
  /** Where the photo is, when there is one. */
  photo_url: string | null;
  /** Grows with every change. */
  version: number;
  /** When they signed up. */
  created_at: Timestamp;
  /** When the account last changed. */
  updated_at: Timestamp;
}

/** A person's account. */
export type UserId = string;

/** The state of a user's stream at `seq`. */
export interface UserSnapshot {
  /** This state is the one after the event with this `seq`; the next event is `seq` + 1. */
  seq: number;
  /** The account. */
  user: User;
  /** Every workspace of theirs, with their role. */
  workspaces: Workspace[];
  /** Invitations that wait for an answer. */
  invites: Invite[];
  /** The newest 100 notifications. */
  notifications: Notification[];
  /** How many notifications are unread. */
  unread: number;
}

/** What a socket may rely on from now on. */
export interface Welcome {
  /** The version of the contract. */
  protocol: number;
  /** Who answers. */
  server: ServerInfo;
  /** Positions are valid in it; another one means: sync. */
  epoch: string;
  /** Who the socket speaks for. */
  user: User;
  /** The session of its token. */
  session: SessionInfo;
  /** Milliseconds between the server's pings. */
  heartbeat_ms: number;
  /** What the socket may ask for. */
  limits: Limits;
  /** The streams that it follows. */
  streams: StreamState[];
}

/** One workspace, or `"all"` of them. */
export type Where = WorkspaceId | Everywhere;

/** A workspace, as one of its members sees it. */
export interface Workspace {
  /** The workspace. */
  id: WorkspaceId;
  /** Its name. */
  name: string;
  /** What it is for. */
  kind: WorkspaceKind;
  /** Grows with every change. */
  version: number;
  /** When it was made. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
  /** The reader's role. In events of the workspace's own stream, which all members share, it is left out. */
  role?: Role;
}

/** A workspace, personal or of a team. */
export type WorkspaceId = string;

/** What a workspace is for. */
export type WorkspaceKind =
  /** Made at signup; cannot be left, shared away or deleted. */
  | "personal"
  /** Shared. */
  | "team";

/** A workspace in few words. */
export interface WorkspaceName {
  /** The workspace. */
  id: WorkspaceId;
  /** Its name. */
  name: string;
}

/** A page of a list. */
export interface WorkspacePage {
  /** The items, in the order asked for; ties by id. */
  items: Workspace[];
  /** Pass it as `cursor` for the next page; `null` at the end. */
  next_cursor: string | null;
  /** How many there are in all; on the first page only. */
  total?: number;
}

/** A page of a workspace's state. The first page has all but the later tasks. */
export interface WorkspaceSnapshot {
  /** Of the first page: this state is the one after the event with this `seq`, and the next event is `seq` + 1. */
  seq: number;
  /** Tasks in the order of their ids, deleted ones included. */
  tasks: Task[];
  /** For the next page; absent on the last. */
  cursor?: string;
  /** All members; on the first page. */
  members?: Member[];
  /** All projects; on the first page. */
  projects?: Project[];
  /** All tags; on the first page. */
  tags?: Tag[];
  /** The workspace; on the first page. */
  workspace?: Workspace;
}

/** Every operation by its wire name: what it takes and what `ok.data` holds. */
export interface Operations {
  /** Authenticates the socket; the answer is `welcome`. A session; access: anyone. */
  "auth": { params: Authenticate; output: Welcome };
  /** Makes an account with a personal workspace and signs in. A session; access: anyone. */
  "auth.signup": { params: SignUp; output: Tokens };
  /** Signs in. A session; access: anyone. */
  "auth.login": { params: LogIn; output: Tokens };
  /** Extends the socket with a fresh token of the same user and session. A session; access: user. */
  "auth.renew": { params: RenewAuth; output: Renewed };
  /** Ends the session; its sockets close with 4403. A session; access: user. */
  "auth.logout": { params: LogOut; output: Nothing };
  /** The caller's account. A query; access: user. */
  "profile.get": { params: GetProfile; output: User };
  /** The public profile of somebody who shares a workspace. A query; access: user. */
  "user.get": { params: GetUser; output: PublicUser };
  /** The state of the caller's stream; subscribes to it. A query; access: user. */
  "user.sync": { params: SyncUser; output: UserSnapshot };
  /** Makes a team workspace, owned by the caller. A mutation; access: user. */
  "workspace.create": { params: CreateWorkspace; output: Workspace };
  /** The caller's workspaces, by id. A query; access: user. */
  "workspace.list": { params: ListWorkspaces; output: WorkspacePage };
  /** One workspace. A query; access: viewer. */
  "workspace.get": { params: GetWorkspace; output: Workspace };
  /** The state of a workspace, in pages; the first one subscribes. A query; access: viewer. */
  "workspace.sync": { params: SyncWorkspace; output: WorkspaceSnapshot };
  /** The members of a workspace, by id. A query; access: viewer. */
  "member.list": { params: ListMembers; output: MemberPage };
  /** Adds somebody who has an account. A mutation; access: admin. */
  "member.add": { params: AddMember; output: Member };
  /** Changes a member's role. A mutation; access: admin. */
  "member.update": { params: UpdateMember; output: Member };
  /** Removes a member; tasks lose them as assignee. A mutation; access: admin. */
  "member.remove": { params: RemoveMember; output: Nothing };
  /** Makes a task. A mutation; access: member. */
  "task.create": { params: CreateTask; output: Task };
  /** One task. A query; access: viewer. */
  "task.get": { params: GetTask; output: Task };
  /** Tasks, filtered, searched and sorted. A query; access: viewer. */
  "task.list": { params: ListTasks; output: TaskPage };
  /** Replaces what people edit of a task. A mutation; access: member. */
  "task.replace": { params: ReplaceTask; output: Task };
  /** Changes only what is given. A mutation; access: member. */
  "task.update": { params: UpdateTask; output: Task };
  /** Completes or reopens a task; toggles when `completed` is omitted. A mutation; access: member. */
  "task.complete": { params: CompleteTask; output: Task };
  /** Deletes a task, so that it can be restored, or for good. A mutation; access: member. */
  "task.delete": { params: DeleteTask; output: Deleted };
  /** Restores a deleted task. A mutation; access: member. */
  "task.restore": { params: RestoreTask; output: Task };
  /** Moves a task within its workspace. A mutation; access: member. */
  "task.move": { params: MoveTask; output: Task };
  /** Changes who does a task. A mutation; access: member. */
  "task.assign": { params: AssignTask; output: Task };
  /** The caller's notifications. A query; access: user. */
  "notification.list": { params: ListNotifications; output: NotificationPage };
  /** One notification. A query; access: user. */
  "notification.get": { params: GetNotification; output: Notification };
  /** Marks a notification as read or unread. A mutation; access: user. */
  "notification.mark": { params: MarkNotification; output: Notification };
  /** Marks all notifications as read. A mutation; access: user. */
  "notification.mark_all_read": { params: MarkAllRead; output: MarkedAllRead };
  /** Deletes a notification. A mutation; access: user. */
  "notification.delete": { params: DeleteNotification; output: Nothing };
  /** Deletes several notifications. A mutation; access: user. */
  "notification.delete_many": { params: DeleteNotifications; output: DeletedNotifications };
  /** How many notifications are unread. A query; access: user. */
  "notification.unread_count": { params: CountUnread; output: Unread };
  /** Says that the user is there, for as long as this socket is and says nothing else. A session; access: viewer. */
  "presence.set": { params: SetPresence; output: Presence };
  /** Who is in a workspace now. A query; access: viewer. */
  "presence.list": { params: ListPresence; output: PresenceList };
  /** Tells those who follow the workspace that the caller is typing, at most once a second for a task. A command; access: viewer. */
  "presence.typing": { params: ReportTyping; output: Nothing };
  /** Follows a stream. A session; access: user. */
  "stream.subscribe": { params: Subscribe; output: Subscribed };
  /** Stops following a stream. A session; access: user. */
  "stream.unsubscribe": { params: Unsubscribe; output: Nothing };
  /** Reads a stream's log back: the audit trail. A query; access: user. */
  "stream.history": { params: ReadHistory; output: History };
  /** Does several mutations in one request, each on its own or all or none. A mutation; access: user. */
  "batch": { params: Batch; output: BatchResults };
  /** The instances that run. A query; access: server_admin. */
  "admin.instances": { params: ListInstances; output: InstanceList };
  /** The sockets that are authenticated, on all instances. A query; access: server_admin. */
  "admin.connections": { params: ListConnections; output: ConnectionPage };
  /** Closes the sockets of a person or session with 4403, on all instances. A command; access: server_admin. */
  "admin.kick": { params: Kick; output: Nothing };
  /** Answered with `pong`, ahead of everything else. A session; access: anyone. */
  "ping": { params: Ping; output: Nothing };
  /** This contract as JSON Schema. A query; access: anyone. */
  "protocol.describe": { params: Describe; output: object };
}

/** Every durable event by its wire name: its payload. */
export interface Events {
  /** A task was made. */
  "task.created": Task;
  /** A task was changed, replaced or assigned. */
  "task.updated": Task;
  /** A task was completed. */
  "task.completed": Task;
  /** A completed task was reopened. */
  "task.reopened": Task;
  /** A task was deleted; it can be restored. */
  "task.deleted": Task;
  /** A deleted task was restored. */
  "task.restored": Task;
  /** A task was moved. */
  "task.moved": Task;
  /** A task is gone for good. */
  "task.purged": Purged;
  /** A workspace was made: the first event of its stream. */
  "workspace.created": Workspace;
  /** Somebody joined the workspace. */
  "member.added": Member;
  /** A member's role or profile changed. */
  "member.updated": Member;
  /** A member left or was removed. */
  "member.removed": MemberRemoved;
  /** Too much changed at once: sync again. */
  "stream.reset": StreamReset;
  /** A notification came. */
  "notification.created": NotificationChanged;
  /** A notification was marked. */
  "notification.updated": NotificationChanged;
  /** All notifications were marked as read. */
  "notification.all_read": AllRead;
  /** A notification was deleted. */
  "notification.deleted": NotificationDeleted;
  /** The user may read a workspace from now on. */
  "access.granted": AccessGranted;
  /** The user's role in a workspace changed. */
  "access.changed": AccessChanged;
  /** The user may no longer read a workspace. */
  "access.lost": AccessLost;
  /** The profile changed. */
  "profile.updated": User;
  /** A sign-in. */
  "session.created": Session;
  /** A session ended. */
  "session.revoked": SessionRevoked;
}

/** Every signal by its wire name: its payload. */
export interface Signals {
  /** The access token ends in 60 seconds: send `auth.renew`. */
  "session.expiring": SessionExpiring;
  /** The server is about to close the socket with 1012: come back after the delay. */
  "server.goodbye": Goodbye;
  /** Somebody's presence in a workspace changed; sent to those who follow its stream, their own sockets too. */
  "presence.changed": PresenceChanged;
  /** Somebody is typing on a task; sent to those who follow its workspace's stream, their own sockets too. */
  "typing": Typing;
}

/** The frame of one operation. Without `id` there is no answer but an error; `op_id` makes a mutation exactly-once. */
export type RequestOf<K extends keyof Operations> = {
  type: K;
  id?: RequestId | null;
  op_id?: OpId | null;
} & (Record<string, never> extends Operations[K]["params"]
  ? { data?: Operations[K]["params"] | null }
  : { data: Operations[K]["params"] });

/** What a client sends. */
export type ClientFrame = { [K in keyof Operations]: RequestOf<K> }[keyof Operations];

/** The answer to `auth`; it precedes every event. */
export interface WelcomeFrame {
  type: "welcome";
  id: RequestId | null;
  data: Welcome;
}

/** A request was done. `at`, of a mutation: the last `seq` that it produced in each stream the caller may read. */
export interface OkFrame<Output = unknown> {
  type: "ok";
  id: RequestId;
  at?: Record<string, number>;
  data: Output;
  /** It was done before: this is the first answer again. */
  replayed?: boolean;
}

/** A request was refused; `id` is `null` when the request had none or it could not be read. */
export interface ErrorFrame {
  type: "error";
  id: RequestId | null;
  error: Failure;
}

/** A durable event by its name. An entry of a purged task has lost its payload. */
export interface EventOf<K extends keyof Events> {
  type: "event";
  stream: StreamId;
  /** Its place in the stream: from 1, without gaps. */
  seq: number;
  event: K;
  at: Timestamp;
  /** Who did it. */
  actor: Actor;
  /** The mutation's `op_id`, when it had one. */
  op_id?: OpId;
  data: K extends `task.${string}` ? Events[K] | Forgotten : Events[K];
}

/** Something happened: durable, ordered, gapless. `event` tells which. */
export type EventFrame = { [K in keyof Events]: EventOf<K> }[keyof Events];

/** Something to know now: ephemeral. `signal` tells what. */
export type SignalFrame = {
  [K in keyof Signals]: { type: "signal"; signal: K; data: Signals[K] };
}[keyof Signals];

/** The answer to `ping`. */
export interface PongFrame {
  type: "pong";
  id: RequestId | null;
}

/** What a server sends; `type` tells which. */
export type ServerFrame = WelcomeFrame | OkFrame | ErrorFrame | EventFrame | SignalFrame | PongFrame;

/** The answer to an operation: most are answered by `ok`, `auth` by `welcome`, `ping` by `pong`. */
export type AnswerTo<K extends keyof Operations> =
  | (K extends "auth" ? WelcomeFrame : K extends "ping" ? PongFrame : OkFrame<Operations[K]["output"]>)
  | ErrorFrame;
