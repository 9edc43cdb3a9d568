//! Bans and allowances of networks.

use async_trait::async_trait;
use auth_core::{AuditRecord, NetworkRule, NetworkRuleStore, StoreError, Timestamp};
use tokio_postgres::Row;

use super::Postgres;
use super::error::Result;
use super::row::{Columns, escaped};
use super::session::{read, write_once};
use super::statement::{Params, execute, rows};
use crate::encoding::network_rule_kind;

pub(super) const ALL: &str = "SELECT network, kind, until, made, note FROM network_rule ORDER BY network";
pub(super) const PUT: &str = "INSERT INTO network_rule (network, kind, until, made, note) \
    VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (network) DO UPDATE SET kind = $2, until = $3, made = $4, note = $5";
pub(super) const REMOVE: &str = "DELETE FROM network_rule WHERE network = $1";
/// Reads the whole table: an operation keeps it small.
const FORGET: &str = "DELETE FROM network_rule WHERE until < $1";

#[async_trait]
impl NetworkRuleStore for Postgres {
    async fn network_rules(&self) -> std::result::Result<Vec<NetworkRule>, StoreError> {
        let found = read!(self, |client| rows(client, ALL, &[]).await)?;
        Ok(found.iter().map(network_rule).collect::<Result<_>>()?)
    }

    async fn put_network_rule(
        &self,
        rule: &NetworkRule,
        audit: Option<&AuditRecord>,
    ) -> std::result::Result<(), StoreError> {
        let (kind, until) = (rule.kind.as_str(), rule.until.map(Timestamp::as_millis));
        let (made, note) = (rule.made.as_millis(), escaped(&rule.note));
        let params: Params<'_> = &[&rule.network, &kind, &until, &made, &&*note];
        self.act_apart(PUT, params, audit).await?;
        Ok(())
    }

    async fn remove_network_rule(
        &self,
        network: &str,
        audit: Option<&AuditRecord>,
    ) -> std::result::Result<bool, StoreError> {
        Ok(self.act_apart(REMOVE, &[&network], audit).await?)
    }

    async fn forget_network_rules(&self, before: Timestamp) -> std::result::Result<u64, StoreError> {
        Ok(write_once!(self, |client| execute(client, FORGET, &[&before.as_millis()]).await)?)
    }
}

fn network_rule(row: &Row) -> Result<NetworkRule> {
    let mut columns = Columns::of(row);
    Ok(NetworkRule {
        network: columns.take()?,
        kind: network_rule_kind(columns.take()?)?,
        until: columns.timestamp_or_none()?,
        made: columns.timestamp()?,
        note: columns.text()?,
    })
}
