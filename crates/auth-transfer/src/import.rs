//! Import, in three steps: every line is checked and made into a record; clear passwords are hashed; the records are
//! written, all or none. Between the steps the checked records are spooled, so that memory doesn't grow with their number.
//! Each line is parsed and sealed once.

mod channel;
mod check;
mod credentials;
mod draft;
mod empty;

use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use auth_core::{
    ClientKey, ImportError as StoreImportError, ImportMode, Imported, InternalError, NewRecord,
    PasswordString, SecretInput, StoreError,
};
use auth_crypto::password::{HashingRule, OldHash, StoredPassword};
use auth_engine::{Engine, Scheme, register_schemes};
use futures_util::future::join;
use futures_util::{StreamExt, stream};

use self::channel::{Sender, channel};
use self::check::Checker;
use self::draft::{Draft, NO_REALM, Record};
use self::empty::{is_of_zettelstore, opens_without_password};
use super::line::{BadLine, Line, bad};
use super::spool::Spool;
use super::{ImportError, ImportOptions, ImportReport, Progress};

/// The number of bad lines that are named at most.
const MOST_NAMED: usize = 100;

/// The number of records that are left out at most because they conflict with stored ones; more are hardly meant.
const MOST_CONFLICTS: usize = 1000;

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 1024 * 1024;

/// The number of passwords that wait for hashing at a time: enough to keep the workers busy.
const HASHING: usize = 8;

/// Progress is told each time that so many lines are done.
const LINES_PER_STEP: u64 = 1000;

/// Progress is told each time that so many passwords are hashed, which takes longer.
const PASSWORDS_PER_STEP: u64 = 10;

/// The callback that is told the progress, and may end the import.
type OnProgress<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// Reads JSON lines and writes the realms and users that they describe: all, or none when a line is bad, unless bad lines are
/// to be left out. `progress` is told how far the import is every so often, and may end it.
///
/// # Errors
/// [`ImportError`] with every bad line, or what failed.
pub async fn import(
    engine: &Engine,
    lines: impl BufRead,
    options: impl Into<ImportOptions>,
    progress: OnProgress<'_>,
) -> Result<ImportReport, ImportError> {
    let (options, report) = (options.into(), ImportReport::default());
    let mut import = Import { engine, options, report, progress };
    let mut checked = import.check(lines).await?;
    import.note_empty_passwords(&mut checked).await?;
    if options.mode == ImportMode::Write {
        if checked.to_hash > 0 {
            checked = import.hash(checked).await?;
        }
        // Before the passwords are written, so that none is stored without its scheme being listed.
        register_schemes(&**engine.store(), std::mem::take(&mut checked.schemes)).await?;
    }
    let written = import.write(&mut checked.drafts).await;
    engine.realms().forget();
    import.report.imported = written?;
    Ok(import.report)
}

/// An import that is under way.
struct Import<'a> {
    engine: &'a Engine,
    options: ImportOptions,
    report: ImportReport,
    progress: OnProgress<'a>,
}

/// Checked records, and what is known of them all.
#[derive(Default)]
struct Checked {
    drafts: Spool,
    /// The number of passwords that are to be hashed, and of hashes that are to be wrapped.
    to_hash: u64,
    /// The schemes of all the others.
    schemes: HashSet<Scheme>,
    /// The number of hashes that a Zettelstore made.
    of_zettelstore: u64,
}

impl Checked {
    fn push(&mut self, draft: &Draft) -> Result<(), ImportError> {
        self.drafts.push(&draft.encode().map_err(InternalError::defect)?);
        Ok(())
    }
}

impl Import<'_> {
    /// Reads and checks all lines.
    async fn check(&mut self, mut lines: impl BufRead) -> Result<Checked, ImportError> {
        let mut checker = Checker::new(self.engine).await?;
        let mut checked = Checked::default();
        let mut bad_lines = Vec::new();
        let (mut text, mut bytes) = (Vec::new(), 0);
        for number in 1.. {
            let read = read_line(&mut lines, &mut text).map_err(ImportError::Read)?;
            if read == 0 {
                break;
            }
            bytes += read;
            if number % LINES_PER_STEP == 0 {
                tell(self.progress, Progress::Checked { lines: number, bytes })?;
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let record = self.parse(number, &text).and_then(|line| checker.check(line));
            match record {
                Ok(record) => {
                    self.note(&record, &mut checked);
                    checked.push(&Draft { line: number, record })?;
                }
                Err(BadLine(reason)) if self.options.skip_bad => self.report.left_out.push((number, reason)),
                Err(BadLine(reason)) => {
                    bad_lines.push((number, reason));
                    if bad_lines.len() == MOST_NAMED {
                        break;
                    }
                }
            }
        }
        if bad_lines.is_empty() { Ok(checked) } else { Err(ImportError::Lines(bad_lines)) }
    }

    fn parse(&mut self, number: u64, text: &[u8]) -> Result<Line, BadLine> {
        if u64::try_from(text.len()).is_ok_and(|length| length >= LONGEST_LINE) {
            return Err(bad("longer than a mebibyte"));
        }
        let line = Line::parse(std::str::from_utf8(text).map_err(|_| bad("not UTF-8"))?)?;
        for key in line.unknown_keys() {
            self.report.notes.push((number, format!("`{key}` means nothing here")));
        }
        Ok(line)
    }

    fn note(&self, record: &Record, checked: &mut Checked) {
        let Record::User { user, clear, .. } = record else { return };
        checked.of_zettelstore += u64::from(is_of_zettelstore(record));
        if clear.is_some() || self.to_wrap(user.password.as_ref()).is_some() {
            checked.to_hash += 1;
        } else if let Some(password) = &user.password {
            checked.schemes.extend(self.scheme(password));
        }
    }

    /// Notes the users whose hash a Zettelstore made over an empty password: it stays good there.
    async fn note_empty_passwords(&mut self, checked: &mut Checked) -> Result<(), ImportError> {
        let of = checked.of_zettelstore;
        if of == 0 {
            return Ok(());
        }
        let engine = self.engine;
        let mut tried = stream::iter(read_drafts(&mut checked.drafts)?)
            .map(|draft| async {
                let draft = draft?;
                let opens = match is_of_zettelstore(&draft.record) {
                    true => Some(opens_without_password(engine, &draft.record).await?),
                    false => None,
                };
                Ok::<_, ImportError>((draft.line, opens))
            })
            .buffered(HASHING);
        let mut passwords = 0;
        while let Some(done) = tried.next().await {
            let (line, opens) = done?;
            let Some(opens) = opens else { continue };
            if opens {
                let text = "the password is empty: at Zettelstore, whoever knows the name is let in";
                self.report.notes.push((line, text.to_owned()));
            }
            passwords += 1;
            if passwords % PASSWORDS_PER_STEP == 0 {
                tell(self.progress, Progress::Hashed { passwords, of })?;
            }
        }
        Ok(())
    }

    /// Hashes the clear passwords of checked records, and wraps the hashes that are to be wrapped.
    async fn hash(&mut self, checked: Checked) -> Result<Checked, ImportError> {
        let Checked { mut drafts, to_hash, schemes, .. } = checked;
        let mut hashed = Checked { schemes, ..Checked::default() };
        let hasher = Hasher { engine: self.engine, wrap: self.options.wrap };
        let mut ready = stream::iter(read_drafts(&mut drafts)?)
            .map(|draft| async {
                let mut draft = draft?;
                let is_new = hasher.hash(&mut draft.record).await?;
                Ok::<_, ImportError>((draft, is_new))
            })
            .buffered(HASHING);
        let mut passwords = 0;
        while let Some(done) = ready.next().await {
            let (draft, is_new) = done?;
            hashed.push(&draft)?;
            if !is_new {
                continue;
            }
            if let Record::User { user, .. } = &draft.record {
                hashed.schemes.extend(user.password.as_ref().and_then(|password| hasher.scheme(password)));
            }
            passwords += 1;
            if passwords % PASSWORDS_PER_STEP == 0 {
                tell(self.progress, Progress::Hashed { passwords, of: to_hash })?;
            }
        }
        drop(ready);
        Ok(hashed)
    }

    /// Writes the records. A record that conflicts with stored ones is left out, if that is allowed, and everything tried
    /// again: the store takes all or nothing.
    async fn write(&mut self, drafts: &mut Spool) -> Result<Imported, ImportError> {
        let mut left_out = HashSet::new();
        loop {
            let (sender, records) = channel();
            let writing = self.engine.store().import(records, self.options.mode);
            let (written, fed) = join(writing, self.feed(drafts, &mut left_out, sender)).await;
            fed?;
            let StoreImportError { record, error } = match written {
                Ok(imported) => return Ok(imported),
                Err(refused) => refused,
            };
            let error = error.ok_or_else(|| InternalError::defect("the records ended early"))?;
            let conflicting = match (record, &error) {
                (Some(index), StoreError::Conflict(_) | StoreError::Missing(_)) => {
                    find(drafts, &left_out, index)?
                }
                _ => None,
            };
            let Some(draft) = conflicting else { return Err(error.into()) };
            if !self.options.skip_bad || left_out.len() >= MOST_CONFLICTS {
                return Err(ImportError::Lines(vec![(draft.line, error.to_string())]));
            }
            self.report.left_out.push((draft.line, error.to_string()));
            left_out.insert(draft.line);
        }
    }

    /// Gives the store the records, but those that are left out.
    async fn feed(
        &mut self,
        drafts: &mut Spool,
        left_out: &mut HashSet<u64>,
        sender: Sender,
    ) -> Result<(), ImportError> {
        let (mut records, of) = (0, drafts.len());
        // Realms that are neither in the store nor written by the lines so far.
        let mut missing = HashSet::new();
        for draft in read_drafts(drafts)? {
            let draft = draft?;
            let is_left_out = left_out.contains(&draft.line);
            match &draft.record {
                Record::Realm { realm, is_new: true } if is_left_out => {
                    missing.insert(realm.id);
                }
                // A later line of the same slug may make the realm after all.
                Record::Realm { realm, .. } if !is_left_out => {
                    missing.remove(&realm.id);
                }
                Record::User { user, .. } if !is_left_out && missing.contains(&user.user.realm) => {
                    self.report.left_out.push((draft.line, NO_REALM.to_owned()));
                    left_out.insert(draft.line);
                    continue;
                }
                _ => {}
            }
            if is_left_out {
                continue;
            }
            let record = match draft.record {
                Record::Realm { realm, .. } => NewRecord::Realm(realm),
                Record::User { user, .. } => NewRecord::User(user),
            };
            if !sender.send(record).await {
                // The store says why it takes no more.
                return Ok(());
            }
            records += 1;
            if records % LINES_PER_STEP == 0 {
                tell(self.progress, Progress::Written { records, of })?;
            }
        }
        sender.end().await;
        Ok(())
    }

    fn scheme(&self, password: &PasswordString) -> Option<Scheme> {
        Hasher { engine: self.engine, wrap: self.options.wrap }.scheme(password)
    }

    fn to_wrap(&self, password: Option<&PasswordString>) -> Option<OldHash> {
        Hasher { engine: self.engine, wrap: self.options.wrap }.to_wrap(password)
    }
}

/// The draft of the record at `index` among those that were given to the store.
fn find(drafts: &mut Spool, left_out: &HashSet<u64>, index: u64) -> Result<Option<Draft>, ImportError> {
    let mut left = index;
    for draft in read_drafts(drafts)? {
        let draft = draft?;
        if left_out.contains(&draft.line) {
            continue;
        }
        if left == 0 {
            return Ok(Some(draft));
        }
        left -= 1;
    }
    Ok(None)
}

/// Hashes clear passwords and wraps old hashes.
#[derive(Clone, Copy)]
struct Hasher<'a> {
    engine: &'a Engine,
    /// Whether older hashes are put under Argon2id.
    wrap: bool,
}

impl Hasher<'_> {
    /// Hashes a record's password, if it is in clear or to be wrapped; tells whether.
    async fn hash(&self, record: &mut Record) -> Result<bool, InternalError> {
        let Record::User { user, clear, digest_ready } = record else { return Ok(false) };
        let (passwords, client) = (self.engine.passwords(), ClientKey::default());
        let params = passwords.config().params;
        let hashed = if let Some(password) = clear.take() {
            let rule = HashingRule { params, digest_ready: *digest_ready };
            passwords.pool().hash(SecretInput::Password(password), rule, client).await
        } else if let Some(old) = self.to_wrap(user.password.as_ref()) {
            passwords.pool().wrap(old, HashingRule { params, digest_ready: false }, client).await
        } else {
            return Ok(false);
        };
        user.password = Some(hashed.map_err(|busy| InternalError::busy(busy.retry_after))?);
        Ok(true)
    }

    fn scheme(&self, password: &PasswordString) -> Option<Scheme> {
        let stored = StoredPassword::parse(password).ok()?;
        Some(Scheme::of_stored(&stored, self.engine.passwords().config().params))
    }

    /// The hash that is to be put under Argon2id.
    fn to_wrap(self, password: Option<&PasswordString>) -> Option<OldHash> {
        OldHash::of(password.filter(|_| self.wrap)?, self.engine.passwords().config().params)
    }
}

fn tell(progress: OnProgress<'_>, how_far: Progress) -> Result<(), ImportError> {
    match progress(how_far) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ImportError::Stopped),
    }
}

/// Reads a line without its end, and no more of it than a line may have; gives the number of bytes read, 0 at the end.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let read = Read::take(&mut *lines, LONGEST_LINE).read_until(b'\n', line)?;
    let read = u64::try_from(read).unwrap_or(u64::MAX);
    if line.pop_if(|last| *last == b'\n').is_none() && read == LONGEST_LINE {
        let rest = lines.skip_until(b'\n')?;
        return Ok(read + u64::try_from(rest).unwrap_or(u64::MAX));
    }
    Ok(read)
}

/// The spooled drafts, in order.
fn read_drafts(
    drafts: &mut Spool,
) -> Result<impl Iterator<Item = Result<Draft, ImportError>> + '_, ImportError> {
    let lines = drafts.read().map_err(ImportError::Read)?.lines();
    Ok(lines.map(|line| {
        let line = line.map_err(ImportError::Read)?;
        Draft::decode(&line).map_err(|error| InternalError::defect(error).into())
    }))
}
