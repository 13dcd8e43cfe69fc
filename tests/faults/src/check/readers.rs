//! I4 and I8: what readers saw, against the log and their memberships.

use crate::load::reader::Sightings;
use crate::load::record::{Removal, Segment};
use crate::truth::Truth;
use crate::verdict::{Invariant, Verdicts};
use std::collections::HashMap;
use uuid::Uuid;

/// I4: what a reader saw of a stream equals the log, byte for byte. The reader itself looked for gaps when events
/// arrived. `truth` is the log of one era.
pub(crate) fn content(sightings: &[Sightings], truth: &Truth, era: u64, verdicts: &Verdicts) {
    for (number, reader) in sightings.iter().enumerate() {
        for segment in reader.segments.iter().filter(|segment| segment.era == era) {
            verdicts.checked(Invariant::I4, segment.last - segment.after);
            if let Some(wrong) = differs(segment, truth) {
                verdicts.violated(Invariant::I4, format!("reader {number}: {wrong}"));
            }
        }
    }
}

fn differs(segment: &Segment, truth: &Truth) -> Option<String> {
    if segment.last == segment.after {
        return None;
    }
    let Some(story) = truth.streams.get(&segment.stream) else {
        return Some(format!("stream {} has no log", segment.stream));
    };
    // the sum over all entries up to this one
    let sum = |seq: u64| match seq.checked_sub(story.first) {
        None => Some(0),
        Some(at) => story.sums.get(at as usize).copied(),
    };
    let (Some(before), Some(after)) = (sum(segment.after), sum(segment.last)) else {
        return Some(format!(
            "saw seq {} of stream {}, whose head is {}",
            segment.last,
            segment.stream,
            story.head()
        ));
    };
    (after.wrapping_sub(before) != segment.sum).then(|| {
        format!(
            "seq {} to {} of stream {} differ from the log",
            segment.after + 1,
            segment.last,
            segment.stream
        )
    })
}

/// I8: after a removal was acknowledged and its grace time is over, the reader gets no event of the workspace until its
/// next membership. Events from before the removal are exempt: they were on their way.
pub(crate) fn removals(sightings: &[Sightings], removals: &[Removal], verdicts: &Verdicts) {
    let mut of: HashMap<(Uuid, u32), Vec<&Removal>> = HashMap::new();
    for removal in removals {
        of.entry((removal.user, removal.stream))
            .or_default()
            .push(removal);
    }
    for reader in sightings {
        for seen in &reader.seen {
            verdicts.checked(Invariant::I8, 1);
            let removals = of.get(&(reader.user, seen.stream)).map_or(&[][..], Vec::as_slice);
            // removals are sorted by seq: take the last one before the event
            let at = removals.partition_point(|removal| removal.seq < seen.seq);
            let Some(removal) = at.checked_sub(1).map(|at| removals[at]) else {
                continue;
            };
            if seen.seq < removal.until && seen.at > removal.at + removal.grace {
                let what = format!(
                    "reader {}: seq {} of stream {} arrived {} ms after the removal at seq {} was acknowledged",
                    seen.reader,
                    seen.seq,
                    seen.stream,
                    (seen.at - removal.at) / 1_000_000,
                    removal.seq
                );
                verdicts.violated(Invariant::I8, what);
            }
        }
    }
}
