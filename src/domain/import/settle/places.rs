//! Places in the manual order. Those of our own files are taken over, unless some of them are too long: then all of them get
//! new ones, in the same order.

use crate::domain::import::plan::Plan;
use crate::domain::position::{self, TAKEN, is_place};

/// Shortens the places of a plan.
pub(super) fn shorten(plan: &mut Plan) {
    shorten_all(plan.tasks.iter_mut().map(|task| &mut task.position));
    shorten_all(plan.projects.iter_mut().map(|project| &mut project.position));
}

fn shorten_all<'p>(places: impl Iterator<Item = &'p mut Option<String>>) {
    let is_given = |place: &&mut Option<String>| place.as_deref().is_some_and(is_place);
    let mut places: Vec<&mut Option<String>> = places.filter(is_given).collect();
    if places
        .iter()
        .flat_map(|place| place.iter())
        .all(|place| place.len() <= TAKEN)
    {
        return;
    }
    places.sort();
    let ends = |place: Option<&&mut Option<String>>| place.and_then(|place| (**place).clone());
    if let (Some(first), Some(last)) = (ends(places.first()), ends(places.last())) {
        let new = position::shortened(&first, &last, places.len());
        for (place, new) in places.into_iter().zip(new) {
            *place = Some(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(given: &[Option<String>]) -> Vec<Option<String>> {
        let mut places = given.to_vec();
        shorten_all(places.iter_mut());
        places
    }

    #[test]
    fn long_places_are_replaced_in_the_same_order() {
        let long = |end: &str| Some(format!("h{}{end}", "z".repeat(60)));
        let given = [
            long("2"),
            None,
            Some("a1".to_owned()),
            long("1"),
            Some("A".to_owned()),
        ];
        let new = shortened(&given);
        assert_eq!((&new[1], &new[4]), (&given[1], &given[4]), "what is no place");
        assert!(new[2] < new[3] && new[3] < new[0], "{new:?}");
        assert!(new.iter().flatten().all(|place| place.len() <= TAKEN), "{new:?}");
    }

    #[test]
    fn places_that_are_short_enough_stay() {
        let given = [Some("a1".to_owned()), None, Some("z".repeat(TAKEN))];
        assert_eq!(shortened(&given), given);
    }
}
