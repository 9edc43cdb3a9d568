//! An import that may run again and again: what is new at a source comes in, and what has changed there is followed.
//!
//! Of each line the store remembers a digest. A line that is as it was costs no more than that digest, and writes nothing.
//! The others wait for a batch, which is one transaction with what is remembered of them: wherever an update ends, the next
//! one goes on.

use std::collections::HashSet;
use std::io::BufRead;

use auth_core::{Account, ByProtocol, ExternalId, InternalError, Lookup, MarkKey, NameKind, fold};
use auth_engine::Engine;

use super::batch::{Batch, Pending, Waiting};
use super::check::{Checker, Refusal, given_ids};
use super::draft::{NO_REALM, Record};
use super::follow::{Follower, Following, Given};
use super::join::{Joining, account_of_address, join};
use super::known::Known;
use super::lines::{open, parse};
use super::mark::{LineMark, Marker, State};
use super::outcome::{OnOutcome, RecordOutcome, tell};
use super::progress::OnProgress;
use crate::line::{BadLine, Line, UserLine, shown};
use crate::missing_realms::MissingRealms;
use crate::{ImportError, ImportOptions, UpdateReport};

/// Records of a batch.
const BATCH: usize = 500;

/// Marks that are read at a time.
const PAGE: u32 = 1000;

/// Reads JSON lines as [`import`](crate::import()) does, and brings the store to what has changed of them since the last import of
/// that source. Lines that can't be taken are left out.
///
/// # Errors
/// [`ImportError`]. What was written by then stays, and the next update goes on.
pub async fn update(
    engine: &Engine,
    lines: impl BufRead,
    options: impl Into<ImportOptions>,
    source: &str,
    joining: Option<&Joining>,
    outcome: OnOutcome<'_>,
    progress: OnProgress<'_>,
) -> Result<UpdateReport, ImportError> {
    let known = Known::load(&**engine.store(), source).await?;
    let mut update = Update {
        engine,
        joining,
        marker: Marker::new(source, &engine.keys().ring()),
        known,
        batch: Batch::new(engine, options.into()),
        keys: HashSet::new(),
        missing_realms: MissingRealms::default(),
        report: UpdateReport::default(),
        outcome,
    };
    let updated = update.run(lines, progress).await;
    engine.realms().forget();
    updated?;
    Ok(update.report)
}

struct Update<'a> {
    engine: &'a Engine,
    joining: Option<&'a Joining>,
    marker: Marker,
    known: Known,
    batch: Batch<'a>,
    /// The records of the batch.
    keys: HashSet<MarkKey>,
    missing_realms: MissingRealms<String, u64>,
    report: UpdateReport,
    outcome: OnOutcome<'a>,
}

impl Update<'_> {
    async fn run(&mut self, lines: impl BufRead, progress: OnProgress<'_>) -> Result<(), ImportError> {
        let mut checker = Checker::new(self.engine).await?;
        let mut lines = open(lines)?;
        while let Some(number) = lines.advance(progress)? {
            if self.known.see(&self.marker.digest(lines.text())) {
                self.report.unchanged += 1;
                self.tell_unchanged(number, lines.text())?;
                continue;
            }
            self.take(&mut checker, number, lines.text()).await?;
            if self.batch.len() >= BATCH {
                self.flush().await?;
            }
        }
        self.flush().await?;
        for (line, reason, users) in self.missing_realms.take(NO_REALM) {
            self.report.left_out.push_of_many(line, reason, users);
        }
        self.tell_missing().await
    }

    /// Takes a line that no earlier import has read as it is.
    async fn take(&mut self, checker: &mut Checker<'_>, number: u64, text: &[u8]) -> Result<(), ImportError> {
        let notes = &mut self.report.notes;
        let mut own = Vec::new();
        let line = parse(text, |note| {
            notes.push(number, note.clone());
            own.push(note);
        });
        let line = match line {
            Ok(line) => line,
            Err(BadLine(reason)) => return self.leave_out(number, None, reason, own),
        };
        let user = match &line {
            Line::User(user) => Some((user.clone(), self.marker.mark(user, text))),
            Line::Realm(_) => None,
        };
        let name = user.as_ref().map(|(line, _)| shown(line));
        let record = match checker.check(line) {
            Ok(record) => record,
            Err(Refusal::Bad(BadLine(reason))) => {
                if let Some((_, mark)) = &user {
                    self.see(mark).await?;
                }
                return self.leave_out(number, name, reason, own);
            }
            Err(Refusal::NoRealm(slug)) => {
                if let Err(line) = self.missing_realms.count(slug, number) {
                    self.report.left_out.push(line, NO_REALM);
                }
                self.report.refused += 1;
                return self.tell(number, name, "left out", Vec::new(), vec![NO_REALM.to_owned()]);
            }
        };
        let Some((line, mark)) = user else {
            self.batch.push(Waiting::new(number, None, Pending::Whole { record, mark: None }, own));
            return Ok(());
        };
        // Two lines of one record: the second is compared with what the first has written.
        if self.keys.contains(&mark.key) {
            self.flush().await?;
        }
        let waiting = self.judge(number, &line, record, mark, own).await?;
        self.batch.extend(waiting);
        Ok(())
    }

    /// Decides what becomes of a user's record.
    async fn judge(
        &mut self,
        number: u64,
        line: &UserLine,
        record: Record,
        mark: LineMark,
        notes: Vec<String>,
    ) -> Result<Option<Waiting>, ImportError> {
        let Record::User { user: new, clear, .. } = &record else { return Ok(None) };
        let (store, name) = (self.engine.store(), shown(line));
        let ids = given_ids(line);
        let given = Given { new, ids: &ids, has_clear: clear.is_some() };
        let before = match self.known.is_empty() && self.keys.is_empty() && self.report.is_untouched() {
            true => None,
            false => store.import_mark(self.marker.source(), mark.key).await?,
        };
        let source = self.marker.source().to_owned();
        let follower = Follower { engine: self.engine, source: &source };
        let (following, outcome) = match &before {
            Some(before) => {
                self.known.see(&before.digest);
                let Some(user) = before.user else {
                    self.report.deleted += 1;
                    self.tell(number, Some(name), "deleted here", Vec::new(), notes)?;
                    return Ok(None);
                };
                let Some(account) = store.user(user).await? else { return Ok(None) };
                match self.marker.compare(before, line) {
                    Some((then, now)) => {
                        let differs = |field| now.differs(&then, field);
                        (follower.follow(&account, &given, then.state, differs), "changed")
                    }
                    None => (follower.adopt(&account, new), "adopted"),
                }
            }
            None => match self.find(&follower, &given).await? {
                Found::Nobody => {
                    let ended = (!new.user.active).then_some(new.user.valid_from);
                    let mark = self.marker.of_user(&mark, new.user.id, State { ended, is_joined: false });
                    self.keys.insert(mark.key);
                    let row = follower.row(auth_core::Act::UserCreated, &new.user, "");
                    let pending = Pending::Whole { record, mark: Some(Box::new((mark, row))) };
                    return Ok(Some(Waiting::new(number, Some(name), pending, notes)));
                }
                Found::Account(account) => (follower.adopt(&account, new), "adopted"),
                Found::Joined(following) => (*following, "joined"),
                Found::Refused(why) => {
                    self.leave_out(number, Some(name), why, notes)?;
                    return Ok(None);
                }
            },
        };
        let mut following = following;
        for note in &following.notes {
            self.report.notes.push(number, format!("user {name}: {note}"));
        }
        let notes = [notes, std::mem::take(&mut following.notes)].concat();
        following.change.mark = Some(self.marker.of_user(&mark, following.change.user.id, following.state));
        self.keys.insert(mark.key);
        let pending = Pending::Change { following: Box::new(following), record, outcome };
        Ok(Some(Waiting::new(number, Some(name), pending, notes)))
    }

    /// Finds the account that a record without a mark is, or is to be joined with.
    async fn find(&self, follower: &Follower<'_>, given: &Given<'_>) -> Result<Found, InternalError> {
        let store = self.engine.store();
        let user = &given.new.user;
        let by_name = match user.user_name() {
            Some(name) => store.find(user.realm, &Lookup::Name(NameKind::UserName, name)).await?,
            None => None,
        };
        if let Some(account) = by_name.filter(|account| is_same(account, given)) {
            return Ok(Found::Account(account));
        }
        let Some(account) = account_of_address(&**store, given).await? else { return Ok(Found::Nobody) };
        if is_same(&account, given) && is_of_one_name(&account, given) {
            return Ok(Found::Account(account));
        }
        let Some(joining) = self.joining else { return Ok(Found::Nobody) };
        Ok(match join(follower, joining, &account, given).await? {
            Ok(following) => Found::Joined(Box::new(following)),
            Err(why) => Found::Refused(why),
        })
    }

    /// Notes that a record is at its source still, though its line can't be taken.
    async fn see(&mut self, mark: &LineMark) -> Result<(), ImportError> {
        if let Some(before) = self.engine.store().import_mark(self.marker.source(), mark.key).await? {
            self.known.see(&before.digest);
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ImportError> {
        self.keys.clear();
        self.batch.flush(&mut self.report, self.outcome).await
    }

    fn leave_out(
        &mut self,
        line: u64,
        user: Option<String>,
        reason: String,
        mut notes: Vec<String>,
    ) -> Result<(), ImportError> {
        self.report.refused += 1;
        self.report.left_out.push(line, reason.clone());
        notes.push(reason);
        self.tell(line, user, "left out", Vec::new(), notes)
    }

    fn tell(
        &mut self,
        line: u64,
        user: Option<String>,
        outcome: &'static str,
        changed: Vec<String>,
        notes: Vec<String>,
    ) -> Result<(), ImportError> {
        let outcome = RecordOutcome { line: Some(line), user, outcome, changed, notes };
        tell(self.outcome, &outcome)
    }

    /// Tells of a line that is as it was. It is parsed for that alone.
    fn tell_unchanged(&mut self, line: u64, text: &[u8]) -> Result<(), ImportError> {
        if !self.outcome.is_heard() {
            return Ok(());
        }
        let user = match parse(text, |_| ()) {
            Ok(Line::User(user)) => Some(shown(&user)),
            _ => None,
        };
        self.tell(line, user, "unchanged", Vec::new(), Vec::new())
    }

    /// Tells of the records that the source no longer has. Their accounts stay as they are.
    async fn tell_missing(&mut self) -> Result<(), ImportError> {
        if self.known.is_empty() {
            return Ok(());
        }
        let store = self.engine.store();
        let mut after = None;
        loop {
            let marks = store.import_marks(self.marker.source(), after, PAGE).await?;
            let Some(last) = marks.last() else { return Ok(()) };
            after = Some(last.key);
            for mark in marks.iter().filter(|mark| self.known.is_missing(&mark.digest)) {
                let Some(user) = mark.user else { continue };
                let Some(account) = store.user(user).await? else { continue };
                let name = name_of(&account);
                self.report
                    .missing
                    .push(name.clone(), "is not at the source any more, and stays as it is here");
                let outcome = RecordOutcome {
                    line: None,
                    user: Some(name),
                    outcome: "missing",
                    changed: Vec::new(),
                    notes: Vec::new(),
                };
                tell(self.outcome, &outcome)?;
            }
        }
    }
}

/// What a record without a mark is.
enum Found {
    Nobody,
    Account(Account),
    Joined(Box<Following>),
    Refused(String),
}

/// Whether an account is that of a record, rather than one of another person with the same name: they have an id in common, or
/// no different ids and no different addresses.
fn is_same(account: &Account, given: &Given<'_>) -> bool {
    let own: &ByProtocol<ExternalId> = &account.user.external_ids;
    let mut is_one = false;
    for (protocol, id) in given.ids.iter() {
        match own.get(protocol) {
            Some(own) if own == id => is_one = true,
            Some(_) => return false,
            None => {}
        }
    }
    let folded = |email: Option<auth_core::Email<'_>>| email.map(|email| fold(email.address));
    let (one, other) = (folded(account.user.email()), folded(given.new.user.email()));
    is_one || one.is_none() || other.is_none() || one == other
}

/// Whether an account and a record don't have different user names.
fn is_of_one_name(account: &Account, given: &Given<'_>) -> bool {
    match (account.user.user_name(), given.new.user.user_name()) {
        (Some(one), Some(other)) => fold(one) == fold(other),
        _ => true,
    }
}

fn name_of(account: &Account) -> String {
    let user = &account.user;
    let name = user.user_name().map(str::to_owned);
    name.or_else(|| user.email().map(|email| email.address.to_owned())).unwrap_or_else(|| user.id.to_string())
}

impl UpdateReport {
    /// Whether nothing was written or counted yet.
    fn is_untouched(&self) -> bool {
        self.imported.users == 0 && self.changed == 0
    }
}
