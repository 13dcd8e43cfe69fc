// Request frames: their text, what the server would not even read, and which of them may be sent again.

import type { ErrorCode } from "../contract.js";
import { Refused } from "../link.js";

/** Levels of nesting that the server reads (`LIMITS.depth`). */
const DEPTH = 32;

/** A repetition could do these twice, and an `op_id` has no effect on them. */
const ONCE = /^(auth(?!\.sessions)|api_token\.create|calendar\.create|profile\.(change_email|delete)|admin\.kick)/;
/** These change nothing that lasts: an `op_id` has no effect on them either. */
const READS = /^(presence|stream|ping|protocol)|\.(get|list|sync|search|sessions|unread_count|instances|connections)$/;

/** Whether a request whose answer was lost may be sent again. */
export const isRepeatable = (name: string) => !ONCE.test(name);

/** Whether an `op_id` makes it exactly-once. */
export const isMutation = (name: string) => isRepeatable(name) && !READS.test(name);

/** How many operations the server counts for it. */
export const cost = (params: unknown): number => {
  const { ops } = params as { ops?: unknown };
  return Array.isArray(ops) ? ops.length : 1;
};

const depth = (value: unknown): number =>
  typeof value === "object" && value ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;

/** A frame as the server reads it. Half of a surrogate pair, as a cut text may end with, is no JSON for it. */
export const frame = (type: string, id: number, data: unknown, op_id?: string): string => {
  const text = JSON.stringify({ type, id, op_id, data });
  // `stringify` escapes a surrogate only when it stands alone.
  return text.replace(/\\(?:ud[89a-f]..|.)/g, (escape) => (escape.length > 2 ? "\ufffd" : escape));
};

/** A refusal that needed no server. */
export const refusal = (code: ErrorCode, message: string, retryable = false) =>
  new Refused({ code, message, retryable, retry_after_ms: null, request_id: "" });

/** Why the server would not read this frame. It answers some of them without their `id`, so that a call would wait for ever. */
export const unreadable = (text: string, params: unknown, limit: number): Refused | undefined => {
  // A UTF-16 unit is at most three bytes.
  if (text.length * 3 > limit && new TextEncoder().encode(text).length > limit)
    return refusal("PAYLOAD_TOO_LARGE", `more than ${limit} bytes`);
  if (depth(params) >= DEPTH) return refusal("VALIDATION_ERROR", `more than ${DEPTH} levels`);
  return undefined;
};
