//! Bans and allowances of networks.

use async_trait::async_trait;
use auth_core::{AuditRecord, NetworkRule, NetworkRuleStore, StoreError, Timestamp};
use rusqlite::params;

use super::Sqlite;
use super::error::Result;
use super::row::Columns;
use super::statement::{changed, count};
use crate::encoding::network_rule_kind;

pub(super) const ALL: &str = "SELECT network, kind, until, made, note FROM network_rule ORDER BY network";
pub(super) const PUT: &str = "INSERT INTO network_rule (network, kind, until, made, note) \
    VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT (network) DO UPDATE SET kind = ?2, until = ?3, made = ?4, note = ?5";
pub(super) const REMOVE: &str = "DELETE FROM network_rule WHERE network = ?1";
/// Reads the whole table: an operation keeps it small.
const FORGET: &str = "DELETE FROM network_rule WHERE until < ?1";

#[async_trait]
impl NetworkRuleStore for Sqlite {
    async fn network_rules(&self) -> std::result::Result<Vec<NetworkRule>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(ALL)?;
            statement.query_and_then([], |row| network_rule(&mut Columns::of(row)))?.collect()
        })
        .await
    }

    async fn put_network_rule(
        &self,
        rule: &NetworkRule,
        audit: Option<&AuditRecord>,
    ) -> std::result::Result<(), StoreError> {
        let rule = rule.clone();
        let put = self.act_apart(audit, move |connection| {
            let until = rule.until.map(Timestamp::as_millis);
            let params = params![rule.network, rule.kind.as_str(), until, rule.made.as_millis(), rule.note];
            changed(connection, PUT, params)
        });
        put.await.map(drop)
    }

    async fn remove_network_rule(
        &self,
        network: &str,
        audit: Option<&AuditRecord>,
    ) -> std::result::Result<bool, StoreError> {
        let network = network.to_owned();
        self.act_apart(audit, move |connection| changed(connection, REMOVE, [network])).await
    }

    async fn forget_network_rules(&self, before: Timestamp) -> std::result::Result<u64, StoreError> {
        self.write(move |connection| count(connection, FORGET, [before.as_millis()])).await
    }
}

fn network_rule(columns: &mut Columns<'_>) -> Result<NetworkRule> {
    Ok(NetworkRule {
        network: columns.take()?,
        kind: network_rule_kind(&columns.take::<String>()?)?,
        until: columns.take::<Option<i64>>()?.map(Timestamp::from_millis),
        made: columns.timestamp()?,
        note: columns.take()?,
    })
}
