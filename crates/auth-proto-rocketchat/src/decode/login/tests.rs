//! Every login form, and bodies that hold none.

use auth_core::NameKind;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const DIGEST: &str = "89e01536ac207279409d4de1e5253e01f4a1769e696db0d6062ca9b8f56767c8";

/// A form in words, so that tables can name it.
fn describe(form: &LoginForm) -> String {
    let name = |who: &Identifier| match who {
        Identifier::Name { kind: NameKind::UserName, typed } => format!("name {typed}"),
        Identifier::Name { kind: NameKind::Email, typed } => format!("email {typed}"),
        Identifier::External { protocol: ProtocolName::ROCKETCHAT, id } => format!("id {id}"),
        other => format!("{other:?}"),
    };
    let method = match &form.method {
        LoginMethod::Password { who, secret: SecretInput::Password(password) } => {
            format!("{} password {}", name(who), password.expose())
        }
        LoginMethod::Password { who, secret: SecretInput::Digest(digest) } => {
            format!("{} digest {}", name(who), digest.expose())
        }
        LoginMethod::Resume(token) => format!("resume {}", token.expose()),
        other => format!("{other:?}"),
    };
    match &form.code {
        Some(code) => format!("{method} code {}", code.expose()),
        None => method,
    }
}

fn check(body: Value, header_code: Option<&str>, expected: &str) {
    let form = login_form(body.clone(), header_code);
    assert_eq!(form.as_ref().map(describe), Ok(expected.to_owned()), "{body}");
}

fn check_rejected(body: Value, expected: DecodeError) {
    assert_eq!(login_form(body.clone(), None).map(|form| describe(&form)), Err(expected), "{body}");
}

#[test]
fn every_way_to_name_the_user_is_understood() {
    for (body, expected) in [
        (json!({"user": "u", "password": "p"}), "name u password p"),
        (json!({"user": "u@x", "password": "p"}), "email u@x password p"),
        (json!({"username": "u", "password": "p"}), "name u password p"),
        (json!({"username": "u@x", "password": "p"}), "name u@x password p"),
        (json!({"email": "u@x", "password": "p"}), "email u@x password p"),
        (json!({"email": "u", "password": "p"}), "email u password p"),
        (json!({"user": "u", "username": "v", "email": "w@x", "password": "p"}), "name u password p"),
        (json!({"user": null, "username": "", "email": "w@x", "password": "p"}), "email w@x password p"),
        (json!({"user": {"email": "w@x"}, "username": "v", "password": "p"}), "name v password p"),
        (json!({"user": {"username": "u"}, "password": "p"}), "name u password p"),
        (json!({"user": {"email": "u@x"}, "password": "p"}), "email u@x password p"),
        (json!({"user": {"id": "rocket.cat"}, "password": "p"}), "id rocket.cat password p"),
    ] {
        check(body, None, expected);
    }
}

#[test]
fn digests_are_taken_as_sent() {
    let digested = |digest: &str| json!({"digest": digest, "algorithm": "sha-256"});
    let upper = DIGEST.to_ascii_uppercase();
    for (body, expected) in [
        (json!({"user": "u", "password": digested(DIGEST)}), format!("name u digest {DIGEST}")),
        (json!({"user": "u", "password": digested(&upper)}), format!("name u digest {upper}")),
        (
            json!({"user": {"email": "u@x"}, "password": digested(DIGEST)}),
            format!("email u@x digest {DIGEST}"),
        ),
        (json!({"user": "u", "password": digested("short")}), "name u digest short".into()),
        (json!({"user": "u", "password": DIGEST}), format!("name u password {DIGEST}")),
    ] {
        check(body, None, &expected);
    }
}

#[test]
fn code_comes_from_the_body_else_the_header_and_only_with_short_forms() {
    let wrapped = json!({"username": "u"});
    for (body, header, expected) in [
        (json!({"user": "u", "password": "p", "code": "1"}), None, "name u password p code 1"),
        (json!({"user": "u", "password": "p", "code": "1"}), Some("2"), "name u password p code 1"),
        (json!({"user": "u", "password": "p", "code": ""}), Some("2"), "name u password p code 2"),
        (json!({"user": "u", "password": "p", "code": null}), None, "name u password p"),
        (json!({"user": "u", "password": "p", "code": 123456}), None, "name u password p code 123456"),
        (json!({"email": "u@x", "password": "p"}), Some("2"), "email u@x password p code 2"),
        (json!({"user": wrapped, "password": "p", "code": "1"}), Some("2"), "name u password p"),
        (json!({"resume": "t"}), Some("2"), "resume t"),
    ] {
        check(body, header, expected);
    }
}

#[test]
fn totp_form_wraps_any_other_form() {
    let ldap = json!({"ldap": true, "username": "u", "ldapPass": "p", "ldapOptions": {}});
    for (login, expected) in [
        (json!({"user": {"username": "u"}, "password": "p"}), "name u password p code 1"),
        (json!({"resume": "t"}), "resume t code 1"),
        (ldap, "name u password p code 1"),
        (json!({"totp": {"code": "2", "login": {"resume": "t"}}}), "resume t code 1"),
    ] {
        check(json!({"totp": {"code": "1", "login": login}}), None, expected);
    }
}

#[test]
fn directory_form_is_a_name_and_a_password() {
    let form = |name: Value| json!({"ldap": true, "username": name, "ldapPass": "p", "ldapOptions": {}});
    for (body, expected) in [
        (form(json!("u")), "name u password p"),
        (form(json!("u@x")), "email u@x password p"),
        (form(json!({"id": "i"})), "id i password p"),
    ] {
        check(body, None, expected);
    }
}

#[test]
fn resume_goes_before_everything_else() {
    check(json!({"resume": "t", "user": "u", "password": "p"}), None, "resume t");
    check(json!({"resume": "t", "cas": {}}), None, "resume t");
}

#[test]
fn bodies_without_a_known_form_are_not_recognised() {
    for body in [
        json!({}),
        json!({"user": "u"}),
        json!({"user": "u", "password": null}),
        json!({"user": "u", "password": ""}),
        json!({"user": "u", "password": 0}),
        json!({"user": "u", "password": false}),
        json!({"user": "u", "password": "", "code": "1"}),
        json!({"user": "u", "password": {"hashed": DIGEST}}),
        json!({"resume": ""}),
        json!({"resume": null}),
        json!({"totp": {}}),
        json!({"totp": "1"}),
        json!({"totp": {"code": "", "login": {"resume": "t"}}}),
        json!({"totp": {"code": "1", "login": {}}}),
        json!({"ldap": true, "username": "u", "ldapPass": "p"}),
        json!({"ldap": false, "username": "u", "ldapPass": "p", "ldapOptions": {}}),
        json!({"cas": {"credentialToken": "nope"}}),
        json!({"crowd": true, "username": "u", "crowdPassword": "p"}),
        json!({"iframe": true, "token": "t"}),
        json!({"oauth": {"credentialToken": "t", "credentialSecret": "s"}}),
        json!({"serviceName": "github", "accessToken": "t", "expiresIn": 1}),
        json!({"saml": true, "credentialToken": "t"}),
    ] {
        check_rejected(body, DecodeError::Unrecognised);
    }
}

#[test]
fn forms_of_the_wrong_types_are_named() {
    let user = json!({"username": "u"});
    for (body, why) in [
        (json!([]), "must be object"),
        (json!(["user"]), "must be object"),
        (json!({"password": "p"}), "must have required property 'user'"),
        (json!({"user": 1, "password": "p"}), "user must be object"),
        (json!({"user": "u", "password": "p", "foo": 1}), "must NOT have additional properties"),
        (json!({"user": "", "password": "p"}), "user must not be empty"),
        (json!({"username": 7, "password": "p"}), "user must have exactly one property, a string"),
        (
            json!({"user": {"username": "u", "email": "e"}, "password": "p"}),
            "user must have exactly one property, a string",
        ),
        (json!({"user": {}, "password": "p"}), "user must have exactly one property, a string"),
        (json!({"user": {"name": "u"}, "password": "p"}), "user must NOT have additional properties"),
        (json!({"user": user, "password": "p", "code": ""}), "code must be a non-empty string"),
        (json!({"user": user, "password": "p", "code": 1}), "code must be a non-empty string"),
        (json!({"user": "u", "password": 5}), "password must be string or object"),
        (json!({"user": "u", "password": ["p"]}), "password must be string or object"),
        (json!({"user": "u", "password": true}), "password must be string or object"),
        (
            json!({"user": "u", "password": {"digest": DIGEST, "algorithm": "md5"}}),
            "password.algorithm must be 'sha-256'",
        ),
        (json!({"user": "u", "password": {"digest": DIGEST}}), "password.algorithm must be 'sha-256'"),
        (json!({"user": "u", "password": {"algorithm": "sha-256"}}), "password.digest must be string"),
        (json!({"resume": 5}), "resume must be string"),
        (json!({"totp": {"code": "1"}}), "totp.login must be object"),
        (json!({"totp": {"code": "1", "login": {"user": "u", "password": "p"}}}), "user must be object"),
        (json!({"ldap": 1, "username": "u", "ldapOptions": {}}), "ldapPass must be string"),
        (json!({"ldap": 1, "ldapPass": "p", "ldapOptions": {}}), "user must be object"),
        (
            json!({"ldap": 1, "username": "", "ldapPass": "p", "ldapOptions": {}}),
            "username must be a non-empty string",
        ),
    ] {
        check_rejected(body, DecodeError::ill_typed(why));
    }
}

/// JSON made of the keys and values that login forms are made of.
fn formish() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec!["", "u", "u@x", "sha-256"]).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "user",
        "username",
        "email",
        "id",
        "password",
        "code",
        "digest",
        "algorithm",
        "hashed",
        "resume",
        "totp",
        "login",
        "ldap",
        "ldapPass",
        "ldapOptions",
        "cas",
        "x",
    ]);
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|entries| {
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_judged_without_a_panic(
        body in formish(), code in prop::option::of(".*"),
    ) {
        if let Ok(form) = login_form(body, code.as_deref()) {
            prop_assert!(!describe(&form).is_empty());
        }
    }

    #[test]
    fn names_and_passwords_arrive_as_typed(user in "[^@]+", password in ".+", code in ".+") {
        let body = json!({"user": user, "password": password});
        let form = login_form(body, Some(&code)).map(|form| describe(&form));
        prop_assert_eq!(form, Ok(format!("name {user} password {password} code {code}")));
    }

    #[test]
    fn long_form_and_short_form_are_the_same(user in "[^@]+", password in ".+", code in ".+") {
        let short = json!({"user": user, "password": password, "code": code});
        let login = json!({"user": {"username": user}, "password": password});
        let long = json!({"totp": {"code": code, "login": login}});
        prop_assert_eq!(
            login_form(short, None).map(|form| describe(&form)),
            login_form(long, None).map(|form| describe(&form))
        );
    }
}
