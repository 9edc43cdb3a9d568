//! Realms that commands create on the way.

use auth_admin::Accounts;

/// The import line of a realm that does not exist yet; `None` for one that does.
///
/// The first realm of a store has no subdomain: Zulip's host name itself leads to it.
pub(super) async fn new_realm_line(
    accounts: &Accounts,
    slug: &str,
    digest_logins: bool,
) -> anyhow::Result<Option<String>> {
    let realms = accounts.realms().await?;
    if realms.iter().any(|realm| realm.slug == slug) {
        return Ok(None);
    }
    let subdomain = realms.is_empty().then_some("");
    let line = serde_json::json!(
        {"kind": "realm", "realm": slug, "subdomain": subdomain, "digest_logins": digest_logins}
    );
    Ok(Some(format!("{line}\n")))
}
