// Finds out that the server is gone although the socket looks open: a page cannot see the pings of the server, and a cut
// network says nothing. Sends only when silence may mean something.

import { timer, type Clock } from "./clock.js";

/** An answer to `ping` takes no longer; nor does a call whose answer nobody heard anything of. */
const DEADLINE = 5_000;
/** A server that is heard at each heartbeat is late after this. */
const GRACE = 10_000;
/** A timer that fires so late shows that the page did not run. */
const LATE = 1_000;

export const pulse = (
  clock: Clock,
  /** Sends `ping`. */
  ping: () => void,
  /** Whether calls wait for an answer, and whether nobody looks. */
  isAsking: () => boolean,
  isHidden: () => boolean,
  /** Nothing came. */
  dead: () => void,
) => {
  const watching = timer(clock);
  const deadline = timer(clock);
  let heartbeat = 0;
  let twoWay = true;
  let heard = 0;
  let asked = 0;
  let probing = false;

  const silence = () => clock.now() - (isAsking() ? Math.max(heard, asked) : heard);
  const most = () => (twoWay ? (isAsking() ? DEADLINE : heartbeat) : heartbeat + GRACE);

  const watch = () => {
    const left = most() - silence();
    if (left > 0) watching.set(left, watch);
    else if (twoWay && isHidden() && !isAsking()) watching.set(heartbeat, watch);
    else probe();
  };

  const probe = () => {
    if (probing) return;
    watching.clear();
    if (!twoWay) return silence() < most() ? watch() : dead();
    probing = true;
    const due = clock.now() + DEADLINE;
    deadline.set(DEADLINE, () => {
      probing = false;
      // Late: the page slept or was busy, and what came meanwhile has not been read yet.
      if (clock.now() > due + LATE) probe();
      else dead();
    });
    ping();
  };

  return {
    /** The page or the network came back: was something missed? */
    probe,
    heard() {
      heard = clock.now();
      if (!probing) return;
      probing = false;
      deadline.clear();
      watch();
    },
    /** The first call after a pause was sent. */
    asks() {
      asked = clock.now();
      if (!probing) watching.set(DEADLINE, watch);
    },
    begin(every: number, carriesPing: boolean) {
      heartbeat = every;
      twoWay = carriesPing;
      heard = clock.now();
      watch();
    },
    stop() {
      probing = false;
      watching.clear();
      deadline.clear();
    },
  };
};
