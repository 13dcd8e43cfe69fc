// Makes ids as the server does: UUIDv7 (RFC 9562). Not ordered within a millisecond.

/** From 0 to 15. Some React Native engines have no `crypto`. */
const digit = () => (globalThis.crypto?.getRandomValues(new Uint8Array(1))[0] ?? Math.random() * 256) & 15;

/** A new UUIDv7, for an `op_id` or a task's `id`. */
export const newId = (now: number = Date.now()): string => {
  const time = now.toString(16).padStart(12, "0");
  const rest = "xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (of) => (of === "x" ? digit() : (digit() & 3) | 8).toString(16));
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest}`;
};
