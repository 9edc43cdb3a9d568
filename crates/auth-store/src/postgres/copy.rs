//! Reads a store of PostgreSQL for a copy, and writes one.

use async_trait::async_trait;
use auth_core::StoreError;
use deadpool_postgres::{ClientWrapper, Object};
use tokio_postgres::types::ToSql;

use super::copy_statements::statements;
use super::error::{CommandError, Result};
use super::row::{Columns, escaped};
use super::session::{read, transact};
use super::statement::{changed, execute, row};
use super::{Postgres, meta};
use crate::copy::{Column, ColumnKind, MARKER, RecordKind, Row, Snapshot, Target, Value};
use crate::encoding::corrupt;

/// Begins the transaction of a snapshot. Its pages are read by indexes that have the order of the keys: without statistics
/// the planner might sort a whole table for each page.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; \
    SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; SET LOCAL jit = off";

/// Has the audit log go on after the last number that was copied.
const NUMBER_ON: &str =
    "SELECT setval(pg_get_serial_sequence('audit', 'id'), (SELECT max(id) FROM audit))::bigint";

const ANALYZE: &str = "ANALYZE account, login_name, external_id, credential, activity, attempt, audit, mail, spent, \
    user_group, membership, import_mark";

type StoreResult<T> = std::result::Result<T, StoreError>;
type Param<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// A store as it was at one moment: a connection of its own within a transaction that reads.
pub(crate) struct PostgresSnapshot(ClientWrapper);

impl PostgresSnapshot {
    async fn rows(&self, query: &str, params: &[Param<'_>]) -> Result<Vec<tokio_postgres::Row>> {
        let statement = self.0.prepare_cached(query).await?;
        Ok(self.0.query(&statement, &borrowed(params)).await?)
    }
}

impl Postgres {
    /// The store as it is now, for as long as the snapshot is kept.
    pub(crate) async fn snapshot(&self) -> StoreResult<PostgresSnapshot> {
        // Not given back to the pool: its transaction ends with it.
        let client = Object::take(self.client().await?);
        client.batch_execute(BEGIN).await.map_err(CommandError::from)?;
        Ok(PostgresSnapshot(client))
    }
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    async fn page(&mut self, kind: RecordKind, after: Option<&[Value]>, limit: u32) -> StoreResult<Vec<Row>> {
        let key = kind.columns().iter().take(kind.key());
        let mut params: Vec<Param<'_>> = match after {
            Some(values) => key.zip(values).map(|((_, column), value)| param(*column, value)).collect(),
            None => key.map(|(_, column)| before_all(*column)).collect(),
        };
        params.push(Box::new(i64::from(limit)));
        let found = self.rows(statements(kind).page, &params).await?;
        Ok(found.iter().map(|row| values(kind, row)).collect::<Result<_>>()?)
    }

    async fn count(&mut self, kind: RecordKind) -> StoreResult<u64> {
        let found = self.rows(statements(kind).count, &[]).await?;
        let row = found.first().ok_or_else(|| corrupt("a count that is none"))?;
        Ok(Columns::of(row).take::<i64>()?.cast_unsigned())
    }
}

#[async_trait]
impl Target for Postgres {
    async fn marker(&self) -> StoreResult<Option<Vec<u8>>> {
        let found = read!(self, |client| row(client, meta::GET, &[&MARKER]).await)?;
        Ok(found.map(|row| Columns::of(&row).take()).transpose()?)
    }

    async fn write(
        &self,
        kind: RecordKind,
        rows: Vec<Row>,
        former: Option<Vec<u8>>,
        marker: Vec<u8>,
    ) -> StoreResult<bool> {
        let written: Result<bool> = transact!(self, |transaction| {
            let moved = match &former {
                None => changed(transaction, meta::SET_ONCE, &[&MARKER, &marker]).await?,
                Some(former) => changed(transaction, meta::REPLACE, &[&MARKER, former, &marker]).await?,
            };
            if moved && !rows.is_empty() {
                let params = arrays(kind, &rows);
                let count = execute(transaction, statements(kind).write, &borrowed(&params)).await?;
                if usize::try_from(count) != Ok(rows.len()) {
                    return Err(corrupt("a row refers to one that is not there").into());
                }
            }
            Ok(moved)
        });
        Ok(written?)
    }

    async fn finish(&self, marker: Vec<u8>) -> StoreResult<bool> {
        // Without the time limit of commands: these read whole tables.
        let client = self.client().await?;
        client.batch_execute(ANALYZE).await.map_err(CommandError::from)?;
        client.query(NUMBER_ON, &[]).await.map_err(CommandError::from)?;
        drop(client);
        let removed: Result<bool> =
            transact!(self, |transaction| changed(transaction, meta::REMOVE, &[&MARKER, &marker]).await);
        Ok(removed?)
    }
}

fn borrowed<'a>(params: &'a [Param<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| &**param as &(dyn ToSql + Sync)).collect()
}

/// A value that is before all others in the order of keys.
fn before_all(kind: ColumnKind) -> Param<'static> {
    match kind {
        ColumnKind::Text | ColumnKind::Escaped => Box::new(""),
        ColumnKind::Bytes => Box::new(Vec::<u8>::new()),
        ColumnKind::Place => Box::new(vec![0_u8; 16]),
        _ => Box::new(i64::MIN),
    }
}

/// A value of a key.
fn param(kind: ColumnKind, value: &Value) -> Param<'_> {
    match value {
        Value::Null => Box::new(None::<i64>),
        Value::Integer(number) => Box::new(*number),
        Value::Text(text) if kind == ColumnKind::Escaped => Box::new(escaped(text)),
        Value::Text(text) => Box::new(text),
        Value::Bytes(bytes) => Box::new(bytes),
    }
}

/// The values of rows as an array for each column that PostgreSQL has.
fn arrays(kind: RecordKind, rows: &[Row]) -> Vec<Param<'_>> {
    let columns = kind.columns().iter().enumerate();
    let written = columns.filter(|(_, (_, column))| *column != ColumnKind::SqliteNumber);
    written
        .map(|(index, (_, column))| array(*column, rows.iter().filter_map(move |row| row.get(index))))
        .collect()
}

fn array<'a>(column: ColumnKind, values: impl Iterator<Item = &'a Value>) -> Param<'a> {
    let number = |value: &Value| match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    };
    let text = |value: &'a Value| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    };
    match column {
        ColumnKind::Integer | ColumnKind::SqliteNumber => Box::new(values.map(number).collect::<Vec<_>>()),
        ColumnKind::Bool => {
            Box::new(values.map(|value| number(value).map(|number| number != 0)).collect::<Vec<_>>())
        }
        ColumnKind::Text => Box::new(values.map(text).collect::<Vec<_>>()),
        ColumnKind::Escaped => Box::new(values.map(|value| text(value).map(escaped)).collect::<Vec<_>>()),
        ColumnKind::Bytes => Box::new(values.map(bytes).collect::<Vec<_>>()),
        ColumnKind::Place => Box::new(values.map(place).collect::<Vec<_>>()),
    }
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The 16 bytes of a place: a number of SQLite stands at their end, so that places have the order of the numbers.
fn place(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Integer(number) => Some(i128::from(*number).to_be_bytes().to_vec()),
        value => bytes(value).map(<[u8]>::to_vec),
    }
}

fn values(kind: RecordKind, row: &tokio_postgres::Row) -> Result<Row> {
    let mut columns = Columns::of(row);
    let value = |(_, column): &Column| {
        let value = match column {
            ColumnKind::Integer | ColumnKind::SqliteNumber => {
                columns.take::<Option<i64>>()?.map(Value::Integer)
            }
            ColumnKind::Bool => columns.take::<Option<bool>>()?.map(|yes| Value::Integer(yes.into())),
            ColumnKind::Text => columns.take::<Option<String>>()?.map(Value::Text),
            ColumnKind::Escaped => columns.text_or_none()?.map(Value::Text),
            ColumnKind::Bytes | ColumnKind::Place => columns.take::<Option<Vec<u8>>>()?.map(Value::Bytes),
        };
        Ok(value.unwrap_or(Value::Null))
    };
    kind.columns().iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use auth_core::SeededRng;
    use test_postgres::Cluster;

    use super::*;
    use crate::PostgresConfig;

    const COLUMNS: &str = "SELECT table_name::text, column_name::text FROM information_schema.columns \
        WHERE table_schema = current_schema()";

    /// Tables that are no part of a copy: the version of the schema, and counts of attempts, which end by themselves.
    const LEFT_OUT: [&str; 2] = ["auth_server_schema", "tried"];

    #[tokio::test]
    async fn every_column_of_every_table_is_copied() {
        let config = PostgresConfig::new(Cluster::shared().unwrap().database().unwrap());
        let store = Postgres::open(&config, Arc::new(SeededRng::new(1))).await.unwrap();
        let client = store.client().await.unwrap();
        let found = client.query(COLUMNS, &[]).await.unwrap();
        let found: BTreeSet<(String, String)> = found
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .filter(|(table, _): &(String, String)| !LEFT_OUT.contains(&table.as_str()))
            .collect();
        let mut copied = BTreeSet::new();
        for kind in RecordKind::ALL {
            let count = statements(kind).count;
            let table = count.strip_prefix("SELECT count(*) FROM ").unwrap().split(' ').next().unwrap();
            for (name, column) in kind.columns() {
                let name = match (table, *name) {
                    ("audit" | "attempt", "number") => "id",
                    (_, "user") => "account",
                    (_, "actor_user") => "actor_account",
                    (_, name) => name,
                };
                if *column != ColumnKind::SqliteNumber {
                    copied.insert((table.to_owned(), name.to_owned()));
                }
            }
        }
        assert_eq!(copied, found);
    }

    #[tokio::test]
    async fn no_page_is_sorted_and_each_begins_where_the_last_one_ended() {
        let config = PostgresConfig::new(Cluster::shared().unwrap().database().unwrap());
        let store = Postgres::open(&config, Arc::new(SeededRng::new(1))).await.unwrap();
        let PostgresSnapshot(client) = store.snapshot().await.unwrap();
        client.batch_execute("SET LOCAL plan_cache_mode = force_generic_plan").await.unwrap();
        // The values of the store are few, and their index may sort by the rules of a language.
        for kind in RecordKind::ALL.into_iter().filter(|kind| *kind != RecordKind::Meta) {
            let nothing = vec!["NULL"; kind.key() + 1].join(", ");
            let page = statements(kind).page;
            client.batch_execute(&format!("PREPARE explained AS {page}")).await.unwrap();
            let explained =
                client.query(&format!("EXPLAIN EXECUTE explained({nothing})"), &[]).await.unwrap();
            client.batch_execute("DEALLOCATE explained").await.unwrap();
            let plan: Vec<String> = explained.iter().map(|row| row.get(0)).collect();
            assert!(!plan.iter().any(|line| line.contains("Sort")), "{kind:?}: {plan:#?}");
            assert!(plan.iter().any(|line| line.contains("Index Cond")), "{kind:?}: {plan:#?}");
        }
    }
}
