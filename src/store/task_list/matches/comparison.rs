//! How well each candidate matches. Comparing text costs, and somebody may search among very much of it: so a search compares
//! only so much, the newest first, and lets others have their turn now and then.

use super::Rank;
use crate::unicode::{Term, score};
use std::cmp::Reverse;
use tokio::task::yield_now;
use uuid::Uuid;

/// A task that may match: its id, title, description and tags, and when it was created.
pub(super) type TaskRow = (Uuid, String, Option<String>, String, i64);

/// The ranks of fields.
const TITLE: i64 = 0;
/// Of a tag.
const TAG: i64 = 1;
/// Of a description.
const DESCRIPTION: i64 = 2;
/// Of a comment.
const COMMENT: i64 = 3;
/// The score of what the index found, where the places of the words are not known.
const UNKNOWN: i64 = 1 << 40;

/// What a search compares of titles and tags, and as much again of descriptions, or of comments. The cost of bytes beyond
/// ASCII, for a few terms.
const COMPARED: usize = 200_000;
/// So much cheaper is text in ASCII.
const ASCII: usize = 8;
/// So many terms are a few.
const FEW: usize = 4;
/// What is compared until others have a turn: about a millisecond.
const TURN: usize = 10_000;

/// What a search may still compare.
pub(super) struct Comparison<'t> {
    terms: &'t [Term],
    /// Of titles and tags.
    short: usize,
    /// Of descriptions, or comments.
    long: usize,
    /// Until others have a turn.
    turn: usize,
}

impl<'t> Comparison<'t> {
    pub(super) fn of(terms: &'t [Term]) -> Comparison<'t> {
        Comparison {
            terms,
            short: COMPARED,
            long: COMPARED,
            turn: TURN,
        }
    }

    /// The ranks of those that match. `are_sure`: the index says that all do. Of the others, those do not whose texts were too
    /// much to compare.
    pub(super) async fn tasks(&mut self, rows: &[TaskRow], are_sure: bool) -> Vec<Rank> {
        let mut ranks = Vec::new();
        for (id, title, description, tags, created_at) in rows {
            self.pause().await;
            let score = self.task(title, description.as_deref(), tags);
            if let Some(score) = score.or(are_sure.then_some(UNKNOWN)) {
                ranks.push(Rank {
                    score,
                    created_at: Reverse(*created_at),
                    id: Reverse(*id),
                });
            }
        }
        ranks
    }

    /// Those that match of tasks that were found without an index.
    pub(super) async fn those(&mut self, rows: Vec<TaskRow>) -> Vec<TaskRow> {
        let mut found = Vec::new();
        for row in rows {
            self.pause().await;
            let (_, title, description, tags, _) = &row;
            if self.task(title, description.as_deref(), tags).is_some() {
                found.push(row);
            }
        }
        found
    }

    /// The score of a comment.
    pub(super) async fn comment(&mut self, body: &str, is_sure: bool) -> Option<i64> {
        self.pause().await;
        if !self.may_compare(body, false) {
            return is_sure.then_some(UNKNOWN);
        }
        score(self.terms, [(COMMENT, body)])
    }

    fn task(&mut self, title: &str, description: Option<&str>, tags: &str) -> Option<i64> {
        let title = self.may_compare(title, true).then_some((TITLE, title));
        let mut names: Vec<String> = Vec::new();
        if self.may_compare(tags, true) {
            names = serde_json::from_str(tags).unwrap_or_default();
        }
        let description = description.filter(|text| self.may_compare(text, false));
        let fields = title
            .into_iter()
            .chain(names.iter().map(|name| (TAG, name.as_str())))
            .chain(description.map(|text| (DESCRIPTION, text)));
        score(self.terms, fields)
    }

    /// Whether there is enough left to compare a text; then it is taken.
    fn may_compare(&mut self, text: &str, is_short: bool) -> bool {
        let of_one = if text.is_ascii() {
            text.len() / ASCII
        } else {
            text.len()
        };
        let cost = of_one * self.terms.len().max(FEW) / FEW;
        let left = if is_short { &mut self.short } else { &mut self.long };
        let Some(less) = left.checked_sub(cost) else {
            return false;
        };
        *left = less;
        self.turn = self.turn.saturating_sub(cost + 1);
        true
    }

    /// Lets others have a turn if this one has been long.
    async fn pause(&mut self) {
        if self.turn == 0 {
            yield_now().await;
            self.turn = TURN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::terms;

    #[tokio::test]
    async fn only_so_much_text_is_compared() {
        let wanted = terms("牛乳");
        let description = format!("{}牛乳", "明".repeat(998));
        let row = |i| {
            (
                Uuid::from_u128(i),
                "Tea".to_owned(),
                Some(description.clone()),
                "[]".to_owned(),
                1,
            )
        };
        let rows: Vec<TaskRow> = (0..200).map(row).collect();
        let compared = COMPARED / description.len();
        let found = Comparison::of(&wanted).tasks(&rows, false).await;
        assert_eq!(found.len(), compared);
        assert!(found.iter().all(|rank| rank.score < UNKNOWN));
        let found = Comparison::of(&wanted).tasks(&rows, true).await;
        let unknown = found.iter().filter(|rank| rank.score == UNKNOWN).count();
        assert_eq!((found.len(), unknown), (200, 200 - compared));

        let mut comparison = Comparison::of(&wanted);
        assert!(
            comparison
                .comment(&description, false)
                .await
                .is_some_and(|score| score < UNKNOWN)
        );
        assert_eq!(comparison.comment("Tea", true).await, None, "compared");
        let long = "明".repeat(COMPARED);
        assert_eq!(comparison.comment(&long, false).await, None);
        assert_eq!(comparison.comment(&long, true).await, Some(UNKNOWN));
    }
}
