//! Copies of a whole store, between stores of any kind.
//!
//! A store is a list of kinds of rows ([`RecordKind`]). Each store can read a page of rows of a kind, in an order and in a
//! form that are the same for all stores, and write such rows. A copy goes through the kinds, a batch at a time. Each batch
//! is one transaction of the target, which also writes how far the copy is: a value of the target's meta, by which an
//! unfinished copy is known, refused by everything else, and carried on.

mod error;
mod progress;
mod record;

use std::fmt::{self, Write as _};
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::StoreError;

#[cfg(feature = "postgres")]
use crate::Postgres;
#[cfg(feature = "sqlite")]
use crate::Sqlite;

pub use self::error::CopyError;
use self::progress::Progress;
#[cfg(feature = "postgres")]
pub(crate) use self::record::Column;
use self::record::RowsDigest;
pub(crate) use self::record::{ColumnKind, RecordKind, Row, Value};

/// The name of the value of an unfinished copy that says how far it is.
pub(crate) const MARKER: &str = "copy";

/// Rows of a batch.
const BATCH: u32 = 500;

type Result<T> = std::result::Result<T, CopyError>;

/// The statements of a store for a kind of record.
pub(crate) struct Statements {
    /// Rows after a key, in the order of their keys.
    pub(crate) page: &'static str,
    pub(crate) write: &'static str,
    pub(crate) count: &'static str,
}

/// A store that is read as it was at one moment.
#[async_trait]
pub(crate) trait Snapshot: Send {
    /// The first rows after a key, or of all; at most `limit`.
    async fn page(
        &mut self,
        kind: RecordKind,
        after: Option<&[Value]>,
        limit: u32,
    ) -> std::result::Result<Vec<Row>, StoreError>;

    async fn count(&mut self, kind: RecordKind) -> std::result::Result<u64, StoreError>;
}

/// A store that is written. Each method is a transaction.
#[async_trait]
pub(crate) trait Target: Send + Sync {
    /// How far the copy is, if there is one.
    async fn marker(&self) -> std::result::Result<Option<Vec<u8>>, StoreError>;

    /// Writes rows, and moves the marker on; returns whether the marker was the former one, and nothing was written
    /// otherwise.
    async fn write(
        &self,
        kind: RecordKind,
        rows: Vec<Row>,
        former: Option<Vec<u8>>,
        marker: Vec<u8>,
    ) -> std::result::Result<bool, StoreError>;

    /// Removes the marker, and readies the store for use; returns whether the marker was that one.
    async fn finish(&self, marker: Vec<u8>) -> std::result::Result<bool, StoreError>;
}

/// An end of a copy.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there are two kinds of stores")]
pub enum CopyEnd {
    /// A store in a file.
    #[cfg(feature = "sqlite")]
    Sqlite(Arc<Sqlite>),
    /// A store in a database.
    #[cfg(feature = "postgres")]
    Postgres(Arc<Postgres>),
}

impl CopyEnd {
    async fn snapshot(&self) -> std::result::Result<Box<dyn Snapshot>, StoreError> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => Box::new(store.snapshot().await?),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => Box::new(store.snapshot().await?),
        })
    }

    fn target(&self) -> Arc<dyn Target> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => Arc::clone(store) as _,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => Arc::clone(store) as _,
        }
    }
}

/// A batch that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is shown")]
pub struct CopiedBatch {
    /// What kind of rows was written.
    pub kind: &'static str,
    /// How many rows of all kinds are written, by earlier runs too.
    pub rows: u64,
    /// How many there are.
    pub of: u64,
}

/// What was copied: the rows of each kind, and a digest over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is shown")]
pub struct CopyReport {
    /// The kinds of rows, each with its number of rows.
    pub counts: Vec<(&'static str, u64)>,
    /// SHA-256 over all rows, in hexadecimal: equal for stores with the same content, of whatever kind.
    pub digest: String,
}

/// A copy of a store on its way.
pub struct StoreCopy {
    source: Box<dyn Snapshot>,
    to: CopyEnd,
    target: Arc<dyn Target>,
    /// How far the copy is; none when every row is written.
    progress: Progress,
    /// The marker in the target.
    marker: Vec<u8>,
    of: u64,
    is_resumed: bool,
}

impl fmt::Debug for StoreCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreCopy").field("to", &self.to).finish_non_exhaustive()
    }
}

impl StoreCopy {
    /// Begins a copy, or carries one on that was interrupted. `to` was opened for a copy (`open_for_copy`).
    ///
    /// The source is read as it is at this moment, until the copy is dropped.
    ///
    /// # Errors
    /// [`CopyError::NotEmpty`], [`CopyError::Changed`] and [`CopyError::OtherVersion`] when the target is not empty and not
    /// an unfinished copy of this source as it is; those of the stores.
    pub async fn begin(from: &CopyEnd, to: &CopyEnd) -> Result<Self> {
        let mut source = from.snapshot().await.map_err(CopyError::Source)?;
        let target = to.target();
        let (mark, of) = mark(&mut *source).await.map_err(CopyError::Source)?;
        let found = target.marker().await.map_err(CopyError::Target)?;
        let is_resumed = found.is_some();
        let (progress, marker) = match found {
            Some(marker) => {
                let progress = Progress::decode(&marker).ok_or(CopyError::OtherVersion)?;
                if progress.source != mark {
                    return Err(CopyError::Changed);
                }
                (progress, marker)
            }
            None => {
                check_empty(&mut *to.snapshot().await.map_err(CopyError::Target)?).await?;
                let progress = Progress::begin(mark);
                let marker = progress.encode();
                let written = target.write(RecordKind::Realm, Vec::new(), None, marker.clone()).await;
                if !written.map_err(CopyError::Target)? {
                    return Err(CopyError::Busy);
                }
                (progress, marker)
            }
        };
        Ok(Self { source, to: to.clone(), target, progress, marker, of, is_resumed })
    }

    /// Whether an earlier run has begun this copy.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// How many rows earlier runs and this one have written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.progress.rows
    }

    /// Copies the next batch; `None` when every row is written.
    ///
    /// # Errors
    /// [`CopyError::Busy`] when another copy writes to the same target; those of the stores.
    pub async fn step(&mut self) -> Result<Option<CopiedBatch>> {
        while let Some(kind) = self.progress.kind() {
            let after = self.progress.after.as_deref();
            let rows = self.source.page(kind, after, BATCH).await.map_err(CopyError::Source)?;
            let Some(last) = rows.last() else {
                self.progress.turn_to(kind.next());
                continue;
            };
            let mut next = self.progress.clone();
            next.after = Some(last.iter().take(kind.key()).cloned().collect());
            next.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let marker = next.encode();
            let written = self.target.write(kind, rows, Some(self.marker.clone()), marker.clone()).await;
            if !written.map_err(CopyError::Target)? {
                return Err(CopyError::Busy);
            }
            (self.progress, self.marker) = (next, marker);
            return Ok(Some(CopiedBatch { kind: kind.name(), rows: self.progress.rows, of: self.of }));
        }
        Ok(None)
    }

    /// Compares both stores row by row, once every row is written, and makes the copy a store that can be opened. `told`
    /// hears how many of all rows are compared, and how many there are.
    ///
    /// # Errors
    /// [`CopyError::Differs`] and [`CopyError::Damaged`]; those of the stores.
    pub async fn finish(mut self, mut told: impl FnMut(u64, u64) + Send) -> Result<CopyReport> {
        let mut copy = self.to.snapshot().await.map_err(CopyError::Target)?;
        let (mut all, mut counts, mut compared) = (RowsDigest::of(RecordKind::Realm), Vec::new(), 0);
        for kind in RecordKind::ALL {
            let mut tell = |rows| {
                compared += rows;
                told(compared, 2 * self.of);
            };
            let there = digest(&mut *self.source, kind, &mut tell).await.map_err(CopyError::Source)?;
            if there.0 != self.source.count(kind).await.map_err(CopyError::Source)? {
                return Err(CopyError::Damaged(kind.name()));
            }
            let here = digest(&mut *copy, kind, &mut tell).await.map_err(CopyError::Target)?;
            if there != here || here.0 != copy.count(kind).await.map_err(CopyError::Target)? {
                return Err(CopyError::Differs(kind.name()));
            }
            all.add_number(here.0);
            all.add_bytes(&here.1);
            counts.push((kind.name(), here.0));
        }
        drop(copy);
        if !self.target.finish(self.marker).await.map_err(CopyError::Target)? {
            return Err(CopyError::Busy);
        }
        Ok(CopyReport { counts, digest: hexadecimal(&all.finish()) })
    }
}

/// The number of rows of a kind, and a digest over them.
async fn digest(
    store: &mut dyn Snapshot,
    kind: RecordKind,
    told: &mut (dyn FnMut(u64) + Send),
) -> std::result::Result<(u64, [u8; 32]), StoreError> {
    let (mut digest, mut count, mut after) = (RowsDigest::of(kind), 0, None::<Row>);
    loop {
        let rows = store.page(kind, after.as_deref(), BATCH).await?;
        for row in &rows {
            digest.add(kind, row);
        }
        let read = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        count += read;
        told(read);
        let Some(mut last) = rows.into_iter().last() else { return Ok((count, digest.finish())) };
        last.truncate(kind.key());
        after = Some(last);
    }
}

/// What tells whether a source is the one of an earlier run, and has not changed since: its realms and its own values, and
/// how many rows of each kind it has. What changes beside that is found when both stores are compared at the end. With it,
/// the number of all rows.
async fn mark(source: &mut dyn Snapshot) -> std::result::Result<(String, u64), StoreError> {
    let (mut mark, mut all) = (RowsDigest::of(RecordKind::Realm), 0);
    for kind in [RecordKind::Realm, RecordKind::Meta] {
        mark.add_bytes(&digest(source, kind, &mut |_| ()).await?.1);
    }
    for kind in RecordKind::ALL {
        let count = source.count(kind).await?;
        mark.add_number(count);
        all += count;
    }
    Ok((hexadecimal(&mark.finish()), all))
}

async fn check_empty(target: &mut dyn Snapshot) -> Result<()> {
    for kind in RecordKind::ALL {
        if !target.page(kind, None, 1).await.map_err(CopyError::Target)?.is_empty() {
            return Err(CopyError::NotEmpty);
        }
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
