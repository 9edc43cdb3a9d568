use proptest::prelude::*;

use super::*;

#[test]
fn spellings_of_one_name_are_equal() {
    for (one, other) in [
        // A comma, escaped in the three ways that there are.
        (r"cn=Admins\, IT,ou=groups,dc=example,dc=org", r"cn=Admins\2C IT,ou=groups,dc=example,dc=org"),
        (r"cn=Admins\, IT,dc=org", "cn=\"Admins, IT\",dc=org"),
        // Case, and spaces around separators and within values.
        ("cn=Admins,ou=Groups,dc=org", "CN=admins, OU = groups ;DC=ORG"),
        ("cn=Admins  of   IT,dc=org", "cn= admins of it ,dc=org"),
        (r"cn=\ a\ ,dc=org", "cn=a,dc=org"),
        // Names of attributes.
        ("cn=a,ou=b,o=c", "commonName=a,OID.2.5.4.11=b,2.5.4.10=c"),
        ("uid=a,dc=b", "userid=a,domainComponent=b"),
        ("emailAddress=a@b,o=c", "e=a@b,o=c"),
        // Several values in one part.
        ("cn=a+uid=b,dc=c", "UID=b + CN=A,dc=c"),
        // Letters beyond ASCII: escaped, in another case, composed or not, without meaning.
        ("cn=Zoë,dc=x", r"cn=ZO\c3\8b,dc=x"),
        ("cn=Zoë,dc=x", "cn=Zoe\u{308},dc=x"),
        ("cn=Straße,dc=x", "cn=STRASSE,dc=x"),
        ("cn=Σίσυφος,dc=x", "cn=ΣΊΣΥΦΟΣ,dc=x"),
        ("cn=Ad\u{AD}mins,dc=x", "cn=admins,dc=x"),
        ("cn=a\u{A0}b,dc=x", "cn=a b,dc=x"),
        ("cn=ﬁn,dc=x", "cn=FIN,dc=x"),
        ("cn=℡,dc=x", "cn=tel,dc=x"),
        // BER.
        ("cn=James,dc=x", "cn=#04054a616D6573,dc=x"),
        ("cn=James,dc=x", "cn=#0C81054A616D6573,dc=x"),
        // Letters that need no escape, and some that do.
        (r"cn=a=b,dc=x", r"cn=a\=b,dc=x"),
        (r"cn=\#a,dc=x", r"cn=\23a,dc=x"),
        (r#"cn=a\"b\\c\+d\;e\<f\>,dc=x"#, r"cn=a\22b\5cc\2bd\3be\3cf\3e,dc=x"),
        ("", "  "),
    ] {
        let parsed = [one, other].map(|name| Dn::parse(name).unwrap_or_else(|| panic!("{name} is a name")));
        assert_eq!(parsed[0], parsed[1], "{one} and {other}");
    }
}

#[test]
fn different_names_differ() {
    for (one, other) in [
        ("cn=a,ou=b", "ou=b,cn=a"),
        ("cn=a,dc=x", "cn=a"),
        ("cn=a,dc=x", "uid=a,dc=x"),
        (r"cn=a\,dc=x", "cn=a,dc=x"),
        (r"cn=a\+uid=b,dc=c", "cn=a+uid=b,dc=c"),
        ("cn=ab,dc=x", "cn=a b,dc=x"),
        ("cn=admıns,dc=x", "cn=admins,dc=x"),
        ("cn=a,dc=x", "cn=#ff0161,dc=x"),
        (r"cn=\23a,dc=x", "cn=#04013f,dc=x"),
    ] {
        assert_ne!(Dn::parse(one), Dn::parse(other), "{one} and {other}");
    }
}

#[test]
fn text_that_is_no_name_is_none() {
    for text in [
        "admins",
        "cn",
        "cn=a,",
        "cn=a,,dc=x",
        "=a",
        "cn=\"a",
        r"cn=a\",
        r"cn=a\x",
        "cn=#",
        "cn=#0",
        "cn=#zz",
        "ü=a",
        "cn=\"a\"b",
        "(cn=a)",
    ] {
        assert_eq!(Dn::parse(text), None, "{text}");
    }
}

#[test]
fn values_are_the_same_as_texts_or_as_names() {
    for (value, expected, same) in [
        ("test", "test", true),
        ("Test", "test", false),
        (r"cn=a\, b,dc=x", r"CN=A\2C b,dc=x", true),
        ("cn=a,dc=x", "cn=b,dc=x", false),
        ("", "", true),
        (" ", "", false),
    ] {
        assert_eq!(is_same_value(value, expected), same, "{value} and {expected}");
    }
    assert_eq!(GroupName::of("Staff "), GroupName::of("staff"));
    assert_ne!(GroupName::of("Staff"), GroupName::of("cn=staff"));
}

/// Ways to write a value.
#[derive(Clone, Copy, Debug)]
enum Style {
    Escaped,
    Hex,
    Quoted,
    Ber,
}

fn written(value: &str, style: Style) -> String {
    use std::fmt::Write as _;
    let hex = |bytes: &[u8], before: &str| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{before}{byte:02X}").unwrap();
            text
        })
    };
    match style {
        Style::Escaped => ldap3::dn_escape(value).into_owned(),
        Style::Hex => hex(value.as_bytes(), "\\"),
        Style::Quoted => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        Style::Ber => format!("#0C82{:04X}{}", value.len(), hex(value.as_bytes(), "")),
    }
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![Just(Style::Escaped), Just(Style::Hex), Just(Style::Quoted), Just(Style::Ber)]
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[a-z][a-z0-9-]{0,6}", "[a-zA-Z0-9,;+=<>#\"\\\\ äßΣé.]{0,12}"), 1..5)
}

fn joined(pairs: &[(String, String)], styles: &[Style], separator: &str) -> String {
    let styles = styles.iter().cycle();
    let parts =
        pairs.iter().zip(styles).map(|((name, value), style)| format!("{name}={}", written(value, *style)));
    parts.collect::<Vec<_>>().join(separator)
}

proptest! {
    #[test]
    fn no_text_panics_and_every_name_is_itself(text in "\\PC{0,40}") {
        prop_assert_eq!(Dn::parse(&text), Dn::parse(&text));
        prop_assert_eq!(GroupName::of(&text), GroupName::of(&text));
    }

    #[test]
    fn the_way_of_writing_does_not_matter(
        pairs in pairs(),
        one in proptest::collection::vec(style(), 4),
        other in proptest::collection::vec(style(), 4),
    ) {
        let plain = Dn::parse(&joined(&pairs, &one, ","));
        prop_assert!(plain.is_some());
        prop_assert_eq!(&plain, &Dn::parse(&joined(&pairs, &other, " ; ")));
        let upper: Vec<_> =
            pairs.iter().map(|(name, value)| (name.to_uppercase(), format!("  {}", value.to_uppercase()))).collect();
        prop_assert_eq!(&plain, &Dn::parse(&joined(&upper, &[Style::Hex], ",")));
    }

    #[test]
    fn the_order_of_parts_matters_and_that_within_a_part_does_not(pairs in pairs(), styles in proptest::collection::vec(style(), 4)) {
        let mut turned = pairs.clone();
        turned.reverse();
        let same = Dn::parse(&joined(&pairs, &styles, "+")) == Dn::parse(&joined(&turned, &styles, "+"));
        prop_assert!(same);
        let (forth, back) = (Dn::parse(&joined(&pairs, &styles, ",")), Dn::parse(&joined(&turned, &styles, ",")));
        let is_palindrome = |dn: &Option<Dn>| dn.as_ref().is_some_and(|dn| dn.0.iter().eq(dn.0.iter().rev()));
        prop_assert_eq!(forth == back, is_palindrome(&forth));
    }

    #[test]
    fn a_name_that_gets_another_part_differs(pairs in pairs(), more in "[a-z]{1,5}") {
        let name = joined(&pairs, &[Style::Escaped], ",");
        let longer = format!("{name},x-more={more}");
        prop_assert_ne!(Dn::parse(&name), Dn::parse(&longer));
        let unlike = format!("{name},x-more={more}z");
        prop_assert_ne!(Dn::parse(&longer), Dn::parse(&unlike));
    }

    #[test]
    fn values_with_spelled_out_bytes_never_join_parts(value in "[a-z,=+]{1,10}") {
        let dn = Dn::parse(&format!("cn={},dc=x", written(&value, Style::Hex)));
        prop_assert_eq!(dn.map(|dn| dn.0.len()), Some(2));
    }
}
