//! What a group of mutations needs in memory before it decides. Derived from the table of entities (`ops/mod.rs`).

use super::{Target, for_each_entity};
use std::collections::BTreeSet;
use taskwire_protocol::{StreamId, TaskId, WorkspaceId};

macro_rules! ordered_by {
    (workspace $set:expr) => {
        true
    };
    (user $set:expr) => {
        $set.is_empty()
    };
}

macro_rules! if_many {
    (many $then:expr) => {
        $then
    };
    (few $then:expr) => {};
}

macro_rules! derive_needs {
    (
        entities { $( $(#[doc = $doc:literal])+ $name:ident: $key:ty => $row:ty,
            ordered($order:ident), concerns($concern:ident), store($store:ident); )* }
        lookups { $( $(#[doc = $find_doc:literal])+ $find:ident: $find_key:ty, ordered($find_order:ident),
            brings($brings:ident); )* }
    ) => {
        /// What must be in memory before a mutation decides, besides its target.
        #[derive(Clone, Debug, Default)]
        pub struct Needs {
            /// Streams whose counters are read and locked.
            pub streams: BTreeSet<StreamId>,
            $( $(#[doc = $doc])+ pub $name: BTreeSet<$key>, )*
            $( $(#[doc = $find_doc])+ pub $find: BTreeSet<$find_key>, )*
            /// Targets whose workspaces are found before the group begins: they must be locked, and no request names them.
            pub homeless: BTreeSet<Target>,
            /// Tasks that a client creates with its own id, and their workspaces. Other mutations of the group may name
            /// these tasks.
            pub made: BTreeSet<(TaskId, WorkspaceId)>,
            /// Tasks that leave their position in the manual order.
            pub leaving: BTreeSet<TaskId>,
            /// The mutation must be alone in its group.
            pub alone: bool,
            /// The mutation frees space. It is alone in its group, and also runs when the database is full.
            pub frees: bool,
        }

        impl Needs {
            /// Whether workspaces' streams order all rows that are needed: any change of such a row advances the stream
            /// of its workspace.
            pub fn is_ordered_by_workspaces(&self) -> bool {
                let Needs { streams, $( $name, )* $( $find, )* homeless: _, made: _, leaving: _, alone, frees } = self;
                $( let _ = $name; )*
                $( let _ = $find; )*
                $( ordered_by!($order $name) && )*
                $( ordered_by!($find_order $find) && )*
                !alone
                    && !frees
                    && streams.iter().all(|stream| matches!(stream, StreamId::Workspace(_)))
            }

            /// Adds what another mutation needs.
            pub fn merge(&mut self, other: &Needs) {
                let Needs { streams, $( $name, )* $( $find, )* homeless, made, leaving, alone, frees } = other;
                self.streams.extend(streams);
                $( self.$name.extend($name.iter().cloned()); )*
                $( self.$find.extend($find.iter().cloned()); )*
                self.homeless.extend(homeless);
                self.made.extend(made);
                self.leaving.extend(leaving);
                self.alone |= alone;
                self.frees |= frees;
            }

            /// Whether something is needed that a lookup finds which may bring many rows.
            pub fn look_far(&self) -> bool {
                $( if_many!($brings { if !self.$find.is_empty() { return true; } }); )*
                false
            }

            /// Drops what such lookups find.
            pub fn stay_near(&mut self) {
                $( if_many!($brings self.$find.clear()); )*
                self.leaving.clear();
            }

            /// Adds what another mutation needs that such lookups find.
            pub fn merge_far(&mut self, other: &Needs) {
                $( if_many!($brings self.$find.extend(other.$find.iter().cloned())); )*
                self.leaving.extend(&other.leaving);
            }

            /// Whether it has everything that another mutation needs that such lookups find.
            pub fn has_far(&self, other: &Needs) -> bool {
                $( if_many!($brings { if !other.$find.is_subset(&self.$find) { return false; } }); )*
                other.leaving.is_subset(&self.leaving)
            }
        }
    };
}

for_each_entity!(derive_needs);
