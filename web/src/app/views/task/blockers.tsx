// What the task waits for: other tasks of its workspace. Says which of them still are in its way.

import { LIMITS } from "../../../sdk/contract.js";
import type { Task } from "../../../sdk/contract.js";
import { useActing } from "../../acting.js";
import { useSession, useView } from "../../hooks.js";
import { Combobox, type Option } from "../../parts/completion.js";
import { Icon } from "../../parts/icons.js";
import { href, place } from "../../places.js";
import { isPending } from "../../tasks.js";
import { T } from "../../texts.js";
import { useOpen } from "./context.js";
import { Row } from "./row.js";

const MOST = 8;

/** Pending tasks whose title has a text: those that begin with it first. */
const titled = (tasks: readonly Task[], text: string): Task[] => {
  const sought = text.toLocaleLowerCase();
  const begin: Task[] = [];
  const others: Task[] = [];
  for (const task of tasks) {
    const at = task.title.toLocaleLowerCase().indexOf(sought);
    if (at === 0) begin.push(task);
    else if (at > 0 && others.length < MOST) others.push(task);
    if (begin.length >= MOST) break;
  }
  return [...begin, ...others].slice(0, MOST);
};

const Blocker = ({ id }: { id: string }) => {
  const { task, may } = useOpen();
  const { act } = useActing();
  const other = useView((view) => view.workspaces.get(task.workspace_id)?.tasks.get(id));
  const title = other?.title ?? T.panel.unknownTask;
  const blocks = !!other && isPending(other);
  const state = blocks ? T.panel.blocks : T.panel.blocksNot;
  return (
    <li class={blocks ? "blocker" : "blocker over"}>
      <Icon name={blocks ? "blocked" : "check"} size={15} />
      <span>
        {other ? <a href={href({ scene: place.value.scene, task: id })}>{title}</a> : title}{" "}
        <span class="quiet-text small">{state}</span>
      </span>
      {may && (
        <button
          type="button"
          class="quiet chip-remove"
          aria-label={T.panel.removeBlocker(title)}
          onClick={() => act("task.update", { id: task.id, blocked_by: task.blocked_by.filter((held) => held !== id) })}
        >
          <Icon name="close" size={14} />
        </button>
      )}
    </li>
  );
};

export const Blockers = () => {
  const { task, may } = useOpen();
  const { store } = useSession();
  const { act } = useActing();
  const find = (text: string): Option[] => {
    if (!text) return [];
    const pending = store.state.workspaces.get(task.workspace_id)?.tasks.filter(isPending) ?? [];
    const free = pending.filter(({ id }) => id !== task.id && !task.blocked_by.includes(id));
    return titled(free, text).map(({ id, title }) => ({
      key: id,
      content: <span>{title}</span>,
      run: () => void act("task.update", { id: task.id, blocked_by: [...task.blocked_by, id] }),
    }));
  };
  if (!may && !task.blocked_by.length) return null;
  return (
    <Row label={T.panel.blockedBy} icon="blocked" fields={["blocked_by"]}>
      {task.blocked_by.length > 0 && (
        <ul class="blockers">
          {task.blocked_by.map((id) => (
            <Blocker key={id} id={id} />
          ))}
        </ul>
      )}
      {may && task.blocked_by.length < LIMITS.blockers && (
        <Combobox label={T.panel.addBlocker} find={find} none={T.panel.noTask} />
      )}
    </Row>
  );
};
