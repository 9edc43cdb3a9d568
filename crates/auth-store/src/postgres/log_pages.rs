//! Pages of the two logs: a statement for each order and each key by which rows are found.
//!
//! The parameters are $1 and $2 the place behind which the page begins, $3 where the log ends for it, $4 the limit, $5 the
//! realm, $6 the act or the outcome, $7 the client, $8 the protocol, and $9 the user. What is NULL of $5 to $8 does not
//! count.

use auth_core::{AttemptFilter, AuditFilter, LogOrder, LogPage};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::error::Result;
use super::statement::{Params, rows};
use crate::log_page::Bounds;

macro_rules! audit_where {
    ($key:literal, $newest_or_oldest:ident) => {
        concat!(
            "SELECT at, id, actor, actor_account, actor_name, act, realm, account, detail, client, protocol, \
             request FROM audit WHERE ",
            $key,
            bounds!($newest_or_oldest, "$2"),
            " AND ($5::bytea IS NULL OR realm = $5) AND ($6::text IS NULL OR act = $6) \
             AND ($7::text IS NULL OR client = $7) AND ($8::text IS NULL OR protocol = $8)"
        )
    };
}

macro_rules! attempt_where {
    ($key:literal, $newest_or_oldest:ident) => {
        concat!(
            "SELECT at, id::text, door, realm, account, name, network, outcome FROM attempt WHERE ",
            $key,
            bounds!($newest_or_oldest, "$2::text::uuid"),
            " AND ($5::bytea IS NULL OR realm = $5) AND ($6::text IS NULL OR outcome = $6 \
             OR substr(outcome, 1, length($6) + 3) = $6 || ' x ') \
             AND ($7::text IS NULL OR network = $7) AND ($8::text IS NULL OR door = $8)"
        )
    };
}

macro_rules! bounds {
    (newest, $id:literal) => {
        concat!("(at, id) < ($1, ", $id, ") AND at >= $3")
    };
    (oldest, $id:literal) => {
        concat!("(at, id) > ($1, ", $id, ") AND at < $3")
    };
}

macro_rules! page {
    (newest) => {
        " ORDER BY at DESC, id DESC LIMIT $4"
    };
    (oldest) => {
        " ORDER BY at, id LIMIT $4"
    };
}

/// The statements for one log and one order.
pub(super) struct Statements {
    pub(super) all: &'static str,
    pub(super) of_user: &'static str,
    pub(super) of_client: &'static str,
}

macro_rules! audit {
    ($order:ident) => {
        Statements {
            all: concat!(audit_where!("", $order), page!($order)),
            // To whom it was done, and who did it.
            of_user: concat!(
                audit_where!("account = $9 AND ", $order),
                " UNION ALL ",
                audit_where!("actor_account = $9 AND account IS DISTINCT FROM $9 AND ", $order),
                page!($order)
            ),
            of_client: concat!(audit_where!("client = $7 AND ", $order), page!($order)),
        }
    };
}

macro_rules! attempts {
    ($order:ident) => {
        Statements {
            all: concat!(attempt_where!("", $order), page_of_attempts!($order)),
            of_user: concat!(attempt_where!("account = $9 AND ", $order), page_of_attempts!($order)),
            of_client: concat!(attempt_where!("network = $7 AND ", $order), page_of_attempts!($order)),
        }
    };
}

/// In the order of the id itself, and not of its text.
macro_rules! page_of_attempts {
    (newest) => {
        " ORDER BY attempt.at DESC, attempt.id DESC LIMIT $4"
    };
    (oldest) => {
        " ORDER BY attempt.at, attempt.id LIMIT $4"
    };
}

pub(super) const AUDIT_NEWEST: Statements = audit!(newest);
pub(super) const AUDIT_OLDEST: Statements = audit!(oldest);
pub(super) const ATTEMPTS_NEWEST: Statements = attempts!(newest);
pub(super) const ATTEMPTS_OLDEST: Statements = attempts!(oldest);

/// A page of the audit log.
pub(super) async fn audit_page(
    client: &impl GenericClient,
    filter: &AuditFilter,
    page: &LogPage,
) -> Result<Vec<Row>> {
    let statements = match page.order {
        LogOrder::NewestFirst => AUDIT_NEWEST,
        LogOrder::OldestFirst => AUDIT_OLDEST,
    };
    let bounds = Bounds::of(page, filter.since, filter.until);
    let user = filter.user.as_ref().map(|user| &user.as_bytes()[..]);
    let key = filter.client.map(|client| client.to_string());
    let params: Params<'_> = &[
        &bounds.from.at.as_millis(),
        &bounds.number(),
        &bounds.end,
        &i64::from(page.limit),
        &filter.realm.as_ref().map(|realm| &realm.as_bytes()[..]),
        &filter.act.map(auth_core::Act::as_str),
        &key,
        &filter.protocol.as_ref().map(|protocol| protocol.as_str()),
    ];
    run(client, &statements, params, &user, key.is_some()).await
}

/// A page of the log of attempts.
pub(super) async fn attempt_page(
    client: &impl GenericClient,
    filter: &AttemptFilter,
    page: &LogPage,
) -> Result<Vec<Row>> {
    let statements = match page.order {
        LogOrder::NewestFirst => ATTEMPTS_NEWEST,
        LogOrder::OldestFirst => ATTEMPTS_OLDEST,
    };
    let bounds = Bounds::of(page, filter.since, filter.until);
    let user = filter.user.as_ref().map(|user| &user.as_bytes()[..]);
    let key = filter.client.map(|client| client.to_string());
    let params: Params<'_> = &[
        &bounds.from.at.as_millis(),
        &format!("{:032x}", bounds.from.number),
        &bounds.end,
        &i64::from(page.limit),
        &filter.realm.as_ref().map(|realm| &realm.as_bytes()[..]),
        &filter.outcome,
        &key,
        &filter.protocol.as_ref().map(|protocol| protocol.as_str()),
    ];
    run(client, &statements, params, &user, key.is_some()).await
}

/// Runs the statement by the narrowest key that is given.
async fn run(
    client: &impl GenericClient,
    statements: &Statements,
    params: Params<'_>,
    user: &Option<&[u8]>,
    has_client: bool,
) -> Result<Vec<Row>> {
    if user.is_none() {
        let statement = if has_client { statements.of_client } else { statements.all };
        return rows(client, statement, params).await;
    }
    let mut params: Vec<&(dyn ToSql + Sync)> = params.to_vec();
    params.push(user);
    rows(client, statements.of_user, &params).await
}
