//! What tasks have in common: for each value that a filter may name, the set of tasks that have it.

use super::texts::push;
use foldhash::{HashMap, HashSet};
use roaring::RoaringBitmap;
use std::sync::Arc;
use uuid::Uuid;

/// A value that a filter may name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Facet {
    Priority(i64),
    Stage(Arc<str>),
    Project(Uuid),
    /// By its key.
    Tag(String),
    Assignee(Uuid),
}

/// The sets of tasks with a value, and the values of each task.
#[derive(Default)]
pub(super) struct Facets {
    numbers: HashMap<Facet, u32>,
    sets: Vec<RoaringBitmap>,
    /// Each combination of values is stored once: tasks have few of them.
    combinations: HashSet<Arc<[u32]>>,
    of: Vec<Arc<[u32]>>,
    /// How many values all tasks have.
    pairs: usize,
}

impl Facets {
    /// The values of the task with the next number.
    pub(super) fn push(&mut self, facets: &[Facet]) {
        push(&mut self.of, Arc::default());
        self.set(self.of.len() as u32 - 1, facets);
    }

    /// Replaces the values of a task.
    pub(super) fn set(&mut self, task: u32, facets: &[Facet]) {
        let mut now: Vec<u32> = facets.iter().map(|facet| self.number(facet)).collect();
        now.sort_unstable();
        now.dedup();
        let before = self.of[task as usize].clone();
        if *before == *now {
            return;
        }
        for gone in before.iter().filter(|number| !now.contains(number)) {
            self.sets[*gone as usize].remove(task);
        }
        for new in now.iter().filter(|number| !before.contains(number)) {
            self.sets[*new as usize].insert(task);
        }
        self.pairs = self.pairs + now.len() - before.len();
        self.of[task as usize] = self.combination(now);
        // one here, and one among the combinations
        if Arc::strong_count(&before) == 2 {
            self.combinations.remove(&before);
        }
    }

    /// The tasks with a value.
    pub(super) fn with(&self, facet: &Facet) -> Option<&RoaringBitmap> {
        let number = self.numbers.get(facet)?;
        self.sets.get(*number as usize)
    }

    /// The memory that they take, about: a task takes two bytes in most sets.
    pub(super) fn size(&self) -> usize {
        let shared = self.combinations.len() * 80 + self.sets.len() * 200;
        shared + self.pairs * 2 + self.of.capacity() * size_of::<Arc<[u32]>>()
    }

    fn number(&mut self, facet: &Facet) -> u32 {
        if let Some(number) = self.numbers.get(facet) {
            return *number;
        }
        let number = self.sets.len() as u32;
        self.sets.push(RoaringBitmap::new());
        self.numbers.insert(facet.clone(), number);
        number
    }

    fn combination(&mut self, numbers: Vec<u32>) -> Arc<[u32]> {
        if let Some(known) = self.combinations.get(numbers.as_slice()) {
            return known.clone();
        }
        let new: Arc<[u32]> = numbers.into();
        self.combinations.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_the_values_that_it_was_given_last() {
        let mut facets = Facets::default();
        let (high, tag) = (Facet::Priority(3), Facet::Tag("home".to_owned()));
        facets.push(&[high.clone(), tag.clone()]);
        facets.push(std::slice::from_ref(&tag));
        facets.set(0, &[tag.clone(), tag.clone()]);
        let tasks = |facets: &Facets, facet| facets.with(facet).map(|set| set.iter().collect::<Vec<_>>());
        assert_eq!(tasks(&facets, &tag), Some(vec![0, 1]));
        assert_eq!(tasks(&facets, &high), Some(vec![]));
        assert_eq!(facets.combinations.len(), 1, "a combination without tasks goes");
        facets.set(0, &[]);
        facets.set(1, &[]);
        assert_eq!(facets.pairs, 0);
        assert_eq!(tasks(&facets, &Facet::Priority(0)), None);
    }
}
