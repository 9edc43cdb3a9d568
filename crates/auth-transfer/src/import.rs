//! Moving in, in three steps: every line is checked; what is in clear is hashed; the records are written, all or
//! none. Between the steps the lines are spooled, so that memory doesn't grow with their number.

mod check;
mod credentials;
mod records;

use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use auth_core::{
    ClientKey, ImportError, ImportMode, Imported, InternalError, NewRecord, PasswordString, StoreError,
};
use auth_crypto::password::{HashingRule, OldHash, SecretInput, StoredPassword};
use futures_util::future::join;
use futures_util::{StreamExt, stream};

pub(crate) use self::check::is_login_name;
use self::check::{Draft, Realms, UserDraft};
use self::records::{Sender, channel};
use super::line::{BadLine, Line, bad};
use super::spool::Spool;
use super::{ImportFailure, ImportOptions, ImportReport, Progress};
use crate::Engine;
use crate::schemes::{self, Scheme};

/// Bad lines are all named, up to this many.
const MOST_NAMED: usize = 100;

/// So many records that conflict with what is there are left out; more are hardly meant.
const MOST_CONFLICTS: usize = 1000;

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 1024 * 1024;

/// How many passwords wait for hashing at a time: enough to keep the workers busy.
const HASHING: usize = 8;

/// Progress is told each time that so many lines are done.
const TOLD_EACH: u64 = 1000;

/// The same of passwords, which take longer.
const HASHED_TOLD_EACH: u64 = 10;

/// An import that is under way.
struct Import<'a> {
    engine: &'a Engine,
    options: ImportOptions,
    report: ImportReport,
    progress: &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
}

/// Good lines, each after its number, and what is known of them all.
#[derive(Default)]
struct Checked {
    lines: Spool,
    /// How many passwords are to be hashed, or hashes to be wrapped.
    to_hash: u64,
    /// The schemes of all the others.
    schemes: HashSet<Scheme>,
}

impl Engine {
    /// Reads JSON lines and writes what they say: everything, or nothing when a line is bad, unless bad ones are to
    /// be left out. `progress` is told how far it is every so often, and may end it.
    ///
    /// # Errors
    /// [`ImportFailure`] with every bad line, or what failed.
    pub async fn import(
        &self,
        lines: impl BufRead,
        options: impl Into<ImportOptions>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<ImportReport, ImportFailure> {
        let (options, report) = (options.into(), ImportReport::default());
        let mut import = Import { engine: self, options, report, progress };
        let mut checked = import.check(lines).await?;
        if options.mode == ImportMode::Write && checked.to_hash > 0 {
            checked = import.hash(checked).await?;
        }
        let Checked { mut lines, schemes, .. } = checked;
        if options.mode == ImportMode::Write {
            // Before they are written, so that none is there without being listed.
            schemes::note(&*self.store, schemes).await?;
        }
        let written = import.write(&mut lines).await;
        self.realms.forget();
        import.report.imported = written?;
        Ok(import.report)
    }
}

impl Import<'_> {
    /// Reads and checks all lines.
    async fn check(&mut self, mut lines: impl BufRead) -> Result<Checked, ImportFailure> {
        let mut realms = self.engine.realms_to_refer_to().await?;
        let mut checked = Checked::default();
        let mut bad_lines = Vec::new();
        let (mut text, mut bytes) = (Vec::new(), 0);
        for number in 1.. {
            let read = read_line(&mut lines, &mut text).map_err(ImportFailure::Read)?;
            if read == 0 {
                break;
            }
            bytes += read;
            if number % TOLD_EACH == 0 {
                tell(self.progress, Progress::Checked { lines: number, bytes })?;
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let draft = self.read(number, &text).and_then(|line| self.engine.check(line, &mut realms));
            match draft {
                Ok(draft) => {
                    self.note(&draft, &mut checked);
                    checked.lines.push(&format!("{number} {}", String::from_utf8_lossy(&text)));
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
        if bad_lines.is_empty() { Ok(checked) } else { Err(ImportFailure::Lines(bad_lines)) }
    }

    fn read(&mut self, number: u64, text: &[u8]) -> Result<Line, BadLine> {
        if u64::try_from(text.len()).is_ok_and(|length| length >= LONGEST_LINE) {
            return Err(bad("longer than a mebibyte"));
        }
        let line = Line::parse(std::str::from_utf8(text).map_err(|_| bad("not UTF-8"))?)?;
        for key in line.unknown_keys() {
            self.report.notes.push((number, format!("`{key}` means nothing here")));
        }
        Ok(line)
    }

    fn note(&self, draft: &Draft, checked: &mut Checked) {
        let Draft::User(draft) = draft else { return };
        if draft.clear.is_some() || self.engine.to_wrap(draft, self.options).is_some() {
            checked.to_hash += 1;
        } else if let Some(password) = &draft.user.password {
            checked.schemes.extend(self.engine.scheme(password));
        }
    }

    /// The same lines with every password hashed, and wrapped what is to be wrapped.
    async fn hash(&mut self, checked: Checked) -> Result<Checked, ImportFailure> {
        let Checked { mut lines, to_hash, schemes } = checked;
        let mut hashed = Checked { schemes, ..Checked::default() };
        let (engine, options) = (self.engine, self.options);
        let mut realms = engine.realms_to_refer_to().await?;
        let mut ready = stream::iter(numbered(&mut lines).map_err(ImportFailure::Read)?)
            .map(|line| {
                let line = line.map_err(ImportFailure::Read);
                let line = line.and_then(|(number, text)| {
                    let draft = engine.draft(number, &text, &mut realms)?;
                    Ok((number, text, draft))
                });
                async move {
                    let (number, text, draft) = line?;
                    let password = engine.hashed(draft, options).await?;
                    let text = match &password {
                        None => text,
                        Some(password) => with_hash(&text, password).map_err(|why| named(number, why))?,
                    };
                    Ok::<_, ImportFailure>((number, text, password))
                }
            })
            .buffered(HASHING);
        let mut passwords = 0;
        while let Some(line) = ready.next().await {
            let (number, text, password) = line?;
            hashed.lines.push(&format!("{number} {text}"));
            let Some(password) = password else { continue };
            hashed.schemes.extend(engine.scheme(&password));
            passwords += 1;
            if passwords % HASHED_TOLD_EACH == 0 {
                tell(self.progress, Progress::Hashed { passwords, of: to_hash })?;
            }
        }
        drop(ready);
        Ok(hashed)
    }

    /// Writes what good lines make. What conflicts with what is there is left out, if that is allowed, and everything
    /// tried again: the store takes all or nothing.
    async fn write(&mut self, lines: &mut Spool) -> Result<Imported, ImportFailure> {
        let mut left_out = HashSet::new();
        loop {
            let (sender, records) = channel();
            let writing = self.engine.store.import(records, self.options.mode);
            let (written, fed) = join(writing, self.feed(lines, &mut left_out, sender)).await;
            fed?;
            let ImportError { record, error } = match written {
                Ok(imported) => return Ok(imported),
                Err(refused) => refused,
            };
            let Some(error) = error else {
                return Err(ImportFailure::InternalError(InternalError::internal("the records ended early")));
            };
            let number = match (record, &error) {
                (Some(index), StoreError::Conflict(_) | StoreError::Missing(_)) => {
                    number_of(lines, &left_out, index).map_err(ImportFailure::Read)?
                }
                _ => None,
            };
            let Some(number) = number else { return Err(ImportFailure::InternalError(error.into())) };
            if !self.options.skip_bad || left_out.len() >= MOST_CONFLICTS {
                return Err(ImportFailure::Lines(vec![(number, error.to_string())]));
            }
            left_out.insert(number);
            self.report.left_out.push((number, error.to_string()));
        }
    }

    /// Gives the store what lines make, but those that are left out.
    async fn feed(
        &mut self,
        lines: &mut Spool,
        left_out: &mut HashSet<u64>,
        sender: Sender,
    ) -> Result<(), ImportFailure> {
        let mut realms = self.engine.realms_to_refer_to().await?;
        let (mut records, of) = (0, lines.len());
        for line in numbered(lines).map_err(ImportFailure::Read)? {
            let (number, text) = line.map_err(ImportFailure::Read)?;
            if left_out.contains(&number) {
                continue;
            }
            let record = match self.engine.draft(number, &text, &mut realms) {
                Ok(Draft::Realm(realm)) => NewRecord::Realm(realm),
                Ok(Draft::User(draft)) => NewRecord::User(Box::new(draft.user)),
                // Of a realm that was left out.
                Err(ImportFailure::Lines(bad)) if self.options.skip_bad => {
                    left_out.insert(number);
                    self.report.left_out.extend(bad);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            if !sender.send(record).await {
                // The store says why it wants no more.
                return Ok(());
            }
            records += 1;
            if records % TOLD_EACH == 0 {
                tell(self.progress, Progress::Written { records, of })?;
            }
        }
        sender.end().await;
        Ok(())
    }
}

impl Engine {
    /// What a line makes that has been found good before.
    fn draft(&self, number: u64, text: &str, realms: &mut Realms) -> Result<Draft, ImportFailure> {
        let checked = Line::parse(text).and_then(|line| self.check(line, realms));
        checked.map_err(|why| named(number, why))
    }

    fn scheme(&self, password: &PasswordString) -> Option<Scheme> {
        let stored = StoredPassword::parse(password).ok()?;
        Some(Scheme::of_stored(&stored, self.config.passwords.params))
    }

    /// The hash that is to be put under Argon2id.
    fn to_wrap(&self, draft: &UserDraft, options: ImportOptions) -> Option<OldHash> {
        let password = draft.user.password.as_ref().filter(|_| options.wrap)?;
        OldHash::of(password, self.config.passwords.params)
    }

    /// The password that is to be stored in place of the line's, if that is in clear or to be wrapped.
    async fn hashed(
        &self,
        draft: Draft,
        options: ImportOptions,
    ) -> Result<Option<PasswordString>, InternalError> {
        let Draft::User(draft) = draft else { return Ok(None) };
        let (params, network) = (self.config.passwords.params, ClientKey::default());
        let hashed = if let Some((password, realm)) = draft.clear {
            self.pool.hash(SecretInput::Password(password), self.hashing_rule(&realm), network).await
        } else if let Some(old) = self.to_wrap(&draft, options) {
            self.pool.wrap(old, HashingRule { params, digest_ready: false }, network).await
        } else {
            return Ok(None);
        };
        hashed.map(Some).map_err(|busy| InternalError::busy(busy.retry_after))
    }
}

fn tell(
    progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    how_far: Progress,
) -> Result<(), ImportFailure> {
    match progress(how_far) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ImportFailure::Stopped),
    }
}

fn named(number: u64, BadLine(reason): BadLine) -> ImportFailure {
    ImportFailure::Lines(vec![(number, reason)])
}

/// The same line with a hash in place of its password.
fn with_hash(text: &str, password: &PasswordString) -> Result<String, BadLine> {
    let Line::User(mut line) = Line::parse(text)? else { return Ok(text.to_owned()) };
    line.password = None;
    line.password_hash = Some(password.expose().to_owned());
    serde_json::to_string(&line).map_err(|_| bad("not JSON"))
}

/// Reads a line without its end, and no more of it than a line may have; says how many bytes that were, none at the
/// end.
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

/// Spooled lines, each with its number.
fn numbered(lines: &mut Spool) -> io::Result<impl Iterator<Item = io::Result<(u64, String)>> + '_> {
    let lines = lines.read()?.lines();
    Ok(lines.map(|line| {
        let line = line?;
        let (number, text) = line.split_once(' ').unwrap_or_default();
        Ok((number.parse().unwrap_or_default(), text.to_owned()))
    }))
}

/// The number of the line that made the record at `index`.
fn number_of(lines: &mut Spool, left_out: &HashSet<u64>, index: u64) -> io::Result<Option<u64>> {
    let made = numbered(lines)?.filter(|line| !matches!(line, Ok((number, _)) if left_out.contains(number)));
    let found = usize::try_from(index).ok().and_then(|index| made.into_iter().nth(index));
    Ok(found.transpose()?.map(|(number, _)| number))
}
