//! Lists in pages, of which one fails or refers to other servers.

use std::sync::Arc;

use auth_core::{Role, SystemClock};
use auth_ldap::{Directory, DirectoryConfig, DirectoryError};
use ldap3::asn1::{Sequence, Set, Tag, TagClass};

use crate::fixture::{realm, server, service_account};
use crate::small_server::{self, Reply, octets, result, sequence, text};

const DNS_ZONES: &str = "ldap://DomainDnsZones.example.org/DC=DomainDnsZones,DC=corp";
const CHILD: &str = "ldap://child.example.org/DC=child,DC=corp??sub";

/// A page of the list: the result that ends it, and a reference that comes with it.
#[derive(Clone, Copy)]
struct Page(i64, Option<&'static str>);

const GOOD: Page = Page(0, None);

/// A directory whose server gives such pages, of one entry each, to whatever search below `dc=people` or `dc=groups`.
async fn directory(pages: Vec<Page>, group_base: &str) -> Directory {
    let address = small_server::start(move |request| {
        if request.kind == 0 {
            return Some(vec![result(1, 0, "").into()]);
        }
        let base = text(request.fields.first()?)?;
        let Some(cookie) = &request.cookie else {
            // The look-up of one person.
            return Some(vec![person(0, &base).into(), result(5, 0, "").into()]);
        };
        let number = cookie.strip_prefix("page ").map_or(Some(0), |number| number.parse().ok())?;
        let Page(code, reference) = *pages.get(number)?;
        let next = if number + 1 < pages.len() { format!("page {}", number + 1) } else { String::new() };
        let mut replies = vec![Reply::from(person(number, &base))];
        replies.extend(reference.map(|url| reference_to(url).into()));
        replies.push(Reply::end_of_page(code, &next));
        Some(replies)
    })
    .await;
    let mut config = DirectoryConfig {
        servers: vec![server("ldap", address)],
        bind: service_account(),
        ..DirectoryConfig::new("corp", "dc=people,dc=corp")
    };
    config.groups.base = group_base.into();
    config.groups.filter = "(member={dn})".into();
    if !group_base.is_empty() {
        config.groups.roles = vec![(Role::Admin, format!("uid=1,{group_base}"))];
    }
    Directory::open(config, Arc::new(SystemClock)).unwrap()
}

fn person(number: usize, base: &str) -> Tag {
    let attribute = |name: &str, value: &str| {
        let values = Tag::Set(Set { inner: vec![octets(value)], ..Default::default() });
        sequence(vec![octets(name), values])
    };
    let uid = number.to_string();
    let attributes = sequence(vec![attribute("entryUUID", &format!("id-{uid}")), attribute("uid", &uid)]);
    let inner = vec![octets(&format!("uid={uid},{base}")), attributes];
    Tag::Sequence(Sequence { id: 4, class: TagClass::Application, inner })
}

fn reference_to(url: &str) -> Tag {
    Tag::Sequence(Sequence { id: 19, class: TagClass::Application, inner: vec![octets(url)] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_is_never_the_end_of_a_whole_list() {
    let list = async |pages: Vec<Page>| {
        let mut ids = Vec::new();
        let listed = directory(pages, "").await.list(&realm("zulip"), &mut |entry| ids.push(entry.id)).await;
        listed.map(|()| ids)
    };
    assert_eq!(list(vec![GOOD; 4]).await, Ok(["id-0", "id-1", "id-2", "id-3"].map(String::from).to_vec()));
    for (code, error) in [
        (3, DirectoryError::Cut),
        (4, DirectoryError::Cut),
        (11, DirectoryError::Cut),
        (1, DirectoryError::ResultCode(1)),
        (10, DirectoryError::ResultCode(10)),
        (80, DirectoryError::ResultCode(80)),
    ] {
        for at in 0..3 {
            let mut pages = vec![GOOD; 3];
            pages[at] = Page(code, None);
            assert_eq!(list(pages).await, Err(error.clone()), "{code} at page {at}");
        }
    }
    // Whoever is elsewhere can't log in here either.
    for url in [DNS_ZONES, CHILD, "ldap://other.example.org"] {
        for at in 0..3 {
            let mut pages = vec![GOOD; 3];
            pages[at] = Page(0, Some(url));
            assert_eq!(list(pages).await.map(|ids| ids.len()), Ok(3), "{url} at page {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_another_server_may_hold_leave_the_role_as_it_is() {
    for (base, pages, role) in [
        ("dc=corp", vec![GOOD; 3], Some(Role::Admin)),
        ("dc=corp", vec![GOOD], Some(Role::Member)),
        ("dc=corp", vec![GOOD, Page(4, None), GOOD], None),
        // The group with a role is none of the child's.
        ("dc=corp", vec![GOOD, Page(0, Some(CHILD)), GOOD], Some(Role::Admin)),
        ("dc=child,dc=corp", vec![GOOD, Page(0, Some(CHILD)), GOOD], None),
        ("dc=child,dc=corp", vec![Page(0, Some("ldap://other.example.org/")), GOOD], None),
    ] {
        let directory = directory(pages, base).await;
        let trace = directory.trace_login(&realm("zulip"), "0", None).await;
        let steps = trace.steps.join("\n");
        assert_eq!(trace.result.unwrap().role, role, "{steps}");
        assert_eq!(steps.contains("the role stays as it is"), role.is_none(), "{steps}");
    }
}
