//! Every operation once, in an order in which each can be done.

use auth_admin::operation::Scope;
use auth_core::Act;
use serde_json::{Value, json};

/// The scopes besides `admin`.
const READ: Scope = Scope::Read;
const HELPDESK: Scope = Scope::Helpdesk;

/// An operation that is done.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) arguments: Value,
    /// What the reply holds.
    pub(crate) reply: Value,
    /// The rows that it leaves in the audit log, oldest first, each with its detail.
    pub(crate) rows: &'static [(Act, &'static str)],
    /// Who may do it besides `admin`.
    pub(crate) scopes: &'static [Scope],
}

fn case(
    name: &'static str,
    arguments: Value,
    reply: Value,
    rows: &'static [(Act, &'static str)],
    scopes: &'static [Scope],
) -> Case {
    Case { name, arguments, reply, rows, scopes }
}

/// Every operation, in an order in which each can be done.
pub(crate) fn cases() -> Vec<Case> {
    let iago = || json!({"realm": "main", "name": "iago"});
    let changed = |changed: bool| json!({"changed": changed});
    let staff = |name: &str| json!({"realm": "main", "name": name});
    let of = |user: Value| json!({"user": user});
    vec![
        case("realm.list", json!({}), Value::Null, &[], &[READ, HELPDESK]),
        case("realm.show", json!({"realm": "main"}), json!({"subdomain": ""}), &[], &[READ, HELPDESK]),
        case(
            "realm.add",
            json!({"realm": "new", "settings": {"subdomain": "new", "name": "New"}}),
            json!({"realm": "new", "subdomain": "new", "name": "New", "active": true}),
            &[(Act::RealmWritten, "new")],
            &[],
        ),
        case(
            "realm.set",
            json!({"realm": "new", "settings": {"subdomain": null, "min_length": 12}}),
            changed(true),
            &[(Act::RealmWritten, "subdomain, strength")],
            &[],
        ),
        case("user.list", json!({"realm": "main", "limit": 2}), Value::Null, &[], &[READ, HELPDESK]),
        case(
            "user.add",
            json!({"realm": "main", "username": "ophelia@zulip.com", "password": "an-other-horse-battery-1"}),
            json!({"username": "ophelia@zulip.com", "email": "ophelia@zulip.com", "role": "member", "password": true}),
            &[(Act::UserCreated, "")],
            &[],
        ),
        case("user.show", of(iago()), json!({"username": "iago", "zulip_id": 1}), &[], &[READ, HELPDESK]),
        case(
            "user.set",
            json!({"user": iago(), "full_name": "Iago", "role": "moderator", "language": "de"}),
            changed(true),
            &[(Act::ProfileUpdated, "full_name:  → Iago; role: member → moderator; language: none → de")],
            &[],
        ),
        case(
            "user.set",
            json!({"user": iago(), "role": "member", "email": "new@zulip.com"}),
            changed(true),
            &[(Act::ProfileUpdated, "email: iago@zulip.com → new@zulip.com; role: moderator → member")],
            &[],
        ),
        case(
            "user.rename",
            json!({"user": iago(), "to": "jago"}),
            changed(true),
            &[(Act::ProfileUpdated, "user_name: iago → jago")],
            &[],
        ),
        case(
            "user.rename",
            json!({"user": {"name": "jago"}, "to": "iago"}),
            changed(true),
            &[(Act::ProfileUpdated, "user_name: jago → iago")],
            &[],
        ),
        case(
            "user.set-password",
            json!({"user": iago(), "password": "an-other-horse-battery-1"}),
            json!({}),
            &[(Act::PasswordSet, "")],
            &[],
        ),
        case(
            "user.check-password",
            json!({"user": iago(), "password": "an-other-horse-battery-1"}),
            json!({"matches": true}),
            &[],
            &[],
        ),
        case(
            "user.verify-email",
            of(json!({"realm": "main", "name": "othello"})),
            changed(true),
            &[(Act::AddressVerified, "")],
            &[],
        ),
        case("user.reset-link", of(iago()), Value::Null, &[(Act::ResetLinkMade, "")], &[]),
        case("user.end-sessions", of(iago()), json!({}), &[(Act::SessionsEnded, "")], &[HELPDESK]),
        case("user.deactivate", of(iago()), json!({}), &[(Act::Deactivated, "")], &[]),
        case("user.activate", of(iago()), json!({}), &[(Act::Activated, "")], &[]),
        case(
            "user.relink",
            json!({"user": iago(), "entry": "4711", "dry_run": true}),
            json!({"former": null, "entry": "4711", "changed": true}),
            &[],
            &[],
        ),
        case(
            "user.relink",
            json!({"user": iago(), "entry": "4711"}),
            json!({"former": null, "directory": null, "changed": true}),
            &[(Act::AccountLinked, "")],
            &[],
        ),
        case(
            "app-password.add",
            json!({"user": iago(), "name": "phone", "protocols": ["zulip"], "until": "2999-01-01T00:00:00Z"}),
            Value::Null,
            &[(Act::AppPasswordMade, "phone")],
            &[],
        ),
        case("app-password.list", of(iago()), Value::Null, &[], &[READ, HELPDESK]),
        case(
            "app-password.revoke",
            json!({"user": iago(), "name": "phone"}),
            changed(true),
            &[(Act::AppPasswordRevoked, "phone")],
            &[],
        ),
        case("device.new", of(iago()), Value::Null, &[], &[]),
        case(
            "device.enrol",
            json!({"user": iago(), "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}),
            Value::Null,
            &[(Act::DeviceEnrolled, "")],
            &[],
        ),
        case("device.keep", of(iago()), changed(false), &[], &[HELPDESK]),
        case(
            "device.remove",
            of(iago()),
            json!({"changed": true, "held_until": null}),
            &[(Act::DeviceRemoved, "")],
            &[HELPDESK],
        ),
        case("token.list", of(iago()), Value::Null, &[], &[READ, HELPDESK]),
        case("token.revoke", json!({"user": iago(), "id": "none"}), changed(false), &[], &[]),
        case("token.revoke-all", of(iago()), json!({}), &[(Act::TokensRevoked, "")], &[]),
        case(
            "key.add",
            json!({"name": "backup", "scope": "read", "realm": "main"}),
            Value::Null,
            &[(Act::AdminKeyAdded, "backup: read")],
            &[],
        ),
        case("key.list", json!({}), Value::Null, &[], &[READ]),
        case(
            "key.revoke",
            json!({"name": "backup"}),
            changed(true),
            &[(Act::AdminKeyRevoked, "backup")],
            &[],
        ),
        case("limits.list", json!({}), json!([]), &[], &[READ, HELPDESK]),
        case("limits.lift", json!({"key": "none"}), changed(false), &[], &[]),
        case("user.unlock", of(iago()), changed(false), &[], &[HELPDESK]),
        case("audit.read", json!({"act": "deactivated"}), json!({"more": false}), &[], &[READ]),
        case("attempts.read", json!({}), json!({"more": false}), &[], &[READ, HELPDESK]),
        case(
            "group.add",
            json!({"group": staff("Staff")}),
            json!({"name": "Staff"}),
            &[(Act::GroupAdded, "Staff")],
            &[],
        ),
        case("group.list", json!({"realm": "main"}), json!({"next": null}), &[], &[READ, HELPDESK]),
        case(
            "group.add-member",
            json!({"user": iago(), "group": "staff"}),
            changed(true),
            &[(Act::GroupJoined, "Staff")],
            &[],
        ),
        case(
            "group.members",
            json!({"group": staff("staff")}),
            json!({"next": null}),
            &[],
            &[READ, HELPDESK],
        ),
        case("user.groups", of(iago()), Value::Null, &[], &[READ, HELPDESK]),
        case(
            "group.rename",
            json!({"group": staff("STAFF"), "to": "all"}),
            changed(true),
            &[(Act::GroupRenamed, "Staff → all")],
            &[],
        ),
        case(
            "group.remove-member",
            json!({"user": iago(), "group": "all"}),
            changed(true),
            &[(Act::GroupLeft, "all")],
            &[],
        ),
        case(
            "group.remove",
            json!({"group": staff("all")}),
            changed(true),
            &[(Act::GroupRemoved, "all")],
            &[],
        ),
        case(
            "limits.ban",
            json!({"network": "192.0.2.7/24", "until": "2999-01-01T00:00:00Z", "note": "a flood"}),
            json!({"network": "192.0.2.0/24", "kind": "ban", "note": "a flood"}),
            &[(Act::NetworkBanned, "192.0.2.0/24")],
            &[],
        ),
        case(
            "limits.allow",
            json!({"network": "2001:db8::1"}),
            json!({"network": "2001:db8::1/128", "kind": "allow", "until": null}),
            &[(Act::NetworkAllowed, "2001:db8::1/128")],
            &[],
        ),
        case(
            "limits.allow",
            json!({"network": "::ffff:203.0.113.7/124"}),
            json!({"network": "203.0.113.0/28"}),
            &[(Act::NetworkAllowed, "203.0.113.0/28")],
            &[],
        ),
        case("limits.networks", json!({}), Value::Null, &[], &[READ, HELPDESK]),
        case(
            "limits.release",
            json!({"network": "192.0.2.0/24"}),
            changed(true),
            &[(Act::NetworkRuleRemoved, "192.0.2.0/24")],
            &[],
        ),
        case("token.find", json!({"secret": "no-such-secret"}), json!({"found": null}), &[], &[]),
        case(
            "user.set",
            json!({"user": iago(), "must_change_password": true}),
            changed(true),
            &[(Act::ProfileUpdated, "must_change_password: no → yes")],
            &[],
        ),
        case(
            "user.mail-reset-link",
            of(json!({"realm": "main", "name": "othello"})),
            json!({}),
            &[(Act::ResetLinkMailed, "")],
            &[HELPDESK],
        ),
        case(
            "user.merge",
            json!({"user": iago(), "gone": {"realm": "main", "name": "othello"}, "dry_run": true}),
            json!({"role": "member"}),
            &[],
            &[],
        ),
        case(
            "user.merge",
            json!({"user": iago(), "gone": {"realm": "main", "name": "othello"}}),
            json!({"role": "member"}),
            &[(Act::UsersMerged, "with othello")],
            &[],
        ),
        case("user.export", of(iago()), Value::Null, &[(Act::DataExported, "")], &[]),
        case("user.delete", of(iago()), json!({}), &[(Act::Deleted, "")], &[]),
        case("realm.remove", json!({"realm": "new"}), json!({}), &[(Act::RealmRemoved, "new")], &[]),
    ]
}
