//! Checks that the composite types of rows in PostgreSQL's migration have the columns of the tables here.

use super::{log, notifications, ops, streams, tasks};

/// PostgreSQL reads the values of a composite type by their order.
#[test]
fn composite_types_have_the_columns_in_their_order() {
    let schema = concat!(
        include_str!("../../migrations/postgres/0002_groups_in_one_statement.sql"),
        include_str!("../../migrations/postgres/0015_stages.sql"),
    );
    let types = [
        ("task_row_3", tasks::WRITTEN.as_slice()),
        ("notification_row", notifications::NotificationRow::TABLE.written),
        ("stream_row", streams::CountersRow::TABLE.written),
        ("entry_row", log::TABLE.written),
        ("op_row", ops::OpRow::TABLE.written),
    ];
    for (name, columns) in types {
        let head = format!("create type {name} as (");
        let rest = schema.split_once(&head).expect("the schema has the type").1;
        let list = rest.split_once(");").expect("the definition ends").0;
        let found: Vec<String> = list.split(',').map(|part| part.trim().to_owned()).collect();
        let ours: Vec<String> = columns
            .iter()
            .map(|(name, kind)| format!("{name} {}", kind.postgres()))
            .collect();
        assert_eq!(found, ours, "{name}");
    }
}
