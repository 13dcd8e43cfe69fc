//! Numbers in an order that somebody else knows, in chunks: an insert moves a few hundred numbers, a number takes five bytes.
//! Knows neither what the numbers stand for nor how they compare: each call tells what comes before.

/// The most numbers of a chunk.
const FULL: usize = 1024;
/// How many a chunk begins with.
const FILLED: usize = 768;

/// Numbers in their order. No chunk is empty.
#[derive(Default)]
pub(super) struct Order {
    chunks: Vec<Vec<u32>>,
}

/// A place between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    chunk: usize,
    at: usize,
}

impl Order {
    /// These numbers, which are in their order.
    pub(super) fn of(sorted: &[u32]) -> Order {
        Order {
            chunks: sorted.chunks(FILLED).map(<[u32]>::to_vec).collect(),
        }
    }

    /// The memory that it takes.
    pub(super) fn size(&self) -> usize {
        let capacity: usize = self.chunks.iter().map(Vec::capacity).sum();
        capacity * size_of::<u32>() + self.chunks.capacity() * size_of::<Vec<u32>>()
    }

    /// The place behind all numbers that come before what is looked for.
    pub(super) fn place(&self, is_before: impl Fn(u32) -> bool) -> Place {
        let ends_before = |chunk: &Vec<u32>| chunk.last().is_some_and(|last| is_before(*last));
        let chunk = self.chunks.partition_point(ends_before);
        let within = self.chunks.get(chunk);
        let at = within.map_or(0, |chunk| chunk.partition_point(|number| is_before(*number)));
        Place { chunk, at }
    }

    /// How many numbers are before a place.
    pub(super) fn rank(&self, place: Place) -> usize {
        let before: usize = self.chunks[..place.chunk].iter().map(Vec::len).sum();
        before + place.at
    }

    pub(super) fn insert(&mut self, number: u32, is_before: impl Fn(u32) -> bool) {
        let place = self.place(is_before);
        if place.chunk == self.chunks.len() {
            // at the end, where most new ones are: a full chunk stays full
            match self.chunks.last_mut() {
                Some(last) if last.len() < FULL => last.push(number),
                _ => self.chunks.push(vec![number]),
            }
            return;
        }
        let chunk = &mut self.chunks[place.chunk];
        chunk.insert(place.at, number);
        if chunk.len() > FULL {
            let rest = chunk.split_off(FULL / 2);
            self.chunks.insert(place.chunk + 1, rest);
        }
    }

    /// Removes a number. `is_before` tells what comes before it.
    pub(super) fn remove(&mut self, number: u32, is_before: impl Fn(u32) -> bool) {
        let place = self.place(is_before);
        let Some(chunk) = self.chunks.get_mut(place.chunk) else {
            return;
        };
        if chunk.get(place.at) != Some(&number) {
            return;
        }
        chunk.remove(place.at);
        if chunk.is_empty() {
            self.chunks.remove(place.chunk);
        }
    }

    /// The numbers from a place on, in either direction.
    pub(super) fn walk(&self, from: Place, descending: bool) -> Walk<'_> {
        Walk {
            order: self,
            place: from,
            descending,
        }
    }

    /// The place before all numbers, or behind them.
    pub(super) fn end(&self, last: bool) -> Place {
        let chunk = if last { self.chunks.len() } else { 0 };
        Place { chunk, at: 0 }
    }
}

/// Numbers, one after the other.
pub(super) struct Walk<'o> {
    order: &'o Order,
    place: Place,
    descending: bool,
}

impl Iterator for Walk<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let Place { chunk, at } = &mut self.place;
        if self.descending {
            if *at == 0 {
                *chunk = chunk.checked_sub(1)?;
                *at = self.order.chunks[*chunk].len();
            }
            *at -= 1;
            return Some(self.order.chunks[*chunk][*at]);
        }
        let number = *self.order.chunks.get(*chunk)?.get(*at)?;
        *at += 1;
        if *at == self.order.chunks[*chunk].len() {
            *chunk += 1;
            *at = 0;
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_what_a_sorted_list_is() {
        let (mut order, mut plain) = (Order::of(&[]), Vec::new());
        let mut seed = 1_u32;
        for step in 0..20_000_u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = seed % 8_000;
            let at = plain.partition_point(|other| *other < number);
            if plain.get(at) == Some(&number) {
                if step % 3 == 0 {
                    plain.remove(at);
                    order.remove(number, |other| other < number);
                }
            } else {
                plain.insert(at, number);
                order.insert(number, |other| other < number);
            }
        }
        let all: Vec<u32> = order.walk(order.end(false), false).collect();
        assert_eq!(all, plain);
        let mut back: Vec<u32> = order.walk(order.end(true), true).collect();
        back.reverse();
        assert_eq!(back, plain);
        let place = order.place(|other| other < 4_000);
        let from: Vec<u32> = order.walk(place, false).collect();
        assert_eq!(order.rank(place) + from.len(), plain.len());
        assert!(from.iter().all(|number| *number >= 4_000));
        let filled = Order::of(&plain);
        assert!(filled.walk(filled.end(false), false).eq(all));
    }
}
