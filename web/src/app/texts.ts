// Every text of the board, in English. Another language is another object of this shape. A part of it belongs to each area.

const count = (n: number, one: string, many: string): string => `${n.toLocaleString()} ${n === 1 ? one : many}`;

export const T = {
  undo: "Undo",
  undone: "Undone",
  undoRefused: (why: string) => `Not undone: ${why}`,
  refused: (why: string) => `Not saved: ${why}`,
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  remove: "Remove",
  retry: "Try again",
  drop: "Discard",
  loading: "Loading…",
  failed: (why: string) => `This could not be loaded: ${why}`,
  nobody: "Nobody",
  none: "None",
  skip: "Skip to the content",

  places: {
    today: "Today",
    upcoming: "Upcoming",
    inbox: "Inbox",
    mine: "My tasks",
    search: "Search",
    settings: "Settings",
    admin: "Administration",
    nowhere: "There is nothing here",
    nowhereHint: "The address may be old, or belong to a workspace that you are not in.",
    home: "Go to Today",
  },

  layouts: {
    board: "Board",
    list: "List",
    calendar: "Calendar",
    dashboard: "Dashboard",
    members: "Members",
    options: "Options",
  },

  frame: {
    navigation: "Navigation",
    menu: "Menu",
    workspaces: "Workspaces",
    newWorkspace: "New workspace",
    newProject: "New project",
    allTasks: "All tasks",
    signOut: "Sign out",
    unread: (n: number) => count(n, "unread notification", "unread notifications"),
    changedByOthers: (n: number) => count(n, "change by others", "changes by others"),
    title: (what: string) => `${what} · Taskwire`,
  },

  connection: {
    offline: "Offline",
    offlineSince: (when: string) => `Offline since ${when}`,
    connecting: "Connecting…",
    syncing: "Catching up…",
    waiting: (n: number) => `${count(n, "change waits", "changes wait")} to be saved`,
    saving: (n: number) => `Saving ${count(n, "change", "changes")}…`,
    refused: (n: number) => `${count(n, "change was", "changes were")} refused`,
    notDurable: "This browser keeps nothing: do not close the page before all is saved.",
    reconnect: "Connect now",
    changes: "Changes",
    review: "Show them",
  },

  priorities: { none: "No priority", low: "Low", medium: "Medium", high: "High", urgent: "Urgent" } as Record<string, string>,

  task: {
    complete: (title: string) => `Complete “${title}”`,
    reopen: (title: string) => `Reopen “${title}”`,
    completed: (title: string) => `Completed “${title}”`,
    reopened: (title: string) => `Reopened “${title}”`,
    deleted: (title: string) => `Deleted “${title}”`,
    moved: (title: string, to: string) => `Moved “${title}” to ${to}`,
    added: (title: string) => `Added “${title}”`,
    blocked: "Blocked",
    repeats: "Repeats",
    comments: (n: number) => count(n, "comment", "comments"),
    files: (n: number) => count(n, "file", "files"),
    overdue: "Overdue",
    new: "New task",
    empty: "No tasks",
  },

  /** Signing in, signing up, the first run. */
  entry: {},
  /** The panel of a task. */
  panel: {},
  /** A project as board and as list. */
  project: {
    filter: "Filter by title",
    mine: "Mine",
    more: "More filters",
    clear: "Clear the filter",
    assignee: "Assignee",
    anyone: "Anyone",
    priority: "Priority",
    anyPriority: "Any priority",
    tag: "Tag",
    anyTag: "Any tag",
    nothing: "No task passes the filter.",
    add: "Add task",
    addOne: "Add",
    addTo: (where: string) => `Add a task to ${where}`,
    addedHidden: (title: string) => `Added “${title}”. The filter hides it.`,
    title: "Title of the task",
    stage: "Stage",
    order: "Order",
    move: (title: string) => `Move “${title}”`,
    steps: { first: "To the top", up: "Up", down: "Down", last: "To the end" },
    place: (at: number, of: number) => `Place ${at.toLocaleString()} of ${of.toLocaleString()}`,
    placeIn: (at: number, of: number, where: string) => `Place ${at.toLocaleString()} of ${of.toLocaleString()} in ${where}`,
    pickedUp: (title: string, place: string) =>
      `Picked up “${title}”. ${place}. The arrow keys move it, Space puts it down, Escape puts it back.`,
    dropped: (title: string, place: string) => `Put down “${title}”. ${place}.`,
    putBack: (title: string) => `Put back “${title}”.`,
    gone: "The task is not here any more.",
    boardHint: "Space picks it up, the arrow keys move between tasks.",
    partOf: "Part of",
    showMore: (n: number) => `Show more of ${count(n, "task", "tasks")}`,
    showOlder: (n: number) => `Show ${n.toLocaleString()} completed earlier`,
  },
  /** Today, upcoming, my tasks, inbox, search. */
  lists: {},
  /** The calendar and the dashboard. */
  overview: {},
  /** Members and options of a workspace. */
  workspace: {},
  /** The settings of the person. */
  settings: {},
  /** The administration of the server. */
  admin: {},
  /** Adding tasks in a line of text. */
  quickAdd: {},
  /** The command palette and the shortcuts. */
  commands: {},
};
