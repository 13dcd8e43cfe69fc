//! The integration tests, in one binary: a module a topic. This file is only the map.

mod structure; // the imports of src/ run one way
