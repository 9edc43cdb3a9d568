//! Checks that an operator runs.

use auth_core::StoreError;

use super::Postgres;
use super::error::Result;
use super::row::Columns;

/// Rows that must not exist, each kind with a query for their number. The database enforces most of these rules, so that
/// such rows come from damage, or from a copy that was put together by hand.
const CHECKS: [(&str, &str); 8] = [
    (
        "users without a realm",
        "SELECT count(*) FROM account AS a WHERE NOT EXISTS (SELECT 1 FROM realm AS r WHERE r.id = a.realm)",
    ),
    (
        "users of whom it is not known when they were last seen",
        "SELECT count(*) FROM account AS a WHERE NOT EXISTS \
         (SELECT 1 FROM activity AS s WHERE s.account = a.id AND s.realm = a.realm)",
    ),
    (
        "names without a user",
        "SELECT count(*) FROM login_name AS n WHERE NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = n.account)",
    ),
    (
        "names in another realm than their user",
        "SELECT count(*) FROM login_name AS n JOIN account AS a ON a.id = n.account WHERE a.realm <> n.realm",
    ),
    (
        "credentials without a user",
        "SELECT count(*) FROM credential AS c WHERE NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = c.account)",
    ),
    (
        "external ids without a user",
        "SELECT count(*) FROM external_id AS e WHERE NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = e.account)",
    ),
    (
        "external ids in another realm than their user",
        "SELECT count(*) FROM external_id AS e JOIN account AS a ON a.id = e.account WHERE a.realm <> e.realm",
    ),
    (
        "ids or digests of an unexpected size",
        "SELECT (SELECT count(*) FROM account WHERE length(id) <> 16) \
         + (SELECT count(*) FROM credential WHERE length(id) <> 16 OR length(digest) <> 32) \
         + (SELECT count(*) FROM audit WHERE length(actor_account) <> 16 OR length(realm) <> 16 OR length(account) <> 16)",
    ),
];

impl Postgres {
    /// Reads all tables and returns what is wrong with them, a line for each finding. Other commands go on meanwhile.
    /// The check has no time limit.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn integrity_check(&self) -> std::result::Result<Vec<String>, StoreError> {
        let done: Result<Vec<String>> = async {
            let client = self.client().await?;
            let mut findings = Vec::new();
            for (what, query) in CHECKS {
                let count: i64 = Columns::of(&client.query_one(query, &[]).await?).take()?;
                if count > 0 {
                    findings.push(format!("{count} {what}"));
                }
            }
            Ok(findings)
        }
        .await;
        Ok(done?)
    }
}
