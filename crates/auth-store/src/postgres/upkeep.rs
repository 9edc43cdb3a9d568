//! What an operator asks of a store.

use auth_core::StoreError;

use super::Postgres;
use super::failure::Result;
use super::row::Columns;

/// Rules that hold between rows, each with a query for rows that break it. The database holds itself to all of them:
/// rows that break one come from damage, or from a copy that was put together by hand.
const RULES: [(&str, &str); 5] = [
    (
        "users of no realm",
        "SELECT count(*) FROM account AS a WHERE NOT EXISTS (SELECT 1 FROM realm AS r WHERE r.id = a.realm)",
    ),
    (
        "names of nobody",
        "SELECT count(*) FROM login_name AS n WHERE NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = n.account)",
    ),
    (
        "names in another realm than their user",
        "SELECT count(*) FROM login_name AS n JOIN account AS a ON a.id = n.account WHERE a.realm <> n.realm",
    ),
    (
        "credentials of nobody",
        "SELECT count(*) FROM credential AS c WHERE NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = c.account)",
    ),
    (
        "identifiers of an unexpected size",
        "SELECT (SELECT count(*) FROM account WHERE length(id) <> 16) \
         + (SELECT count(*) FROM credential WHERE length(id) <> 16 OR length(digest) <> 32)",
    ),
];

impl Postgres {
    /// Reads all tables and gives what is wrong with them, a line each. Others go on meanwhile. However long it
    /// takes, it may: no time limit is set.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn integrity_check(&self) -> std::result::Result<Vec<String>, StoreError> {
        let done: Result<Vec<String>> = async {
            let client = self.client().await?;
            let mut findings = Vec::new();
            for (what, query) in RULES {
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
