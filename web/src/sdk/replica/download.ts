// A workspace's snapshot over HTTP: compressed and in one piece, where pages over the connection wait for each other.

import type { SnapshotOpening, Task } from "../contract.js";
import { beginWorkspace, type WorkspaceState } from "./state.js";

/** The objects of NDJSON, as they come. */
async function* lines(response: Response): AsyncGenerator<unknown> {
  if (!response.ok || !response.body) throw new Error(`the snapshot was answered with ${response.status}`);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    rest += decoder.decode(value, { stream: !done });
    const whole = rest.split("\n");
    rest = done ? "" : whole.pop()!;
    for (const line of whole) if (line) yield JSON.parse(line);
    if (done) return;
  }
}

/** Takes snapshots with a function that fetches a path of the server with the user's token. */
export const download =
  (fetch: (path: string) => Promise<Response>) =>
  async (workspace: string, open_only: boolean): Promise<WorkspaceState> => {
    let opening: SnapshotOpening | undefined;
    const tasks: Task[] = [];
    for await (const line of lines(await fetch(`/v1/workspaces/${workspace}/snapshot?open_only=${open_only}`)))
      if (opening) tasks.push(line as Task);
      else opening = line as SnapshotOpening;
    return beginWorkspace(opening!, tasks, open_only, true);
  };
