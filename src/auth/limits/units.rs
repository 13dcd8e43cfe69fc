//! What costs how much. One unit is the work of an ordinary operation, about a tenth of a millisecond. Does not know who
//! pays.

use taskwire_protocol::ErrorCode;

/// A token whose owner is looked up.
pub const TOKEN: u32 = 1;
/// What a token that is none of ours, or not any more, costs besides: strangers can make up as many as they like.
pub const WRONG_TOKEN: u32 = 9;
/// A password that is hashed.
pub const HASH: u32 = 100;

/// Whether a token that is refused with this code may be made up: one that has expired was ours.
pub fn is_none_of_ours(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::InvalidToken | ErrorCode::TokenRevoked)
}

const BYTES: usize = 16 * 1024;

/// What this many bytes cost, of a frame that came or of an answer. The first 16 KiB are a part of every operation.
pub fn of_bytes(bytes: usize) -> u32 {
    u32::try_from(bytes.saturating_sub(1) / BYTES).unwrap_or(u32::MAX)
}

/// What rows cost that so many mutations loaded together. Each may load 64; 64 more cost as much as a mutation.
pub fn of_rows_loaded(rows: u64, mutations: usize) -> u32 {
    let free = (mutations as u64).saturating_mul(64);
    u32::try_from(rows.saturating_sub(free) / 64).unwrap_or(u32::MAX)
}

/// The most that what a mutation wrote costs, with the sockets that get it. Only imports write more than 4,000 entries; they have
/// limits of their own.
pub const WRITTEN: u32 = 1000;

/// What log entries cost, each with the row that it tells of. Each of so many mutations may write four of them.
pub fn of_entries(entries: usize, mutations: usize) -> u32 {
    let more = entries.saturating_sub(mutations.saturating_mul(4)) / 4;
    u32::try_from(more).unwrap_or(u32::MAX)
}

/// What an entry costs that so many sockets get: 256 of them cost nothing.
pub fn of_watchers(watchers: u32) -> u32 {
    watchers.saturating_sub(1) / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_16_kib_are_a_part_of_the_operation() {
        for (bytes, units) in [
            (0, 0),
            (1, 0),
            (16_384, 0),
            (16_385, 1),
            (32_768, 1),
            (150_000, 9),
        ] {
            assert_eq!(of_bytes(bytes), units, "{bytes}");
        }
    }

    #[test]
    fn what_any_mutation_does_costs_nothing_more() {
        assert_eq!(
            [64, 127, 128, 2048].map(|rows| of_rows_loaded(rows, 1)),
            [0, 0, 1, 31]
        );
        assert_eq!(of_rows_loaded(6400, 100), 0);
        assert_eq!(
            [1, 4, 7, 8, 1000, 10_000].map(|entries| of_entries(entries, 1)),
            [0, 0, 0, 1, 249, 2499]
        );
        assert_eq!(of_entries(400, 100), 0);
        assert_eq!([0, 256, 257, 20_000].map(of_watchers), [0, 0, 1, 78]);
    }
}
