//! Users as resources.

use auth_admin::operation::{
    AccountName, ActivateUser, AddUser, Admin, DeactivateUser, DeleteUser, PROVISIONED, RenameUser,
    SetPassword, SetUser, provisioned_id,
};
use auth_admin::{AdminError, SecretText};
use auth_core::{Account, Act, Language, Lookup, NameKind, NewId, Realm, UserId};
use serde_json::{Map, Value, json};

use crate::choice::Choice;
use crate::error::Error;
use crate::filter::Filter;
use crate::list::{List, MOST, Query};
use crate::name::member;
use crate::schema::USER;

/// Users that are read of the store at a time.
const STEP: u32 = 500;

/// What a client wants a user to be: what it names, and nothing else.
struct Wanted {
    user_name: Option<String>,
    full_name: Option<String>,
    email: Option<String>,
    active: Option<bool>,
    password: Option<SecretText>,
    external_id: Option<String>,
}

/// A user of the realm.
pub(crate) async fn find(admin: &Admin, realm: &Realm, id: &str) -> Result<Account, Error> {
    let id: UserId = id.parse().map_err(|_| Error::not_found())?;
    let account = admin.engine().store().user(id).await?;
    account.filter(|account| account.user.realm == realm.id).ok_or_else(Error::not_found)
}

/// The resource of an account.
pub(crate) async fn resource(
    admin: &Admin,
    account: &Account,
    choice: &Choice,
) -> Result<Map<String, Value>, Error> {
    let mut resource = own(account);
    if choice.shows("groups") {
        let groups = admin.engine().store().groups_of(account.user.id).await?;
        let groups = groups.iter().map(|group| {
            json!({
                "value": group.id.to_string(),
                "display": group.name,
                "$ref": format!("/scim/v2/Groups/{}", group.id),
            })
        });
        resource.insert("groups".to_owned(), groups.collect());
    }
    Ok(resource)
}

/// The name by which a user is shown.
fn name_of(account: &Account) -> String {
    let user = &account.user;
    let name = user.user_name().or_else(|| user.email().map(|email| email.address));
    name.map_or_else(|| user.id.to_string(), str::to_owned)
}

/// What of a resource is in the account itself.
fn own(account: &Account) -> Map<String, Value> {
    let user = &account.user;
    let id = user.id.to_string();
    let created = jiff::Timestamp::from_millisecond(user.joined.as_millis()).unwrap_or_default().to_string();
    let mut resource = Map::new();
    let mut put = |name: &str, value: Value| drop(resource.insert(name.to_owned(), value));
    put("schemas", json!([USER]));
    put("id", json!(id));
    put("userName", json!(name_of(account)));
    if !user.full_name.is_empty() {
        put("displayName", json!(user.full_name));
        put("name", json!({"formatted": user.full_name}));
    }
    put("active", json!(user.active));
    put("roles", json!([{"value": user.role.as_str()}]));
    put(
        "meta",
        json!({"resourceType": "User", "created": created, "location": format!("/scim/v2/Users/{id}")}),
    );
    if let Some(email) = user.email() {
        put("emails", json!([{"value": email.address}]));
    }
    if let Some(language) = user.language {
        put("preferredLanguage", json!(Language::tag(language)));
    }
    let external_id = user.external_text(PROVISIONED);
    if !external_id.is_empty() {
        put("externalId", json!(external_id));
    }
    resource
}

/// Adds the users of the realm that a query asks for to a list.
pub(crate) async fn collect(
    admin: &Admin,
    realm: &Realm,
    query: &Query,
    choice: &Choice,
    list: &mut List,
) -> Result<(), Error> {
    if let Some(filter) = &query.filter
        && let Some(found) = look_up(admin, realm, filter).await?
    {
        if let Some(account) = found
            && filter.matches(&Value::Object(own(&account)))
            && list.wants()
        {
            list.push(choice.of(resource(admin, &account, choice).await?));
        }
        return Ok(());
    }
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = admin.engine().store().users(realm.id, after, STEP).await?;
        seen += page.len();
        if seen > MOST {
            let detail = format!("the realm has more than {MOST} users: filter by a name or an id");
            return Err(Error::bad("tooMany", detail));
        }
        for account in &page {
            let is_meant =
                query.filter.as_ref().is_none_or(|filter| filter.matches(&Value::Object(own(account))));
            if is_meant && list.wants() {
                list.push(choice.of(resource(admin, account, choice).await?));
            }
        }
        after = page.last().map(|last| last.user.id);
        if page.len() < STEP as usize {
            return Ok(());
        }
    }
}

/// The one account that a filter can mean, where the store finds it without a search: `Some(None)` when there is none.
async fn look_up(admin: &Admin, realm: &Realm, filter: &Filter) -> Result<Option<Option<Account>>, Error> {
    let store = admin.engine().store();
    if let Some(id) = filter.equal_to("id", None) {
        let Ok(id) = id.parse::<UserId>() else { return Ok(Some(None)) };
        let account = store.user(id).await?;
        return Ok(Some(account.filter(|account| account.user.realm == realm.id)));
    }
    if let Some(id) = filter.equal_to("externalId", None) {
        let Ok(id) = provisioned_id(id) else { return Ok(Some(None)) };
        return Ok(Some(store.find(realm.id, &Lookup::ExternalId(PROVISIONED, &id)).await?));
    }
    if let Some(name) = filter.equal_to("userName", None) {
        for kind in [NameKind::UserName, NameKind::Email] {
            if let Some(found) = store.find(realm.id, &Lookup::Name(kind, name)).await? {
                return Ok(Some(Some(found)));
            }
        }
        // Several names may be the same but for case, and then none of them is found so.
        return Ok(None);
    }
    Ok(None)
}

/// Makes a user.
pub(crate) async fn add(admin: &Admin, realm: &Realm, body: &Map<String, Value>) -> Result<Account, Error> {
    let wanted = Wanted::of(body, &Map::new())?;
    let user_name = wanted.user_name.ok_or_else(|| Error::invalid_value("`userName` is missing"))?;
    if let Some(id) = &wanted.external_id {
        let id = provisioned_id(id)?;
        if admin.engine().store().find(realm.id, &Lookup::ExternalId(PROVISIONED, &id)).await?.is_some() {
            return Err(Error::taken("another user of the realm has that externalId"));
        }
    }
    let made = admin.run(AddUser {
        realm: Some(realm.slug.clone()),
        username: Some(user_name),
        email: wanted.email,
        full_name: wanted.full_name.unwrap_or_default(),
        password: wanted.password,
        external_id: wanted.external_id,
        ..AddUser::default()
    });
    let made = made.await?;
    if wanted.active == Some(false) {
        admin.run(DeactivateUser { user: AccountName::new(Some(&realm.slug), &made.id) }).await?;
    }
    find(admin, realm, &made.id).await
}

/// Changes what differs between a user's resource and what a client wants of it.
pub(crate) async fn change(
    admin: &Admin,
    realm: &Realm,
    account: &Account,
    after: &Map<String, Value>,
) -> Result<Account, Error> {
    let before = own(account);
    let mut wanted = Wanted::of(after, &before)?;
    if member(after, "emails").is_some_and(|emails| *emails == json!([])) {
        wanted.email = Some(String::new());
    }
    // First what may be refused for what the account has.
    if let Some(id) = wanted.external_id {
        set_external_id(admin, account, &id).await?;
    }
    let id = account.user.id.to_string();
    let user = || AccountName::new(Some(&realm.slug), &id);
    if let Some(to) = wanted.user_name.filter(|name| *name != name_of(account)) {
        admin.run(RenameUser { user: user(), to }).await?;
    }
    let own = account.user.email().map_or("", |email| email.address);
    let email = wanted.email.filter(|email| email != own);
    let full_name = wanted.full_name.filter(|name| *name != account.user.full_name);
    if email.is_some() || full_name.is_some() {
        let set = SetUser {
            user: user(),
            full_name,
            email,
            role: None,
            language: None,
            must_change_password: None,
        };
        admin.run(set).await?;
    }
    if let Some(password) = wanted.password {
        admin.run(SetPassword { user: user(), password, allow_weak: false }).await?;
    }
    match wanted.active {
        Some(true) if !account.user.active => drop(admin.run(ActivateUser { user: user() }).await?),
        Some(false) if account.user.active => drop(admin.run(DeactivateUser { user: user() }).await?),
        _ => {}
    }
    find(admin, realm, &id).await
}

/// Says in a resource what a patch has taken away: what is not named in a replacement stays.
pub(crate) fn name_removed(before: &Map<String, Value>, after: &mut Map<String, Value>) {
    for (name, nothing) in [("displayName", json!("")), ("emails", json!([]))] {
        if member(before, name).is_some() && member(after, name).is_none() {
            after.insert(name.to_owned(), nothing);
        }
    }
}

/// Deletes a user.
pub(crate) async fn remove(admin: &Admin, realm: &Realm, account: &Account) -> Result<(), Error> {
    let user = AccountName::new(Some(&realm.slug), &account.user.id.to_string());
    admin.run(DeleteUser { user }).await?;
    Ok(())
}

/// Gives a user the id of the provisioning system, once.
async fn set_external_id(admin: &Admin, account: &Account, text: &str) -> Result<(), Error> {
    let user = &account.user;
    match user.external_text(PROVISIONED) {
        own if own == text => return Ok(()),
        "" => {}
        _ => return Err(Error::bad("mutability", "the user has another externalId, which stays")),
    }
    if !admin.operator().may(&[]) {
        return Err(AdminError::NotPermitted("user.set").into());
    }
    let store = admin.engine().store();
    let new = NewId::Exactly(provisioned_id(text)?);
    store.ensure_external_id(user.id, PROVISIONED, &new).await.map_err(|error| match error {
        auth_core::StoreError::Conflict(_) => Error::taken("another user of the realm has that externalId"),
        error => error.into(),
    })?;
    let detail = format!("external_id: none → {text}");
    store.write_audit(&admin.audit(Act::ProfileUpdated, Some(user.realm), Some(user.id), detail)).await?;
    Ok(())
}

impl Wanted {
    /// What a document names, by what the resource was before.
    fn of(after: &Map<String, Value>, before: &Map<String, Value>) -> Result<Self, Error> {
        Ok(Self {
            user_name: text(after, "userName")?,
            full_name: full_name(after, before)?,
            email: email(after)?,
            active: flag(after, "active")?,
            password: text(after, "password")?.map(SecretText::new),
            external_id: text(after, "externalId")?,
        })
    }
}

/// The name for people: `displayName` where that is given and new, else what is given as `name`.
fn full_name(after: &Map<String, Value>, before: &Map<String, Value>) -> Result<Option<String>, Error> {
    let own = text(before, "displayName")?;
    let display = text(after, "displayName")?;
    if display.is_some() && display != own {
        return Ok(display);
    }
    let Some(name) = member(after, "name").and_then(Value::as_object) else { return Ok(display) };
    let formatted = text(name, "formatted")?;
    if formatted.is_some() && (formatted != own || member(before, "displayName").is_none()) {
        return Ok(formatted);
    }
    let parts = [text(name, "givenName")?, text(name, "familyName")?];
    let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(if joined.is_empty() { display } else { Some(joined) })
}

/// The address that is kept: the primary one, or the first.
fn email(after: &Map<String, Value>) -> Result<Option<String>, Error> {
    let emails = match member(after, "emails") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(emails)) => emails,
        Some(_) => return Err(Error::invalid_value("`emails` is no list")),
    };
    let is_primary = |email: &&Value| email.get("primary").and_then(Value::as_bool) == Some(true);
    match emails.iter().find(is_primary).or(emails.first()) {
        None => Ok(None),
        Some(Value::Object(email)) => text(email, "value"),
        Some(_) => Err(Error::invalid_value("an address has no `value`")),
    }
}

pub(crate) fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::invalid_value(format!("`{name}` is no text"))),
    }
}

fn flag(object: &Map<String, Value>, name: &str) -> Result<Option<bool>, Error> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        // Some clients send it as a text.
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(Error::invalid_value(format!("`{name}` is neither true nor false"))),
    }
}
