//! What became of the records of an import that writes all or none, told at its end.

use std::collections::BTreeMap;
use std::io;

use auth_core::User;

use super::checked::Checked;
use super::draft::Record;
use super::outcome::{OnOutcome, RecordOutcome, tell};
use crate::{ImportError, ImportReport, Remarks};

/// How many remarks are read ahead. A store tells of the records of a batch in any order, and has no larger batch.
const AHEAD: usize = 4096;

/// What the steps of an import have told of its records, each in the order of the lines or nearly so.
#[derive(Default)]
pub(super) struct Told {
    /// What was noticed when lines were checked.
    pub(super) checked: Remarks<u64>,
    /// What was noticed of empty passwords.
    pub(super) empty: Remarks<u64>,
    /// What was noticed when records were written.
    pub(super) written: Remarks<u64>,
    /// What was changed of realms.
    pub(super) changes: Remarks<u64>,
    /// What the store has left out, record by record.
    pub(super) left_out: Remarks<u64>,
}

/// Tells what became of the checked records, and puts what was noticed into the report, in the order of the lines.
///
/// # Errors
/// [`ImportError::Read`] when what was spooled can't be read, [`ImportError::Report`].
pub(super) fn tell_of_all(
    checked: &mut Checked,
    report: &mut ImportReport,
    told: Told,
    is_written: bool,
    outcomes: OnOutcome<'_>,
) -> Result<(), ImportError> {
    let Told { checked: mut first, empty: mut second, written: mut third, mut changes, mut left_out } = told;
    let read = |error| ImportError::Read(error);
    let mut notes = [
        Ahead::new(first.read().map_err(read)?),
        Ahead::new(second.read().map_err(read)?),
        Ahead::new(third.read().map_err(read)?),
    ];
    if !outcomes.is_heard() {
        for notes in &mut notes {
            while let Some((line, text)) = notes.next().map_err(read)? {
                report.notes.push(line, text);
            }
        }
        let mut changes = Ahead::new(changes.read().map_err(read)?);
        while let Some((line, text)) = changes.next().map_err(read)? {
            report.changes.push(line, text);
        }
        return Ok(());
    }
    let mut changes = Ahead::new(changes.read().map_err(read)?);
    let mut left_out = Ahead::new(left_out.read().map_err(read)?);
    for draft in checked.read()? {
        let draft = draft?;
        let line = draft.line;
        let mut own = Vec::new();
        for notes in &mut notes {
            notes.take_until(line, |line, text| report.notes.push(line, text), &mut own).map_err(read)?;
        }
        let mut changed = Vec::new();
        changes.take_until(line, |line, text| report.changes.push(line, text), &mut changed).map_err(read)?;
        let mut reasons = Vec::new();
        left_out.take_until(line, |_, _| (), &mut reasons).map_err(read)?;
        let (user, kind) = match &draft.record {
            Record::Realm(_) => (None, "realm"),
            Record::User { user, .. } => (Some(name_of(&user.user)), "new"),
        };
        let outcome = match (is_written, reasons.is_empty()) {
            (false, _) => "not written",
            (true, true) => kind,
            (true, false) => "left out",
        };
        own.append(&mut reasons);
        tell(outcomes, &RecordOutcome { line: Some(line), user, outcome, changed, notes: own })?;
    }
    for notes in &mut notes {
        while let Some((line, text)) = notes.next().map_err(read)? {
            report.notes.push(line, text);
        }
    }
    Ok(())
}

fn name_of(user: &User) -> String {
    let name = user.user_name().map(str::to_owned);
    name.or_else(|| user.email().map(|email| email.address.to_owned())).unwrap_or_default()
}

/// Remarks that are nearly in the order of their lines, in that order.
struct Ahead<I> {
    remarks: I,
    read: BTreeMap<(u64, u64), String>,
    count: u64,
}

impl<I: Iterator<Item = io::Result<(u64, String)>>> Ahead<I> {
    fn new(remarks: I) -> Self {
        Self { remarks, read: BTreeMap::new(), count: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.read.len() < AHEAD {
            let Some(remark) = self.remarks.next() else { break };
            let (line, text) = remark?;
            self.read.insert((line, self.count), text);
            self.count += 1;
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<Option<(u64, String)>> {
        self.fill()?;
        Ok(self.read.pop_first().map(|((line, _), text)| (line, text)))
    }

    /// Takes the remarks up to a line: `each` hears all of them, and `own` gets those of the line.
    fn take_until(
        &mut self,
        line: u64,
        mut each: impl FnMut(u64, String),
        own: &mut Vec<String>,
    ) -> io::Result<()> {
        loop {
            self.fill()?;
            if self.read.first_key_value().is_none_or(|((of, _), _)| *of > line) {
                return Ok(());
            }
            let Some(((of, _), text)) = self.read.pop_first() else { return Ok(()) };
            if of == line {
                own.push(text.clone());
            }
            each(of, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_come_in_the_order_of_their_lines() {
        let said = [3_u64, 1, 2, 5, 4, 2].map(|line| Ok((line, format!("of {line}"))));
        let mut ahead = Ahead::new(said.into_iter());
        let (mut all, mut own) = (Vec::new(), Vec::new());
        ahead.take_until(2, |line, _| all.push(line), &mut own).unwrap();
        assert_eq!((&all[..], own), (&[1, 2, 2][..], vec!["of 2".to_owned(), "of 2".to_owned()]));
        assert_eq!(ahead.next().unwrap().map(|(line, _)| line), Some(3));
    }
}
