//! Chooses the next operation by shares of create, update, complete and list, like people who use a task list. Dice
//! with a seed make a run repeatable. Does not know how an operation is sent.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An operation that a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Update,
    Complete,
    List,
}

impl Kind {
    pub(crate) const ALL: [Kind; 4] = [Kind::Create, Kind::Update, Kind::Complete, Kind::List];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Create => "create",
            Kind::Update => "update",
            Kind::Complete => "complete",
            Kind::List => "list",
        }
    }
}

/// Shares of each kind, in the order of [`Kind::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix([u32; 4]);

impl Mix {
    /// Only `task.create`. The bars measure this.
    pub(crate) const CREATE: Mix = Mix([1, 0, 0, 0]);
    /// People look more often than they change something, and change more often than they create.
    pub(crate) const REAL: Mix = Mix([15, 25, 20, 40]);

    pub(crate) fn pick(&self, dice: &mut Dice) -> Kind {
        let all: u32 = self.0.iter().sum();
        let mut at = dice.below(all.max(1));
        for (kind, share) in Kind::ALL.into_iter().zip(self.0) {
            if at < share {
                return kind;
            }
            at -= share;
        }
        Kind::Create
    }

    /// Whether some operations need earlier tasks.
    pub(crate) fn needs_tasks(&self) -> bool {
        *self != Mix::CREATE
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(typed: &str) -> Result<Mix, String> {
        match typed {
            "create" => return Ok(Mix::CREATE),
            "real" => return Ok(Mix::REAL),
            _ => {}
        }
        let mut shares = [0; 4];
        for part in typed.split(',') {
            let (name, share) = part
                .split_once('=')
                .ok_or("must be `create`, `real`, or shares like `create=1,list=3`")?;
            let at = Kind::ALL
                .iter()
                .position(|kind| kind.name() == name.trim())
                .ok_or("a name must be one of create, update, complete, list")?;
            shares[at] = share
                .trim()
                .parse()
                .map_err(|_| "a share must be a whole number")?;
            if shares[at] > 1_000_000 {
                return Err("a share must be at most 1000000".into());
            }
        }
        if shares[0] == 0 {
            return Err("the share of create must be above 0: the other operations need tasks".into());
        }
        Ok(Mix(shares))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = Kind::ALL.iter().zip(self.0).filter(|(_, share)| *share > 0);
        let parts: Vec<String> = parts
            .map(|(kind, share)| format!("{}={share}", kind.name()))
            .collect();
        f.write_str(&parts.join(","))
    }
}

impl Serialize for Mix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Dice with a seed (SplitMix64): the same seed gives the same numbers.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `limit` - 1.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        ((u128::from(self.throw()) * u128::from(limit)) >> 64) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_picked_in_proportion_to_their_shares() {
        let mix: Mix = "create=1,update=2,list=7".parse().expect("a mix");
        let mut dice = Dice::new(7);
        let mut count = [0; 4];
        for _ in 0..10_000 {
            let kind = mix.pick(&mut dice);
            count[Kind::ALL.iter().position(|other| *other == kind).expect("a kind")] += 1;
        }
        assert_eq!(count[2], 0);
        assert!(
            (900..1100).contains(&count[0]) && (6800..7200).contains(&count[3]),
            "{count:?}"
        );
    }

    #[test]
    fn a_mix_is_typed_by_name_or_by_shares() {
        assert_eq!("create".parse(), Ok(Mix::CREATE));
        assert_eq!(
            "real".parse::<Mix>().map(|mix| mix.to_string()),
            Ok("create=15,update=25,complete=20,list=40".into())
        );
        for wrong in ["", "list=1", "delete=1", "create=x", "create=-1"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }
}
