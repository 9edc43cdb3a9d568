//! A small store with records of every kind, and a list of all records of a store.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use auth_core::{
    AttemptFilter, AttemptRecord, BotKind, ByProtocol, ClientKey, Credential, CredentialId, CredentialKind,
    Digest, ExternalId, ImportMode, Language, LogPage, LoginName, Lookup, MailId, NameKind, NewRecord,
    NewUser, OnConflict, Origin, OutgoingMail, PasswordString, ProtocolName, Realm, RealmId, Role, Scope,
    Store, StrengthRule, Timestamp, User, UserId,
};

/// The kinds that the first version knew.
const KINDS: [CredentialKind; 11] = [
    CredentialKind::ZULIP_KEY,
    CredentialKind::ROCKETCHAT_TOKEN,
    CredentialKind::PERSONAL_TOKEN,
    CredentialKind::APP_PASSWORD,
    CredentialKind::TOTP,
    CredentialKind::PENDING_TOTP,
    CredentialKind::BACKUP_CODE,
    CredentialKind::MAILED_CODE,
    CredentialKind::PASSWORD_RESET,
    CredentialKind::REMEMBERED_FACTOR,
    CredentialKind::WEB_SESSION,
];

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn name(kind: NameKind, exact: &str, verified: bool) -> LoginName {
    LoginName { kind, exact: exact.into(), verified }
}

fn user(realm: &Realm, number: u8, names: Vec<LoginName>) -> NewUser {
    NewUser {
        user: User {
            id: UserId::from_bytes([number; 16]),
            realm: realm.id,
            names,
            full_name: format!("User {number}"),
            role: Role::Member,
            bot: None,
            bot_owner: None,
            active: true,
            joined: at(i64::from(number)),
            valid_from: at(i64::from(number) + 1),
            email_second_factor: false,
            must_change_password: false,
            language: None,
            external_ids: ByProtocol::from([
                (ProtocolName::ZULIP, ExternalId::Number(u64::from(number))),
                (ProtocolName::ROCKETCHAT, ExternalId::Text(format!("rocket{number}"))),
                (ProtocolName::ZETTELSTORE, ExternalId::Number(20_240_101_000_000 + u64::from(number))),
            ]),
            external_roles: ByProtocol::new(),
            version: u64::from(number),
        },
        assign_ids: vec![],
        password: Some(PasswordString::new(format!("hash {number}"))),
        credentials: vec![],
    }
}

fn credential(user: UserId, kind: CredentialKind, number: u8) -> Credential {
    Credential {
        id: CredentialId::from_bytes([number; 16]),
        user,
        kind,
        parent: None,
        digest: Some(Digest::new([number; 32])),
        sealed: None,
        clear_only: false,
        scope: Scope::default(),
        label: None,
        origin: None,
        created: at(100),
        expires: None,
        last_used: None,
        counter: 0,
    }
}

/// Writes the same records into every store.
pub(crate) async fn fill(store: &impl Store) {
    use NameKind::{Email, UserName};
    let main = Realm {
        subdomain: Some(String::new()),
        name: "Main".into(),
        icon: "/icon".into(),
        description: "<p>hello</p>".into(),
        digest_logins: true,
        require_second_factor: true,
        strength: Some(StrengthRule { min_length: 9, min_guesses: u64::MAX }),
        backends: vec!["local".into(), "staff".into()],
        ..Realm::new(RealmId::from_bytes([200; 16]), "main")
    };
    let other =
        Realm { active: false, password_login: false, ..Realm::new(RealmId::from_bytes([201; 16]), "other") };
    let ann = user(&main, 3, vec![name(UserName, "ann", false), name(Email, "ann@example.com", true)]);
    let mut folds_alike = user(
        &main,
        2,
        vec![
            name(UserName, "Ann", false),
            name(Email, "ann@example.org", false),
            name(Email, "ÄNN@example.org", true),
        ],
    );
    folds_alike.user.bot = Some(BotKind::IncomingWebhook);
    folds_alike.user.bot_owner = Some(3);
    folds_alike.user.language = Some(Language::German);
    folds_alike.user.role = Role::Admin;
    folds_alike.user.email_second_factor = true;
    folds_alike.user.must_change_password = true;
    folds_alike.user.external_roles.set(ProtocolName::ROCKETCHAT, vec!["admin".into(), "bot".into()]);
    folds_alike.user.external_roles.set(ProtocolName::ZETTELSTORE, vec!["owner".into()]);
    folds_alike.user.external_ids.set(ProtocolName::ZETTELSTORE, (u64::MAX - 1).into());
    folds_alike.user.version = u64::MAX - 9;
    folds_alike.credentials = (10..)
        .zip(KINDS)
        .map(|(number, kind)| {
            let mut one = credential(folds_alike.user.id, kind, number);
            one.sealed = (kind == CredentialKind::TOTP).then(|| vec![0, 255, 7]);
            one.label = (kind == CredentialKind::PERSONAL_TOKEN).then(|| "my program".into());
            one.counter = i64::from(number);
            one
        })
        .collect();
    let mut elsewhere = user(&other, 1, vec![name(UserName, "Ann", false)]);
    elsewhere.user.active = false;
    elsewhere.password = None;
    elsewhere.credentials = [31, 32, 33]
        .map(|number| {
            let mut one = credential(elsewhere.user.id, CredentialKind::ROCKETCHAT_TOKEN, number);
            let client = ClientKey::of([192, 0, 2, 9].into());
            one.origin = Some(Origin { client, agent: Some("test/1".into()) });
            one.scope = Scope {
                protocols: vec![ProtocolName::ROCKETCHAT, ProtocolName::ZULIP],
                bypass_second_factor: true,
            };
            one.expires = Some(at(i64::from(number)));
            one.last_used = Some(at(9));
            one
        })
        .into();
    let users = [ann, folds_alike, elsewhere].map(|user| NewRecord::User(Box::new(user)));
    let records: Vec<_> = [main, other].map(NewRecord::from).into_iter().chain(users).map(Some).collect();
    store
        .import(
            Box::new(records.into_iter()),
            ImportMode::Write,
            OnConflict::Refuse,
            Box::new(|_, _| ()),
            None,
        )
        .await
        .expect("good records");
    store.set_meta_once("ring", &[0, 1, 255]).await.unwrap();
    let mail = OutgoingMail {
        id: MailId::from_bytes([40; 16]),
        to: "ann@example.com".into(),
        subject: "Your code".into(),
        body: vec![0, 255],
        due: at(50),
        failures: 0,
    };
    store.post(&mail).await.unwrap();
    store.record(AttemptRecord {
        at: at(60),
        protocol: ProtocolName::ZULIP,
        realm: RealmId::from_bytes([200; 16]),
        user: Some(UserId::from_bytes([3; 16])),
        name: "ann".into(),
        client_key: ClientKey::of("192.0.2.7".parse().unwrap()),
        outcome: Cow::Borrowed("granted"),
    });
    // The store writes it soon, at a time of its own.
    while store.attempts(&AttemptFilter::default(), LogPage::newest(1)).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// All users, by realm and id.
pub(crate) async fn everybody(store: &impl Store) -> Vec<UserId> {
    let mut all = Vec::new();
    for realm in store.realms().await.unwrap() {
        all.extend(store.users(realm.id, None, 100).await.unwrap().into_iter().map(|one| one.user.id));
    }
    all
}

/// Lists all records of a store, a line each, and checks that each is found by every key that it has.
pub(crate) async fn listed(store: &impl Store) -> String {
    let mut list = String::new();
    let mut say = |line: String| writeln!(list, "{line}").unwrap();
    for realm in store.realms().await.unwrap() {
        say(format!("{realm:?}"));
    }
    for id in everybody(store).await {
        let found = store.user(id).await.unwrap().expect("who was listed");
        let user = &found.user;
        let password = found.password.as_ref().map(PasswordString::expose);
        say(format!("user: {user:?}, password {password:?}, TOTP {}", found.totp));
        let names = user.names.iter().map(|name| Lookup::Name(name.kind, &name.exact));
        let ids = user.external_ids.iter().map(|(protocol, id)| Lookup::ExternalId(protocol, id));
        for key in names.chain(ids) {
            let by_key = store.find(user.realm, &key).await.unwrap();
            assert_eq!(by_key.map(|found| found.user), Some(user.clone()), "{key:?}");
        }
        for kind in KINDS {
            for one in store.of_user(id, kind).await.unwrap() {
                let digest = one.digest.expect("each has one");
                let (by_digest, owner) = store.by_digest(kind, &digest).await.unwrap().expect("by digest");
                assert_eq!((by_digest.id, owner.user.id), (one.id, id));
                let Credential {
                    id,
                    user,
                    scope,
                    label,
                    origin,
                    created,
                    expires,
                    last_used,
                    counter,
                    sealed,
                    clear_only,
                    ..
                } = one;
                say(format!(
                    "credential: {kind} {id:?} of {user:?}, digest {:?}, sealed {sealed:?}, {scope:?}, \
                     label {label:?}, created {created:?}, expires {expires:?}, used {last_used:?}, \
                     counter {counter}{}{}",
                    digest.as_bytes()[0],
                    if clear_only { ", in the clear alone" } else { "" },
                    origin.map(|origin| format!(", made at {origin:?}")).unwrap_or_default(),
                ));
            }
        }
    }
    for one in store.sealed_credentials(None, 100).await.unwrap() {
        say(format!("sealed: {:?}", one.id));
    }
    for (name, value) in store.metas("").await.unwrap() {
        say(format!("meta: {name} {value:?}"));
    }
    for mail in store.due(at(1000), 100).await.unwrap() {
        let OutgoingMail { id, to, subject, body, due, failures } = mail;
        say(format!("mail: {id:?} to {to}, {subject:?}, {body:?}, due {due:?}, failures {failures}"));
    }
    for attempt in store.attempts(&AttemptFilter::default(), LogPage::newest(100)).await.unwrap() {
        say(format!("{:?}", attempt.record));
    }
    list
}
