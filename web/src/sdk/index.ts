// What the package `taskwire` exports.

export * from "./client.js";
export * from "./link.js";
export * from "./sign-in.js";
export { newId } from "./connection/op-id.js";
export { browser, nowhere, reactNative, type AppStateLike, type Environment } from "./connection/environment.js";
export type { Clock } from "./connection/clock.js";
export type { TokenSource } from "./connection/tokens.js";
export type { WebSocketLike } from "./connection/wire.js";
export type * as contract from "./contract.js";

export { openStore, type Store, type StoreOptions, type View } from "./store.js";
export type { Following } from "./replica/follow.js";
export type { Details, State as Replica, UserState, WorkspaceState } from "./replica/state.js";
export { Table } from "./replica/table.js";
export { load } from "./replica/details.js";
export { download } from "./replica/download.js";
export type { Begun, Operation, Phase } from "./outbox/operation.js";
export { undoable } from "./outbox/undo.js";
export { openShared, type Shared, type SharedOptions } from "./tabs/shared.js";
export type { Channel, Locks, Place } from "./tabs/place.js";
export { memory, type Storage } from "./storage/storage.js";
export { onRecords, type Records } from "./storage/records.js";
export { deleteIndexedDb, indexedDb } from "./storage/indexeddb.js";
