//! One account for the same person of two sources.

use auth_core::{Account, Act, CredentialKind, InternalError, LoginName, NameKind, Role, Store, StoreError};
use auth_engine::is_id_in_use;

use super::follow::{Follower, Following, Given};
use super::mark::{State, protocols_of};

/// When records are joined with accounts of other sources.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "commands build it")]
pub struct Joining {
    /// The sources that are believed which addresses are verified.
    pub believed: Vec<String>,
    /// The roles that accounts and records may have.
    pub roles: Vec<Role>,
}

/// Joins a record with the account that has its address; a sentence where they are not joined.
///
/// # Errors
/// Those of the store.
pub(super) async fn join(
    follower: &Follower<'_>,
    joining: &Joining,
    account: &Account,
    record: &Given<'_>,
) -> Result<Result<Following, String>, StoreError> {
    let store = &**follower.engine.store();
    let marks = store.import_marks_of(account.user.id).await?;
    if marks.iter().any(|mark| mark.source == follower.source) {
        return Ok(Err("another record of this source has become the account with its address".to_owned()));
    }
    let is_believed = |source: &str| joining.believed.iter().any(|believed| believed == source);
    if let Some(other) = marks.iter().find(|mark| !is_believed(&mark.source)) {
        let source = &other.source;
        return Ok(Err(format!(
            "an account has its address, and comes from {source}, which is not believed which addresses are verified"
        )));
    }
    if let Some(why) = refusal(follower.source, joining, account, record) {
        return Ok(Err(why));
    }
    for (protocol, id) in record.ids.iter() {
        let Some(own) = account.user.external_ids.get(protocol) else { continue };
        let gives = marks.iter().any(|mark| protocols_of(mark).is_none_or(|given| given.contains(&protocol)));
        if own != id && (gives || is_id_in_use(store, account.user.id, protocol).await?) {
            return Ok(Err(format!("an account has its address, and a {protocol} id of its own")));
        }
    }
    Ok(Ok(joined(follower, account, record)))
}

/// Why a record and an account are not joined, as far as both tell.
fn refusal(source: &str, joining: &Joining, account: &Account, record: &Given<'_>) -> Option<String> {
    let (user, new) = (&*account.user, &record.new.user);
    let is_verified = |email: Option<auth_core::Email<'_>>| email.is_some_and(|email| email.verified);
    let why = if !joining.believed.iter().any(|believed| believed == source) {
        format!("{source} is not believed which addresses are verified")
    } else if !is_verified(new.email()) {
        "the address is not verified at the source".to_owned()
    } else if !is_verified(user.email()) {
        "the address is not verified here".to_owned()
    } else if user.bot.is_some() || new.bot.is_some() {
        "one of the two is a bot".to_owned()
    } else if !user.active || !new.active {
        "one of the two is deactivated".to_owned()
    } else if let Some(role) = [user.role, new.role].into_iter().find(|role| !joining.roles.contains(role)) {
        format!("one of the two has the role {}", role.as_str())
    } else {
        return None;
    };
    Some(format!("an account has its address, and is not joined: {why}"))
}

/// The account with what the record adds: its ids, names, roles at protocols, keys and tokens. The account keeps its
/// password and its authenticator app, where it has them, and of both roles the one that may do less.
fn joined(follower: &Follower<'_>, account: &Account, record: &Given<'_>) -> Following {
    let (before, new) = (&*account.user, record.new);
    let mut following = follower.nothing(account, State { ended: None, is_joined: true });
    let user = &mut following.change.user;
    for name in &new.user.names {
        let is_own = |own: &LoginName| own.kind == name.kind && own.exact == name.exact;
        if name.kind != NameKind::Directory && !user.names.iter().any(is_own) {
            user.names.push(name.clone());
        }
    }
    for (protocol, id) in record.ids.iter() {
        user.external_ids.set(protocol, id.clone());
    }
    for (protocol, roles) in new.user.external_roles.iter() {
        if user.external_roles.get(protocol).is_none() {
            user.external_roles.set(protocol, roles.clone());
        }
    }
    user.role = before.role.max(new.user.role);
    user.email_second_factor |= new.user.email_second_factor;
    if user.full_name.is_empty() {
        user.full_name.clone_from(&new.user.full_name);
    }
    if account.has_password() || before.name(NameKind::Directory).is_some() {
        if new.password.is_some() || record.has_clear {
            following.notes.push("keeps the password that it has here".to_owned());
        }
    } else {
        following.sets_password = record.has_clear || new.password.is_some();
    }
    let of_device = [CredentialKind::TOTP, CredentialKind::BACKUP_CODE];
    if account.totp && new.credentials.iter().any(|own| own.kind == CredentialKind::TOTP) {
        following.notes.push("keeps the authenticator app that it has here".to_owned());
    }
    let added = new.credentials.iter().filter(|own| !(account.totp && of_device.contains(&own.kind)));
    following.take(before, added.cloned());
    following.words.push("joined");
    following.change.is_change = true;
    following.change.audit.push(follower.row(Act::ProfileUpdated, before, "joined with a record of it"));
    following
}

/// The account that has the address of a record.
///
/// # Errors
/// Those of the store.
pub(super) async fn account_of_address(
    store: &dyn Store,
    record: &Given<'_>,
) -> Result<Option<Account>, InternalError> {
    let Some(email) = record.new.user.email() else { return Ok(None) };
    let who = auth_core::Lookup::Name(NameKind::Email, email.address);
    Ok(store.find(record.new.user.realm, &who).await?)
}
