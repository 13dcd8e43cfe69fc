//! Text by Unicode's rules, each rule once: whatever compares, splits or orders text asks here, so that both databases and
//! all operations agree. The tables are those of the crates, compiled in; nothing depends on a locale, a setting or a
//! database. Pure.
//!
//! - `form`     the form in which text is stored, what of it can be seen, and where it may be cut; `unseen` takes out what
//!   nobody sees
//! - `fold`     the forms in which texts are equal: for names, and for searches
//! - `words`    the words of full-text search: of a text, and of what is looked for
//! - `find`     where the words of a search are in a text, as a reader sees it; `snippet` the part of it to show
//! - `order`    the key that orders titles
//! - `address`  the key of an e-mail address
//!
//! Words, folds and keys are stored. A change of what they are (here, or in a newer crate) needs a migration that
//! computes the stored ones again; a test fails when they differ.

mod address;
mod find;
mod fold;
mod form;
mod order;
mod snippet;
#[cfg(test)]
mod tests;
mod unseen;
mod words;

pub use address::{email_key, is_domain};
pub use find::{Found, find, score};
pub use fold::{name_key, searchable};
pub use form::{composed, cut, is_visible, is_word_part};
pub use order::{compare_to_title_key, title_key, title_key_bytes};
pub use snippet::{Snippet, snippet};
pub use unseen::without_unseen;
pub use words::{Term, terms, words};
