//! Groups as resources.

use std::collections::BTreeSet;

use auth_admin::operation::{
    AccountName, AddGroup, AddMember, Admin, GroupName, RemoveGroup, RemoveMember, RenameGroup,
};
use auth_core::{Group, GroupId, Realm, UserId, is_control};
use serde_json::{Map, Value, json};

use crate::choice::Choice;
use crate::error::Error;
use crate::list::{List, MOST, Query};
use crate::name::member;
use crate::schema::GROUP;
use crate::user::text;

/// Groups and members that are read of the store at a time.
const STEP: u32 = 500;

/// The longest name of a group, in characters.
const LONGEST_NAME: usize = 100;

/// A group of the realm.
pub(crate) async fn find(admin: &Admin, realm: &Realm, id: &str) -> Result<Group, Error> {
    let id: GroupId = id.parse().map_err(|_| Error::not_found())?;
    let group = admin.engine().store().group(id).await?;
    group.filter(|group| group.realm == realm.id).ok_or_else(Error::not_found)
}

/// The resource of a group.
pub(crate) async fn resource(
    admin: &Admin,
    group: &Group,
    choice: &Choice,
) -> Result<Map<String, Value>, Error> {
    let mut resource = own(group);
    if choice.shows("members") {
        let mut members = Vec::new();
        let mut after = None;
        loop {
            let page = admin.engine().store().members(group.id, after, STEP).await?;
            members.extend(page.iter().map(|account| {
                let id = account.user.id.to_string();
                json!({"value": id, "$ref": format!("/scim/v2/Users/{id}")})
            }));
            after = page.last().map(|last| last.user.id);
            if page.len() < STEP as usize {
                break;
            }
        }
        resource.insert("members".to_owned(), members.into());
    }
    Ok(resource)
}

/// What of a resource is in the group itself.
fn own(group: &Group) -> Map<String, Value> {
    let id = group.id.to_string();
    let created = jiff::Timestamp::from_millisecond(group.made.as_millis()).unwrap_or_default().to_string();
    let meta =
        json!({"resourceType": "Group", "created": created, "location": format!("/scim/v2/Groups/{id}")});
    Map::from_iter([
        ("schemas".to_owned(), json!([GROUP])),
        ("id".to_owned(), json!(id)),
        ("displayName".to_owned(), json!(group.name)),
        ("meta".to_owned(), meta),
    ])
}

/// Adds the groups of the realm that a query asks for to a list.
pub(crate) async fn collect(
    admin: &Admin,
    realm: &Realm,
    query: &Query,
    choice: &Choice,
    list: &mut List,
) -> Result<(), Error> {
    let store = admin.engine().store();
    let (mut after, mut seen) = (None::<String>, 0);
    let asks_for_members = query.filter.as_ref().is_some_and(|filter| filter.names("members"));
    loop {
        let page = store.groups(realm.id, after.as_deref(), STEP).await?;
        seen += page.len();
        if seen > MOST {
            return Err(Error::bad("tooMany", format!("the realm has more than {MOST} groups")));
        }
        for group in &page {
            let is_meant = match &query.filter {
                None => true,
                Some(filter) if asks_for_members => {
                    let whole = resource(admin, group, &Choice::default()).await?;
                    filter.matches(&Value::Object(whole))
                }
                Some(filter) => filter.matches(&Value::Object(own(group))),
            };
            if is_meant && list.wants() {
                list.push(choice.of(resource(admin, group, choice).await?));
            }
        }
        after = page.last().map(|last| last.name.clone());
        if page.len() < STEP as usize {
            return Ok(());
        }
    }
}

/// Makes a group.
pub(crate) async fn add(admin: &Admin, realm: &Realm, body: &Map<String, Value>) -> Result<Group, Error> {
    check_permitted(admin)?;
    let name = name_in(body)?;
    let members = members_in(admin, realm, body).await?.unwrap_or_default();
    let added = admin.run(AddGroup { group: GroupName { realm: realm.slug.clone(), name } }).await?;
    let group = find(admin, realm, &added.id).await?;
    set_members(admin, realm, &group, &BTreeSet::new(), &members).await?;
    Ok(group)
}

/// Changes what differs between a group's resource and what a client wants of it.
pub(crate) async fn change(
    admin: &Admin,
    realm: &Realm,
    group: &Group,
    after: &Map<String, Value>,
) -> Result<Group, Error> {
    check_permitted(admin)?;
    check_own(group)?;
    let to = name_in(after)?;
    let wanted = members_in(admin, realm, after).await?.unwrap_or_default();
    if to != group.name {
        let group = GroupName { realm: realm.slug.clone(), name: group.name.clone() };
        admin.run(RenameGroup { group, to: to.clone() }).await?;
    }
    let group = Group { name: to, ..group.clone() };
    let before = resource(admin, &group, &Choice::default()).await?;
    let before = ids_in(&before)?.unwrap_or_default();
    set_members(admin, realm, &group, &before, &wanted).await?;
    Ok(group)
}

/// Removes a group.
pub(crate) async fn remove(admin: &Admin, realm: &Realm, group: &Group) -> Result<(), Error> {
    check_permitted(admin)?;
    check_own(group)?;
    let group = GroupName { realm: realm.slug.clone(), name: group.name.clone() };
    let removed = admin.run(RemoveGroup { group }).await?;
    if removed.changed { Ok(()) } else { Err(Error::not_found()) }
}

async fn set_members(
    admin: &Admin,
    realm: &Realm,
    group: &Group,
    before: &BTreeSet<UserId>,
    after: &BTreeSet<UserId>,
) -> Result<(), Error> {
    let named = |user: &UserId| AccountName::new(Some(&realm.slug), &user.to_string());
    for user in after.difference(before).map(named) {
        admin.run(AddMember { user, group: group.name.clone() }).await?;
    }
    for user in before.difference(after).map(named) {
        admin.run(RemoveMember { user, group: group.name.clone() }).await?;
    }
    Ok(())
}

/// Only those with the scope `admin` change groups, also where a change changes nothing.
fn check_permitted(admin: &Admin) -> Result<(), Error> {
    if admin.operator().may(&[]) { Ok(()) } else { Err(Error::not_permitted()) }
}

/// A directory's groups are changed there.
fn check_own(group: &Group) -> Result<(), Error> {
    match &group.source {
        None => Ok(()),
        Some(_) => Err(Error::bad("mutability", "the group is a directory's: change it there")),
    }
}

fn name_in(body: &Map<String, Value>) -> Result<String, Error> {
    let name = text(body, "displayName")?.unwrap_or_default();
    let is_name = (1..=LONGEST_NAME).contains(&name.chars().count()) && name.trim() == name;
    if is_name && !name.contains(is_control) {
        return Ok(name);
    }
    Err(Error::invalid_value(format!("`displayName` is no name of 1 to {LONGEST_NAME} characters")))
}

/// The members that a document names, all of whom are users of the realm.
async fn members_in(
    admin: &Admin,
    realm: &Realm,
    body: &Map<String, Value>,
) -> Result<Option<BTreeSet<UserId>>, Error> {
    let Some(ids) = ids_in(body)? else { return Ok(None) };
    for id in &ids {
        let account = admin.engine().store().user(*id).await?;
        if account.is_none_or(|account| account.user.realm != realm.id) {
            return Err(Error::invalid_value(format!("there is no user {id}")));
        }
    }
    Ok(Some(ids))
}

fn ids_in(body: &Map<String, Value>) -> Result<Option<BTreeSet<UserId>>, Error> {
    let members = match member(body, "members") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(members)) => members,
        Some(_) => return Err(Error::invalid_value("`members` is no list")),
    };
    let id_of = |member: &Value| {
        let id = member.get("value").and_then(Value::as_str).and_then(|id| id.parse().ok());
        id.ok_or_else(|| Error::invalid_value("a member has no `value` that is the id of a user"))
    };
    members.iter().map(id_of).collect::<Result<_, _>>().map(Some)
}
