// What a store needs to show operations before the server has them. It is a piece of its own, which is loaded while the store
// reads what was there last.

export { predictor } from "./predict.js";
export { subject } from "./subject.js";
