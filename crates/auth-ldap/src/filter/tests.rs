use auth_core::fold;
use ldap3::asn1::{ASNTag, PL, StructureTag};
use proptest::prelude::*;

use super::*;

/// Names that would widen a filter if they were not escaped.
const HOSTILE: [&str; 10] = [
    "*)(uid=*",
    "*",
    "a*",
    "hamlet)(|(objectClass=*",
    "hamlet))(&(uid=*",
    "\\2a",
    "\\",
    "(",
    "a\0b",
    "x)(userPassword=*",
];

/// The comparisons in a filter, as attribute and value. Panics on any node but `and`, `or` and equality.
fn comparisons(filter: &str) -> Vec<(String, String)> {
    fn walk(tag: StructureTag, found: &mut Vec<(String, String)>) {
        let PL::C(parts) = tag.payload else { panic!("a filter without parts") };
        match tag.id {
            0 | 1 => parts.into_iter().for_each(|part| walk(part, found)),
            3 => {
                let mut texts = parts.into_iter().map(|part| match part.payload {
                    PL::P(bytes) => String::from_utf8(bytes).unwrap(),
                    PL::C(_) => panic!("no text"),
                });
                found.push((texts.next().unwrap(), texts.next().unwrap()));
            }
            other => panic!("a filter of kind {other}"),
        }
    }
    let mut found = Vec::new();
    walk(parse_filter(filter).unwrap().into_structure(), &mut found);
    found
}

fn pair(attribute: &str, value: &str) -> (String, String) {
    (attribute.to_owned(), value.to_owned())
}

/// Any typed name gives one comparison for each attribute, with exactly that value.
fn check_name(typed: &str) {
    let one = ["uid".to_owned()];
    let two = ["sAMAccountName".to_owned(), "mail".to_owned()];
    let person = pair("objectClass", "person");
    for (base_filter, attributes) in
        [("", &one[..]), ("(objectClass=person)", &one), ("", &two), ("(objectClass=person)", &two)]
    {
        let mut expected: Vec<_> = (!base_filter.is_empty()).then(|| person.clone()).into_iter().collect();
        expected.extend(attributes.iter().map(|attribute| pair(attribute, typed)));
        assert_eq!(comparisons(&any_equals(base_filter, attributes, typed)), expected, "{typed:?}");
    }
    let filter = groups("(&(member={dn})(memberUid={user}))", typed, typed);
    assert_eq!(comparisons(&filter), [pair("member", typed), pair("memberUid", typed)], "{typed:?}");
}

#[test]
fn hostile_names_are_values_and_nothing_else() {
    HOSTILE.into_iter().for_each(check_name);
    // A value that looks like a placeholder stays as it is.
    let filter = groups("(&(member={dn})(memberUid={user}))", "{user}", "{dn}");
    assert_eq!(comparisons(&filter), [pair("member", "{user}"), pair("memberUid", "{dn}")]);
}

#[test]
fn bind_names_contain_the_typed_name_escaped() {
    let people = "uid={user},ou=people,dc=example,dc=org";
    for (template, typed, expected) in [
        (people, "hamlet", Some("uid=hamlet,ou=people,dc=example,dc=org")),
        (people, "a,ou=admins", Some("uid=a\\2cou\\3dadmins,ou=people,dc=example,dc=org")),
        (people, "a+cn=b", Some("uid=a\\2bcn\\3db,ou=people,dc=example,dc=org")),
        (people, " #x ", Some("uid=\\20#x\\20,ou=people,dc=example,dc=org")),
        ("{user}@example.org", "hamlet", Some("hamlet@example.org")),
        ("{user}@example.org", "a@b", None),
        ("{user}@example.org", "CN=a", None),
        ("EXAMPLE\\{user}", "prince.hamlet", Some("EXAMPLE\\prince.hamlet")),
        ("EXAMPLE\\{user}", "OTHER\\hamlet", None),
    ] {
        assert_eq!(bind_name(template, typed).as_deref(), expected, "{template} {typed}");
    }
}

#[test]
fn configured_filters_and_attributes_are_checked() {
    for (filter, good) in [
        ("(objectClass=person)", true),
        ("(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))", true),
        ("(member={dn})", true),
        ("objectClass=person", false),
        ("(objectClass=person", false),
        ("(objectClass=person))", false),
        ("(a=b)(c=d)", false),
        ("", false),
    ] {
        assert_eq!(check(filter, "filter").is_ok(), good, "{filter}");
    }
    for (name, good) in [("uid", true), ("2.5.4.3", true), ("a b", false), ("a)(b", false), ("", false)] {
        assert_eq!(check_attribute(name, "x").is_ok(), good, "{name}");
    }
}

proptest! {
    #[test]
    fn any_name_is_a_value_and_nothing_else(typed in prop_oneof![
        ".{1,40}",
        "[a-z*()\\\\&|!=~<>\0{}]{1,20}",
    ]) {
        check_name(&typed);
    }

    #[test]
    fn any_bind_name_has_the_parts_of_its_template(typed in "[a-z,+=\"\\\\<>;# ]{1,20}") {
        let name = bind_name("uid={user},ou=people", &typed).unwrap();
        // Unescaped commas separate the parts: the template's own is the only one.
        prop_assert_eq!(name.matches(',').count(), 1, "{}", name);
        prop_assert_eq!(name.matches('=').count(), 2, "{}", name);
        prop_assert!(!name.contains('+') && !name.contains(';') && !name.contains('"'), "{}", name);
        prop_assert_eq!(fold(&name), name);
    }
}
