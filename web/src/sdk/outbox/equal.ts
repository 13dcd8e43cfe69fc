// Whether two values are the same for somebody who looks at them.

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/** Whether arrays, maps or plain objects have the same things in them, one level deep; of other values whether they are one. */
export const equal = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && Object.is(value, b.get(key)));
  const isPlain = Array.isArray(a) || Object.getPrototypeOf(a) === Object.prototype;
  const keys = Object.keys(a);
  return isPlain && keys.length === Object.keys(b).length && keys.every((key) => key in b && Object.is(a[key], b[key]));
};
