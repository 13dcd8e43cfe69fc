// Records in the browser's database. One object store holds all of them; one transaction writes them.

import { onRecords } from "./records.js";
import { memory, type Storage } from "./storage.js";

const RECORDS = "records";

const result = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const done = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });

/** Some browsers' databases stop answering: an operation must not wait for them for ever. */
const PATIENCE = 5000;

const inTime = <T>(work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the database does not answer")), PATIENCE);
    void work.then(resolve, reject).finally(() => clearTimeout(timer));
  });

/**
 * Records in IndexedDB, in a database of this name: take another one for each server and account. In memory where there is no
 * IndexedDB or where it may not be used, as in some private windows; `durable` says which.
 */
export const indexedDb = async (name: string): Promise<Storage> => {
  let database: IDBDatabase;
  try {
    const opening = indexedDB.open(name);
    opening.onupgradeneeded = () => opening.result.createObjectStore(RECORDS);
    database = await inTime(result(opening));
  } catch {
    return memory;
  }
  // Somebody deletes the database or upgrades it: do not stand in the way.
  database.onversionchange = () => database.close();
  return onRecords({
    durable: true,
    async load() {
      const records = database.transaction(RECORDS).objectStore(RECORDS);
      const [keys, texts] = await inTime(Promise.all([result(records.getAllKeys()), result(records.getAll())]));
      return new Map(keys.map((key, i) => [String(key), texts[i] as string]));
    },
    async write(changes) {
      const transaction = database.transaction(RECORDS, "readwrite");
      const records = transaction.objectStore(RECORDS);
      for (const [key, text] of changes)
        if (text === undefined) records.delete(key);
        else records.put(text, key);
      await inTime(done(transaction));
    },
    close: () => database.close(),
  });
};

/** Deletes the database of this name, for a person who signs out. */
export const deleteIndexedDb = async (name: string): Promise<void> => {
  await result(indexedDB.deleteDatabase(name));
};
