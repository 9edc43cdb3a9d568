//! `auth-server audit` and `auth-server attempts`: read, follow and export the two logs of the store.

use std::net::IpAddr;
use std::time::Duration;

use auth_admin::operation::{AccountName, LogQuery, Operation, ReadAttempts, ReadAudit, Rows};
use auth_admin::view::{AttemptView, AuditView, Moment};
use auth_core::{Clock, SystemClock};

use super::access::{Access, AccessArguments};
use super::account::explained;
use super::input::{Age, moment};
use super::output::{Form, Row, shown_moment};

/// The rows that are asked for at once.
const PAGE: u32 = 500;

/// How often a log that is followed is asked for new rows.
const PAUSE: Duration = Duration::from_secs(1);

/// How long rows are let be written before they are read by whoever follows a log: each gets its time before.
const SETTLED: Duration = Duration::from_secs(3);

/// Read the audit log: who changed what, when and from where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server audit --config auth.toml --user iago --since 7d\n  \
                        auth-server audit --config auth.toml --act password-set --follow\n  \
                        auth-server audit --config auth.toml --all --json > audit.jsonl")]
pub(super) struct Audit {
    #[command(flatten)]
    log: LogArguments,
    /// What was done, in a word such as password-set: docs/audit.md lists them.
    #[arg(long)]
    act: Option<String>,
}

/// Read the log of attempts to log in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server attempts --config auth.toml --user iago --since 2h\n  \
                        auth-server attempts --config auth.toml --client 198.51.100.7 --outcome granted")]
pub(super) struct Attempts {
    #[command(flatten)]
    log: LogArguments,
    /// What became of them, in a word such as granted.
    #[arg(long)]
    outcome: Option<String>,
}

/// Which rows, and how many of them.
#[derive(Debug, clap::Args)]
struct LogArguments {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug.
    #[arg(long)]
    realm: Option<String>,
    /// A user: the user name, e-mail address or id.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The address of a client. Of IPv6 addresses the first 64 bits count.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// A protocol: zulip, rocketchat, zettelstore, forward or web.
    #[arg(long)]
    protocol: Option<String>,
    /// From this moment on: a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31, or how long ago, such as 90d.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Age>,
    /// Before this moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Age>,
    /// How many of the newest rows.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, conflicts_with = "all")]
    last: u32,
    /// All rows, from the oldest on.
    #[arg(long)]
    all: bool,
    /// Go on with new rows as they come.
    #[arg(long, conflicts_with = "until")]
    follow: bool,
    #[command(flatten)]
    form: Form,
}

impl Audit {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let act = self.act;
        self.log.print(move |query| ReadAudit { query, act: act.clone() }).await
    }
}

impl Attempts {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let outcome = self.outcome;
        self.log.print(move |query| ReadAttempts { query, outcome: outcome.clone() }).await
    }
}

impl LogArguments {
    async fn print<O, T>(&self, read: impl Fn(LogQuery) -> O) -> anyhow::Result<()>
    where
        O: Operation<Reply = Rows<T>>,
        T: Row,
    {
        let access = self.access.open().await?;
        let now = SystemClock.now();
        let query = LogQuery {
            user: self.user.as_deref().map(|name| AccountName::new(self.realm.as_deref(), name)),
            realm: self.realm.clone(),
            client: self.client,
            protocol: self.protocol.clone(),
            since: self.since.map(|since| Moment(since.before(now))),
            until: self.until.map(|until| Moment(until.before(now))),
            ..LogQuery::default()
        };
        let mut is_first = true;
        let mut after = None;
        if self.all {
            after = self.print_on(&access, &read, &query, after, &mut is_first).await?;
        } else {
            let newest = self.newest(&access, &read, &query).await?;
            after = newest.last;
            self.form.print(&newest.rows, true)?;
            is_first = false;
        }
        // Without a row to go on from, what comes from now on is meant.
        let since = query.since.or(Some(Moment(now)));
        let query = if after.is_none() { LogQuery { since, ..query } } else { query };
        if !self.follow {
            return Ok(());
        }
        loop {
            tokio::time::sleep(PAUSE).await;
            let settled = Moment(SystemClock.now() - SETTLED);
            let query = LogQuery { until: Some(settled), ..query.clone() };
            after = self.print_on(&access, &read, &query, after, &mut is_first).await?;
        }
    }

    /// The newest rows, in the order in which they were written.
    async fn newest<O, T>(
        &self,
        access: &Access,
        read: &impl Fn(LogQuery) -> O,
        query: &LogQuery,
    ) -> anyhow::Result<Rows<T>>
    where
        O: Operation<Reply = Rows<T>>,
    {
        // The log goes on behind its newest row: one that is written from now on is none of these.
        let first = LogQuery { limit: Some(1), ..query.clone() };
        let mut newest = self.explained(access, access.run(read(first)).await).await?;
        let mut after = newest.last.clone();
        while newest.more {
            let left = self.last.saturating_sub(u32::try_from(newest.rows.len())?);
            if left == 0 {
                break;
            }
            let query = LogQuery { after, limit: Some(left.min(PAGE)), ..query.clone() };
            let part = self.explained(access, access.run(read(query)).await).await?;
            newest.rows.extend(part.rows);
            newest.more = part.more;
            after = part.last;
        }
        newest.rows.truncate(usize::try_from(self.last)?);
        newest.rows.reverse();
        Ok(newest)
    }

    /// Prints the rows behind a place, from the oldest on; gives the place of the last.
    async fn print_on<O, T>(
        &self,
        access: &Access,
        read: &impl Fn(LogQuery) -> O,
        query: &LogQuery,
        mut after: Option<String>,
        is_first: &mut bool,
    ) -> anyhow::Result<Option<String>>
    where
        O: Operation<Reply = Rows<T>>,
        T: Row,
    {
        loop {
            let query =
                LogQuery { oldest_first: true, after: after.clone(), limit: Some(PAGE), ..query.clone() };
            let part = self.explained(access, access.run(read(query)).await).await?;
            if !part.rows.is_empty() {
                self.form.print(&part.rows, std::mem::take(is_first))?;
            }
            after = part.last.or(after);
            if !part.more {
                return Ok(after);
            }
        }
    }

    async fn explained<T>(&self, access: &Access, done: anyhow::Result<T>) -> anyhow::Result<T> {
        explained(access, self.realm.as_deref(), self.user.as_deref().unwrap_or_default(), done).await
    }
}

impl Row for AuditView {
    const COLUMNS: &'static [&'static str] = &["at", "act", "realm", "user", "by", "from", "detail"];

    fn cells(&self) -> Vec<String> {
        let by = match &self.by {
            Some(by) => format!("{} {by}", self.actor),
            None => self.actor.clone(),
        };
        let from = [self.protocol.as_deref(), self.client.as_deref()];
        vec![
            shown_moment(Some(self.at)),
            self.act.clone(),
            self.realm.clone().unwrap_or_default(),
            self.user.clone().unwrap_or_default(),
            by,
            from.into_iter().flatten().collect::<Vec<_>>().join(" "),
            self.detail.clone(),
        ]
    }
}

impl Row for AttemptView {
    const COLUMNS: &'static [&'static str] =
        &["at", "protocol", "realm", "user", "name", "client", "outcome"];

    fn cells(&self) -> Vec<String> {
        vec![
            shown_moment(Some(self.at)),
            self.protocol.clone(),
            self.realm.clone().unwrap_or_default(),
            self.user.clone().unwrap_or_default(),
            self.name.clone(),
            self.client.clone(),
            self.outcome.clone(),
        ]
    }
}
