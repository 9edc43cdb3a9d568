//! Copies of the store that the running server makes, checks, and removes when there are newer ones.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use auth_core::{Clock, MetaStore, RealmStore, Timestamp};
use auth_engine::keys::CHECK_VALUE;
use auth_store::Sqlite;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, StoreLocation};
use crate::store::open_copy;
use crate::system_error::file_reason;

/// How often it is looked whether a copy is due.
const LOOK: Duration = Duration::from_secs(30);

/// The pause after a copy that failed, unless copies are made more often.
const RETRY: Duration = Duration::from_secs(600);

/// What the names of copies begin and end with. Between them stands the moment in UTC.
const BEGINNING: &str = "auth-";
const ENDING: &str = ".db";

/// What the name of a copy ends with until it is checked.
const UNCHECKED: &str = ".db.new";

/// Makes copies of a SQLite store into a folder.
pub(crate) struct Backups {
    store: PathBuf,
    folder: PathBuf,
    every: Duration,
    keep: usize,
    clock: Arc<dyn Clock>,
    last_good: Arc<LastGood>,
}

/// When the last copy was made that was found good: seconds since 1970, and 0 before the first one.
#[derive(Debug, Default)]
pub(crate) struct LastGood(AtomicI64);

impl LastGood {
    pub(crate) fn seconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, at: Timestamp) {
        self.0.store(at.as_millis() / 1000, Ordering::Relaxed);
    }
}

/// A copy that was made and found good.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    path: PathBuf,
    users: u64,
    bytes: u64,
    removed: usize,
}

impl Backups {
    /// The copies that the configuration asks for, if it does.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) fn of(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Option<Self>> {
        let Some(folder) = config.backup.folder.clone() else { return Ok(None) };
        let StoreLocation::Sqlite(store) = config.store.location()? else { return Ok(None) };
        Ok(Some(Self {
            store,
            folder,
            every: config.backup.every.0,
            keep: config.backup.keep as usize,
            clock,
            last_good: Arc::default(),
        }))
    }

    pub(crate) fn last_good(&self) -> Arc<LastGood> {
        Arc::clone(&self.last_good)
    }

    /// Makes copies when they are due, until told to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut not_before = None;
        loop {
            let now = self.clock.now();
            if not_before.is_none_or(|moment| now >= moment) {
                not_before = self.make_if_due(now).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Makes a copy, if the newest one is old enough, and logs how that went. Returns a moment before which no other is to be
    /// tried, after one that failed.
    async fn make_if_due(&self, now: Timestamp) -> Option<Timestamp> {
        let made = async {
            let copies = self.copies()?;
            if let Some((newest, _)) = copies.last() {
                self.last_good.set(*newest);
                // A clock that was set back doesn't keep copies from being made.
                if *newest <= now && now < *newest + self.every {
                    return Ok(None);
                }
            }
            self.make(now).await.map(Some)
        };
        match made.await {
            Ok(None) => None,
            Ok(Some(Made { path, users, bytes, removed })) => {
                let path = path.display();
                tracing::info!(%path, users, bytes, removed, "the store is copied, and the copy is good");
                None
            }
            Err(error) => {
                let folder = self.folder.display();
                tracing::error!(%folder, "the store can't be copied: {error:#}");
                Some(now + RETRY.min(self.every))
            }
        }
    }

    /// Makes a copy, checks it, and removes the oldest ones.
    async fn make(&self, now: Timestamp) -> anyhow::Result<Made> {
        let name = name_of(now).context("the clock shows a year that no copy is named after")?;
        let unchecked = self.folder.join(format!("{name}{UNCHECKED}"));
        let path = self.folder.join(format!("{name}{ENDING}"));
        ensure!(!path.exists(), "there is a copy of this second already");
        self.remove_unchecked()?;
        let made = self.copy_and_check(&unchecked).await;
        let users = match made {
            Ok(users) => users,
            Err(error) => {
                // A copy that is no good is worse than none.
                self.remove_unchecked()?;
                return Err(error);
            }
        };
        let bytes = fs::metadata(&unchecked)?.len();
        fs::rename(&unchecked, &path).with_context(|| path.display().to_string())?;
        File::open(&self.folder)?.sync_all()?;
        self.last_good.set(now);
        let removed = self.remove_old()?;
        Ok(Made { path, users, bytes, removed })
    }

    /// Writes a copy to a file, reads it back, and returns the number of its users.
    async fn copy_and_check(&self, to: &Path) -> anyhow::Result<u64> {
        let store = Sqlite::open_unchanged(&self.store).context("the store can't be opened")?;
        let before = store.count_users().await?;
        store.backup(to).await?;
        let after = store.count_users().await?;
        let copy = open_copy(to)?;
        let findings = copy.integrity_check().await?;
        if let Some(finding) = findings.first() {
            bail!("the copy is damaged: {finding}");
        }
        ensure!(
            copy.meta(CHECK_VALUE).await? == store.meta(CHECK_VALUE).await?,
            "the copy belongs to another key ring"
        );
        let users = copy.count_users().await?;
        // Others may add and delete users meanwhile, but not all of them.
        let is_empty = users == 0 && before > 0 && after > 0;
        ensure!(
            !is_empty && copy.realms().await?.is_empty() == store.realms().await?.is_empty(),
            "the copy is empty"
        );
        Ok(users)
    }

    /// The copies that are there, the oldest first, each with its moment. The folder is made if it is missing.
    fn copies(&self) -> anyhow::Result<Vec<(Timestamp, PathBuf)>> {
        if !self.folder.exists() {
            let made = DirBuilder::new().mode(0o700).create(&self.folder);
            made.map_err(|error| anyhow::anyhow!(file_reason(&self.folder, &error)))?;
        }
        let mut copies = Vec::new();
        for name in self.names()? {
            let moment = name.strip_prefix(BEGINNING).and_then(|name| moment_of(name.strip_suffix(ENDING)?));
            copies.extend(moment.map(|moment| (moment, self.folder.join(name))));
        }
        copies.sort();
        Ok(copies)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Removes copies that were never checked: the server has ended in the middle.
    fn remove_unchecked(&self) -> io::Result<()> {
        for name in self.names()? {
            let middle = name.strip_prefix(BEGINNING).and_then(|name| name.split_once(UNCHECKED));
            // SQLite keeps files of its own beside one that is open.
            let is_ours = middle.is_some_and(|(moment, rest)| {
                moment_of(moment).is_some() && ["", "-wal", "-shm", "-journal"].contains(&rest)
            });
            if is_ours {
                fs::remove_file(self.folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Removes the oldest copies beyond those that are kept; returns their number. Other files are left alone.
    fn remove_old(&self) -> anyhow::Result<usize> {
        let copies = self.copies()?;
        let beyond = copies.len().saturating_sub(self.keep);
        for (_, path) in copies.iter().take(beyond) {
            fs::remove_file(path).with_context(|| path.display().to_string())?;
        }
        Ok(beyond)
    }
}

/// The name of a copy, without its ending.
fn name_of(at: Timestamp) -> Option<String> {
    let text = at.utc().iso_8601()?;
    let digits: String =
        text.iter().take(19).map(|byte| char::from(*byte)).filter(|c| !"-:".contains(*c)).collect();
    Some(format!("{BEGINNING}{digits}Z"))
}

/// The moment in the name of a copy.
fn moment_of(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').filter(|text| text.len() == 15 && text.is_ascii())?;
    let (date, time) = text.split_once('T').filter(|(date, _)| date.len() == 8)?;
    let rfc3339 = format!(
        "{}-{}-{}T{}:{}:{}Z",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?
    );
    let moment: jiff::Timestamp = rfc3339.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use auth_core::ManualClock;

    use super::*;

    struct World {
        folder: tempfile::TempDir,
        clock: Arc<ManualClock>,
        backups: Backups,
    }

    async fn world(keep: usize) -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("auth.db");
        Sqlite::open(&store).unwrap().set_meta_once(CHECK_VALUE, b"ring").await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_700_000_000)));
        let backups = Backups {
            store,
            folder: folder.path().join("copies"),
            every: Duration::from_secs(3600),
            keep,
            clock: Arc::clone(&clock) as _,
            last_good: Arc::default(),
        };
        World { folder, clock, backups }
    }

    impl World {
        fn names(&self) -> Vec<String> {
            let mut names = self.backups.names().unwrap();
            names.sort();
            names
        }

        async fn look(&self) -> Option<Timestamp> {
            self.backups.make_if_due(self.clock.now()).await
        }
    }

    #[tokio::test]
    async fn copies_are_made_when_they_are_due_and_the_oldest_removed() {
        let world = world(2).await;
        assert_eq!(world.look().await, None);
        assert_eq!(world.names(), ["auth-20231114T221320Z.db"]);
        assert_eq!(world.backups.last_good.seconds(), 1_700_000_000);
        let copy = world.backups.folder.join("auth-20231114T221320Z.db");
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&world.backups.folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(open_copy(&copy).unwrap().meta(CHECK_VALUE).await, Ok(Some(b"ring".to_vec())));

        world.clock.advance(Duration::from_secs(3599));
        world.look().await;
        assert_eq!(world.names().len(), 1, "the next is not due");
        fs::write(world.backups.folder.join("auth-notes.db"), "mine").unwrap();
        fs::write(world.backups.folder.join("auth-20231114T221321Z.db.new-wal"), "left over").unwrap();
        for _ in 0..2 {
            world.clock.advance(Duration::from_secs(3600));
            assert_eq!(world.look().await, None);
        }
        let expected = ["auth-20231115T001319Z.db", "auth-20231115T011319Z.db", "auth-notes.db"];
        let last: Vec<String> = world.names();
        assert_eq!(last, expected, "two are kept, and what is no copy is left alone");
    }

    #[tokio::test]
    async fn a_copy_that_fails_leaves_the_earlier_ones_and_is_tried_again_later() {
        let world = world(1).await;
        world.look().await;
        let kept = world.names();
        fs::write(&world.backups.store, "no store at all").unwrap();
        world.clock.advance(Duration::from_secs(7200));
        let now = world.clock.now();
        assert_eq!(world.look().await, Some(now + RETRY));
        assert_eq!(world.names(), kept);
        assert_eq!(world.backups.last_good.seconds(), 1_700_000_000);
        drop(world.folder);
    }

    #[test]
    fn a_moment_reads_back_from_the_name_of_a_copy() {
        let at = Timestamp::from_secs(1_700_000_000);
        let name = name_of(at).unwrap();
        assert_eq!(name.strip_prefix(BEGINNING).and_then(moment_of), Some(at));
        for bad in ["", "Z", "20231114T221320", "20231314T221320Z", "2023-1114T22132Z", "20231114X221320Z"] {
            assert_eq!(moment_of(bad), None, "{bad}");
        }
    }
}
