//! Rows as an array of a composite type of PostgreSQL (`array_recv`, `record_recv` in its sources): one argument per
//! statement. From one array per column, the server makes one table each and joins them; this was a third of the work
//! of writing a task. Knows which types there are; does not know what is written.

use super::{Way, is_on};
use crate::store::bind::{Cell, Columns, Kind};
use crate::store::statement::{RowType, Statement};
use crate::store::{Result, StoreError};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::{Arguments, Encode, PgConnection, Postgres, Type};

/// The composite type of a statement's rows; `None` if they are sent as one array per column.
pub(in crate::store) fn row_type(statement: &Statement) -> Option<RowType> {
    statement.row.filter(|_| is_on(Way::Composite))
}

/// The object identifiers of a type and of arrays of it.
#[derive(Clone, Copy, Default)]
struct Oids {
    row: Oid,
    array: Oid,
}

/// The object identifiers that a database gave the types.
#[derive(Default)]
pub(in crate::store) struct RowTypes([Oids; RowType::ALL.len()]);

impl RowTypes {
    /// Reads the object identifiers from the database.
    pub(in crate::store) async fn read(link: &mut PgConnection) -> Result<RowTypes> {
        let names = RowType::ALL.map(RowType::name);
        let query = "select t.oid, t.typarray from unnest($1::text[]) with ordinality n (name, place)
            join pg_type t on t.oid = to_regtype(n.name) order by n.place";
        let found: Vec<(Oid, Oid)> = sqlx::query_as(query).bind(&names[..]).fetch_all(link).await?;
        let all = found.into_iter().map(|(row, array)| Oids { row, array });
        let all: std::result::Result<[Oids; _], _> = all.collect::<Vec<_>>().try_into();
        all.map(RowTypes).map_err(|_| {
            StoreError::corrupt("the schema is not up to date: it lacks composite types of rows")
        })
    }

    /// Appends one argument: all of these cells, as rows of a type.
    pub(in crate::store) fn add(
        &self,
        arguments: &mut PgArguments,
        of: RowType,
        columns: Columns,
        cells: &[Cell],
    ) {
        let rows = Rows {
            oids: self.0[of as usize],
            columns,
            cells,
        };
        // encoding rows cannot fail
        let _ = arguments.add(rows);
    }
}

struct Rows<'c> {
    oids: Oids,
    columns: Columns,
    cells: &'c [Cell],
}

impl Type<Postgres> for Rows<'_> {
    /// Any record; [`Encode::produces`] says which.
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("record[]")
    }
}

impl Encode<'_, Postgres> for Rows<'_> {
    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(self.oids.array))
    }

    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        let width = self.columns.len();
        let rows = self.cells.chunks_exact(width);
        // one dimension, no null rows, the rows' type, the number of rows, the lower bound 1
        for head in [1, 0, self.oids.row.0, size(rows.len())?, 1] {
            buffer.extend_from_slice(&head.to_be_bytes());
        }
        for row in rows {
            sized(buffer, |buffer| {
                buffer.extend_from_slice(&size(width)?.to_be_bytes());
                for (cell, (_, kind)) in row.iter().zip(self.columns) {
                    buffer.extend_from_slice(&oid(*kind).to_be_bytes());
                    put(buffer, cell)?;
                }
                Ok(())
            })?;
        }
        Ok(IsNull::No)
    }
}

/// Writes what `fill` writes, with its length before it.
fn sized(
    buffer: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> std::result::Result<(), BoxDynError>,
) -> std::result::Result<(), BoxDynError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    fill(buffer)?;
    let length = size(buffer.len() - start - 4)?;
    buffer[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Writes a value with its length before it. The length of null is -1.
fn put(buffer: &mut Vec<u8>, cell: &Cell) -> std::result::Result<(), BoxDynError> {
    let mut put = |bytes: &[u8]| {
        buffer.extend_from_slice(&size(bytes.len())?.to_be_bytes());
        buffer.extend_from_slice(bytes);
        Ok(())
    };
    match cell {
        Cell::Id(Some(id)) => put(id.as_bytes()),
        Cell::Int(Some(int)) => put(&int.to_be_bytes()),
        Cell::Text(Some(text)) => put(text.as_bytes()),
        Cell::Bool(Some(truth)) => put(&[u8::from(*truth)]),
        Cell::Id(None) | Cell::Int(None) | Cell::Text(None) | Cell::Bool(None) => {
            buffer.extend_from_slice(&(-1_i32).to_be_bytes());
            Ok(())
        }
    }
}

fn size(bytes: usize) -> std::result::Result<u32, BoxDynError> {
    Ok(i32::try_from(bytes)?.cast_unsigned())
}

/// The object identifiers of PostgreSQL's own types, equal in every database (`pg_type.dat`).
fn oid(kind: Kind) -> u32 {
    match kind {
        Kind::Bool => 16,
        Kind::Int => 20,
        Kind::Text => 25,
        Kind::Id => 2950,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn rows_are_an_array_of_records() {
        let columns: Columns = &[
            ("id", Kind::Id),
            ("n", Kind::Int),
            ("t", Kind::Text),
            ("b", Kind::Bool),
        ];
        let id = Uuid::from_u128(7);
        let cells = [
            Cell::Id(Some(id)),
            Cell::Int(Some(-2)),
            Cell::Text(Some("é".into())),
            Cell::Bool(Some(true)),
            Cell::Id(None),
            Cell::Int(None),
            Cell::Text(None),
            Cell::Bool(None),
        ];
        let oids = Oids {
            row: Oid(1000),
            array: Oid(1001),
        };
        let rows = Rows {
            oids,
            columns,
            cells: &cells,
        };
        assert_eq!(rows.produces(), Some(PgTypeInfo::with_oid(Oid(1001))));
        let mut buffer = PgArgumentBuffer::default();
        assert!(matches!(rows.encode_by_ref(&mut buffer), Ok(IsNull::No)));
        let int = |n: i32| n.to_be_bytes().to_vec();
        let none = |oid: i32| [int(oid), int(-1)].concat();
        let expected = [
            [int(1), int(0), int(1000), int(2), int(1)].concat(),
            [int(4 + 4 * 8 + 16 + 8 + 2 + 1), int(4)].concat(),
            [int(2950), int(16), id.as_bytes().to_vec()].concat(),
            [int(20), int(8), (-2_i64).to_be_bytes().to_vec()].concat(),
            [int(25), int(2), "é".as_bytes().to_vec()].concat(),
            [int(16), int(1), vec![1]].concat(),
            [int(4 + 4 * 8), int(4)].concat(),
            [none(2950), none(20), none(25), none(16)].concat(),
        ];
        assert_eq!(buffer[..], expected.concat());
    }
}
