// Whether two values are the same for somebody who looks at them.

const prototypeOf = (value: unknown): unknown =>
  typeof value === "object" && value ? Object.getPrototypeOf(value) : undefined;

/** Whether arrays or plain objects have the same things in them, one level deep; of other values whether they are one. */
export const equal = (a: unknown, b: unknown): boolean => {
  const kind = prototypeOf(a);
  if ((kind !== Array.prototype && kind !== Object.prototype) || kind !== prototypeOf(b)) return Object.is(a, b);
  const [one, other] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length && keys.every((key) => key in other && Object.is(one[key], other[key]))
  );
};
