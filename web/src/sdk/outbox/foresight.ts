// What a store needs to show operations before the server has them, and to take them back. It is a piece of its own, which is
// loaded while the store reads what was there last.

export { fixed } from "./fixed.js";
export { conflict, objection } from "./guard.js";
export { predictor } from "./predict.js";
