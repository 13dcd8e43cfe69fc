//! Each check gets forged records and must reject them: a checker that cannot fail proves nothing.

use super::{operations, readers, sessions, state, work};
use crate::load::hash;
use crate::load::kept::{Kept, KeptComment, Notice};
use crate::load::reader::Sightings;
use crate::load::record::{
    Attempt, Ended, Farewell, Kind, Operation, Outcome, Parting, Removal, Seen, Segment, Way, What, weigh,
};
use crate::truth::{Counts, Entry, Story, Tables, TaskState, Thing, Truth};
use crate::verdict::{ALL, Invariant, Verdicts};
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

const SECOND: u64 = 1_000_000_000;

/// Three acknowledged operations, one after the other, at seq 1, 2 and 3 of stream 0, and the log that they made.
fn sound() -> (Vec<Operation>, Truth, HashSet<Uuid>) {
    let mut truth = Truth::default();
    let mut sums = Vec::new();
    let mut operations = Vec::new();
    for seq in 1..=3_u64 {
        let op_id = Uuid::from_u128(u128::from(seq));
        operations.push(Operation {
            op_id,
            what: What::Create,
            stream: 0,
            entries: 1,
            sent: 1,
            outcome: Outcome::Acknowledged,
            began: seq * 10,
            answered: seq * 10 + 5,
            at: seq,
            content: 100 + seq,
            reply: seq,
        });
        let entry = Entry {
            stream: 0,
            seq,
            content: 100 + seq,
        };
        truth.ops.insert(op_id, vec![entry]);
        sums.push(weigh(seq, b"frame").wrapping_add(sums.last().copied().unwrap_or_default()));
    }
    truth.streams.insert(0, Story { first: 1, sums });
    let remembered = truth.ops.keys().copied().collect();
    (operations, truth, remembered)
}

/// The invariants that the checks of operations find violated after `tamper` changed the records.
fn found(tamper: impl FnOnce(&mut Vec<Operation>, &mut Truth, &mut HashSet<Uuid>)) -> Vec<Invariant> {
    let (mut ops, mut truth, mut remembered) = sound();
    tamper(&mut ops, &mut truth, &mut remembered);
    let verdicts = Verdicts::default();
    operations::acknowledged(&ops, &truth, &verdicts);
    operations::whole(&ops, &truth, &remembered, &verdicts);
    operations::order(&ops, &verdicts);
    violated(&verdicts)
}

fn violated(verdicts: &Verdicts) -> Vec<Invariant> {
    ALL.into_iter()
        .filter(|invariant| verdicts.of(*invariant).violations > 0)
        .collect()
}

#[test]
fn a_sound_record_has_no_violation() {
    assert!(found(|_, _, _| {}).is_empty());
}

#[test]
fn i1_sees_an_acknowledged_operation_that_is_not_in_the_log() {
    let lost = found(|ops, truth, remembered| {
        truth.ops.remove(&ops[1].op_id);
        remembered.remove(&ops[1].op_id);
    });
    assert_eq!(lost, [Invariant::I1]);
}

#[test]
fn i1_sees_another_place_and_another_content() {
    assert_eq!(found(|ops, _, _| ops[2].at = 9), [Invariant::I1]);
    assert_eq!(found(|ops, _, _| ops[2].content = 9), [Invariant::I1]);
}

#[test]
fn i3_sees_a_second_effect_and_the_effect_of_a_refused_operation() {
    let twice = found(|ops, truth, _| {
        let entry = truth.ops[&ops[0].op_id][0].clone();
        truth.ops.entry(ops[0].op_id).or_default().push(entry);
    });
    // an operation with two effects violates I6 too: it has more entries than it should
    assert_eq!(twice, [Invariant::I3, Invariant::I6]);
    assert_eq!(
        found(|ops, _, _| ops[0].outcome = Outcome::Refused),
        [Invariant::I3]
    );
}

#[test]
fn i6_sees_half_an_operation_a_forgotten_op_id_and_an_entry_that_nobody_invoked() {
    let half = found(|ops, _, _| (ops[0].outcome, ops[0].entries) = (Outcome::Open, 2));
    assert_eq!(half, [Invariant::I6]);
    let forgotten = found(|ops, _, remembered| {
        remembered.remove(&ops[0].op_id);
    });
    assert_eq!(forgotten, [Invariant::I6]);
    assert_eq!(found(|ops, _, _| ops.truncate(2)), [Invariant::I6]);
}

#[test]
fn an_open_operation_may_be_in_the_log_or_not() {
    assert!(found(|ops, _, _| ops[0].outcome = Outcome::Open).is_empty());
    let out = found(|ops, truth, remembered| {
        ops[0].outcome = Outcome::Open;
        truth.ops.remove(&ops[0].op_id);
        remembered.remove(&ops[0].op_id);
    });
    assert!(out.is_empty());
}

#[test]
fn i10_sees_an_operation_with_a_lower_seq_than_an_earlier_one() {
    // the third began after the first was acknowledged, and got a lower seq
    let overtaken = found(|ops, truth, _| {
        (ops[0].at, ops[2].at) = (3, 1);
        for (op, seq) in [(0, 3), (2, 1)] {
            if let Some(entries) = truth.ops.get_mut(&ops[op].op_id) {
                entries[0].seq = seq;
            }
        }
    });
    assert_eq!(overtaken, [Invariant::I10]);
}

/// The invariants that the checks of readers find violated by a reader with these records.
fn read(segment: Segment, seen: &[(u64, u64)]) -> Vec<Invariant> {
    let (_, truth, _) = sound();
    let user = Uuid::from_u128(9);
    let seen = seen.iter().map(|(seq, at)| Seen {
        reader: 0,
        stream: 0,
        seq: *seq,
        at: *at,
    });
    let sightings = [Sightings {
        user,
        segments: vec![segment],
        seen: seen.collect(),
    }];
    let removal = Removal {
        user,
        stream: 0,
        seq: 10,
        at: 100 * SECOND,
        grace: SECOND,
        until: 20,
    };
    let verdicts = Verdicts::default();
    readers::content(&sightings, &truth, 0, &verdicts);
    readers::removals(&sightings, &[removal], &verdicts);
    violated(&verdicts)
}

fn segment(after: u64, last: u64) -> Segment {
    let sum = (after + 1..=last).fold(0_u64, |sum, seq| sum.wrapping_add(weigh(seq, b"frame")));
    Segment {
        stream: 0,
        era: 0,
        after,
        last,
        sum,
    }
}

#[test]
fn i4_sees_an_event_that_the_log_does_not_have() {
    assert!(read(segment(0, 3), &[]).is_empty());
    assert!(read(segment(1, 2), &[]).is_empty());
    assert_eq!(read(segment(1, 4), &[]), [Invariant::I4]);
    let other = Segment {
        sum: 1,
        ..segment(0, 2)
    };
    assert_eq!(read(other, &[]), [Invariant::I4]);
    let elsewhere = Segment {
        stream: 5,
        ..segment(0, 2)
    };
    assert_eq!(read(elsewhere, &[]), [Invariant::I4]);
}

#[test]
fn i8_sees_an_event_long_after_a_removal() {
    let none = segment(0, 0);
    // before the removal, at once after it, and after the next membership began
    let fine = [(9, 105 * SECOND), (11, 100 * SECOND), (21, 105 * SECOND)];
    assert!(read(none.clone(), &fine).is_empty());
    assert_eq!(read(none, &[(11, 102 * SECOND)]), [Invariant::I8]);
}

/// The invariants that the check of sessions finds violated, when a session ended at 100 s with 1 s of grace.
fn parted(sockets: &[(u64, u64, Farewell)], attempts: &[(u64, bool)]) -> Vec<Invariant> {
    let ended = Ended {
        user: Uuid::from_u128(9),
        way: Way::LogOut,
        began: 99 * SECOND,
        at: 100 * SECOND,
        grace: SECOND,
        sockets: sockets
            .iter()
            .map(|(last, ended, how)| Parting {
                last: last * SECOND / 10,
                ended: ended * SECOND / 10,
                how: *how,
            })
            .collect(),
        attempts: attempts
            .iter()
            .map(|(began, accepted)| Attempt {
                instance: 0,
                token: Kind::Access,
                began: began * SECOND / 10,
                accepted: *accepted,
            })
            .collect(),
    };
    let verdicts = Verdicts::default();
    sessions::ended(&[ended], &verdicts);
    violated(&verdicts)
}

#[test]
fn i11_sees_sockets_and_tokens_that_outlive_their_session() {
    let (revoked, dead) = (Farewell::Closed(4403), Farewell::Broken { instance_died: true });
    // closed during the logout and just after it, restarted, died, and gone before for another reason
    let fine = [
        (990, 995, revoked),
        (1009, 1009, revoked),
        (1005, 1008, Farewell::Closed(1012)),
        (1005, 1050, dead),
        (900, 950, Farewell::Closed(4401)),
    ];
    assert!(parted(&fine, &[(1005, true), (1011, false)]).is_empty());
    let broken = Farewell::Broken { instance_died: false };
    for wrong in [
        (1012, 1013, dead),
        (1000, 1015, revoked),
        (900, 950, revoked),
        (1000, 1005, Farewell::Closed(4408)),
        (1000, 1005, broken),
        (1000, 1100, Farewell::Open),
    ] {
        assert_eq!(parted(&[wrong], &[]), [Invariant::I11], "{wrong:?}");
    }
    assert_eq!(parted(&[], &[(1011, true)]), [Invariant::I11]);
}

#[test]
fn i5_and_i2_see_tables_that_differ_from_the_log() {
    let id = Uuid::from_u128(1);
    let task = TaskState {
        workspace: id,
        version: 2,
        whole: 5,
        title: 6,
        completed: false,
        is_deleted: false,
    };
    let check = |tamper: &dyn Fn(&mut Tables)| {
        let mut truth = Truth::default();
        truth.tasks.insert(id, task.clone());
        truth.members.insert((id, id), true);
        let mut tables = Tables::default();
        tables.tasks.insert(id, task.clone());
        tables.members.push((id, id));
        let thing = Thing {
            workspace: id,
            version: 1,
            name: "home".to_owned(),
            is_archived: false,
        };
        truth.tags.insert(id, thing.clone());
        tables.tags.insert(id, thing.clone());
        truth.projects.insert(id, thing.clone());
        tables.projects.insert(id, thing);
        truth.counts.insert(id, Counts::default());
        tables.counts.insert(id, Counts::default());
        tamper(&mut tables);
        let verdicts = Verdicts::default();
        state::tables(&truth, &tables, &verdicts);
        state::heads(&truth, &tables, &verdicts);
        violated(&verdicts)
    };
    assert!(check(&|_| {}).is_empty());
    let older = TaskState {
        version: 1,
        ..task.clone()
    };
    assert_eq!(
        check(&|tables| {
            tables.tasks.insert(id, older.clone());
        }),
        [Invariant::I5]
    );
    assert_eq!(
        check(&|tables| {
            tables.tasks.remove(&id);
        }),
        [Invariant::I5]
    );
    let unknown = Uuid::from_u128(2);
    assert_eq!(
        check(&|tables| {
            tables.tasks.insert(unknown, task.clone());
        }),
        [Invariant::I5]
    );
    assert_eq!(check(&|tables| tables.members.clear()), [Invariant::I5]);
    assert_eq!(check(&|tables| tables.tags.clear()), [Invariant::I5]);
    let archived = |tables: &mut Tables| {
        for project in tables.projects.values_mut() {
            project.is_archived = true;
        }
    };
    assert_eq!(check(&archived), [Invariant::I5]);
    let counted = |tables: &mut Tables| {
        for counts in tables.counts.values_mut() {
            counts.comments += 1;
        }
    };
    assert_eq!(check(&counted), [Invariant::I5]);
    assert_eq!(
        check(&|tables| {
            tables.heads.insert(id, 4);
        }),
        [Invariant::I2]
    );
}

#[test]
fn i7_sees_a_time_in_which_nobody_could_write() {
    let check = |began: [u64; 3], answered: [u64; 3], outages: &[(u64, u64)]| {
        let (mut operations, ..) = sound();
        for (operation, (began, answered)) in operations.iter_mut().zip(began.into_iter().zip(answered)) {
            (operation.began, operation.answered) = (began * SECOND, answered * SECOND);
        }
        let outages: Vec<_> = outages
            .iter()
            .map(|(from, to)| (from * SECOND, to * SECOND))
            .collect();
        let verdicts = Verdicts::default();
        let longest = operations::writable(&operations, &outages, 0, &verdicts).as_secs();
        (longest, !violated(&verdicts).is_empty())
    };
    // nobody wants to write between 3 and 40
    assert_eq!(check([1, 2, 40], [2, 3, 41], &[]), (1, false));
    // one waits for 30 s, while others are answered
    assert_eq!(check([1, 5, 15], [31, 9, 24], &[]), (15, true));
    assert_eq!(check([1, 5, 9], [19, 9, 14], &[]), (8, false));
    assert_eq!(check([1, 2, 3], [2, 14, 15], &[]), (12, true));
    assert_eq!(check([1, 2, 3], [2, 14, 15], &[(1, 6)]), (8, false));
    // an answer that never came is not an answer
    assert_eq!(check([1, 2, 3], [2, 14, 0], &[]), (12, true));
}

/// Makes what is kept, or the tables, wrong.
type Tamper<'a> = &'a dyn Fn(&mut Kept, &mut Tables);

#[test]
fn i5_sees_work_that_left_too_little_or_too_much() {
    let (task, comment) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let check = |tamper: &dyn Fn(&mut Kept, &mut Tables)| {
        let (mut kept, mut tables) = (Kept::default(), Tables::default());
        let known = KeptComment {
            task,
            body: 7,
            is_deleted: false,
        };
        kept.comments.insert(comment, known);
        tables.comments.insert(comment, (task, 7));
        let counts = Counts {
            comments: 1,
            attachments: 0,
        };
        tables.counts.insert(task, counts);
        kept.titles.push(("weekly".to_owned(), 2));
        kept.titles.push(("imported".to_owned(), 1));
        tables.titles.insert(hash(b"weekly"), 2);
        tables.titles.insert(hash(b"imported"), 1);
        kept.notices.push(Notice {
            user: task,
            task,
            kind: "MENTION",
            at: 0,
        });
        tables.notices.insert((task, task, "MENTION".to_owned()), 1);
        tables.now = 1_000_000;
        tamper(&mut kept, &mut tables);
        let verdicts = Verdicts::default();
        work::done(&kept, &tables, &verdicts);
        violated(&verdicts)
    };
    assert!(check(&|_, _| {}).is_empty());
    let wrong: [Tamper<'_>; 9] = [
        &|_, tables| tables.comments.extend([(comment, (task, 8))]),
        // a second comment with the same text
        &|_, tables| tables.comments.extend([(Uuid::from_u128(3), (task, 7))]),
        &|kept, _| {
            kept.comments
                .values_mut()
                .for_each(|known| known.is_deleted = true);
        },
        &|_, tables| {
            tables
                .counts
                .values_mut()
                .for_each(|counts| counts.attachments = 1);
        },
        &|_, tables| tables.titles.extend([(hash(b"weekly"), 3)]),
        &|_, tables| tables.titles.extend([(hash(b"imported"), 2)]),
        &|_, tables| _ = tables.titles.remove(&hash(b"imported")),
        &|_, tables| tables.notices.clear(),
        &|_, tables| tables.notices.values_mut().for_each(|times| *times = 2),
    ];
    for (number, wrong) in wrong.into_iter().enumerate() {
        assert_eq!(check(wrong), [Invariant::I5], "{number}");
    }
    // its time has not come
    let later = |kept: &mut Kept, tables: &mut Tables| {
        kept.notices.iter_mut().for_each(|notice| notice.at = 999_999);
        tables.notices.clear();
    };
    assert!(check(&later).is_empty());
}

#[test]
fn i12_sees_files_without_an_attachment_and_attachments_without_a_file() {
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let rows = BTreeSet::from([one, other]);
    let names = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<BTreeSet<_>>();
    assert_eq!(work::unmatched(&rows, &names(&[one, other])), None);
    assert!(work::unmatched(&rows, &names(&[one])).is_some());
    assert!(work::unmatched(&rows, &names(&[one, other, Uuid::from_u128(3)])).is_some());
    let draft = BTreeSet::from([one.to_string(), other.to_string(), format!("{one}#1")]);
    assert!(work::unmatched(&rows, &draft).is_some());
}
