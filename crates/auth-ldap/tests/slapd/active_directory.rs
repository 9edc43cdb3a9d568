//! What Active Directory does and slapd can't: states of entries in the text of a refused bind, and values in ranges. Its
//! part is played by a server of a few requests.

use std::net::SocketAddr;
use std::sync::Arc;

use auth_core::{Password, Role, SystemClock};
use auth_ldap::{Directory, DirectoryConfig, RealmAccess};
use ldap3::asn1::{PL, Sequence, Set, StructureTag, Tag, TagClass};

use crate::fixture::{entry, log_in, realm, server, service_account};
use crate::small_server::{self, Reply, octets, result, sequence, text};

/// The groups of the entry, and how many the server gives at a time.
const GROUPS: usize = 3200;
const PAGE: usize = 1500;

/// How the server behaves.
#[derive(Clone, Debug, Default)]
struct Behaviour {
    /// The text with which it refuses the password of the entry; empty accepts it.
    refusal: String,
    /// The number of the first group that it no longer gives.
    silent_from: Option<usize>,
}

async fn start(behaviour: Behaviour) -> SocketAddr {
    small_server::start(move |request| match request.kind {
        0 => Some(vec![bind(&behaviour, &text(request.fields.get(1)?)?).into()]),
        3 => Some(search(&behaviour, request.fields)?.into_iter().map(Reply::from).collect()),
        _ => None,
    })
    .await
}

fn bind(behaviour: &Behaviour, dn: &str) -> Tag {
    let is_refused = dn.starts_with("cn=Ada") && !behaviour.refusal.is_empty();
    result(1, if is_refused { 49 } else { 0 }, if is_refused { &behaviour.refusal } else { "" })
}

fn search(behaviour: &Behaviour, fields: &[StructureTag]) -> Option<Vec<Tag>> {
    let PL::C(attributes) = &fields.last()?.payload else { return None };
    let names: Vec<String> = attributes.iter().filter_map(text).collect();
    let range =
        names.iter().find_map(|name| name.strip_prefix("memberOf;range=")?.strip_suffix("-*")?.parse().ok());
    let first = range.unwrap_or(0);
    let last = (first + PAGE).min(behaviour.silent_from.unwrap_or(GROUPS).max(first)).min(GROUPS);
    let end = if last == GROUPS { "*".to_owned() } else { (last - 1).to_string() };
    let groups: Vec<String> = (first..last).map(|number| format!("CN=Group\\2C {number},DC=corp")).collect();
    let mut found = vec![(format!("memberOf;range={first}-{end}"), groups)];
    if range.is_none() {
        found.push(("objectGUID".into(), vec!["0123456789abcdef".into()]));
        found.push(("sAMAccountName".into(), vec!["ada".into()]));
        found.push(("memberOf".into(), Vec::new()));
    } else if first == last {
        found.clear();
    }
    let attributes = found.into_iter().map(|(name, values)| {
        let values = values.iter().map(|value| octets(value)).collect();
        sequence(vec![octets(&name), Tag::Set(Set { inner: values, ..Default::default() })])
    });
    let entry = vec![octets("cn=Ada,dc=corp"), sequence(attributes.collect())];
    let entry = Sequence { id: 4, class: TagClass::Application, inner: entry };
    Some(vec![Tag::Sequence(entry), result(5, 0, "")])
}

fn directory(address: SocketAddr, change: impl FnOnce(&mut DirectoryConfig)) -> Directory {
    let mut config = DirectoryConfig {
        servers: vec![server("ldap", address)],
        bind: service_account(),
        ..DirectoryConfig::new("corp", "dc=corp")
    };
    config.attributes.id = "objectGUID".into();
    config.attributes.user = "sAMAccountName".into();
    config.names.search_attributes = vec!["sAMAccountName".into()];
    change(&mut config);
    Directory::open(config, Arc::new(SystemClock)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_active_directory_says_of_a_right_password_is_told() {
    for (data, reason, words) in [
        ("52e", "wrong-password", "refused with code 49: the password is wrong"),
        ("525", "wrong-password", "there is no such user"),
        ("530", "entry-restricted", "the password is right, and the account may not log in now or from here"),
        ("532", "password-expired", "the password is right, and has expired"),
        ("533", "entry-disabled", "the password is right, and the account is disabled"),
        ("701", "entry-expired", "the password is right, and the account has expired"),
        ("773", "password-must-change", "the password is right, and must be changed before the next login"),
        ("775", "entry-locked", "the account is locked"),
    ] {
        let refusal = format!(
            "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563\0"
        );
        let directory = directory(start(Behaviour { refusal, ..Behaviour::default() }).await, |_| {});
        assert_eq!(log_in(&directory, "ada", "secret-of-ada").await, reason, "{data}");
        let trace =
            directory.trace_login(&realm("zulip"), "ada", Some(&Password::new("secret-of-ada"))).await;
        let steps = trace.steps.join("\n");
        assert!(steps.contains(words) && !steps.contains("secret-of-ada"), "{steps}");
        assert_eq!(trace.result.unwrap_err().to_string(), reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_in_ranges_are_read_to_their_end() {
    let address = start(Behaviour::default()).await;
    for (group, role) in [(0, Role::Admin), (1499, Role::Admin), (3199, Role::Admin), (3200, Role::Member)] {
        let directory = directory(address, |config| {
            config.groups.roles = vec![(Role::Admin, format!("cn=group\\, {group},dc=corp"))];
        });
        assert_eq!(entry(&directory, "ada", "x").await.role, Some(role), "{group}");
    }
    let by_group = |group: usize| {
        let rule = [("memberOf".to_owned(), format!("cn=group\\, {group},dc=corp"))].into();
        directory(address, |config| {
            config.access =
                RealmAccess { rules: [("zulip".to_owned(), vec![rule])].into(), ..RealmAccess::default() };
        })
    };
    assert_eq!(log_in(&by_group(3199), "ada", "x").await, "ada");
    assert_eq!(log_in(&by_group(3200), "ada", "x").await, "entry-not-allowed");
    for (group, may_log_in) in [(3199, true), (3200, false)] {
        let mut listed = Vec::new();
        by_group(group).list(&realm("zulip"), &mut |entry| listed.push(entry.may_log_in)).await.unwrap();
        assert_eq!(listed, [may_log_in], "{group}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_cut_changes_nothing_and_is_told() {
    let address = start(Behaviour { silent_from: Some(2000), ..Behaviour::default() }).await;
    let group = |number: usize| format!("cn=group\\, {number},dc=corp");
    for number in [0, 3000] {
        let directory = directory(address, |config| config.groups.roles = vec![(Role::Admin, group(number))]);
        assert_eq!(entry(&directory, "ada", "x").await.role, None, "the account keeps its role");
        let steps = directory.trace_login(&realm("zulip"), "ada", None).await.steps.join("\n");
        assert!(steps.contains("memberOf: 2000 groups, and then the directory gave only a part"), "{steps}");
    }
    let by_group = |number: usize| {
        let rule = [("memberOf".to_owned(), group(number))].into();
        directory(address, |config| {
            config.access =
                RealmAccess { rules: [("zulip".to_owned(), vec![rule])].into(), ..RealmAccess::default() };
        })
    };
    // Who is in the part that was given is in the group. Of anybody else nobody can tell.
    assert_eq!(log_in(&by_group(1999), "ada", "x").await, "ada");
    assert_eq!(log_in(&by_group(3000), "ada", "x").await, "unavailable");
    assert!(by_group(3000).list(&realm("zulip"), &mut |_| {}).await.is_err(), "nobody is deactivated for it");
}
