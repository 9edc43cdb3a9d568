//! Realms that operators name, and realms that commands create on the way.

use anyhow::bail;
use auth_admin::Accounts;
use auth_core::Realm;

use super::output::print_remark;

/// The realm of that slug.
///
/// # Errors
/// A sentence that names the realms that there are.
pub(super) async fn named(accounts: &Accounts, slug: &str) -> anyhow::Result<Realm> {
    let realms = accounts.realms().await?;
    match realms.iter().find(|realm| realm.slug == slug) {
        Some(realm) => Ok(realm.clone()),
        None => bail!("{}", unknown(slug, &realms)),
    }
}

/// The import line of a realm that does not exist yet; `None` for one that does. It is said that the realm is new.
///
/// The first realm of a store has no subdomain: Zulip's host name itself leads to it. A further one is created only if it
/// `is_meant` to be: otherwise the slug may be mistyped.
///
/// # Errors
/// A sentence that names the realms that there are.
pub(super) async fn new_realm_line(
    accounts: &Accounts,
    slug: &str,
    digest_logins: bool,
    is_meant: bool,
) -> anyhow::Result<Option<String>> {
    let realms = accounts.realms().await?;
    if realms.iter().any(|realm| realm.slug == slug) {
        return Ok(None);
    }
    if !realms.is_empty() && !is_meant {
        bail!("{}; --create-realm creates it", unknown(slug, &realms));
    }
    print_remark(format_args!("the realm `{}` is new", slug.escape_debug()))?;
    let subdomain = realms.is_empty().then_some("");
    let line = serde_json::json!(
        {"kind": "realm", "realm": slug, "subdomain": subdomain, "digest_logins": digest_logins}
    );
    Ok(Some(format!("{line}\n")))
}

fn unknown(slug: &str, realms: &[Realm]) -> String {
    let slugs: Vec<String> = realms.iter().map(|realm| format!("`{}`", realm.slug)).collect();
    let there = match slugs.as_slice() {
        [] => "there is none yet".to_owned(),
        [one] => format!("there is {one}"),
        several => format!("there are {}", several.join(", ")),
    };
    format!("there is no realm `{}`: {there}", slug.escape_debug())
}
