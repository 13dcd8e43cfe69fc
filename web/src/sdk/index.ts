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
