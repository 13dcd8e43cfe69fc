// Where a store keeps what must outlast the page: texts by key. Knows nothing of what they say.

/** Changes of records: a text to write, or `undefined` to delete. */
export type Changes = ReadonlyMap<string, string | undefined>;

/** A place for records. Any store of texts can be one: a file, a database, the storage of a phone. */
export interface Storage {
  /** Whether the records outlast the page. */
  readonly durable: boolean;
  /** All records. */
  load(): Promise<ReadonlyMap<string, string>>;
  /** Writes all of the changes or none. */
  write(changes: Changes): Promise<void>;
  close?(): void;
}

/** Records that end with the page. */
export const memory = (): Storage => {
  const records = new Map<string, string>();
  return {
    durable: false,
    load: async () => new Map(records),
    write: async (changes) => {
      for (const [key, text] of changes)
        if (text === undefined) records.delete(key);
        else records.set(key, text);
    },
  };
};
