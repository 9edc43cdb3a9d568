use auth_core::{CredentialId, RealmId, UserId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn protocols() -> impl Strategy<Value = ProtocolName> {
    "[a-z0-9-]{1,31}".prop_map(|name| ProtocolName::from_name(&name).unwrap())
}

fn times() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn realms() -> impl Strategy<Value = RealmChange> {
    let text = || option::of(any::<String>());
    let flag = || option::of(any::<bool>());
    let texts = (any::<String>(), text(), text(), text(), option::of(text()));
    let strength = (option::of(option::of(any::<u32>())), option::of(option::of(any::<u64>())));
    let rest = ([flag(), flag(), flag(), flag()], strength, option::of(vec(any::<String>(), 0..3)));
    (any::<[u8; 16]>(), texts, rest).prop_map(|(id, texts, rest)| {
        let (slug, name, icon, description, subdomain) = texts;
        let (
            [active, password_login, digest_logins, require_second_factor],
            (min_length, min_guesses),
            backends,
        ) = rest;
        RealmChange {
            subdomain,
            name,
            icon,
            description,
            active,
            password_login,
            digest_logins,
            require_second_factor,
            min_length,
            min_guesses,
            backends,
            ..RealmChange::new(RealmId::from_bytes(id), slug)
        }
    })
}

fn users() -> impl Strategy<Value = User> {
    let names = vec((select(NameKind::ALL.to_vec()), any::<String>(), any::<bool>()), 0..4);
    let external_id = prop_oneof![
        (0..=i64::MAX.unsigned_abs()).prop_map(ExternalId::Number),
        any::<String>().prop_map(ExternalId::Text)
    ];
    let external_ids = vec((protocols(), external_id), 0..4);
    let external_roles = vec((protocols(), vec(any::<String>(), 0..3)), 0..4);
    let bot = (option::of(select(BotKind::ALL.to_vec())), option::of(any::<u64>()));
    let roles = (select(Role::ALL.to_vec()), bot);
    (
        any::<[[u8; 16]; 2]>(),
        names,
        any::<String>(),
        roles,
        any::<[bool; 3]>(),
        ([times(), times()], option::of(select(Language::ALL.to_vec()))),
        external_ids,
        external_roles,
    )
        .prop_map(
            |(
                ids,
                names,
                full_name,
                (role, (bot, bot_owner)),
                flags,
                (moments, language),
                external_ids,
                external_roles,
            )| {
                let [active, email_second_factor, must_change_password] = flags;
                let [joined, valid_from] = moments;
                let name = |(kind, exact, verified)| LoginName { kind, exact, verified };
                User {
                    id: UserId::from_bytes(ids[0]),
                    realm: RealmId::from_bytes(ids[1]),
                    names: names.into_iter().map(name).collect(),
                    full_name,
                    role: role.0,
                    bot: bot.map(|bot| bot.0),
                    bot_owner,
                    active,
                    joined,
                    valid_from,
                    email_second_factor,
                    must_change_password,
                    language,
                    external_ids: external_ids.into_iter().collect(),
                    external_roles: external_roles.into_iter().collect(),
                    version: 0,
                }
            },
        )
}

fn credentials(user: UserId) -> impl Strategy<Value = Credential> {
    let kinds = "[a-z0-9-]{1,31}".prop_map(|name| CredentialKind::from_name(&name).unwrap());
    let secrets = (option::of(any::<[u8; 32]>()), option::of(vec(any::<u8>(), 0..40)));
    let scope = (vec(protocols(), 0..3), any::<bool>());
    let moments = (times(), option::of(times()));
    (any::<[u8; 16]>(), kinds, secrets, scope, option::of(any::<String>()), moments, any::<i64>()).prop_map(
        move |(id, kind, (digest, sealed), scope, label, (created, expires), counter)| Credential {
            id: CredentialId::from_bytes(id),
            user,
            kind,
            parent: None,
            digest: digest.map(Digest::new),
            sealed,
            clear_only: false,
            scope: Scope { protocols: scope.0, bypass_second_factor: scope.1 },
            label,
            origin: None,
            created,
            expires,
            last_used: None,
            counter,
        },
    )
}

fn drafts() -> impl Strategy<Value = Draft> {
    let realm = realms().prop_map(Record::Realm);
    let user = users()
        .prop_flat_map(|user| (vec(credentials(user.id), 0..4), Just(user)))
        .prop_flat_map(|(credentials, user)| {
            let assign_ids = vec(protocols(), 0..3);
            let passwords = (option::of(any::<String>()), option::of(any::<String>()), any::<bool>());
            (Just(user), Just(credentials), assign_ids, passwords)
        })
        .prop_map(|(user, credentials, assign_ids, (clear, stored, digest_ready))| Record::User {
            user: Box::new(NewUser {
                user,
                assign_ids,
                password: stored.map(PasswordString::new),
                credentials,
            }),
            clear: clear.map(Password::new),
            digest_ready,
        });
    let sixteen = any::<[u8; 16]>;
    let mark = (any::<String>(), sixteen(), option::of(sixteen()), sixteen(), vec(any::<u8>(), 0..99));
    let mark = mark.prop_map(|(source, key, user, digest, fields)| ImportMark {
        source,
        key,
        user: user.map(UserId::from_bytes),
        digest,
        fields,
    });
    (any::<u64>(), prop_oneof![realm, user], option::of(mark)).prop_map(|(line, record, mark)| Draft {
        line,
        record,
        mark,
    })
}

/// Every field of a credential.
fn fields(credential: &Credential) -> (String, Option<[u8; 32]>, Option<&[u8]>) {
    let digest = credential.digest.map(|digest| *digest.as_bytes());
    (format!("{credential:?}"), digest, credential.sealed.as_deref())
}

proptest! {
    #[test]
    fn a_draft_is_decoded_as_it_was_encoded(draft in drafts()) {
        let line = draft.encode().unwrap();
        prop_assert!(!line.contains('\n'), "a line of the spool");
        let decoded = Draft::decode(&line).unwrap();
        prop_assert_eq!(decoded.line, draft.line);
        prop_assert_eq!(decoded.mark, draft.mark);
        match (decoded.record, draft.record) {
            (Record::Realm(realm), Record::Realm(expected)) => prop_assert_eq!(realm, expected),
            (
                Record::User { user, clear, digest_ready },
                Record::User { user: expected, clear: expected_clear, digest_ready: expected_ready },
            ) => {
                prop_assert_eq!(user.user, expected.user);
                prop_assert_eq!(user.assign_ids, expected.assign_ids);
                prop_assert_eq!((user.password, clear), (expected.password, expected_clear));
                prop_assert_eq!(digest_ready, expected_ready);
                let credentials: Vec<_> = user.credentials.iter().map(fields).collect();
                let expected: Vec<_> = expected.credentials.iter().map(fields).collect();
                prop_assert_eq!(credentials, expected);
            }
            _ => panic!("another kind of record"),
        }
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in any::<String>()) {
        prop_assert!(Draft::decode(&text).is_err());
    }
}

#[test]
fn a_draft_with_a_broken_part_is_not_decoded() {
    let user = auth_core::testing::UserBuilder::new("iago").new_user(None);
    let draft = Draft {
        line: 1,
        record: Record::User { user: Box::new(user), clear: None, digest_ready: false },
        mark: None,
    };
    let line = draft.encode().unwrap();
    assert!(Draft::decode(&line).is_ok());
    for (part, broken) in [
        (r#""role":"member""#, r#""role":"king""#),
        (r#""names":[[0,"#, r#""names":[[9,"#),
        (r#"["zulip",1]"#, r#"["Zulip",1]"#),
        (r#""bot":null"#, r#""bot":"tin""#),
    ] {
        assert!(line.contains(part), "{part}");
        assert!(Draft::decode(&line.replace(part, broken)).is_err(), "{broken}");
    }
}
