//! Pages of the two logs: a statement for each order and each key by which rows are found.
//!
//! The parameters are ?1 and ?2 the place behind which the page begins, ?3 where the log ends for it, ?4 the limit, ?5 the
//! realm, ?6 the act or the outcome, ?7 the client, ?8 the protocol, and ?9 the user. What is NULL of ?5 to ?8 does not
//! count.

use auth_core::{AttemptFilter, AuditFilter, LogOrder, LogPage};
use rusqlite::types::Value;

use crate::log_page::Bounds;

macro_rules! audit_where {
    ($key:literal, $newest_or_oldest:ident) => {
        concat!(
            "SELECT at, number, actor, actor_user, actor_name, act, realm, user, detail, client, protocol, request \
             FROM audit WHERE ",
            $key,
            bounds!($newest_or_oldest),
            " AND (?5 IS NULL OR realm = ?5) AND (?6 IS NULL OR act = ?6) AND (?7 IS NULL OR client = ?7) \
             AND (?8 IS NULL OR protocol = ?8)"
        )
    };
}

macro_rules! attempt_where {
    ($key:literal, $newest_or_oldest:ident) => {
        concat!(
            "SELECT at, number, door, realm, user, name, network, outcome FROM attempt WHERE ",
            $key,
            bounds!($newest_or_oldest),
            " AND (?5 IS NULL OR realm = ?5) \
             AND (?6 IS NULL OR outcome = ?6 OR substr(outcome, 1, length(?6) + 3) = ?6 || ' x ') \
             AND (?7 IS NULL OR network = ?7) AND (?8 IS NULL OR door = ?8)"
        )
    };
}

macro_rules! bounds {
    (newest) => {
        "(at, number) < (?1, ?2) AND at >= ?3"
    };
    (oldest) => {
        "(at, number) > (?1, ?2) AND at < ?3"
    };
}

macro_rules! page {
    (newest) => {
        " ORDER BY at DESC, number DESC LIMIT ?4"
    };
    (oldest) => {
        " ORDER BY at, number LIMIT ?4"
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
                audit_where!("user = ?9 AND ", $order),
                " UNION ALL ",
                audit_where!("actor_user = ?9 AND user IS NOT ?9 AND ", $order),
                page!($order)
            ),
            of_client: concat!(audit_where!("client = ?7 AND ", $order), page!($order)),
        }
    };
}

macro_rules! attempts {
    ($order:ident) => {
        Statements {
            all: concat!(attempt_where!("", $order), page!($order)),
            of_user: concat!(attempt_where!("user = ?9 AND ", $order), page!($order)),
            of_client: concat!(attempt_where!("network = ?7 AND ", $order), page!($order)),
        }
    };
}

pub(super) const AUDIT_NEWEST: Statements = audit!(newest);
pub(super) const AUDIT_OLDEST: Statements = audit!(oldest);
pub(super) const ATTEMPTS_NEWEST: Statements = attempts!(newest);
pub(super) const ATTEMPTS_OLDEST: Statements = attempts!(oldest);

/// A statement with its parameters.
pub(super) type Query = (&'static str, Vec<Value>);

/// The query for a page of the audit log.
pub(super) fn audit_page(filter: &AuditFilter, page: &LogPage) -> Query {
    let statements = match page.order {
        LogOrder::NewestFirst => AUDIT_NEWEST,
        LogOrder::OldestFirst => AUDIT_OLDEST,
    };
    query(
        &statements,
        page,
        &Bounds::of(page, filter.since, filter.until),
        [
            filter.realm.map(|realm| realm.as_bytes().to_vec().into()),
            filter.act.map(|act| act.as_str().to_owned().into()),
            filter.client.map(|client| client.to_string().into()),
            filter.protocol.map(|protocol| protocol.as_str().to_owned().into()),
        ],
        filter.user.map(|user| user.as_bytes().to_vec().into()),
    )
}

/// The query for a page of the log of attempts.
pub(super) fn attempt_page(filter: &AttemptFilter, page: &LogPage) -> Query {
    let statements = match page.order {
        LogOrder::NewestFirst => ATTEMPTS_NEWEST,
        LogOrder::OldestFirst => ATTEMPTS_OLDEST,
    };
    query(
        &statements,
        page,
        &Bounds::of(page, filter.since, filter.until),
        [
            filter.realm.map(|realm| realm.as_bytes().to_vec().into()),
            filter.outcome.clone().map(Value::from),
            filter.client.map(|client| client.to_string().into()),
            filter.protocol.map(|protocol| protocol.as_str().to_owned().into()),
        ],
        filter.user.map(|user| user.as_bytes().to_vec().into()),
    )
}

/// The query by the narrowest key that is given. `fits` has the realm, the act or outcome, the client and the protocol.
fn query(
    statements: &Statements,
    page: &LogPage,
    bounds: &Bounds,
    fits: [Option<Value>; 4],
    user: Option<Value>,
) -> Query {
    let [.., client, _] = &fits;
    let statement = match (&user, client) {
        (Some(_), _) => statements.of_user,
        (None, Some(_)) => statements.of_client,
        (None, None) => statements.all,
    };
    let mut params: Vec<Value> =
        vec![bounds.from.at.as_millis().into(), bounds.number().into(), bounds.end.into(), page.limit.into()];
    params.extend(fits.map(Value::from));
    params.extend(user);
    (statement, params)
}
