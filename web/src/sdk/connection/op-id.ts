// Makes ids as the server does: UUIDv7 (RFC 9562). Not ordered within a millisecond.

/** A new UUIDv7, for an `op_id` or a task's `id`. */
export const newId = (now: number = Date.now()): string => {
  // Some React Native engines have no `crypto`.
  const bytes =
    globalThis.crypto?.getRandomValues(new Uint8Array(10)) ?? Uint8Array.from({ length: 10 }, () => Math.random() * 256);
  const time = now.toString(16).padStart(12, "0");
  let hex = "";
  for (const byte of bytes) hex += (byte + 256).toString(16).slice(1);
  const variant = "89ab"[bytes[9]! & 3];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
};
