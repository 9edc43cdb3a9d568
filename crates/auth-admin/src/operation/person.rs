//! Operations on all that is kept of a person.

use auth_core::{Account, Act, Credential, CredentialKind};
use auth_crypto::opaque;
use auth_engine::RevocationEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, LogQuery, Operation, ReadAttempts, ReadAudit, Rows, Scope};
use crate::error::AdminError;
use crate::secret_text::SecretText;
use crate::view::{AttemptView, AuditView, GroupView, NameView, TokenView, UserView};

/// The rows of each log that an export has at most, the newest.
const MOST_ROWS: usize = 10_000;

/// Hands over what is kept of a person, without secrets: for whoever asks for their data.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ExportUser {
    /// The user.
    pub user: AccountName,
}

/// What is kept of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PersonalData {
    /// The account.
    pub user: UserView,
    /// Every name by which it can log in.
    pub names: Vec<NameView>,
    /// The groups that it is in.
    pub groups: Vec<GroupView>,
    /// Sessions, tokens, keys, app passwords and second factors, without secrets.
    pub credentials: Vec<TokenView>,
    /// The newest acts that were done to the account, at most 10,000, the newest first.
    pub audit: Vec<AuditView>,
    /// The newest attempts to log in, at most 10,000, the newest first.
    pub attempts: Vec<AttemptView>,
}

impl Operation for ExportUser {
    const NAME: &'static str = "user.export";
    const SUMMARY: &'static str = "Hands over what is kept of a person, without secrets.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = PersonalData;

    async fn run(self, admin: &Admin) -> Result<PersonalData, AdminError> {
        let (account, realm) = admin.account_to_change(&self.user).await?;
        let (engine, id) = (admin.engine(), account.user.id);
        let store = engine.store();
        let activities = store.activities(&[id]).await?;
        let own = AccountName::new(Some(&realm.slug), &id.to_string());
        let data = PersonalData {
            user: UserView::of(&account, &realm, activities.first().map(|(_, activity)| activity)),
            names: account.user.names.iter().map(NameView::of).collect(),
            groups: store.groups_of(id).await?.iter().map(|group| GroupView::of(group, &realm)).collect(),
            credentials: store.of_kinds(id, &kinds_of(admin)).await?.iter().map(TokenView::of).collect(),
            audit: newest(admin, &own, |query| ReadAudit { query, act: None }).await?,
            attempts: newest(admin, &own, |query| ReadAttempts { query, outcome: None }).await?,
        };
        let row = admin.audit(Act::DataExported, Some(realm.id), Some(id), "");
        store.write_audit(&row).await?;
        Ok(data)
    }
}

/// Finds whose a secret is that was found where it should not be: a token, a key or an app password. The secret isn't kept,
/// and nothing is revoked.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct FindToken {
    /// The secret.
    pub secret: SecretText,
}

/// Whether a secret was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct SecretSearch {
    /// The owner of the secret; `None` when no credential has it, or that credential has ended.
    pub found: Option<FoundToken>,
}

/// Whose a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct FoundToken {
    /// The slug of the realm.
    pub realm: String,
    /// The user's id.
    pub user_id: String,
    /// The user name, or else the e-mail address.
    pub user: Option<String>,
    /// The token, by whose id it is revoked.
    pub token: TokenView,
}

impl Operation for FindToken {
    const NAME: &'static str = "token.find";
    const SUMMARY: &'static str = "Finds whose a leaked token, key or app password is.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = SecretSearch;

    async fn run(self, admin: &Admin) -> Result<SecretSearch, AdminError> {
        let found = owner_of(admin, self.secret.expose().trim()).await?;
        let Some((credential, account)) = found else { return Ok(SecretSearch { found: None }) };
        let realms = admin.realms().await?;
        let user = &account.user;
        // Nobody learns of other realms.
        let Some(realm) = realms.into_iter().find(|realm| realm.id == user.realm) else {
            return Ok(SecretSearch { found: None });
        };
        let name = user.user_name().or(user.email().map(|email| email.address));
        let found = FoundToken {
            realm: realm.slug,
            user_id: user.id.to_string(),
            user: name.map(str::to_owned),
            token: TokenView::of(&credential),
        };
        Ok(SecretSearch { found: Some(found) })
    }
}

/// Every kind of credential.
pub(super) fn kinds_of(admin: &Admin) -> Vec<CredentialKind> {
    let mut kinds = CredentialKind::KNOWN.to_vec();
    kinds.extend(admin.engine().revocations().kinds(RevocationEvent::TokensRevoked));
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// The newest rows of a user in a log.
async fn newest<T, O: Operation<Reply = Rows<T>>>(
    admin: &Admin,
    user: &AccountName,
    read: impl Fn(LogQuery) -> O,
) -> Result<Vec<T>, AdminError> {
    let (mut rows, mut after) = (Vec::new(), None);
    while rows.len() < MOST_ROWS {
        let query = LogQuery { user: Some(user.clone()), after, ..LogQuery::default() };
        let part = read(query).run(admin).await?;
        rows.extend(part.rows);
        if !part.more {
            break;
        }
        after = part.last;
    }
    rows.truncate(MOST_ROWS);
    Ok(rows)
}

/// The credential that a secret is, and its owner.
async fn owner_of(admin: &Admin, secret: &str) -> Result<Option<(Credential, Account)>, AdminError> {
    let sha256 = opaque::digest(secret);
    let app_password = opaque::app_password_digest(&sha256);
    for kind in kinds_of(admin) {
        let digest = if kind == CredentialKind::APP_PASSWORD { &app_password } else { &sha256 };
        if let Some(found) = admin.engine().store().by_digest(kind, digest).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
