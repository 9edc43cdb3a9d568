//! `auth-server import --update`: follows a source that is still in use.

use anyhow::{Context, bail};
use auth_core::Role;
use auth_engine::Engine;
use auth_transfer::{ImportError, ImportOptions, Joining, Progress, UpdateReport, update};

use super::report::Report;
use super::source::{Origins, Source};
use crate::command::output::{print_line, print_remark};

/// The arguments of an update.
#[derive(Debug, clap::Args)]
pub(super) struct UpdateArguments {
    /// Follow the source: take what is new, and change what has changed there since the last import. What the source has left
    /// as it was stays as it is here. Can run each night.
    #[arg(long)]
    pub(super) update: bool,
    /// The name under which the source is remembered, where two sources have the same form and realm.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// Join a new record with the account of the realm that has its verified address, where they are of different sources.
    #[arg(long, value_name = "WHAT", requires = "update")]
    join: Option<JoinBy>,
    /// A source whose word is taken for which addresses are verified. Records are joined only where every source of both is
    /// named. Can be repeated.
    #[arg(long, value_name = "SOURCE", requires = "join")]
    believe_verified: Vec<String>,
    /// Join accounts of these roles too: owner, admin, moderator or guest. By default only members are joined.
    #[arg(long, value_name = "ROLES", value_delimiter = ',', requires = "join")]
    join_roles: Vec<String>,
}

/// What records and accounts are joined by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum JoinBy {
    /// The e-mail address.
    Email,
}

/// The longest name of a source, in bytes.
const LONGEST_SOURCE: usize = 64;

impl UpdateArguments {
    /// The name under which the source is remembered.
    pub(super) fn source_or(&self, default: String) -> anyhow::Result<String> {
        let name = self.source.clone().unwrap_or(default);
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte);
        if name.is_empty() || name.len() > LONGEST_SOURCE || !name.bytes().all(is_allowed) {
            bail!("--source is not 1 to 64 letters, digits, or one of . : _ -");
        }
        Ok(name)
    }

    /// When records are joined with accounts.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn joining(&self) -> anyhow::Result<Option<Joining>> {
        if self.join.is_none() {
            return Ok(None);
        }
        if self.believe_verified.is_empty() {
            bail!(
                "--join email: say with --believe-verified which sources are believed which addresses are verified: whoever can \
                 register with somebody else's address there could take that person's account"
            );
        }
        let mut roles = vec![Role::Member];
        for name in &self.join_roles {
            let Some(role) = Role::from_name(name) else { bail!("--join-roles: `{name}` is not a role") };
            roles.push(role);
        }
        Ok(Some(Joining { believed: self.believe_verified.clone(), roles }))
    }

    /// Updates the store, and tells what was done.
    pub(super) async fn run(
        &self,
        engine: &Engine,
        source: Source,
        name: &str,
        options: ImportOptions,
        report: &mut Report,
        progress: &mut (dyn FnMut(Progress) -> std::ops::ControlFlow<()> + Send),
    ) -> anyhow::Result<()> {
        let joining = self.joining()?;
        let Source { mut lines, mut origins, notes, mut bad, .. } = source;
        report.refuse(&mut bad)?;
        let done = update(engine, lines.read()?, options, name, joining.as_ref(), report, progress).await;
        report.finish(&mut origins).context("the report")?;
        let done = match done {
            Ok(done) => done,
            Err(ImportError::Stopped) => {
                bail!("stopped: what was written by then stays, and the next update goes on")
            }
            Err(error) => return Err(error.into()),
        };
        tell(done, (origins, notes, bad), options)
    }
}

fn tell(
    mut done: UpdateReport,
    (mut origins, mut notes, mut bad): (
        Origins,
        auth_transfer::Remarks<String>,
        auth_transfer::Remarks<String>,
    ),
    options: ImportOptions,
) -> anyhow::Result<()> {
    let is_dry = options.mode == auth_core::ImportMode::DryRun;
    for remark in notes.read()? {
        let (origin, text) = remark?;
        print_remark(format_args!("{origin}: {text}"))?;
    }
    origins.tell(done.notes, |origin, text| print_remark(format_args!("{origin}: {text}")))?;
    for remark in bad.read()? {
        let (origin, text) = remark?;
        print_remark(format_args!("{origin}: left out: {text}"))?;
    }
    origins.tell(done.left_out, |origin, text| print_remark(format_args!("{origin}: left out: {text}")))?;
    for remark in done.missing.read()? {
        let (user, text) = remark?;
        print_remark(format_args!("user {user}: {text}"))?;
    }
    origins.tell(done.changes, |origin, change| print_line(format_args!("{origin}: {change}")))?;
    if is_dry {
        origins.tell(done.updates, |_, change| print_line(change))?;
    }
    let refused = bad.records() + done.refused;
    let counts = [
        ("new", done.imported.users),
        ("changed", done.changed),
        ("adopted", done.adopted),
        ("joined", done.joined),
        ("unchanged", done.unchanged),
        ("deleted here", done.deleted),
        ("missing at the source", done.missing.len()),
        ("left out", refused),
    ];
    let is_told = |(word, count): &(&str, u64)| *count > 0 || ["new", "changed", "unchanged"].contains(word);
    let counts: Vec<String> =
        counts.iter().filter(|told| is_told(told)).map(|(word, count)| format!("{count} {word}")).collect();
    let counts = counts.join(", ");
    print_line(format_args!("{}: {counts}", if is_dry { "good, nothing written" } else { "updated" }))?;
    if refused > 0 && !options.skip_bad {
        bail!("{refused} records were left out: see above, or pass --skip-bad where that is meant");
    }
    Ok(())
}
