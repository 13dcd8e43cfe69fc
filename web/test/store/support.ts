// What tests of the store at a real server have in common.

import assert from "node:assert/strict";
import type { Store } from "../../src/sdk/store.js";

/** Waits until it holds. */
export const until = async (holds: () => unknown, what: string) => {
  for (const end = Date.now() + 20_000; !holds();) {
    if (Date.now() > end) throw new Error(`it never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** All of a state in one order, as text. What older notifications a store has depends on when it was synced. */
const text = ({ state }: Store, from: string) => {
  const sorted = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sorted)
      : value && typeof value === "object"
        ? Symbol.iterator in value
          ? [...(value as Iterable<unknown>)].map((row) => JSON.stringify(sorted(row))).sort()
          : Object.fromEntries(
              Object.entries(value)
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([key, inner]) => [key, sorted(inner)]),
            )
        : value;
  // Their actor is as they were then, or as they are now.
  const notifications = [...state.user!.notifications]
    .filter(({ id }) => id >= from)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const held = notifications.map(({ actor, ...rest }) => ({ ...rest, actor: actor?.id }));
  const { truncated: _, ...user } = { ...state.user!, notifications: held };
  const spaces = [...state.workspaces].map(({ details: _, ...space }) => space);
  return JSON.stringify(
    sorted({ user, spaces: spaces.sort((a, b) => (a.workspace.id < b.workspace.id ? -1 : 1)) }),
    null,
    1,
  );
};

/** Compares the rows of two states; tells the first ones that differ. */
export const same = (shown: Store, fresh: Store) => {
  const oldest = ({ state }: Store) =>
    state.user!.truncated ? [...state.user!.notifications].map(({ id }) => id).sort()[0]! : "";
  const from = [oldest(shown), oldest(fresh)].sort()[1]!;
  const [a, b] = [text(shown, from), text(fresh, from)].map((state) => state.split("\n"));
  const missing = b!.filter((line) => !a!.includes(line));
  const other = a!.filter((line) => !b!.includes(line));
  assert.deepEqual(other.slice(0, 2), missing.slice(0, 2));
  assert.equal(a!.join(), b!.join());
};
