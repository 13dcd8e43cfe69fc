// The Taskwire wire contract. Made by `cargo run -p taskwire-protocol --bin generate`; edit the Rust types instead.
// Ignore fields, events and signals that are not listed here: a newer server may send them.

/** The version of the contract, announced in `welcome`. */
export const PROTOCOL = 1;

/** Rises with each growth of the contract within its version; announced in `welcome`. */
export const REVISION = 2;

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
  /** A comment's body: 1 to this many characters. */
  comment: 5000,
  /** Characters of an attachment's name, at most. */
  attachment_name: 200,
  /** People that one comment mentions. */
  mentions: 50,
  /** Characters of a recurrence rule (RFC 5545, section 3.3.10). */
  recurrence: 500,
  /** Characters of a search text. */
  search: 200,
  /** A project's name: 1 to this many characters. */
  project_name: 100,
  /** A workspace's name: 1 to this many characters. */
  workspace_name: 100,
  /** Stages of one workspace, at least. */
  stages_min: 2,
  /** Stages of one workspace, at most. */
  stages: 20,
  /** Characters of a stage's key, at most. */
  stage_key: 32,
  /** A stage's name: 1 to this many characters. */
  stage_name: 50,
  /** Tasks that carry a tag which is renamed, merged or deleted, at most. */
  retagged: 20000,
  /** Tasks that a change of stages moves, completes or reopens, at most. */
  restaged: 20000,
  /** Tasks that block one task, at most. */
  blockers: 20,
  /** Tasks that come before one task, at most: those that block it, those that block these, and so on. */
  blocked_after: 1000,
  /** How many may accept a link of an invitation, at most. */
  invite_uses: 1000,
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
  /** Bytes of a user's preferences, as JSON. */
  preferences: 16384,
  /** Levels of nesting in a user's preferences. */
  preferences_depth: 8,
  /** Minutes before `due_at` at which `TASK_DUE` may come, at most. */
  due_lead: 10080,
  /** Characters of a device's name. */
  device_name: 100,
  /** An API token's name: 1 to this many characters. */
  api_token_name: 100,
  /** Workspaces that one API token names. */
  api_token_workspaces: 100,
  /** Tasks of a calendar feed, at most: those that are due first. */
  calendar: 2000,
  /** Characters of a request's `id` when it is a string. */
  request_id: 64,
  /** The largest integer that every JSON reader keeps exact (RFC 8259, section 6). */
  integer: 9007199254740991,
  /** Items of one page, at most. */
  page: 100,
  /** Items of one page when `limit` is omitted. */
  page_default: 50,
  /** Events of one page of `stream.history`, at most. */
  history: 500,
  /** Events of one page of `stream.history` when `limit` is omitted. */
  history_default: 100,
  /** Days of `stats.get`, at most. */
  stats_days: 366,
  /** Days of `stats.get` when `days` is omitted. */
  stats_days_default: 30,
  /** Operations of one `batch`, and frames of one `/v1/rpc` array. */
  batch: 100,
  /** Ids of one `notification.delete_many`. */
  delete_many: 100,
  /** Levels of JSON nesting in a frame. */
  depth: 32,
  /** Notifications in `user.sync`. */
  sync_notifications: 100,
  /** Users in one answer of `presence.list`, at most. */
  presences: 1000,
  /** Tasks that one cascade changes with an event each. Above it, one `stream.reset` replaces these events. */
  cascade: 1000,
} as const;

/** Why a socket was closed, and what a client then does. */
export const CLOSE_CODES = {
  /** Normal closure. */
  1000: { name: "Normal", then: "as_you_like" },
  /** The endpoint is going away. */
  1001: { name: "GoingAway", then: "as_you_like" },
  /** Broken WebSocket protocol: reserved bits or opcodes, an unmasked frame. */
  1002: { name: "Protocol", then: "stop" },
  /** A binary frame. */
  1003: { name: "Unsupported", then: "stop" },
  /** Invalid UTF-8. */
  1007: { name: "InvalidText", then: "stop" },
  /** A frame larger than four times the limit. */
  1009: { name: "TooBig", then: "stop" },
  /** The server restarts. `server.goodbye` gave a delay. */
  1012: { name: "Restart", then: "after_goodbye" },
  /** The server is overloaded, or is admitting too many sockets. */
  1013: { name: "TryAgain", then: "backoff" },
  /** The tenth frame that was not a request. */
  4400: { name: "BadFrames", then: "stop" },
  /** The socket is not authenticated, or no longer. */
  4401: { name: "Unauthenticated", then: "token" },
  /** The session was revoked or kicked. */
  4403: { name: "Revoked", then: "ask_the_person" },
  /** The connection is dead, or makes no progress. */
  4408: { name: "Dead", then: "resume" },
  /** The client ignored the rate limit, or the user has too many sockets. */
  4429: { name: "RateIgnored", then: "ten_seconds" },
} as const;

/** An error code. */
export type ErrorCode =
  /** The frame is not JSON, not an object, without a string `type`, or nested too deep. */
  | "BAD_FRAME"
  /** No operation has this `type`. */
  | "UNKNOWN_TYPE"
  /** The socket or request is not authenticated. */
  | "AUTH_REQUIRED"
  /** The server did not issue the token, or it is of the wrong kind. */
  | "INVALID_TOKEN"
  /** The token has expired. */
  | "TOKEN_EXPIRED"
  /** The token's session has ended. */
  | "TOKEN_REVOKED"
  /** E-mail and password do not match an account. */
  | "INVALID_CREDENTIALS"
  /** The caller's role is too low. */
  | "FORBIDDEN"
  /** The plan's limit is reached. */
  | "PLAN_LIMIT"
  /** The e-mail address must be verified first. */
  | "EMAIL_NOT_VERIFIED"
  /** The account is deactivated. */
  | "ACCOUNT_INACTIVE"
  /** It does not exist, or the caller may not see it. */
  | "NOT_FOUND"
  /** The path does not support the HTTP method. */
  | "METHOD_NOT_ALLOWED"
  /** The current state does not allow it, or the name or id is taken. */
  | "CONFLICT"
  /** `if_version` is stale; `context.current` has the entity. */
  | "VERSION_CONFLICT"
  /** The task is not deleted. */
  | "NOT_DELETED"
  /** The request is larger than allowed. */
  | "PAYLOAD_TOO_LARGE"
  /** The media type is not supported. */
  | "UNSUPPORTED_MEDIA"
  /** A value is missing or invalid; `field` names it. */
  | "VALIDATION_ERROR"
  /** Too many failed sign-ins. */
  | "ACCOUNT_LOCKED"
  /** Too many requests. */
  | "RATE_LIMITED"
  /** An error of the server; its log has the details under `request_id`. */
  | "INTERNAL_ERROR"
  /** The database or the server is temporarily unavailable. */
  | "UNAVAILABLE"
  /** The request took too long. */
  | "TIMEOUT"
  /** The disk is full. */
  | "STORAGE_FULL";

/** The HTTP status of each code, and whether to try again. */
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

/** Parameters of `invite.accept`: exactly one of `token` and `id`. */
export interface AcceptInvite {
  /** An invitation by address, for the person whose verified address it names. */
  id?: InviteId | null;
  /** The token of the link or mail. */
  token?: string | null;
}

/** The payload of `access.changed`. */
export interface AccessChanged {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The new role. */
  role: Role;
}

/** The payload of `access.granted`: the user's socket follows the workspace from the event after `seq`. */
export interface AccessGranted {
  /** The workspace. */
  workspace: Workspace;
  /** The user's role in it. */
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
  /** The member was removed. */
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
  /** The new role; at most the caller's own. */
  role: Role;
  /** The user's e-mail address. */
  email?: string | null;
  /** The user's username. */
  username?: string | null;
}

/** The payload of `notification.all_read`. */
export interface AllRead {
  /** Every notification created up to this moment is now read. */
  up_to: Timestamp;
  /** How many were unread. */
  updated: number;
  /** How many are unread now. */
  unread: number;
}

/** The word `all`. */
export type AllStreams =
  /** The user's own stream and that of every workspace that they belong to or join later. */
  | "all";

/** An API token, without what only the account itself may do. */
export interface ApiToken {
  /** The token's id. It is no secret. */
  id: ApiTokenId;
  /** Its name. Events that it causes have it in `actor.token`. */
  name: string;
  /** What it may do. */
  scope: ApiTokenScope;
  /** The workspaces that it sees, among those of its user; `null` for all, also later ones. */
  workspace_ids: WorkspaceId[] | null;
  /** From when on it is refused; `null` for never. */
  expires_at: Timestamp | null;
  /** When it was made. */
  created_at: Timestamp;
  /** When it was last used, to about a minute; `null` if never. */
  last_used_at: Timestamp | null;
  /** The token itself, `tw_pat_…`. Only `api_token.create` shows it, once. */
  token?: string;
}

/** An API token. In `welcome.session` and `admin.connections` it is the session's id. */
export type ApiTokenId = string;

/** The answer to `api_token.list`. */
export interface ApiTokenList {
  /** The caller's API tokens, oldest first. Those that expired stay for 30 days. */
  items: ApiToken[];
}

/** The payload of `api_token.revoked`. */
export interface ApiTokenRevoked {
  /** The token that ended. Its sockets close with 4403. */
  id: ApiTokenId;
}

/** What an API token may do. */
export type ApiTokenScope =
  /** Query and follow streams. */
  | "read"
  /** Also change what the user may change in workspaces, and be present there. */
  | "write";

/** The body of `POST /v1/auth/device/approve`. The caller is who approves. */
export interface ApproveDevice {
  /** What the program shows. Case, spaces and hyphens do not count. */
  user_code: string;
  /** Whether the program may sign in as the caller; `true` when omitted. */
  approve?: boolean;
}

/** Parameters of `project.archive`. */
export interface ArchiveProject {
  /** The project. */
  id: ProjectId;
  /** Whether it is archived; true when omitted. An archived project keeps its tasks, and they can be changed. */
  archived?: boolean | null;
}

/** Parameters of `task.assign`. */
export interface AssignTask {
  /** The task. */
  id: TaskId;
  /** Members of the workspace. */
  add?: UserId[] | null;
  /** Assignees to remove. */
  remove?: UserId[] | null;
}

/** A file at a task. It never changes: another version of the file is another attachment. */
export interface Attachment {
  /** The attachment. */
  id: AttachmentId;
  /** The task that has it; never changes. */
  task_id: TaskId;
  /** Its name, 1 to 200 characters: that of the upload, without folders, control characters and marks that turn text. Several attachments of a task may have one name. */
  name: string;
  /** In bytes. */
  size: number;
  /** What its first bytes look like, like `image/png`: whatever the upload and the name say. `text/plain` for any text, `application/octet-stream` for what is unknown. */
  media_type: string;
  /** Who uploaded it. */
  created_by: UserId;
  /** When it was uploaded. */
  created_at: Timestamp;
}

/** The payload of the events about attachments: the attachment's fields, and its task's counts beside them. The version of the task stays. */
export interface AttachmentChanged {
  /** The attachment. */
  id: AttachmentId;
  /** The task that has it; never changes. */
  task_id: TaskId;
  /** Its name, 1 to 200 characters: that of the upload, without folders, control characters and marks that turn text. Several attachments of a task may have one name. */
  name: string;
  /** In bytes. */
  size: number;
  /** What its first bytes look like, like `image/png`: whatever the upload and the name say. `text/plain` for any text, `application/octet-stream` for what is unknown. */
  media_type: string;
  /** Who uploaded it. */
  created_by: UserId;
  /** When it was uploaded. */
  created_at: Timestamp;
  /** What the task counts now. */
  task: TaskCounts;
}

/** An attachment. */
export type AttachmentId = string;

/** A page of a list. */
export interface AttachmentPage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: Attachment[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** Parameters of `auth`. */
export interface Authenticate {
  /** The access token. */
  token: string;
  /** The name and version of the client program. */
  client?: ClientInfo | null;
  /** Where to continue after a lost connection. */
  resume?: Resume | null;
  /** Which streams to follow; `"all"` when omitted. */
  streams?: Streams | null;
}

/** Parameters of `batch`. */
export interface Batch {
  /** Up to 100 mutations, carried out in this order. */
  ops: BatchOp[];
  /** Whether all or none are carried out; true when omitted. */
  atomic?: boolean | null;
}

/** The result of one mutation. */
export type BatchResult = {
  /** The mutation's output. */
  data: Record<string, unknown>;
  /** The last `seq` that the mutation produced in each stream. */
  at: Record<string, number>;
  /** Whether this repeats the first answer, because the mutation was carried out before. */
  replayed?: boolean;
} | {
  /** The error. */
  error: Failure;
};

/** The answer to `batch`. */
export interface BatchResults {
  /** One result for each mutation, in order. */
  results: BatchResult[];
}

/** The body of `POST /v1/auth/first-admin`. If the address has an account, that account becomes the administrator, and this must be its password. */
export interface BecomeFirstAdmin {
  /** What follows the `#` of the link. */
  token: string;
  /** The address of the account, which counts as verified if the account is new. */
  email: string;
  /** The account's password. A new one has 8 to 128 characters and is not a common one. */
  password: string;
  /** The name of the device. */
  device_name?: string | null;
  /** The display name of a new account. */
  name?: string | null;
  /** Where the answer puts the refresh token; `cookie` when omitted. */
  token_delivery?: TokenDelivery | null;
}

/** A calendar feed. Who has its address reads it: only `calendar.create` shows it, once. */
export interface Calendar {
  /** Its address, for a calendar program; a path on this server if the server does not know where people reach it (`public_url`). */
  url: string;
  /** The secret in the address: `tw_cal_…`. */
  secret: string;
}

/** The payload of `calendar.created`. A feed that was there before has ended. */
export interface CalendarCreated {
  /** When it was made. */
  created_at: Timestamp;
}

/** The payload of `calendar.revoked`. */
export interface CalendarRevoked {
  /** When the feed that ended was made. */
  created_at: Timestamp;
}

/** Parameters of `profile.change_email`. */
export interface ChangeEmail {
  /** The new address. It becomes the account's when it is verified. */
  new_email: string;
  /** The account's password. */
  password: string;
}

/** Parameters of `auth.change_password`. */
export interface ChangePassword {
  /** The password as it is now. */
  current_password: string;
  /** 8 to 128 characters, compared as RFC 8265 (OpaqueString) says. Common passwords are refused. */
  new_password: string;
}

/** The name and version of a client program. */
export interface ClientInfo {
  /** The name, like `tw`. */
  name: string;
  /** The version, like `0.1.0`. */
  version?: string | null;
}

/** A comment on a task. */
export interface Comment {
  /** The comment. */
  id: CommentId;
  /** The task that it is about; never changes. */
  task_id: TaskId;
  /** What it says. */
  body: string;
  /** Who wrote it: in an event as they were then, in an answer as they are now. */
  author: PublicUser;
  /** Who is mentioned: those given, and those whose `@username` the body has. */
  mentions: UserId[];
  /** Rises with every change. */
  version: number;
  /** When it was written. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** The payload of the events about comments: the comment's fields, and its task's counts beside them. The version of the task stays. */
export interface CommentChanged {
  /** The comment. */
  id: CommentId;
  /** The task that it is about; never changes. */
  task_id: TaskId;
  /** What it says. */
  body: string;
  /** Who wrote it: in an event as they were then, in an answer as they are now. */
  author: PublicUser;
  /** Who is mentioned: those given, and those whose `@username` the body has. */
  mentions: UserId[];
  /** Rises with every change. */
  version: number;
  /** When it was written. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
  /** What the task counts now. */
  task: TaskCounts;
}

/** A comment. */
export type CommentId = string;

/** A page of a list. */
export interface CommentPage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: Comment[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** Parameters of `task.complete`. */
export interface CompleteTask {
  /** The task. */
  id: TaskId;
  /** Whether it is completed. When omitted, the operation toggles it. */
  completed?: boolean | null;
}

/** An authenticated socket. */
export interface Connection {
  /** The session of the socket. */
  session_id: SessionId;
  /** The user of the socket. */
  user: PublicUser;
  /** The client program as named in `auth`, like `tw/0.1.0`. */
  client: string | null;
  /** The network address of the client. */
  address: string | null;
  /** When it was authenticated. */
  connected_at: Timestamp;
  /** The instance that holds the socket. */
  instance: InstanceName;
}

/** A page of sockets. */
export interface ConnectionPage {
  /** The sockets, ordered by instance. */
  items: Connection[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The instances that did not answer within a second. Their sockets are missing from the page. */
  unanswered: InstanceName[];
  /** The number of sockets on all instances that answered; on the first page only. */
  total?: number;
}

/** Parameters of `notification.unread_count`. */
export type CountUnread = Record<string, never>;

/** Parameters of `api_token.create`. */
export interface CreateApiToken {
  /** The name, for people: where the token is used. */
  name: string;
  /** When it ends; never when omitted. In the future. */
  expires_at?: Timestamp | null;
  /** What it may do; `write` when omitted. */
  scope?: ApiTokenScope | null;
  /** The workspaces of the caller that it sees; all when omitted. */
  workspace_ids?: WorkspaceId[] | null;
}

/** Parameters of `calendar.create`. */
export type CreateCalendar = Record<string, never>;

/** Parameters of `comment.create`. */
export interface CreateComment {
  /** The task, which is not deleted. */
  task_id: TaskId;
  /** 1 to 5000 characters. `@username` mentions a member of the workspace. */
  body: string;
  /** More members of the workspace to mention. A comment mentions up to 50 people. */
  mentions?: UserId[] | null;
}

/** Parameters of `invite.create`. */
export interface CreateInvite {
  /** A team's workspace. */
  workspace_id: WorkspaceId;
  /** The new member's role; at most the caller's own. */
  role: Role;
  /** Whom to invite: the address gets a mail, and an older invitation of the address ends. Omitted: a link for anybody, whose token is in the answer. A link cannot be made in a batch. */
  email?: string | null;
  /** How many may accept a link; any number when omitted. An invitation by address has one use. */
  max_uses?: number | null;
}

/** Parameters of `project.create`. */
export interface CreateProject {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** 1 to 100 characters. Several projects may have the same name. */
  name: string;
  /** The color as `#rrggbb`; none when omitted. */
  color?: string | null;
}

/** Parameters of `tag.create`. */
export interface CreateTag {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** 1 to 50 characters. A name that is taken, whatever its case, is a `CONFLICT`. */
  name: string;
  /** The color as `#rrggbb`; none when omitted. */
  color?: string | null;
}

/** Parameters of `task.create`. */
export interface CreateTask {
  /** 1 to 200 characters. */
  title: string;
  /** Whether `due_at` means a day. It is kept as midnight UTC of its date. */
  all_day?: boolean | null;
  /** Members of the workspace. */
  assignee_ids?: UserId[] | null;
  /** Up to 20 tasks of the workspace that block it. They decide whether it is ready; they prevent nothing. */
  blocked_by?: TaskId[] | null;
  /** Up to 1000 characters. */
  description?: string | null;
  /** When it is due, between 1970 and 9999. */
  due_at?: Timestamp | null;
  /** A UUIDv7 made by the client, so that it can show the task before the answer. */
  id?: TaskId | null;
  /** The parent task. Subtasks nest two levels. */
  parent_id?: TaskId | null;
  /** `none` when omitted. */
  priority?: Priority | null;
  /** The project. */
  project_id?: ProjectId | null;
  /** How it repeats (RFC 5545, section 3.3.10). */
  recurrence?: string | null;
  /** When to remind the assignees. */
  remind_at?: Timestamp | null;
  /** The key of its stage; the first one of kind `open` when omitted. A stage of kind `done` completes it. */
  stage?: string | null;
  /** Up to 20 names of up to 50 characters. Case does not tell tags apart: each is shown as the workspace writes it. A new name makes a tag. */
  tags?: string[] | null;
  /** The personal workspace when omitted. */
  workspace_id?: WorkspaceId | null;
}

/** Parameters of `admin.user.create`. */
export interface CreateUser {
  /** The address, which counts as verified. */
  email: string;
  /** The display name. */
  name: string;
  /** 8 to 128 characters. Without it, a mail lets the person set one. */
  password?: string | null;
  /** The plan; `free` when omitted. */
  plan?: Plan | null;
  /** What the account may do on the whole server; `user` when omitted. */
  role?: GlobalRole | null;
}

/** Parameters of `workspace.create`. */
export interface CreateWorkspace {
  /** 1 to 100 characters. */
  name: string;
}

/** How many there were on a day. */
export interface DayCount {
  /** The day, like `2026-11-29`. */
  date: string;
  /** How many. */
  count: number;
}

/** A stage, as `workspace.update` defines it. */
export interface DefineStage {
  /** Up to 32 characters of `a-z 0-9 _ -`; unique in its workspace. */
  key: string;
  /** 1 to 50 characters. */
  name: string;
  /** What it means for its tasks. */
  kind: StageKind;
  /** The color as `#rrggbb`; none when omitted. */
  color?: string | null;
}

/** Parameters of `attachment.delete`. */
export interface DeleteAttachment {
  /** The attachment, which the caller uploaded, unless they are an admin of the workspace. */
  id: AttachmentId;
}

/** Parameters of `comment.delete`. */
export interface DeleteComment {
  /** The comment, which the caller wrote, unless they are an admin of the workspace. */
  id: CommentId;
}

/** Parameters of `notification.delete`. */
export interface DeleteNotification {
  /** The notification. */
  id: NotificationId;
}

/** Parameters of `notification.delete_many`. */
export interface DeleteNotifications {
  /** Up to 100 ids; unknown ones are ignored. */
  ids: NotificationId[];
}

/** Parameters of `profile.delete`. */
export interface DeleteProfile {
  /** The account's password. */
  password: string;
}

/** Parameters of `project.delete`. */
export interface DeleteProject {
  /** The project. */
  id: ProjectId;
}

/** Parameters of `tag.delete`. */
export interface DeleteTag {
  /** The tag. */
  id: TagId;
}

/** Parameters of `task.delete`. Each subtask that goes along has an event of its own; more than 1000 of them have one `stream.reset`. All that is deleted together has the same `deleted_at`. */
export interface DeleteTask {
  /** The task. */
  id: TaskId;
  /** Whether to purge it: it cannot be restored, and its content leaves the log. Its subtasks are deleted, can be restored, and have no parent then. */
  permanent?: boolean | null;
}

/** Parameters of `admin.user.delete`. */
export interface DeleteUser {
  /** The account to delete. */
  id: UserId;
}

/** Parameters of `workspace.delete`. */
export interface DeleteWorkspace {
  /** A team's workspace. */
  workspace_id: WorkspaceId;
}

/** The answer to `task.delete`: the deleted task, or what is left of a purged one. */
export type Deleted = Task | Purged;

/** The answer to `notification.delete_many`. */
export interface DeletedNotifications {
  /** How many were deleted. */
  deleted: number;
}

/** Parameters of `protocol.describe`. */
export type Describe = Record<string, never>;

/** The codes of a program that wants to sign in. */
export interface DeviceCode {
  /** The program keeps it, and exchanges it for tokens. */
  device_code: string;
  /** The program shows it; the person types it on the page. Like `BDWP-HQPK`. */
  user_code: string;
  /** The page. Relative to the server's address where the server has no `public_url`. */
  verification_url: string;
  /** Seconds until both codes end. */
  expires_in: number;
  /** Seconds between two attempts to exchange the code. */
  interval: number;
}

/** The answer while nobody has approved yet: ask again after `interval` seconds. */
export interface DevicePending {
  /** Always `pending`. */
  status: Pending;
}

/** The last message of `GET /v1/events`, before the server ends it. */
export interface EventsEnd {
  /** The code with which a socket would be closed. */
  code: number;
  /** A text for people; it may change. */
  reason: string;
}

/** The word `all`. */
export type Everywhere =
  /** Every workspace that the user belongs to. */
  | "all";

/** An attachment. Its bytes are not in the file. */
export interface ExportedAttachment {
  /** The task that has it. */
  task: Ref;
  /** Its name. */
  name: string;
  /** In bytes. */
  size: number;
  /** What its first bytes look like, like `image/png`. */
  media_type: string;
  /** Who uploaded it. */
  created_by: UserId;
  /** When it was uploaded. */
  created_at: Timestamp;
}

/** What blocks a task. */
export interface ExportedBlockers {
  /** The task. */
  task: Ref;
  /** The tasks that block it. */
  blocked_by: Ref[];
}

/** A comment. */
export interface ExportedComment {
  /** The task that it is about. */
  task: Ref;
  /** Who wrote it. */
  author: UserId;
  /** Their name to show, also when they are no member any more. */
  author_name: string;
  /** What it says. */
  body: string;
  /** Who is mentioned. */
  mentions: UserId[];
  /** When it was written. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** A member. */
export interface ExportedMember {
  /** The user. On another server it names nobody; the `username` may. */
  id: UserId;
  /** The unique name. */
  username: string;
  /** The name to show. */
  name: string;
  /** The role. */
  role: Role;
}

/** A project. */
export interface ExportedProject {
  /** What its tasks call it. */
  ref: Ref;
  /** Its name. */
  name: string;
  /** The color as `#rrggbb`; `null` for none. */
  color: string | null;
  /** Its place among the other projects: compare as text. */
  position: string;
  /** Whether it is archived. */
  is_archived: boolean;
  /** When it was created. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** A tag. */
export interface ExportedTag {
  /** Its name. */
  name: string;
  /** The color as `#rrggbb`; `null` for none. */
  color: string | null;
}

/** A task. */
export interface ExportedTask {
  /** What the rest of the file calls it. */
  ref: Ref;
  /** The parent task, which is before it in the file. */
  parent: Ref | null;
  /** The project, one of `projects`. */
  project: Ref | null;
  /** What to do. */
  title: string;
  /** Details. */
  description: string | null;
  /** The key of its stage. */
  stage: string;
  /** When it was completed; `null` while it is not. */
  completed_at: Timestamp | null;
  /** How urgent it is. */
  priority: Priority;
  /** When it is due. */
  due_at: Timestamp | null;
  /** Whether `due_at` means a day, not a moment. */
  all_day: boolean;
  /** When to remind the assignees. */
  remind_at: Timestamp | null;
  /** How it repeats (RFC 5545, section 3.3.10). */
  recurrence: string | null;
  /** Its place among the other tasks: compare as text. */
  position: string;
  /** Names of tags. */
  tags: string[];
  /** The assignees. */
  assignees: UserId[];
  /** When it was deleted; `null` while it is not. What was deleted together has the same time. */
  deleted_at: Timestamp | null;
  /** The user who created it. */
  created_by: UserId;
  /** When it was created. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** What a file says about the workspace itself. */
export interface ExportedWorkspace {
  /** Its name. An import does not rename the workspace that it fills. */
  name: string;
  /** The stages of its tasks, in the order of its board. An import adds those whose keys are missing, at the end. */
  stages: Stage[];
}

/** An error. */
export interface Failure {
  /** The error code. */
  code: ErrorCode;
  /** A text for people; it may change. */
  message: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** How many milliseconds to wait before the next try. */
  retry_after_ms: number | null;
  /** Identifies this answer in the server's log. */
  request_id: string;
  /** More data for programs, like the current entity of a `VERSION_CONFLICT`. */
  context?: unknown;
  /** The parameter at fault, like `title` or `ops[1].data.title`. */
  field?: string;
}

/** Parameters of `admin.user.get`. */
export interface FindUser {
  /** The account. */
  id: UserId;
}

/** The body of `POST /v1/auth/forgot-password`. */
export interface ForgotPassword {
  /** The address of the account. */
  email: string;
}

/** What is left of an entry whose task was purged. */
export interface Forgotten {
  /** The entity that the entry was about. */
  id: string;
  /** Always true. */
  purged: true;
}

/** The texts that are searched. */
export type FoundIn =
  /** The title of a task. */
  | "title"
  /** One of its tags. */
  | "tag"
  /** Its description. */
  | "description"
  /** One of its comments. */
  | "comment";

/** A task that a search found. */
export interface FoundTask {
  /** The task. */
  task: Task;
  /** Where the words are, best first. Of the comments that match, at most three. */
  matches: FoundText[];
}

/** A page of what a search found, best first: words in titles before tags, descriptions and comments, whole words before beginnings, earlier ones before later ones, then new tasks before old ones. Where more than 1,000 tasks match, the newest of them are compared, and the others are left out; where more than 200 comments match, the newest of these. The first 16 words count. In places with very many tasks a prefix of one or two letters is looked for among the newest tasks. */
export interface FoundTasks {
  /** The tasks. */
  items: FoundTask[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
}

/** A part of a text, with the words that a search found there. */
export interface FoundText {
  /** What the text is. */
  in: FoundIn;
  /** About 160 characters of the text. Where something before or after them is left out, there is `…`. */
  snippet: string;
  /** What was found: pairs of where it begins and where it ends, in Unicode scalar values of the snippet. They are in order, and do not overlap. */
  marks: number[][];
  /** The comment, if it is one. */
  comment_id?: CommentId;
}

/** Parameters of `notification.get`. */
export interface GetNotification {
  /** The notification. */
  id: NotificationId;
}

/** Parameters of `profile.get`. */
export type GetProfile = Record<string, never>;

/** Parameters of `stats.get`. */
export interface GetStats {
  /** For how many days tasks are counted by day, today included; 30 when omitted. */
  days?: number | null;
  /** The time zone whose days these are: a name of the IANA time zone database. The caller's own when omitted. */
  timezone?: string | null;
  /** The personal workspace when omitted. */
  workspace_id?: WorkspaceId | null;
}

/** Parameters of `task.get`. */
export interface GetTask {
  /** The task. */
  id: TaskId;
}

/** Parameters of `user.get`. */
export interface GetUser {
  /** A user who shares a workspace with the caller. */
  id: UserId;
}

/** Parameters of `workspace.get`. */
export interface GetWorkspace {
  /** The workspace. */
  workspace_id: WorkspaceId;
}

/** What an account may do on the whole server. */
export type GlobalRole =
  /** An ordinary account. */
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
  /** Whether the log has more events. */
  has_more: boolean;
}

/** The body of `POST /v1/auth/change-password`. */
export interface HttpChangePassword {
  /** The password as it is now. */
  current_password: string;
  /** 8 to 128 characters, compared as RFC 8265 (OpaqueString) says. Common passwords are refused. */
  new_password: string;
  /** Where the answer puts the refresh token; `cookie` when omitted. */
  token_delivery?: TokenDelivery | null;
}

/** The body of an error on every route except `/v1/rpc`, which answers with an error frame. */
export interface HttpError {
  /** Always false. */
  success: false;
  /** The error. */
  error: HttpFailure;
  /** Identifies this answer in the server's log; also in the header `X-Request-ID`. */
  request_id: string;
}

/** An error over HTTP. */
export interface HttpFailure {
  /** The error code. */
  code: ErrorCode;
  /** A text for people; it may change. */
  message: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** More data for programs, like the current entity of a `VERSION_CONFLICT`. */
  context?: unknown;
  /** The parameter at fault, like `title`. */
  field?: string;
  /** How many milliseconds to wait before the next try. */
  retry_after_ms?: number;
}

/** The body of `POST /v1/auth/login`. */
export interface HttpLogIn {
  /** The e-mail address of the account. */
  email: string;
  /** The password. */
  password: string;
  /** The name of the device. */
  device_name?: string | null;
  /** A refresh token of the account, also of a session that has ended: it shows that the device is known. A stranger's failed sign-ins do not lock out known devices. It is not used up. Over HTTP the cookie does the same. */
  refresh_token?: string | null;
  /** Where the answer puts the refresh token; `cookie` when omitted. */
  token_delivery?: TokenDelivery | null;
}

/** The body of `POST /v1/auth/signup`. */
export interface HttpSignUp {
  /** Unique. Case does not count where the part before the `@` is ASCII; any other is kept character by character. Domains are compared as DNS sees them (UTS #46). */
  email: string;
  /** 8 to 128 characters, compared as RFC 8265 (OpaqueString) says. Common passwords are refused. */
  password: string;
  /** The display name. */
  name: string;
  /** The name of the device. */
  device_name?: string | null;
  /** Where the answer puts the refresh token; `cookie` when omitted. */
  token_delivery?: TokenDelivery | null;
  /** 3 to 32 characters of `a-z 0-9 _ . -`, unique ignoring case. Derived from the e-mail address when omitted. */
  username?: string | null;
}

/** The answer to `POST /v1/import`: what was made, or with `dry_run` what would be. */
export interface Imported {
  /** How many stages, projects, tags, tasks and comments were made. */
  created: number;
  /** How many that were there were changed. */
  updated: number;
  /** How many were there already and are used as they are, or are left out on purpose, such as deleted tasks. */
  skipped: number;
  /** How many of each kind were made. */
  made: Made;
  /** What is left out or changed, and why; at most 1,000 things, and then how many more. */
  lost: Lost[];
  /** The import was done before with this `op_id`; this is the first answer again. */
  replayed?: boolean;
}

/** A running server. */
export interface Instance {
  /** The instance; a new id with each start. */
  id: InstanceId;
  /** The setting `instance`. */
  name: string;
  /** The version of the server. */
  version: string;
  /** When it started. */
  started_at: Timestamp;
  /** When it last reported; normally some seconds ago. */
  seen_at: Timestamp;
  /** How many sockets it then had. */
  sockets: number;
  /** Whether this instance answers the request. */
  current: boolean;
}

/** An instance of the server, from its start to its end. */
export type InstanceId = string;

/** The answer to `admin.instances`. */
export interface InstanceList {
  /** The instances that reported within the last minute, the oldest first. */
  items: Instance[];
}

/** An instance's id and name. */
export interface InstanceName {
  /** The instance. */
  id: InstanceId;
  /** The setting `instance`. */
  name: string;
}

/** An invitation, as the invited person sees it. The names are those of the moment at which it was made. */
export interface Invite {
  /** The invitation. */
  id: string;
  /** The workspace. */
  workspace: WorkspaceName;
  /** The e-mail address of the invited person. */
  email: string;
  /** The role that the person will have. */
  role: Role;
  /** The member who invited. */
  invited_by: PublicUser;
  /** From then on it is refused. `invite.revoked` comes some minutes later; until then `user.sync` has it. */
  expires_at: Timestamp;
  /** When it was created. */
  created_at: Timestamp;
}

/** The payload of `invite.created` and `invite.revoked`. */
export interface InviteChanged {
  /** The invitation. */
  id: InviteId;
}

/** An invitation. */
export type InviteId = string;

/** How many there are of a kind. */
export interface KeyCount {
  /** The kind: a priority or an id; `null` for the tasks without one. */
  key: string | null;
  /** How many. */
  count: number;
}

/** Parameters of `admin.kick`: exactly one of `user_id` and `session_id`. */
export interface Kick {
  /** The session whose sockets are closed. */
  session_id?: SessionId | null;
  /** The user whose sockets are closed. */
  user_id?: UserId | null;
}

/** Parameters of `workspace.leave`. */
export interface LeaveWorkspace {
  /** A team's workspace. */
  workspace_id: WorkspaceId;
}

/** The limits of a socket. */
export interface Limits {
  /** The maximum size of a frame in bytes. */
  frame_bytes: number;
  /** Maximum number of unanswered requests. Beyond it the server stops reading. */
  in_flight: number;
  /** Maximum number of operations in a batch. */
  batch: number;
  /** Maximum number of streams that the socket follows. */
  streams: number;
  /** Sustained operations a second. */
  ops_per_second: number;
  /** Maximum number of operations in a burst. */
  burst: number;
}

/** Parameters of `api_token.list`. */
export type ListApiTokens = Record<string, never>;

/** Parameters of `attachment.list`. */
export interface ListAttachments {
  /** The task; it may be deleted. */
  task_id: TaskId;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `comment.list`. */
export interface ListComments {
  /** The task; it may be deleted. */
  task_id: TaskId;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `admin.connections`. */
export interface ListConnections {
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Only the sockets of this user. */
  user_id?: UserId | null;
}

/** Parameters of `admin.instances`. */
export type ListInstances = Record<string, never>;

/** Parameters of `invite.list`. */
export interface ListInvites {
  /** A team's workspace. */
  workspace_id: WorkspaceId;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `member.list`. */
export interface ListMembers {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `notification.list`. */
export interface ListNotifications {
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Newest first when omitted. */
  sort?: NotificationSort | null;
  /** Whether to list unread notifications only. */
  unread_only?: boolean | null;
}

/** Parameters of `presence.list`. */
export interface ListPresence {
  /** The workspace. */
  workspace_id: WorkspaceId;
}

/** Parameters of `project.list`. */
export interface ListProjects {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `auth.sessions`. */
export type ListSessions = Record<string, never>;

/** Parameters of `tag.list`. */
export interface ListTags {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `task.list`. */
export interface ListTasks {
  /** Only tasks assigned to this user. */
  assignee_id?: UserId | null;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Only tasks created at or after this time. */
  date_from?: Timestamp | null;
  /** Only tasks created at or before this time. */
  date_to?: Timestamp | null;
  /** Only tasks due after this time. */
  due_after?: Timestamp | null;
  /** Only tasks due before this time. */
  due_before?: Timestamp | null;
  /** Deleted ones too. */
  include_deleted?: boolean | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Only subtasks of this task. */
  parent_id?: TaskId | null;
  /** Only tasks of this priority. */
  priority?: Priority | null;
  /** Only tasks of this project. */
  project_id?: ProjectId | null;
  /** Full-text search in title, description and tags, ignoring case and accents. The last word matches as a prefix; text that is written without spaces (Chinese, Japanese, Thai, …) and Korean match by any part. Where more than 1,000 tasks match, the newest of them are listed, and `total` is 1,000 at most. In places with very many tasks a prefix of one or two letters is looked for among the newest tasks. */
  q?: string | null;
  /** Only pending tasks of which no pending task is in the way, when true. */
  ready?: boolean | null;
  /** When omitted: newest first, or with `q` the best match first. */
  sort?: Sort | null;
  /** Only tasks in the stage with this key. */
  stage?: string | null;
  /** Pending and completed tasks when omitted. */
  status?: Status | null;
  /** Only tasks with this tag, ignoring case. */
  tag?: string | null;
  /** The personal workspace when omitted. */
  workspace_id?: Where | null;
}

/** Parameters of `admin.user.list`. */
export interface ListUsers {
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Only accounts whose name, username or e-mail address has this text in it, without case. A page looks through a bounded number of accounts: it may have fewer items than `limit`, or none, and still a `next_cursor`. Such pages have no `total`. */
  q?: string | null;
}

/** Parameters of `workspace.list`. */
export interface ListWorkspaces {
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
}

/** Parameters of `auth.login`. */
export interface LogIn {
  /** The e-mail address of the account. */
  email: string;
  /** The password. */
  password: string;
  /** The name of the device. */
  device_name?: string | null;
  /** A refresh token of the account, also of a session that has ended: it shows that the device is known. A stranger's failed sign-ins do not lock out known devices. It is not used up. Over HTTP the cookie does the same. */
  refresh_token?: string | null;
}

/** Parameters of `auth.logout`. */
export type LogOut = Record<string, never>;

/** Parameters of `auth.logout_all`. */
export type LogOutAll = Record<string, never>;

/** Something in the file of an import that is left out or changed. */
export interface Lost {
  /** What it is. */
  what: string;
  /** Why, and what happens instead. */
  why: string;
  /** The line of the file, from 1. */
  line?: number;
}

/** How many of each kind an import made. */
export interface Made {
  /** Stages of the workspace. */
  stages: number;
  /** Projects. */
  projects: number;
  /** Tags. */
  tags: number;
  /** Tasks, subtasks among them. */
  tasks: number;
  /** Comments. */
  comments: number;
}

/** Parameters of `notification.mark_all_read`. */
export type MarkAllRead = Record<string, never>;

/** Parameters of `notification.mark`. */
export interface MarkNotification {
  /** The notification. */
  id: NotificationId;
  /** Whether the user has read it. */
  is_read: boolean;
}

/** The answer to `notification.mark_all_read`. */
export interface MarkedAllRead {
  /** How many were unread. */
  updated: number;
}

/** A member of a workspace. */
export interface Member {
  /** The user. */
  user: PublicUser;
  /** Their role. */
  role: Role;
  /** When the user joined. */
  joined_at: Timestamp;
  /** Rises with every change. */
  version: number;
}

/** The payload of `member.added`: the member, and the invitation by which they joined. */
export interface MemberJoined {
  /** The user. */
  user: PublicUser;
  /** Their role. */
  role: Role;
  /** When the user joined. */
  joined_at: Timestamp;
  /** Rises with every change. */
  version: number;
  /** The invitation that the member accepted. Left out for a member whom somebody added. */
  invite_id?: InviteId;
}

/** A page of a list. */
export interface MemberPage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: Member[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** The payload of `member.removed`. */
export interface MemberRemoved {
  /** The user. */
  user_id: UserId;
}

/** Parameters of `task.move`: at most one of `before` and `after`. A move into or out of a stage of kind `done` completes or reopens the task. */
export interface MoveTask {
  /** The task. */
  id: TaskId;
  /** The task of the same workspace to place it after. */
  after?: TaskId | null;
  /** The task of the same workspace to place it before. */
  before?: TaskId | null;
  /** The new parent task; `null` makes it a task of its own. */
  parent_id?: TaskId | null;
  /** The project to move it to; `null` takes it out of its project. What is below the task goes along, by `task.update` too, if it is in the same project as the task was. */
  project_id?: ProjectId | null;
  /** The key of the stage to move it to. A stage of kind `done` completes it, any other reopens it. */
  stage?: string | null;
}

/** What to do after a sign-up. */
export type NextStep =
  /** Verify the address with the code or link of the mail, then sign in. */
  | "verify_email";

/** The payload of the signal `stream.not_followed`. */
export interface NotFollowed {
  /** The stream. To follow it, unsubscribe from another one, and subscribe to this one. */
  stream: StreamId;
  /** Why it is not followed: `limit`. */
  reason: Reason;
}

/** An answer with nothing to say. */
export type Nothing = object;

/** A notification. */
export interface Notification {
  /** The notification. */
  id: NotificationId;
  /** The type of notification. */
  type: NotificationType;
  /** A short text, at most 200 characters. */
  title: string;
  /** A longer text, at most 1000 characters. */
  message: string;
  /** Whether the user has read it. */
  is_read: boolean;
  /** The task concerned. */
  task_id: TaskId | null;
  /** The workspace concerned. */
  workspace_id: WorkspaceId | null;
  /** Who caused it: as they were then, or as they are now. */
  actor: PublicUser | null;
  /** Rises with every change. */
  version: number;
  /** When it happened. */
  created_at: Timestamp;
}

/** The payload of `notification.created` and `.updated`. */
export interface NotificationChanged {
  /** The notification. */
  id: NotificationId;
  /** The type of notification. */
  type: NotificationType;
  /** A short text, at most 200 characters. */
  title: string;
  /** A longer text, at most 1000 characters. */
  message: string;
  /** Whether the user has read it. */
  is_read: boolean;
  /** The task concerned. */
  task_id: TaskId | null;
  /** The workspace concerned. */
  workspace_id: WorkspaceId | null;
  /** Who caused it: as they were then, or as they are now. */
  actor: PublicUser | null;
  /** Rises with every change. */
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
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** How many are unread. */
  unread: number;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** The order of notifications. */
export type NotificationSort =
  /** Oldest first. */
  | "created_at"
  /** Newest first. */
  | "-created_at";

/** The type of notification. */
export type NotificationType =
  /** A task was created. */
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
  /** A task was assigned. */
  | "TASK_ASSIGNED"
  /** A reminder. */
  | "TASK_REMINDER"
  /** A task is due. */
  | "TASK_DUE"
  /** A task is overdue. */
  | "TASK_OVERDUE"
  /** A comment was written on a task of the user's: one that they made or are assigned to, or where they wrote it. */
  | "COMMENT_ADDED"
  /** Somebody's comment mentions the user. It comes in place of `COMMENT_ADDED`, once for each comment. */
  | "MENTION"
  /** A user was added to a workspace. */
  | "MEMBER_ADDED"
  /** A user was invited. */
  | "INVITE"
  /** A sign-in. */
  | "LOGIN"
  /** A sign-out. */
  | "LOGOUT"
  /** An account was created. */
  | "SIGNUP"
  /** The profile was changed. */
  | "PROFILE_UPDATED"
  /** The password was changed. No preference turns this type off. */
  | "PASSWORD_CHANGED"
  /** Something about the account's security. No preference turns this type off. */
  | "SECURITY";

/** Makes a mutation exactly-once: a UUID that the client makes for one intent. */
export type OpId = string;

/** The word `pending`. */
export type Pending =
  /** Nobody has approved or refused yet. */
  | "pending";

/** Parameters of `ping`: answered with a `pong` frame, at once. */
export type Ping = Record<string, never>;

/** The plan of an account. */
export type Plan =
  /** The free plan. */
  | "free"
  /** The paid plan. */
  | "pro";

/** A user who is present in a workspace. All their sockets there count as one presence. */
export interface Presence {
  /** The user. */
  user: PublicUser;
  /** `online` when at least one of their sockets is. */
  state: PresenceState;
  /** The task that the user is looking at, from the socket that last set this state. */
  task_id: TaskId | null;
  /** When this state began. */
  since: Timestamp;
}

/** The payload of the signal `presence.changed`. */
export interface PresenceChanged {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The user. */
  user: PublicUser;
  /** The new state. */
  state: PresenceNow;
  /** The task that the user is looking at. */
  task_id: TaskId | null;
  /** When this state began. */
  since: Timestamp;
}

/** The answer to `presence.list`. */
export interface PresenceList {
  /** The users who are present, ordered by user id. */
  items: Presence[];
}

/** A user's presence after a change. */
export type PresenceNow =
  /** The user is active. */
  | "online"
  /** The user is connected but not active. */
  | "away"
  /** The user is no longer present. */
  | "offline";

/** The presence that a socket reports for its user. */
export type PresenceState =
  /** The user is active. */
  | "online"
  /** The user is connected but not active. */
  | "away";

/** How urgent a task is. */
export type Priority =
  /** No priority. */
  | "none"
  /** Low. */
  | "low"
  /** Medium. */
  | "medium"
  /** High. */
  | "high"
  /** Urgent. */
  | "urgent";

/** A project: a group of tasks in a workspace. */
export interface Project {
  /** The project. */
  id: ProjectId;
  /** The workspace that contains it. */
  workspace_id: WorkspaceId;
  /** Its name. */
  name: string;
  /** The color as `#rrggbb`; `null` for none. */
  color: string | null;
  /** Its place among the other projects: compare as text. */
  position: string;
  /** Whether it is archived. */
  is_archived: boolean;
  /** Rises with every change. */
  version: number;
  /** When it was created. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** The payload of `project.deleted`, and the answer to `project.delete`. */
export interface ProjectDeleted {
  /** The project. */
  id: ProjectId;
  /** The version after its last one. */
  version: number;
}

/** A project. */
export type ProjectId = string;

/** A page of a list. */
export interface ProjectPage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: Project[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** A user, as others see them. */
export interface PublicUser {
  /** The account. */
  id: UserId;
  /** Unique, ignoring case. */
  username: string;
  /** The display name. */
  name: string;
  /** The path of the photo on this server, which changes with the photo; `null` when there is none. */
  photo_url: string | null;
}

/** The payload of `task.purged`. */
export interface Purged {
  /** The purged task. */
  id: TaskId;
  /** Its last version. */
  version: number;
}

/** Parameters of `stream.history`. */
export interface ReadHistory {
  /** The stream. */
  stream: StreamId;
  /** Only events after this `seq`; from the beginning when omitted. */
  after?: number | null;
  /** Events of a page; 100 when omitted. */
  limit?: number | null;
  /** Only events of this task. */
  task_id?: TaskId | null;
}

/** Why a stream was not resumed. */
export type Reason =
  /** No position was given. */
  | "new"
  /** The log no longer holds the position. */
  | "expired"
  /** The position belongs to another epoch. */
  | "epoch"
  /** The position is ahead of the head. */
  | "unknown"
  /** The caller may not read this stream. */
  | "no_access"
  /** The socket follows the maximum number of streams. */
  | "limit";

/** The body of `POST /v1/auth/device/token`. */
export interface RedeemDeviceCode {
  /** The program's code. */
  device_code: string;
  /** The name of the device. */
  device_name?: string | null;
}

/** Names a task or a project in a file. */
export type Ref = string;

/** The body of `POST /v1/auth/refresh`. */
export interface RefreshTokens {
  /** The refresh token; the one in the cookie when omitted. */
  refresh_token?: string | null;
  /** Where the answer puts the next refresh token; where this one came from when omitted. */
  token_delivery?: TokenDelivery | null;
}

/** Parameters of `member.remove`. */
export interface RemoveMember {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The user. */
  user_id: UserId;
}

/** Parameters of `auth.renew`. */
export interface RenewAuth {
  /** A fresh access token of the same user and session. */
  token: string;
}

/** The answer to `auth.renew`. */
export interface Renewed {
  /** When the socket's authentication now ends. */
  expires_at: Timestamp;
}

/** Parameters of `task.replace`: all of them are required. */
export interface ReplaceTask {
  /** The task. */
  id: TaskId;
  /** 1 to 200 characters. */
  title: string;
  /** Up to 1000 characters; `null` for none. */
  description: string | null;
  /** Whether it is completed. */
  completed: boolean;
  /** How urgent it is. */
  priority: Priority;
  /** When it is due; `null` for no date. */
  due_at: Timestamp | null;
  /** Up to 20 names of up to 50 characters. */
  tags: string[];
}

/** Parameters of `presence.typing`. */
export interface ReportTyping {
  /** The task that the user is typing on. */
  task_id: TaskId;
}

/** A request's `id`, echoed in its answer. */
export type RequestId = number | string;

/** The body of `POST /v1/auth/resend-verification`. */
export interface ResendVerification {
  /** The address of the account. */
  email: string;
}

/** The body of `POST /v1/auth/reset-password`: the address and the code of the mail, or the token of its link. */
export interface ResetPassword {
  /** The new password: 8 to 128 characters. */
  new_password: string;
  /** The six digits. They work for 30 minutes after the mail was sent, once; five wrong ones void them. */
  code?: string | null;
  /** The address of the account. */
  email?: string | null;
  /** The token of the link, which is what follows its `#`. It replaces both. */
  token?: string | null;
}

/** Parameters of `task.restore`. What is below the task and has its `deleted_at` was deleted with it, and comes back. */
export interface RestoreTask {
  /** The task. */
  id: TaskId;
}

/** The client's position in each stream. */
export interface Resume {
  /** The `epoch` from the `welcome` for which the positions are valid. */
  epoch: string;
  /** The last `seq` that the client applied, by the name of the stream. */
  positions?: Record<string, number> | null;
}

/** Parameters of `api_token.revoke`. */
export interface RevokeApiToken {
  /** One of the caller's API tokens. */
  id: ApiTokenId;
}

/** Parameters of `calendar.revoke`. */
export type RevokeCalendar = Record<string, never>;

/** Parameters of `invite.revoke`. */
export interface RevokeInvite {
  /** The invitation. */
  id: InviteId;
}

/** Parameters of `auth.revoke_session`. */
export interface RevokeSession {
  /** One of the caller's sessions. */
  id: SessionId;
}

/** What a member may do. Each role includes the ones before it. */
export type Role =
  /** May read. */
  | "viewer"
  /** May also change tasks. */
  | "member"
  /** May also manage members. */
  | "admin"
  /** May do everything. */
  | "owner";

/** The answer to a frame of `/v1/rpc`. */
export type RpcAnswer = RpcOkFrame | ErrorFrame | PongFrame;

/** A request of `/v1/rpc` was carried out. */
export interface RpcOkFrame {
  type: "ok";
  /** The `id` of the request; `null` when it had none. */
  id: RequestId | null;
  /** The operation's output. */
  data: Record<string, unknown>;
  /** For a mutation: the last `seq` that it produced in each stream that the caller may read. */
  at?: Record<string, number>;
  /** Whether this repeats the first answer, because the mutation was carried out before. */
  replayed?: boolean;
}

/** Parameters of `task.search`. */
export interface SearchTasks {
  /** Plain words in any language, without operators; case and accents are ignored. All of them must be found in a task's title, description and tags together, or in one comment. The last word matches as a prefix; text that is written without spaces (Chinese, Japanese, Thai, …) and Korean match by any part. */
  q: string;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Items of a page; 50 when omitted. */
  limit?: number | null;
  /** Pending and completed tasks when omitted. */
  status?: Status | null;
  /** `"all"` when omitted: every workspace that the user belongs to. */
  workspace_id?: Where | null;
}

/** An invitation, as the workspace's admins see it. */
export interface SentInvite {
  /** The invitation. */
  id: InviteId;
  /** The workspace. */
  workspace: WorkspaceName;
  /** The e-mail address of the invited person; `null` for a link for anybody. */
  email: string | null;
  /** The role that the person will have. */
  role: Role;
  /** The member who invited. */
  invited_by: PublicUser;
  /** How many may accept it; `null` for any number. */
  max_uses: number | null;
  /** How many accepted it. */
  uses: number;
  /** From then on it is refused, and `invite.list` does not show it. */
  expires_at: Timestamp;
  /** When it was created. */
  created_at: Timestamp;
  /** The link's token, in the answer to `invite.create` only. The token of a mailed invitation is in the mail only. */
  token?: string;
}

/** A page of a list. */
export interface SentInvitePage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: SentInvite[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** The server. */
export interface ServerInfo {
  /** `taskwire`. */
  name: string;
  /** The version of the server. */
  version: string;
  /** The name of the instance that answers. */
  instance: string;
  /** The server's time. */
  time: Timestamp;
}

/** One sign-in on one device. */
export interface Session {
  /** The session. */
  id: SessionId;
  /** The name of the device. */
  device_name: string | null;
  /** The client program, like `tw/0.1.0`. */
  client: string | null;
  /** The network address that it signed in from. */
  address: string | null;
  /** When the sign-in was. */
  created_at: Timestamp;
  /** When it was last used, to the minute. */
  last_seen_at: Timestamp;
  /** Whether it is the caller's session. */
  current: boolean;
}

/** The payload of the signal `session.expiring`. */
export interface SessionExpiring {
  /** When the access token expires. */
  expires_at: Timestamp;
}

/** A session: one sign-in on one device. */
export type SessionId = string;

/** The session of a token. An API token is a session of its own. */
export interface SessionInfo {
  /** The session. */
  id: SessionId;
  /** When the token expires; the end of the year 9999 for an API token without an end. */
  expires_at: Timestamp;
}

/** The answer to `auth.sessions`. */
export interface SessionList {
  /** The sessions, newest first; of very many, the newest 500. */
  items: Session[];
}

/** The payload of `session.revoked`. */
export interface SessionRevoked {
  /** The session. */
  id: SessionId;
}

/** Parameters of `presence.set`. */
export interface SetPresence {
  /** The workspace. A socket is present in one workspace at a time: setting another one ends its presence in the first. */
  workspace_id: WorkspaceId;
  /** Whether the user is active. */
  state: PresenceState;
  /** The task of that workspace that the user is looking at. */
  task_id?: TaskId | null;
}

/** Parameters of `admin.user.sign_out`. */
export interface SignOutUser {
  /** The account whose sessions end. */
  id: UserId;
}

/** Parameters of `auth.signup`. */
export interface SignUp {
  /** Unique. Case does not count where the part before the `@` is ASCII; any other is kept character by character. Domains are compared as DNS sees them (UTS #46). */
  email: string;
  /** 8 to 128 characters, compared as RFC 8265 (OpaqueString) says. Common passwords are refused. */
  password: string;
  /** The display name. */
  name: string;
  /** The name of the device. */
  device_name?: string | null;
  /** 3 to 32 characters of `a-z 0-9 _ . -`, unique ignoring case. Derived from the e-mail address when omitted. */
  username?: string | null;
}

/** The first line of a workspace's snapshot over HTTP. Each line after it is a task. Then subscribe to the stream since `seq`: a task may be newer than that, so take an event when its version is greater or equal. */
export interface SnapshotOpening {
  /** The state is the one after the event with this `seq`. */
  seq: number;
  /** The workspace. */
  workspace: Workspace;
  /** All members. */
  members: Member[];
  /** All projects. */
  projects: Project[];
  /** All tags. */
  tags: Tag[];
}

/** The order of a list; a leading `-` means descending. */
export type Sort =
  /** Oldest first. */
  | "created_at"
  /** Newest first. */
  | "-created_at"
  /** Least recently changed first. */
  | "updated_at"
  /** Most recently changed first. */
  | "-updated_at"
  /** Earliest date first; tasks without a date last. */
  | "due_at"
  /** Latest date first; tasks without a date last. */
  | "-due_at"
  /** Least urgent first. */
  | "priority"
  /** Most urgent first. */
  | "-priority"
  /** By title, ignoring case, in the order of Unicode's collation (UTS #10, root locale). */
  | "title"
  /** The same, descending. */
  | "-title"
  /** By position. */
  | "position"
  /** By position, descending. */
  | "-position";

/** A stage of a workspace. */
export interface Stage {
  /** What tasks call it; unique in its workspace. */
  key: string;
  /** Its name, for people. */
  name: string;
  /** What it means for its tasks. */
  kind: StageKind;
  /** The color as `#rrggbb`; `null` for none. */
  color: string | null;
}

/** What a stage means for the tasks in it. */
export type StageKind =
  /** Its tasks wait to be begun. */
  | "open"
  /** Somebody works on its tasks. */
  | "active"
  /** Its tasks are completed. */
  | "done";

/** The body of `POST /v1/auth/device`. */
export type StartDevice = Record<string, never>;

/** How many tasks a workspace has. Deleted tasks are counted in `deleted` alone. */
export interface Stats {
  /** Pending and completed tasks. */
  total: number;
  /** Tasks that are not completed. */
  pending: number;
  /** Completed tasks. */
  completed: number;
  /** Pending tasks whose date is over: their `due_at`, or the whole day of an all-day task. */
  overdue: number;
  /** Pending tasks that are due today, whether or not the time of day is over. */
  due_today: number;
  /** Deleted tasks that can be restored. */
  deleted: number;
  /** Tasks by the day on which they were created: each day once, the oldest first, the last one is today. */
  created_per_day: DayCount[];
  /** Completed tasks by the day on which they were completed, for the same days. */
  completed_per_day: DayCount[];
  /** Pending tasks by priority, the highest first. A priority that no such task has is not there. */
  by_priority: KeyCount[];
  /** Pending tasks by the id of their project, the most first; `null` for those in no project. */
  by_project: KeyCount[];
  /** Pending tasks by the user id of their assignee, the most first; `null` for those of nobody. A task of several people is counted for each. */
  by_assignee: KeyCount[];
}

/** The payload of the signal `stats.changed`. */
export interface StatsChanged {
  /** The workspace. */
  workspace_id: WorkspaceId;
}

/** Which tasks to list, by their status. */
export type Status =
  /** Deleted ones too. */
  | "all"
  /** Neither completed nor deleted. */
  | "pending"
  /** Completed and not deleted. */
  | "completed"
  /** Deleted. */
  | "deleted";

/** A durable log: `user:<id>` or `workspace:<id>`. */
export type StreamId = string;

/** The payload of `stream.reset`: too much changed at once; take a new snapshot. */
export interface StreamReset {
  /** What happened, as text for people. */
  message: string;
}

/** A stream in `welcome`. */
export interface StreamState {
  /** The stream, as the client named it. */
  stream: string;
  /** The `seq` of its newest event; 0 without access. */
  seq: number;
  /** Whether the events after the client's position follow. */
  resumed: boolean;
  /** Why the stream was not resumed. */
  reason?: Reason;
  /** The workspace, if it is a workspace's stream. Left out where the `welcome` would be longer than a frame: `workspace.list` has it. */
  workspace?: StreamWorkspace;
}

/** The workspace of a stream. */
export interface StreamWorkspace {
  /** The workspace. */
  id: WorkspaceId;
  /** Its name. */
  name: string;
  /** Personal or shared. */
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
  /** The last `seq` that the client applied. When omitted, the stream is followed from its head. */
  since?: number | null;
}

/** The answer to `stream.subscribe`. */
export interface Subscribed {
  /** The `seq` of the newest event. */
  seq: number;
  /** Whether the events after `since` follow. When false, events follow from `seq` on. */
  resumed: boolean;
  /** Why the stream was not resumed. */
  reason?: Reason;
}

/** Parameters of `user.sync`. */
export type SyncUser = Record<string, never>;

/** Parameters of `workspace.sync`. */
export interface SyncWorkspace {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
  /** Leaves out completed and deleted tasks. Events carry whole tasks, so a replica without them stays right. */
  open_only?: boolean | null;
}

/** A tag: a name for tasks of a workspace. A task's `tags` are names; the first task with a new name makes the tag. A tag stays when no task carries it any more, also when its last task is purged. `Home` and `home` are one tag. */
export interface Tag {
  /** The tag. */
  id: TagId;
  /** The workspace that contains it. */
  workspace_id: WorkspaceId;
  /** Its name, as all tasks carry it. */
  name: string;
  /** The color as `#rrggbb`; `null` for none. */
  color: string | null;
  /** Rises with every change. */
  version: number;
}

/** The payload of `tag.deleted`, and the answer to `tag.delete`. */
export interface TagDeleted {
  /** The tag. */
  id: TagId;
  /** The version after its last one. */
  version: number;
}

/** A tag. */
export type TagId = string;

/** A page of a list. */
export interface TagPage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: Tag[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** A task. */
export interface Task {
  /** The task. */
  id: TaskId;
  /** The workspace that contains it; never changes. */
  workspace_id: WorkspaceId;
  /** The project that contains it. */
  project_id: ProjectId | null;
  /** The parent task. */
  parent_id: TaskId | null;
  /** What to do. */
  title: string;
  /** Details. */
  description: string | null;
  /** Whether it is completed. */
  completed: boolean;
  /** When it was completed; `null` while it is not. */
  completed_at: Timestamp | null;
  /** The key of its stage. The task is completed exactly in a stage of kind `done`. Empty only in what a server of an older version sent. */
  stage: string;
  /** The tasks that block it. Those that are completed or deleted do not block. */
  blocked_by: TaskId[];
  /** How urgent it is. */
  priority: Priority;
  /** When it is due. */
  due_at: Timestamp | null;
  /** Whether `due_at` means a day, not a moment: midnight UTC of its date. */
  all_day: boolean;
  /** When to remind the assignees. */
  remind_at: Timestamp | null;
  /** How it repeats (RFC 5545, section 3.3.10): completing it makes the next task. */
  recurrence: string | null;
  /** Its place among the other tasks: compare as text, ties by id. */
  position: string;
  /** Names of tags, in the order given. */
  tags: string[];
  /** The assignees. */
  assignee_ids: UserId[];
  /** How many comments it has. */
  comment_count: number;
  /** How many attachments it has. */
  attachment_count: number;
  /** Whether it is deleted; it can be restored. */
  is_deleted: boolean;
  /** When it was deleted; `null` while it is not. */
  deleted_at: Timestamp | null;
  /** Rises with every change. */
  version: number;
  /** The user who created it. */
  created_by: UserId;
  /** When it was created. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
}

/** What a task counts. Events about what is counted carry it, because the task's own version stays. */
export interface TaskCounts {
  /** The task. */
  id: TaskId;
  /** How many comments it has. */
  comment_count: number;
  /** How many attachments it has. */
  attachment_count: number;
}

/** A task. */
export type TaskId = string;

/** A page of a list. */
export interface TaskPage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: Task[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** RFC 3339; the server writes UTC with milliseconds. */
export type Timestamp = string;

/** Where a sign-in over HTTP puts the refresh token. */
export type TokenDelivery =
  /** In a cookie that scripts cannot read. */
  | "cookie"
  /** In the field `refresh_token` of the answer. */
  | "body";

/** The tokens that a sign-in returns. */
export interface Tokens {
  /** The access token, a JWT (RFC 7519). */
  access_token: string;
  /** Always `Bearer` (RFC 6750). */
  token_type: string;
  /** Seconds until the access token ends. */
  expires_in: number;
  /** The account that signed in. */
  user: User;
  /** Good for one refresh; if the answer to it is lost, for a repetition within 30 seconds, which gives the same next token. An older one ends the session. Over HTTP it is a cookie instead, unless the request says `"token_delivery":"body"`. */
  refresh_token?: string;
}

/** Parameters of `workspace.transfer`. */
export interface TransferWorkspace {
  /** A team's workspace. */
  workspace_id: WorkspaceId;
  /** The member who becomes an owner. */
  user_id: UserId;
}

/** The payload of the signal `typing`. */
export interface Typing {
  /** The workspace of the task. */
  workspace_id: WorkspaceId;
  /** The task. */
  task_id: TaskId;
  /** The user who is typing. */
  user: PublicUser;
}

/** Parameters of `admin.user.unlock`. */
export interface UnlockUser {
  /** The account whose failed sign-ins are forgotten. */
  id: UserId;
}

/** The answer to `notification.unread_count`. */
export interface Unread {
  /** How many are unread. */
  unread: number;
}

/** Parameters of `stream.unsubscribe`. */
export interface Unsubscribe {
  /** The stream. */
  stream: StreamId;
}

/** Parameters of `comment.update`. */
export interface UpdateComment {
  /** The comment, which the caller wrote. */
  id: CommentId;
  /** 1 to 5000 characters. Its mentions take the place of those that the body had; a person is told of a mention once. */
  body: string;
}

/** Parameters of `member.update`. */
export interface UpdateMember {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** The user. */
  user_id: UserId;
  /** The new role; at most the caller's own. */
  role: Role;
}

/** Parameters of `profile.update`: only what changes. */
export interface UpdateProfile {
  /** The display name. */
  name?: string;
  /** The settings to change: a key that is given replaces the value that it had, `null` removes it, and all other keys stay. `null` in place of the object removes all. At most 16 KiB of JSON altogether, nested at most 8 levels deep. `notifications` belongs to the server: `{types?: {TYPE: boolean}, email?: boolean, own_acts?: "unread"|"read"|"off", due_lead_minutes?: 0 to 10080}`. A type that is `false` is not made; `SECURITY` and `PASSWORD_CHANGED` cannot be turned off. What the user does themselves is told unread, read from the start, or not at all, as `own_acts` says. All other keys belong to clients. */
  preferences?: Record<string, unknown> | null;
  /** A name of the IANA time zone database, like `Europe/Paris`. */
  timezone?: string;
  /** 3 to 32 characters of `a-z 0-9 _ . -`, unique ignoring case. */
  username?: string;
}

/** Parameters of `project.update`: only what changes. */
export interface UpdateProject {
  /** The project. */
  id: ProjectId;
  /** Places it right after this project. */
  after?: ProjectId | null;
  /** Places it right before this project. Not together with `after`. */
  before?: ProjectId | null;
  /** The color as `#rrggbb`. */
  color?: string | null;
  /** 1 to 100 characters. */
  name?: string;
}

/** Parameters of `tag.update`: only what changes. */
export interface UpdateTag {
  /** The tag. */
  id: TagId;
  /** The color as `#rrggbb`. */
  color?: string | null;
  /** 1 to 50 characters; all tasks that carry the tag change. If another tag has this name, the two become one: the other tag stays and is the answer, its name takes this one's place in the tasks, and this tag is deleted. */
  name?: string;
}

/** Parameters of `task.update`: only what changes. */
export interface UpdateTask {
  /** The task. */
  id: TaskId;
  /** Whether `due_at` means a day. It is kept as midnight UTC of its date. */
  all_day?: boolean;
  /** Members of the workspace; `null` means none. */
  assignee_ids?: UserId[] | null;
  /** Up to 20 tasks of the workspace that block it; `null` means none. */
  blocked_by?: TaskId[] | null;
  /** Whether it is completed. */
  completed?: boolean;
  /** Up to 1000 characters. */
  description?: string | null;
  /** When it is due. */
  due_at?: Timestamp | null;
  /** The expected version. The answer is `VERSION_CONFLICT` when the task has another one. */
  if_version?: number | null;
  /** The parent task. */
  parent_id?: TaskId | null;
  /** How urgent it is; `null` means `none`. */
  priority?: Priority | null;
  /** The project. */
  project_id?: ProjectId | null;
  /** How it repeats (RFC 5545, section 3.3.10). Another rule begins a series at the task's date. Another `due_at` alone postpones this task: those after it come when they would have come. */
  recurrence?: string | null;
  /** When to remind the assignees. */
  remind_at?: Timestamp | null;
  /** The key of its stage. A stage of kind `done` completes it, any other reopens it. */
  stage?: string;
  /** Up to 20 names of up to 50 characters; `null` means none. */
  tags?: string[] | null;
  /** 1 to 200 characters. */
  title?: string;
}

/** Parameters of `admin.user.update`: only what changes. */
export interface UpdateUser {
  /** The account. */
  id: UserId;
  /** The e-mail address, which counts as verified. */
  email?: string;
  /** False signs the user out everywhere, and refuses sign-ins until it is true again. */
  is_active?: boolean;
  /** The display name. */
  name?: string;
  /** The plan. */
  plan?: Plan;
  /** What the account may do on the whole server. It takes effect at once. */
  role?: GlobalRole;
}

/** Parameters of `workspace.update`. Omitted fields stay as they are. */
export interface UpdateWorkspace {
  /** The workspace. */
  workspace_id: WorkspaceId;
  /** 1 to 100 characters. */
  name?: string;
  /** All stages, 2 to 20, in the order of the board; at least one of kind `open` and one of kind `done`. Tasks of a stage that goes away move to the first one of its kind, or else to the first of kind `open`. A stage whose kind changes completes or reopens its tasks. */
  stages?: DefineStage[];
}

/** The user's own account. */
export interface User {
  /** The account. */
  id: UserId;
  /** Unique, ignoring case. */
  username: string;
  /** The display name. */
  name: string;
  /** Unique, ignoring case. */
  email: string;
  /** What the account may do on the whole server. */
  role: GlobalRole;
  /** The plan. */
  plan: Plan;
  /** False: the user is signed out everywhere and cannot sign in. */
  is_active: boolean;
  /** Whether the e-mail address is verified. */
  is_verified: boolean;
  /** An IANA time zone. */
  timezone: string;
  /** The user's settings. The server reads `notifications`; the rest is for clients. See `profile.update`. */
  preferences: Record<string, unknown>;
  /** The path of the photo on this server, which changes with the photo; `null` when there is none. */
  photo_url: string | null;
  /** Rises with every change. */
  version: number;
  /** When the account was created. */
  created_at: Timestamp;
  /** When the account last changed. */
  updated_at: Timestamp;
}

/** A user's account. */
export type UserId = string;

/** A page of a list. */
export interface UserPage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: User[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** A snapshot of a user's own data. */
export interface UserSnapshot {
  /** The state is the one after the event with this `seq`; the next event has `seq` + 1. */
  seq: number;
  /** The account. */
  user: User;
  /** The user's workspaces, with the user's role in each. */
  workspaces: Workspace[];
  /** Invitations that the user has not answered. */
  invites: Invite[];
  /** The newest 100 notifications. */
  notifications: Notification[];
  /** The number of unread notifications. */
  unread: number;
}

/** The body of `POST /v1/auth/verify-email`: the address and the code of the mail, or the token of its link. */
export interface VerifyEmail {
  /** The six digits. They work for 10 minutes after the mail was sent, once; five wrong ones void them. */
  code?: string | null;
  /** The address to verify. */
  email?: string | null;
  /** The token of the link, which is what follows its `#`. It replaces both. */
  token?: string | null;
}

/** The answer to a sign-up where addresses must be verified first. */
export interface VerifyFirst {
  /** What to do next. */
  status: NextStep;
}

/** What holds for an authenticated socket. */
export interface Welcome {
  /** The version of the contract. */
  protocol: number;
  /** Rises with each growth of the contract within its version. A server that does not send it has 0. */
  revision: number;
  /** The server. */
  server: ServerInfo;
  /** The epoch in which positions are valid. When it differs from the client's, take a new snapshot. */
  epoch: string;
  /** The authenticated user. */
  user: User;
  /** The session of the token. */
  session: SessionInfo;
  /** Milliseconds between two pings of the server. */
  heartbeat_ms: number;
  /** The limits of this socket. */
  limits: Limits;
  /** The streams asked for, with their state. */
  streams: StreamState[];
  /** How many more streams were asked for: a `welcome` is no longer than a frame. They are as if listed with the reason `limit`. Left out when all are listed. */
  more?: number;
}

/** One workspace, or `"all"` that the user belongs to. */
export type Where = WorkspaceId | Everywhere;

/** A workspace, as one of its members sees it. */
export interface Workspace {
  /** The workspace. */
  id: WorkspaceId;
  /** Its name. */
  name: string;
  /** Personal or shared. */
  kind: WorkspaceKind;
  /** The stages of its tasks, in the order of its board. At least one is of kind `open`, and one of kind `done`. */
  stages: Stage[];
  /** Rises with every change. */
  version: number;
  /** When it was created. */
  created_at: Timestamp;
  /** When it last changed. */
  updated_at: Timestamp;
  /** The reader's role. In events of the workspace's own stream, which all members share, it is left out. */
  role?: Role;
}

/** The payload of `workspace.deleted`, the last event of its stream. */
export interface WorkspaceDeleted {
  /** The workspace. */
  id: WorkspaceId;
  /** Its version, greater than any before. */
  version: number;
}

/** The whole file. */
export interface WorkspaceExport {
  /** `taskwire`. */
  format: string;
  /** The version of the format, 1. */
  version: number;
  /** The workspace. */
  workspace: ExportedWorkspace;
  /** Its members, by id. An import adds no members: people join a workspace by invitations. */
  members: ExportedMember[];
  /** Its projects. */
  projects: ExportedProject[];
  /** Its tags. A task may name a tag that is not among them. */
  tags: ExportedTag[];
  /** Its tasks, deleted ones included, each after its parent. */
  tasks: ExportedTask[];
  /** What blocks its tasks. */
  blockers: ExportedBlockers[];
  /** Its comments: those of a task together, oldest first. */
  comments: ExportedComment[];
  /** What is attached to its tasks, without the bytes: `GET /v1/attachments/{id}` has them. */
  attachments: ExportedAttachment[];
}

/** A workspace. */
export type WorkspaceId = string;

/** Whether a workspace is personal or shared. */
export type WorkspaceKind =
  /** Created at signup; cannot be left, shared or deleted. */
  | "personal"
  /** Shared by a team. */
  | "team";

/** A workspace's id and name. */
export interface WorkspaceName {
  /** The workspace. */
  id: WorkspaceId;
  /** Its name. */
  name: string;
}

/** A page of a list. */
export interface WorkspacePage {
  /** The items, in the order asked for. Equal items are ordered by id. */
  items: Workspace[];
  /** Send it as `cursor` for the next page; `null` on the last page. */
  next_cursor: string | null;
  /** The number of items on all pages; on the first page only. */
  total?: number;
}

/** A page of a workspace's snapshot. */
export interface WorkspaceSnapshot {
  /** On the first page: the state is the one after the event with this `seq`, and the next event has `seq` + 1. */
  seq: number;
  /** Tasks ordered by id, deleted ones included. */
  tasks: Task[];
  /** The cursor of the next page; absent on the last page. */
  cursor?: string;
  /** All members, on the first page. */
  members?: Member[];
  /** All projects, on the first page. */
  projects?: Project[];
  /** All tags, on the first page. */
  tags?: Tag[];
  /** The workspace, on the first page. */
  workspace?: Workspace;
}

/** What each operation does, and who may send it. A mutation takes an `op_id`. */
export const OPERATIONS = {
  "auth": { kind: "session", access: "anyone" },
  "auth.signup": { kind: "session", access: "anyone" },
  "auth.login": { kind: "session", access: "anyone" },
  "auth.renew": { kind: "session", access: "user" },
  "auth.logout": { kind: "session", access: "user" },
  "auth.logout_all": { kind: "session", access: "user" },
  "auth.change_password": { kind: "session", access: "user" },
  "auth.sessions": { kind: "session", access: "user" },
  "auth.revoke_session": { kind: "session", access: "user" },
  "api_token.create": { kind: "session", access: "user" },
  "api_token.list": { kind: "query", access: "user" },
  "api_token.revoke": { kind: "mutation", access: "user" },
  "calendar.create": { kind: "session", access: "user" },
  "calendar.revoke": { kind: "mutation", access: "user" },
  "profile.get": { kind: "query", access: "user" },
  "profile.update": { kind: "mutation", access: "user" },
  "profile.change_email": { kind: "session", access: "user" },
  "profile.delete": { kind: "session", access: "user" },
  "user.get": { kind: "query", access: "user" },
  "user.sync": { kind: "query", access: "user" },
  "workspace.create": { kind: "mutation", access: "user" },
  "workspace.list": { kind: "query", access: "user" },
  "workspace.get": { kind: "query", access: "viewer" },
  "workspace.update": { kind: "mutation", access: "admin" },
  "workspace.delete": { kind: "mutation", access: "owner" },
  "workspace.leave": { kind: "mutation", access: "viewer" },
  "workspace.transfer": { kind: "mutation", access: "owner" },
  "workspace.sync": { kind: "query", access: "viewer" },
  "member.list": { kind: "query", access: "viewer" },
  "member.add": { kind: "mutation", access: "admin" },
  "member.update": { kind: "mutation", access: "admin" },
  "member.remove": { kind: "mutation", access: "admin" },
  "project.create": { kind: "mutation", access: "member" },
  "project.update": { kind: "mutation", access: "member" },
  "project.archive": { kind: "mutation", access: "member" },
  "project.delete": { kind: "mutation", access: "member" },
  "project.list": { kind: "query", access: "viewer" },
  "tag.create": { kind: "mutation", access: "member" },
  "tag.update": { kind: "mutation", access: "member" },
  "tag.delete": { kind: "mutation", access: "member" },
  "tag.list": { kind: "query", access: "viewer" },
  "invite.create": { kind: "mutation", access: "admin" },
  "invite.accept": { kind: "mutation", access: "user" },
  "invite.revoke": { kind: "mutation", access: "admin" },
  "invite.list": { kind: "query", access: "admin" },
  "task.create": { kind: "mutation", access: "member" },
  "task.get": { kind: "query", access: "viewer" },
  "task.list": { kind: "query", access: "viewer" },
  "task.search": { kind: "query", access: "viewer" },
  "task.replace": { kind: "mutation", access: "member" },
  "task.update": { kind: "mutation", access: "member" },
  "task.complete": { kind: "mutation", access: "member" },
  "task.delete": { kind: "mutation", access: "member" },
  "task.restore": { kind: "mutation", access: "member" },
  "task.move": { kind: "mutation", access: "member" },
  "task.assign": { kind: "mutation", access: "member" },
  "comment.create": { kind: "mutation", access: "member" },
  "comment.update": { kind: "mutation", access: "member" },
  "comment.delete": { kind: "mutation", access: "member" },
  "comment.list": { kind: "query", access: "viewer" },
  "attachment.list": { kind: "query", access: "viewer" },
  "attachment.delete": { kind: "mutation", access: "member" },
  "notification.list": { kind: "query", access: "user" },
  "notification.get": { kind: "query", access: "user" },
  "notification.mark": { kind: "mutation", access: "user" },
  "notification.mark_all_read": { kind: "mutation", access: "user" },
  "notification.delete": { kind: "mutation", access: "user" },
  "notification.delete_many": { kind: "mutation", access: "user" },
  "notification.unread_count": { kind: "query", access: "user" },
  "presence.set": { kind: "session", access: "viewer" },
  "presence.list": { kind: "query", access: "viewer" },
  "presence.typing": { kind: "command", access: "viewer" },
  "stats.get": { kind: "query", access: "viewer" },
  "stream.subscribe": { kind: "session", access: "user" },
  "stream.unsubscribe": { kind: "session", access: "user" },
  "stream.history": { kind: "query", access: "user" },
  "batch": { kind: "mutation", access: "user" },
  "admin.user.list": { kind: "query", access: "server_admin" },
  "admin.user.get": { kind: "query", access: "server_admin" },
  "admin.user.create": { kind: "mutation", access: "server_admin" },
  "admin.user.update": { kind: "mutation", access: "server_admin" },
  "admin.user.unlock": { kind: "mutation", access: "server_admin" },
  "admin.user.sign_out": { kind: "mutation", access: "server_admin" },
  "admin.user.delete": { kind: "mutation", access: "server_admin" },
  "admin.instances": { kind: "query", access: "server_admin" },
  "admin.connections": { kind: "query", access: "server_admin" },
  "admin.kick": { kind: "command", access: "server_admin" },
  "ping": { kind: "session", access: "anyone" },
  "protocol.describe": { kind: "query", access: "anyone" },
} as const;

/** Every operation by its wire name: what it takes and what `ok.data` holds. */
export interface Operations {
  /** Authenticates the socket. The answer is `welcome`. A session; access: anyone. */
  "auth": { params: Authenticate; output: Welcome };
  /** Creates an account with a personal workspace, and signs in. A session; access: anyone. */
  "auth.signup": { params: SignUp; output: Tokens };
  /** Signs in with e-mail address and password. A session; access: anyone. */
  "auth.login": { params: LogIn; output: Tokens };
  /** Extends the socket's authentication with a new token of the same user and session. A session; access: user. */
  "auth.renew": { params: RenewAuth; output: Renewed };
  /** Ends the session. Its sockets close with 4403. A session; access: user. */
  "auth.logout": { params: LogOut; output: Nothing };
  /** Ends all sessions of the caller. Their sockets close with 4403. A session; access: user. */
  "auth.logout_all": { params: LogOutAll; output: Nothing };
  /** Changes the password. The socket continues in a new session; all other sessions end. A session; access: user. */
  "auth.change_password": { params: ChangePassword; output: Tokens };
  /** Lists the caller's sessions that have not ended, newest first. A session; access: user. */
  "auth.sessions": { params: ListSessions; output: SessionList };
  /** Ends one of the caller's sessions. Its sockets close with 4403. A session; access: user. */
  "auth.revoke_session": { params: RevokeSession; output: Nothing };
  /** Makes an API token. The answer shows the token itself, once. A session; access: user. */
  "api_token.create": { params: CreateApiToken; output: ApiToken };
  /** Lists the caller's API tokens, without the tokens themselves. A query; access: user. */
  "api_token.list": { params: ListApiTokens; output: ApiTokenList };
  /** Ends an API token. Its sockets close with 4403. A mutation; access: user. */
  "api_token.revoke": { params: RevokeApiToken; output: Nothing };
  /** Makes the caller's calendar feed, and shows its address, once. A feed that they had before ends. A session; access: user. */
  "calendar.create": { params: CreateCalendar; output: Calendar };
  /** Ends the caller's calendar feed. A mutation; access: user. */
  "calendar.revoke": { params: RevokeCalendar; output: Nothing };
  /** The caller's account. A query; access: user. */
  "profile.get": { params: GetProfile; output: User };
  /** Changes the caller's profile. Every workspace of theirs gets `member.updated` when what others see has changed. A mutation; access: user. */
  "profile.update": { params: UpdateProfile; output: User };
  /** Asks for another e-mail address, which is verified by mail before it takes effect. The old one is told. A session; access: user. */
  "profile.change_email": { params: ChangeEmail; output: Nothing };
  /** Deletes the caller's account. It cannot be undone. Its sockets close with 4403. A session; access: user. */
  "profile.delete": { params: DeleteProfile; output: Nothing };
  /** The public profile of a user who shares a workspace with the caller. A query; access: user. */
  "user.get": { params: GetUser; output: PublicUser };
  /** A snapshot of the caller's own data. Subscribes to the caller's stream. A query; access: user. */
  "user.sync": { params: SyncUser; output: UserSnapshot };
  /** Creates a team workspace, owned by the caller. A mutation; access: user. */
  "workspace.create": { params: CreateWorkspace; output: Workspace };
  /** Lists the caller's workspaces, ordered by id. A query; access: user. */
  "workspace.list": { params: ListWorkspaces; output: WorkspacePage };
  /** One workspace. A query; access: viewer. */
  "workspace.get": { params: GetWorkspace; output: Workspace };
  /** Changes a workspace. A mutation; access: admin. */
  "workspace.update": { params: UpdateWorkspace; output: Workspace };
  /** Deletes a team's workspace with everything in it. It cannot be undone. A mutation; access: owner. */
  "workspace.delete": { params: DeleteWorkspace; output: Nothing };
  /** Leaves a team's workspace. The last owner stays, until another member is an owner. A mutation; access: viewer. */
  "workspace.leave": { params: LeaveWorkspace; output: Nothing };
  /** Makes another member an owner. The caller becomes an admin. A mutation; access: owner. */
  "workspace.transfer": { params: TransferWorkspace; output: Workspace };
  /** A snapshot of a workspace, in pages. The first page subscribes to its stream. A query; access: viewer. */
  "workspace.sync": { params: SyncWorkspace; output: WorkspaceSnapshot };
  /** Lists the members of a workspace, ordered by user id. A query; access: viewer. */
  "member.list": { params: ListMembers; output: MemberPage };
  /** Adds a user who has an account. A mutation; access: admin. */
  "member.add": { params: AddMember; output: Member };
  /** Changes a member's role. A mutation; access: admin. */
  "member.update": { params: UpdateMember; output: Member };
  /** Removes a member, also from the assignees of tasks; of more than 2,000 in steps afterwards. A mutation; access: admin. */
  "member.remove": { params: RemoveMember; output: Nothing };
  /** Creates a project, as the last one of its workspace. A mutation; access: member. */
  "project.create": { params: CreateProject; output: Project };
  /** Changes a project's name, color or place. A mutation; access: member. */
  "project.update": { params: UpdateProject; output: Project };
  /** Archives a project, or takes it back. A mutation; access: member. */
  "project.archive": { params: ArchiveProject; output: Project };
  /** Deletes a project. Its tasks stay, without a project; more than 2,000 leave it in steps before it goes. A mutation; access: member. */
  "project.delete": { params: DeleteProject; output: ProjectDeleted };
  /** Lists the projects of a workspace in their order, archived ones included. A query; access: viewer. */
  "project.list": { params: ListProjects; output: ProjectPage };
  /** Makes a tag. A task may carry a new name without it. A mutation; access: member. */
  "tag.create": { params: CreateTag; output: Tag };
  /** Gives a tag another name or color. With the name of another tag, the two become one. A mutation; access: member. */
  "tag.update": { params: UpdateTag; output: Tag };
  /** Deletes a tag, and takes it off the tasks that carry it. A mutation; access: member. */
  "tag.delete": { params: DeleteTag; output: TagDeleted };
  /** Lists the tags of a workspace, ordered by name without case. A query; access: viewer. */
  "tag.list": { params: ListTags; output: TagPage };
  /** Invites somebody to a team's workspace: by address, or with a link for anybody. It lives seven days. A mutation; access: admin. */
  "invite.create": { params: CreateInvite; output: SentInvite };
  /** Accepts an invitation: the caller becomes a member. A member gets the workspace as it is. A mutation; access: user. */
  "invite.accept": { params: AcceptInvite; output: Workspace };
  /** Takes an invitation back. A mutation; access: admin. */
  "invite.revoke": { params: RevokeInvite; output: Nothing };
  /** Lists the invitations to a workspace that can still be accepted, ordered by id. A query; access: admin. */
  "invite.list": { params: ListInvites; output: SentInvitePage };
  /** Creates a task. A mutation; access: member. */
  "task.create": { params: CreateTask; output: Task };
  /** One task. A query; access: viewer. */
  "task.get": { params: GetTask; output: Task };
  /** Lists tasks: filtered, searched and sorted. A query; access: viewer. */
  "task.list": { params: ListTasks; output: TaskPage };
  /** Finds tasks by the words of their titles, descriptions, tags and comments, best first, and says where they are. A query; access: viewer. */
  "task.search": { params: SearchTasks; output: FoundTasks };
  /** Replaces the fields of a task that people edit. A mutation; access: member. */
  "task.replace": { params: ReplaceTask; output: Task };
  /** Changes the given fields of a task. A mutation; access: member. */
  "task.update": { params: UpdateTask; output: Task };
  /** Completes or reopens a task. Toggles it when `completed` is omitted. Its subtasks stay as they are. A mutation; access: member. */
  "task.complete": { params: CompleteTask; output: Task };
  /** Deletes a task, its subtasks and theirs. All can be restored, but not the task if `permanent` is true. A mutation; access: member. */
  "task.delete": { params: DeleteTask; output: Deleted };
  /** Restores a deleted task, and what was deleted with it; not what was deleted before on its own. A mutation; access: member. */
  "task.restore": { params: RestoreTask; output: Task };
  /** Moves a task within its workspace. Its subtasks stay below it. A mutation; access: member. */
  "task.move": { params: MoveTask; output: Task };
  /** Changes the assignees of a task. A mutation; access: member. */
  "task.assign": { params: AssignTask; output: Task };
  /** Writes a comment on a task. A mutation; access: member. */
  "comment.create": { params: CreateComment; output: Comment };
  /** Changes the body of a comment that the caller wrote. A mutation; access: member. */
  "comment.update": { params: UpdateComment; output: Comment };
  /** Deletes a comment, as its author or as an admin. The answer is the comment as it was. A mutation; access: member. */
  "comment.delete": { params: DeleteComment; output: Comment };
  /** Lists the comments on a task, oldest first. A query; access: viewer. */
  "comment.list": { params: ListComments; output: CommentPage };
  /** Lists the attachments of a task, oldest first. A query; access: viewer. */
  "attachment.list": { params: ListAttachments; output: AttachmentPage };
  /** Deletes an attachment, as who uploaded it or as an admin. The answer is the attachment as it was. A mutation; access: member. */
  "attachment.delete": { params: DeleteAttachment; output: Attachment };
  /** Lists the caller's notifications. A query; access: user. */
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
  /** The number of unread notifications. A query; access: user. */
  "notification.unread_count": { params: CountUnread; output: Unread };
  /** Reports the user as present until the socket closes or reports something else. A session; access: viewer. */
  "presence.set": { params: SetPresence; output: Presence };
  /** Lists the users who are present in a workspace. A query; access: viewer. */
  "presence.list": { params: ListPresence; output: PresenceList };
  /** Tells the workspace's followers that the caller is typing, at most once a second for each task. A command; access: viewer. */
  "presence.typing": { params: ReportTyping; output: Nothing };
  /** Counts a workspace's tasks: by status, by day, by priority, by project and by assignee. A query; access: viewer. */
  "stats.get": { params: GetStats; output: Stats };
  /** Follows a stream. A session; access: user. */
  "stream.subscribe": { params: Subscribe; output: Subscribed };
  /** Stops following a stream. A session; access: user. */
  "stream.unsubscribe": { params: Unsubscribe; output: Nothing };
  /** Reads a stream's log: the audit trail. A query; access: user. */
  "stream.history": { params: ReadHistory; output: History };
  /** Carries out several mutations in one request: all or none, or each on its own. A mutation; access: user. */
  "batch": { params: Batch; output: BatchResults };
  /** Lists accounts, ordered by id. A query; access: server_admin. */
  "admin.user.list": { params: ListUsers; output: UserPage };
  /** One account. A query; access: server_admin. */
  "admin.user.get": { params: FindUser; output: User };
  /** Makes an account with a personal workspace. It cannot be part of a batch. A mutation; access: server_admin. */
  "admin.user.create": { params: CreateUser; output: User };
  /** Changes an account. The last active administrator stays one. A mutation; access: server_admin. */
  "admin.user.update": { params: UpdateUser; output: User };
  /** Ends the lock that failed sign-ins put on an account. It cannot be part of a batch. A mutation; access: server_admin. */
  "admin.user.unlock": { params: UnlockUser; output: Nothing };
  /** Ends all sessions of an account. Its sockets close with 4403. A mutation; access: server_admin. */
  "admin.user.sign_out": { params: SignOutUser; output: Nothing };
  /** Deletes an account. It cannot be undone. Its sockets close with 4403. The last active administrator stays. A mutation; access: server_admin. */
  "admin.user.delete": { params: DeleteUser; output: Nothing };
  /** Lists the running instances. A query; access: server_admin. */
  "admin.instances": { params: ListInstances; output: InstanceList };
  /** Lists the authenticated sockets of all instances. A query; access: server_admin. */
  "admin.connections": { params: ListConnections; output: ConnectionPage };
  /** Closes the sockets of a user or session with 4403, on all instances. A command; access: server_admin. */
  "admin.kick": { params: Kick; output: Nothing };
  /** Answered with `pong`, ahead of all other requests. A session; access: anyone. */
  "ping": { params: Ping; output: Nothing };
  /** This contract as JSON Schema. A query; access: anyone. */
  "protocol.describe": { params: Describe; output: object };
}

/** Every durable event by its wire name: its payload. */
export interface Events {
  /** A task was created. */
  "task.created": Task;
  /** A task was changed, replaced or assigned. */
  "task.updated": Task;
  /** A task was completed, by whatever operation. */
  "task.completed": Task;
  /** A completed task was reopened, by whatever operation. */
  "task.reopened": Task;
  /** A task was deleted; it can be restored. */
  "task.deleted": Task;
  /** A deleted task was restored. */
  "task.restored": Task;
  /** A task was moved. */
  "task.moved": Task;
  /** A task was deleted permanently. */
  "task.purged": Purged;
  /** A comment was written. */
  "comment.created": CommentChanged;
  /** The body of a comment was changed. */
  "comment.updated": CommentChanged;
  /** A comment was deleted. */
  "comment.deleted": CommentChanged;
  /** A file was uploaded to a task. */
  "attachment.created": AttachmentChanged;
  /** An attachment was deleted. The payload is the attachment as it was. */
  "attachment.deleted": AttachmentChanged;
  /** A workspace was created. This is the first event of its stream. */
  "workspace.created": Workspace;
  /** A workspace's name or stages changed. */
  "workspace.updated": Workspace;
  /** The workspace was deleted. This is the last event of its stream. */
  "workspace.deleted": WorkspaceDeleted;
  /** A user joined the workspace. */
  "member.added": MemberJoined;
  /** A member's role or profile changed. */
  "member.updated": Member;
  /** A member left or was removed. */
  "member.removed": MemberRemoved;
  /** A project was created. */
  "project.created": Project;
  /** A project was changed, moved or archived. */
  "project.updated": Project;
  /** A project was deleted. Its tasks have events of their own. */
  "project.deleted": ProjectDeleted;
  /** A tag was made, by `tag.create` or by the first task that carries it. */
  "tag.created": Tag;
  /** A tag has another name or color. The tasks that carry it have events of their own. */
  "tag.updated": Tag;
  /** A tag was deleted, or became one with another. The tasks that carried it have events of their own. */
  "tag.deleted": TagDeleted;
  /** Somebody was invited to the workspace. `invite.list` shows the invitation to admins. */
  "invite.created": InviteChanged;
  /** An invitation ended: it was revoked or replaced, has expired, or was accepted as often as it may be. */
  "invite.revoked": InviteChanged;
  /** The user was invited to a workspace. */
  "invite.received": Invite;
  /** Too much changed at once: take a new snapshot. */
  "stream.reset": StreamReset;
  /** A notification was created. */
  "notification.created": NotificationChanged;
  /** A notification was marked. */
  "notification.updated": NotificationChanged;
  /** All notifications were marked as read. */
  "notification.all_read": AllRead;
  /** A notification was deleted. */
  "notification.deleted": NotificationDeleted;
  /** The user may now read a workspace. */
  "access.granted": AccessGranted;
  /** The user's role in a workspace changed. */
  "access.changed": AccessChanged;
  /** The user may no longer read a workspace. */
  "access.lost": AccessLost;
  /** The user's profile changed. */
  "profile.updated": User;
  /** The user signed in. */
  "session.created": Session;
  /** A session ended. */
  "session.revoked": SessionRevoked;
  /** An API token was made. No snapshot has it: `api_token.list` lists them. */
  "api_token.created": ApiToken;
  /** An API token was revoked. */
  "api_token.revoked": ApiTokenRevoked;
  /** A calendar feed was made. No snapshot has it. */
  "calendar.created": CalendarCreated;
  /** The calendar feed ended. */
  "calendar.revoked": CalendarRevoked;
}

/** The events that show a task: when it is purged, `Forgotten` takes the payload's place. */
export type ForgettableEvent = "task.created" | "task.updated" | "task.completed" | "task.reopened" | "task.deleted" | "task.restored" | "task.moved" | "task.purged" | "comment.created" | "comment.updated" | "comment.deleted" | "attachment.created" | "attachment.deleted" | "notification.created" | "notification.updated";

/** Every signal by its wire name: its payload. */
export interface Signals {
  /** The access token expires within 60 seconds, and half of its life is over: send `auth.renew`. */
  "session.expiring": SessionExpiring;
  /** The server is about to close the socket with 1012: reconnect after the delay. */
  "server.goodbye": Goodbye;
  /** A user's presence in a workspace changed. Sent to all sockets that follow its stream, the user's own too. */
  "presence.changed": PresenceChanged;
  /** The user joined a workspace that the socket does not follow: it follows as many streams as it may. */
  "stream.not_followed": NotFollowed;
  /** A user is typing on a task. Sent to all sockets that follow the workspace's stream, the user's own too. */
  "typing": Typing;
  /** What `stats.get` counts changed. Sent to all sockets that follow the workspace's stream, at most once a second. */
  "stats.changed": StatsChanged;
}

/** Every HTTP route: what it takes, and what a success and an error hold. */
export interface Routes {
  /** Creates an account with a personal workspace, and signs in. Where addresses must be verified first: 202. */
  "POST /v1/auth/signup": { body: HttpSignUp; status: 201; answer: Tokens; error: HttpError };
  /** Signs in. An OAuth2 password form (`username`, `password`) is also accepted. */
  "POST /v1/auth/login": { body: HttpLogIn; status: 200; answer: Tokens; error: HttpError };
  /** Exchanges a refresh token for new tokens. A repetition within 30 s gives the same next refresh token; an older one ends the session. */
  "POST /v1/auth/refresh": { body: RefreshTokens; status: 200; answer: Tokens; error: HttpError };
  /** Ends the session. */
  "POST /v1/auth/logout": { body: null; status: 200; answer: Nothing; error: HttpError };
  /** Ends all sessions of the caller. */
  "POST /v1/auth/logout-all": { body: null; status: 200; answer: Nothing; error: HttpError };
  /** Changes the password. The answer has the tokens of a new session; all other sessions end. */
  "POST /v1/auth/change-password": { body: HttpChangePassword; status: 200; answer: Tokens; error: HttpError };
  /** Lists the caller's sessions that have not ended, newest first. */
  "POST /v1/auth/sessions": { body: ListSessions; status: 200; answer: SessionList; error: HttpError };
  /** Ends one of the caller's sessions. */
  "POST /v1/auth/revoke-session": { body: RevokeSession; status: 200; answer: Nothing; error: HttpError };
  /** Verifies an address with the code or link of a mail: that of a sign-up, or of `profile.change_email`. */
  "POST /v1/auth/verify-email": { body: VerifyEmail; status: 200; answer: Nothing; error: HttpError };
  /** Mails a new code to an address that is not verified. The answer does not tell whether it has an account. */
  "POST /v1/auth/resend-verification": { body: ResendVerification; status: 202; answer: Nothing; error: HttpError };
  /** Mails a code for a new password. The answer does not tell whether the address has an account. */
  "POST /v1/auth/forgot-password": { body: ForgotPassword; status: 202; answer: Nothing; error: HttpError };
  /** Sets a new password with the code or link of a mail. Every session of the account ends. */
  "POST /v1/auth/reset-password": { body: ResetPassword; status: 200; answer: Nothing; error: HttpError };
  /** Begins the sign-in of a program that its person approves on another device (RFC 8628). */
  "POST /v1/auth/device": { body: StartDevice; status: 200; answer: DeviceCode; error: HttpError };
  /** Lets the program that shows this code sign in as the caller, or refuses it. */
  "POST /v1/auth/device/approve": { body: ApproveDevice; status: 200; answer: Nothing; error: HttpError };
  /** Exchanges a device code for tokens. 202: nobody has approved it yet. `FORBIDDEN`: it was refused. */
  "POST /v1/auth/device/token": { body: RedeemDeviceCode; status: 200; answer: Tokens; error: HttpError };
  /** Makes the first administrator of the server with the link that a node without one makes at its start, and signs in. `INVALID_TOKEN`: wrong, or there is an administrator. */
  "POST /v1/auth/first-admin": { body: BecomeFirstAdmin; status: 201; answer: Tokens; error: HttpError };
  /** The caller's account. */
  "GET /v1/auth/me": { body: null; status: 200; answer: User; error: HttpError };
  /** Gives the caller's account a photo: a JPEG, PNG, WebP or GIF of at most 5 MB. */
  "PUT /v1/profile/photo": { body: Blob; status: 200; answer: User; error: HttpError };
  /** Removes the photo of the caller's account. */
  "DELETE /v1/profile/photo": { body: null; status: 200; answer: User; error: HttpError };
  /** A ZIP archive of the caller's own data. */
  "GET /v1/profile/export": { body: null; status: 200; answer: Blob; error: HttpError };
  /** A workspace as a file: `?workspace_id=`, the caller's personal one when omitted; `?format=` `json` (all of it, for an import; when omitted), `csv` (a row for each task, for spreadsheets) or `ics` (a VTODO for each task that is not deleted). Compressed as `Accept-Encoding` allows. A body that ends early is not whole. */
  "GET /v1/export": { body: null; status: 200; answer: WorkspaceExport | Blob; error: HttpError };
  /** The photo of a user that the caller may see, as a square of `size` pixels: 64 or 256. */
  "GET /v1/users/{id}/photo": { body: null; status: 200; answer: Blob; error: HttpError };
  /** The state of a workspace as NDJSON: its opening, then a task on each line, by id; deleted tasks included, or with `?open_only=true` neither deleted nor completed ones. Compressed as `Accept-Encoding` allows (`zstd`, `br`, `gzip`). Then subscribe to its stream since `seq`. A body that ends early is not whole: ask again. */
  "GET /v1/workspaces/{id}/snapshot": { body: null; status: 200; answer: SnapshotOpening | Task; error: HttpError };
  /** Uploads a file to a task: `multipart/form-data` with one field, `file`, which has a file name. By members. `?op_id=` makes it exactly-once: a repetition answers the first attachment again. */
  "POST /v1/tasks/{id}/attachments": { body: {
    file: Blob;
  }; status: 201; answer: Attachment; error: HttpError };
  /** The file of an attachment, as it was uploaded. A `Range` of bytes answers 206 (RFC 9110, section 14); `ETag` with `If-None-Match` and `If-Range`. */
  "GET /v1/attachments/{id}": { body: null; status: 200; answer: Blob; error: HttpError };
  /** The calendar feed of the person who got this secret from `calendar.create`: their pending tasks with a due date, those assigned to them, and those that they created and nobody is assigned to. Each is a VTODO, or with `?as=events` a VEVENT. `ETag` with `If-None-Match`. `NOT_FOUND`: no such feed, or it has ended. */
  "GET /v1/calendar/{secret}.ics": { body: null; status: 200; answer: Blob; error: HttpError };
  /** Makes projects, tasks and comments of a file, which is the body. By members; only admins add missing stages. `?format=json|csv|todoist|trello|vikunja|taskwarrior`, `workspace_id` (the personal one when omitted), `project` (its name, for tasks that have none), `dry_run=true` (says what would happen), `op_id` (a repetition answers the first answer again, or goes on where the first one broke off). All or nothing up to 10,000 rows, in steps above. `VALIDATION_ERROR` names lines: `context.errors`. */
  "POST /v1/import": { body: Blob; status: 200; answer: Imported; error: HttpError };
  /** The page to which the link in a reminder by mail leads; it changes nothing. */
  "GET /v1/unsubscribe": { body: null; status: 200; answer: string; error: HttpError };
  /** Ends reminders by mail for the account whose link this is (RFC 8058): sets `preferences.notifications.email` to false. The query has the link's `token`. `INVALID_TOKEN`: no link of this server. */
  "POST /v1/unsubscribe": { body: null; status: 200; answer: string; error: HttpError };
  /** Carries out request frames. The answer to an array is an array in the same order, always with 200. */
  "POST /v1/rpc": { body: ClientFrame | ClientFrame[]; status: 200; answer: RpcAnswer | RpcAnswer[]; error: ErrorFrame };
  /** Server-sent events: `welcome`, then `event` and `signal`, before the end `close`. `?streams=` (names with commas between them; all when omitted); `Last-Event-ID`, or `?position=`, continues after that event. */
  "GET /v1/events": { body: null; status: 200; answer: Welcome | EventFrame | SignalFrame | EventsEnd; error: HttpError };
  /** This contract as JSON Schema. */
  "GET /v1/protocol.json": { body: null; status: 200; answer: object; error: HttpError };
}

/** The operations of a kind. */
export type OperationsOfKind<Kind extends (typeof OPERATIONS)[keyof Operations]["kind"]> = {
  [K in keyof Operations]: (typeof OPERATIONS)[K]["kind"] extends Kind ? K : never;
}[keyof Operations];

/** The operations that change state: those that take an `op_id`. */
export type Mutation = OperationsOfKind<"mutation">;

/** The operations that read. */
export type Query = OperationsOfKind<"query">;

/** The operations that act at once and leave no log entry. */
export type Command = OperationsOfKind<"command">;

/** The operations that concern the socket or the sign-in itself. */
export type SessionOperation = OperationsOfKind<"session">;

/** The parameters of an operation: `data` may be omitted when none is required. */
export type DataOf<K extends keyof Operations> = Record<string, never> extends Operations[K]["params"]
  ? { data?: Operations[K]["params"] | null }
  : { data: Operations[K]["params"] };

/** The frame of one operation. Without `id`, only errors are answered. `op_id` makes a mutation exactly-once. */
export type RequestOf<K extends keyof Operations> = {
  type: K;
  id?: RequestId | null;
} & (K extends Mutation ? { op_id?: OpId | null } : unknown) &
  DataOf<K>;

/** What a client sends. */
export type ClientFrame = { [K in keyof Operations]: RequestOf<K> }[keyof Operations];

/** A mutation of a batch. Its `op_id` makes it exactly-once; it is allowed with `atomic: false` only. */
export type BatchOpOf<K extends Exclude<Mutation, "batch">> = { type: K; op_id?: OpId | null } & DataOf<K>;

/** One mutation of a batch. */
export type BatchOp = { [K in Exclude<Mutation, "batch">]: BatchOpOf<K> }[Exclude<Mutation, "batch">];

/** The answer to `auth`; it precedes every event. */
export interface WelcomeFrame {
  type: "welcome";
  id: RequestId | null;
  data: Welcome;
}

/** A request was carried out. `at`, for a mutation: the last `seq` that it produced in each stream that the caller may read. */
export interface OkFrame<Output = unknown> {
  type: "ok";
  id: RequestId;
  at?: Record<string, number>;
  data: Output;
  /** Whether this repeats the first answer, because the mutation was carried out before. */
  replayed?: boolean;
}

/** A request was refused. `id` is `null` when the request had none, or when it could not be read. */
export interface ErrorFrame {
  type: "error";
  id: RequestId | null;
  error: Failure;
}

/** A durable event by its name. An entry that showed a purged task has lost its payload. */
export interface EventOf<K extends keyof Events> {
  type: "event";
  stream: StreamId;
  /** Its place in the stream: from 1, without gaps. */
  seq: number;
  event: K;
  at: Timestamp;
  /** Who caused it. */
  actor: Actor;
  /** The `op_id` of the mutation, if it had one. */
  op_id?: OpId;
  data: K extends ForgettableEvent ? Events[K] | Forgotten : Events[K];
}

/** Something happened: stored, in order, without gaps. `event` names it. */
export type EventFrame = { [K in keyof Events]: EventOf<K> }[keyof Events];

/** Something happened: not stored, may be omitted. `signal` names it. */
export type SignalFrame = {
  [K in keyof Signals]: { type: "signal"; signal: K; data: Signals[K] };
}[keyof Signals];

/** The answer to `ping`. */
export interface PongFrame {
  type: "pong";
  id: RequestId | null;
}

/** What a server sends; `type` tells which frame it is. */
export type ServerFrame = WelcomeFrame | OkFrame | ErrorFrame | EventFrame | SignalFrame | PongFrame;

/** The answer to an operation: most are answered by `ok`, `auth` by `welcome`, `ping` by `pong`. */
export type AnswerTo<K extends keyof Operations> =
  | (K extends "auth" ? WelcomeFrame : K extends "ping" ? PongFrame : OkFrame<Operations[K]["output"]>)
  | ErrorFrame;
