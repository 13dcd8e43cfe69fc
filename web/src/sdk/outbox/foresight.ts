// What a store needs to begin operations, to show them before the server has them, and to take them back. It is a piece of
// its own, which is loaded while the store reads what was there last.

export { coalesced } from "./coalesce.js";
export { conflict, objection } from "./guard.js";
export { operationOf } from "./made.js";
export { predictor } from "./predict.js";
