//! Which jobs share a group.
