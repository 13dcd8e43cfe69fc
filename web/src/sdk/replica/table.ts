// A map by id that never changes: a change makes another one, which shares all but one bucket with the one before. So what
// did not change is the same object, and a change costs the same with 100,000 entries as with 1,000.

const BUCKETS = 512;

/** The ends of UUIDv7 are random; of other ids only the speed depends on it. */
const bucketOf = (id: string) => parseInt(id.slice(-3), 16) & (BUCKETS - 1);

type Bucket<V> = ReadonlyMap<string, V>;
type Test<V> = (value: V) => unknown;

/** What each test found in each bucket. */
const found = new WeakMap<object, WeakMap<object, unknown[]>>();

/** Entities by their id, in no order that means something. */
export class Table<V> {
  /** How many there are. */
  readonly size: number;
  /** The parts. One that is the same object has the same entries. */
  readonly buckets: readonly (Bucket<V> | undefined)[];

  constructor(buckets: readonly (Bucket<V> | undefined)[] = [], size = 0) {
    this.buckets = buckets;
    this.size = size;
  }

  /** A table of these. */
  static of<V>(values: Iterable<V>, idOf: (value: V) => string): Table<V> {
    const buckets: (Map<string, V> | undefined)[] = [];
    for (const value of values) {
      const id = idOf(value);
      (buckets[bucketOf(id)] ??= new Map<string, V>()).set(id, value);
    }
    return new Table(
      buckets,
      buckets.reduce((size, bucket) => size + (bucket?.size ?? 0), 0),
    );
  }

  get(id: string): V | undefined {
    return this.buckets[bucketOf(id)]?.get(id);
  }

  /** The table with this entry, or without it for `undefined`. */
  with(id: string, value: V | undefined): Table<V> {
    const at = bucketOf(id);
    const held = this.buckets[at];
    if (held?.get(id) === value) return this;
    const bucket = new Map(held);
    if (value === undefined) bucket.delete(id);
    else bucket.set(id, value);
    const buckets = this.buckets.slice();
    buckets[at] = bucket;
    return new Table(buckets, this.size + bucket.size - (held?.size ?? 0));
  }

  *[Symbol.iterator](): Generator<V> {
    for (const bucket of this.buckets) if (bucket) yield* bucket.values();
  }

  /** Those that pass. Each bucket remembers what it found: give the same function again, and only what changed is tested. */
  filter(test: Test<V>): V[] {
    const all: V[] = [];
    for (const bucket of this.buckets) {
      if (!bucket) continue;
      let known = found.get(bucket);
      if (!known) found.set(bucket, (known = new WeakMap()));
      let passed = known.get(test) as V[] | undefined;
      if (!passed) known.set(test, (passed = [...bucket.values()].filter(test)));
      for (const value of passed) all.push(value);
    }
    return all;
  }
}
