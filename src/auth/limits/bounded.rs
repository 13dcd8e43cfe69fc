//! A map whose number of keys is bounded. A flood of new keys neither costs memory nor evicts others: when there is no
//! room, what is over is removed, and then new keys share a few places.

use std::sync::atomic::{AtomicI64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::one::RefMut;

use super::who::Key;

/// The time between two searches for what is over. Without it, each new key could search them all.
const SWEEP_EVERY_MS: i64 = 1000;
/// The places that new keys share when there is no room.
const SHARED: u128 = 1024;

/// Values by key. Each thread that adds a key at the same instant may exceed the bound by one.
#[derive(Debug)]
pub(super) struct Bounded<V> {
    keys: usize,
    by_key: DashMap<Key, V>,
    swept_ms: AtomicI64,
}

impl<V: Default> Bounded<V> {
    pub(super) fn new(keys: usize) -> Bounded<V> {
        Bounded {
            keys,
            by_key: DashMap::new(),
            swept_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// The value of this key, or of the place that it shares with others. Don't hold it over an await.
    pub(super) fn of(&self, key: Key, now_ms: i64, is_over: impl Fn(&V) -> bool) -> RefMut<'_, Key, V> {
        match self.own(key, now_ms, is_over) {
            Some(own) => own,
            None => self.by_key.entry(Key(key.0 % SHARED)).or_default(),
        }
    }

    /// The value of this key alone. `None`: there is no room for it.
    pub(super) fn own(
        &self,
        key: Key,
        now_ms: i64,
        is_over: impl Fn(&V) -> bool,
    ) -> Option<RefMut<'_, Key, V>> {
        if let Some(found) = self.by_key.get_mut(&key) {
            return Some(found);
        }
        if self.by_key.len() >= self.keys {
            self.forget(now_ms, is_over);
        }
        let has_room = self.by_key.len() < self.keys;
        has_room.then(|| self.by_key.entry(key).or_default())
    }

    /// The value of this key, if it has its own.
    pub(super) fn find(&self, key: Key) -> Option<RefMut<'_, Key, V>> {
        self.by_key.get_mut(&key)
    }

    pub(super) fn remove(&self, key: Key) {
        self.by_key.remove(&key);
    }

    fn forget(&self, now_ms: i64, is_over: impl Fn(&V) -> bool) {
        let swept_ms = self.swept_ms.load(Ordering::Relaxed);
        let recently = (0..SWEEP_EVERY_MS).contains(&now_ms.saturating_sub(swept_ms));
        let mine = || {
            self.swept_ms
                .compare_exchange(swept_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if !recently && mine() {
            self.by_key.retain(|_, value| !is_over(value));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_room_a_key_has_no_place_of_its_own_until_another_is_over() {
        let map = Bounded::<u32>::new(2);
        for key in [5000, 6000] {
            *map.own(Key(key), 0, |value| *value == 0).unwrap() = 1;
        }
        assert!(map.own(Key(7000), 0, |value| *value == 0).is_none());
        assert_eq!(
            *map.of(Key(7000), 0, |value| *value == 0).key(),
            Key(7000 % SHARED)
        );
        assert_eq!(*map.own(Key(5000), 0, |value| *value == 0).unwrap(), 1);
        *map.of(Key(6000), 0, |value| *value == 0) = 0;
        map.remove(Key(7000 % SHARED));
        assert!(map.own(Key(7000), SWEEP_EVERY_MS, |value| *value == 0).is_some());
    }
}
