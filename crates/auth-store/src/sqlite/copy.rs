//! Reads a store of SQLite for a copy, and writes one.

use async_trait::async_trait;
use auth_core::StoreError;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::copy_statements::statements;
use super::error::{CommandError, Result, corrupt};
use super::statement::changed;
use super::{Sqlite, meta, reader};
use crate::copy::{ColumnKind, MARKER, RecordKind, Row, Snapshot, Target, Value};

type StoreResult<T> = std::result::Result<T, StoreError>;

/// A store as it was at one moment: a connection within a transaction that reads.
pub(crate) struct SqliteSnapshot(Option<Connection>);

impl SqliteSnapshot {
    /// Runs `work` on a thread for work that blocks.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let stopped = || StoreError::Unavailable("the work has stopped".into());
        let connection = self.0.take().ok_or_else(stopped)?;
        let done =
            tokio::task::spawn_blocking(move || (work(&connection).map_err(StoreError::from), connection));
        let (done, connection) = done.await.map_err(|_| stopped())?;
        self.0 = Some(connection);
        done
    }
}

impl Sqlite {
    /// The store as it is now, for as long as the snapshot is kept.
    pub(crate) async fn snapshot(&self) -> StoreResult<SqliteSnapshot> {
        let path = self.path.clone();
        let opened = reader(&path).map_err(CommandError::from)?;
        let mut snapshot = SqliteSnapshot(Some(opened));
        let begun = snapshot.run(|connection| {
            connection.execute_batch("BEGIN")?;
            // The snapshot is of the moment of the first read.
            Ok(connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?)
        });
        begun.await?;
        Ok(snapshot)
    }
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    async fn page(&mut self, kind: RecordKind, after: Option<&[Value]>, limit: u32) -> StoreResult<Vec<Row>> {
        let mut params: Vec<Sql> = match after {
            Some(key) => key.iter().map(sql).collect(),
            None => kind.columns().iter().take(kind.key()).map(|(_, column)| before_all(*column)).collect(),
        };
        params.push(Sql::Integer(limit.into()));
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(statements(kind).page)?;
            let mut found = statement.query(params_from_iter(params))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let columns = 0..kind.columns().len();
                rows.push(columns.map(|index| value(row.get_ref(index)?)).collect::<Result<_>>()?);
            }
            Ok(rows)
        })
        .await
    }

    async fn count(&mut self, kind: RecordKind) -> StoreResult<u64> {
        self.run(move |connection| {
            let count: i64 = connection.query_row(statements(kind).count, [], |row| row.get(0))?;
            Ok(count.cast_unsigned())
        })
        .await
    }
}

#[async_trait]
impl Target for Sqlite {
    async fn marker(&self) -> StoreResult<Option<Vec<u8>>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(meta::GET)?;
            Ok(statement.query_row([MARKER], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn write(
        &self,
        kind: RecordKind,
        rows: Vec<Row>,
        former: Option<Vec<u8>>,
        marker: Vec<u8>,
    ) -> StoreResult<bool> {
        Self::write(self, move |connection| {
            let moved = match &former {
                None => changed(connection, meta::SET_ONCE, params![MARKER, marker])?,
                Some(former) => changed(connection, meta::REPLACE, params![MARKER, former, marker])?,
            };
            if !moved {
                return Ok(false);
            }
            let mut statement = connection.prepare_cached(statements(kind).write)?;
            for row in &rows {
                let params =
                    kind.columns().iter().zip(row).map(|((_, column), value)| match (column, value) {
                        // The form that PostgreSQL has.
                        (ColumnKind::SqliteNumber | ColumnKind::Place, Value::Bytes(_)) => Sql::Null,
                        (_, value) => sql(value),
                    });
                if statement.execute(params_from_iter(params))? != 1 {
                    return Err(corrupt("a row refers to one that is not there"));
                }
            }
            Ok(true)
        })
        .await
    }

    async fn finish(&self, marker: Vec<u8>) -> StoreResult<bool> {
        Self::write(self, move |connection| changed(connection, meta::REMOVE, params![MARKER, marker])).await
    }
}

/// A value that is before all others in the order of keys.
fn before_all(kind: ColumnKind) -> Sql {
    match kind {
        ColumnKind::Text | ColumnKind::Escaped => Sql::Text(String::new()),
        ColumnKind::Bytes => Sql::Blob(Vec::new()),
        _ => Sql::Integer(i64::MIN),
    }
}

fn sql(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Integer(number) => Sql::Integer(*number),
        Value::Text(text) => Sql::Text(text.clone()),
        Value::Bytes(bytes) => Sql::Blob(bytes.clone()),
    }
}

fn value(found: ValueRef<'_>) -> Result<Value> {
    Ok(match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => {
            Value::Text(std::str::from_utf8(text).map_err(|_| corrupt("a text that is none"))?.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(corrupt("a column of an unexpected type")),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn store() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("store.db")).unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn every_column_of_every_table_is_copied() {
        let (_folder, store) = store();
        let found: BTreeSet<(String, String)> = store
            .read(|connection| {
                let mut statement = connection.prepare(
                    "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c \
                     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
                )?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
            .unwrap();
        let mut copied = BTreeSet::new();
        for kind in RecordKind::ALL {
            let count = statements(kind).count;
            let table = count.strip_prefix("SELECT count(*) FROM ").unwrap().split(' ').next().unwrap();
            for (column, _) in kind.columns() {
                copied.insert((table.to_owned(), (*column).to_owned()));
            }
        }
        assert_eq!(copied, found);
    }

    #[tokio::test]
    async fn no_page_is_sorted_and_none_reads_what_was_read_before() {
        let (_folder, store) = store();
        let plans = store.read(|connection| {
            let mut plans = Vec::new();
            for kind in RecordKind::ALL {
                let explain = format!("EXPLAIN QUERY PLAN {}", statements(kind).page);
                let mut statement = connection.prepare(&explain)?;
                let nothing = vec![Sql::Null; kind.key() + 1];
                let lines = statement.query_map(params_from_iter(nothing), |row| row.get::<_, String>(3))?;
                plans.push((kind, lines.collect::<rusqlite::Result<Vec<_>>>()?));
            }
            Ok(plans)
        });
        for (kind, plan) in plans.await.unwrap() {
            assert!(plan.iter().all(|line| line.starts_with("SEARCH")), "{kind:?}: {plan:?}");
        }
    }
}
