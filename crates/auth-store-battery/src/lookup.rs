//! Users and realms: found and read.

use auth_core::{
    BotKind, ClientKey, Credential, CredentialKind, Language, Lookup, NameKind, NewRecord, Origin,
    ProtocolName, RealmStore, Role, Store, StrengthRule, UserId, UserStore,
};

use super::{Fixture, account, credential, name, password, realm, seed, user, write};

async fn found(store: &impl Store, realm: &auth_core::Realm, who: Lookup<'_>) -> Option<UserId> {
    store.find(realm.id, &who).await.unwrap().map(|account| account.user.id)
}

pub async fn finds_the_exact_form_else_the_only_one_that_folds_alike<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let main = realm("main");
    let mut records = vec![NewRecord::from(main.clone())];
    let names = ["CaseUser", "caseuser", "Ünique", "thrice", "THRICE", "Thrice", "o'neil_%"];
    let mut owners = Vec::new();
    for (number, exact) in (1..).zip(names) {
        let mut new = user(&main, number);
        new.user.names = vec![name(NameKind::UserName, exact)];
        owners.push((exact, new.user.id));
        records.push(NewRecord::User(Box::new(new)));
    }
    write(&*store, records).await.unwrap();

    let check = async |typed: &str, whose: Option<&str>| {
        let expected = whose.map(|name| owners.iter().find(|(exact, _)| *exact == name).unwrap().1);
        let found = found(&*store, &main, Lookup::Name(NameKind::UserName, typed)).await;
        assert_eq!(found, expected, "{typed}");
    };
    check("CaseUser", Some("CaseUser")).await;
    check("caseuser", Some("caseuser")).await;
    check("CASEUSER", None).await;
    check("Ünique", Some("Ünique")).await;
    check("üNIQUE", Some("Ünique")).await;
    check("Unique", None).await;
    check("Thrice", Some("Thrice")).await;
    check("tHRICE", None).await;
    check("O'Neil_%", Some("o'neil_%")).await;
    for nobody in ["", "nobody", "caseuser ", " caseuser", "%", "o'neil_x"] {
        check(nobody, None).await;
    }
    let wrong_kind = found(&*store, &main, Lookup::Name(NameKind::Email, "caseuser")).await;
    assert_eq!(wrong_kind, None);
}

pub async fn keeps_realms_apart<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (one, two, three) = (realm("one"), realm("two"), realm("three"));
    let mut records = Vec::new();
    let mut users = Vec::new();
    for (number, realm) in [(1, &one), (2, &two)] {
        records.push(NewRecord::from(realm.clone()));
        let mut new = user(realm, number);
        // Everything but the id is the same.
        new.user.names = user(realm, 9).user.names;
        new.user.external_ids = user(realm, 9).user.external_ids;
        users.push(new.user.id);
        records.push(NewRecord::User(Box::new(new)));
    }
    records.push(NewRecord::from(three.clone()));
    write(&*store, records).await.unwrap();

    for who in [
        Lookup::Name(NameKind::Email, "USER9@example.com"),
        Lookup::Name(NameKind::UserName, "user9"),
        Lookup::ExternalId(ProtocolName::ZULIP, &9.into()),
        Lookup::ExternalId(ProtocolName::ROCKETCHAT, &"rocket9".into()),
        Lookup::ExternalId(ProtocolName::ZETTELSTORE, &20_240_101_000_009.into()),
    ] {
        assert_eq!(found(&*store, &one, who).await, Some(users[0]), "{who:?}");
        assert_eq!(found(&*store, &two, who).await, Some(users[1]), "{who:?}");
        assert_eq!(found(&*store, &three, who).await, None, "{who:?}");
    }
    let mut both = store.realms_of(NameKind::Email, "User9@EXAMPLE.com").await.unwrap();
    both.sort();
    let mut expected = [one.id, two.id];
    expected.sort();
    assert_eq!(both, expected);
    assert_eq!(store.realms_of(NameKind::Email, "user9").await.unwrap(), []);
}

pub async fn finds_by_the_ids_that_protocols_show<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 3).await;
    for (protocol, id, expected) in [
        (ProtocolName::ZULIP, 2.into(), Some(users[1])),
        (ProtocolName::ZULIP, 4.into(), None),
        (ProtocolName::ZULIP, i64::MIN.cast_unsigned().into(), None),
        (ProtocolName::ZULIP, "2".into(), None),
        (ProtocolName::ROCKETCHAT, "rocket3".into(), Some(users[2])),
        (ProtocolName::ROCKETCHAT, "ROCKET3".into(), None),
        (ProtocolName::ROCKETCHAT, "".into(), None),
        (ProtocolName::ZETTELSTORE, 20_240_101_000_001.into(), Some(users[0])),
        (ProtocolName::ZETTELSTORE, u64::MAX.into(), None),
        (ProtocolName::new("gitlab"), 2.into(), None),
    ] {
        let found = found(&*store, &main, Lookup::ExternalId(protocol, &id)).await;
        assert_eq!(found, expected, "{protocol} {id:?}");
    }
}

pub async fn reads_whole_accounts_as_they_were_written<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let mut bare = realm("bare");
    bare.subdomain = None;
    bare.active = false;
    let mut full = realm("full");
    full.password_login = false;
    full.digest_logins = true;
    full.require_second_factor = true;
    full.strength = Some(StrengthRule { min_length: 8, min_guesses: u64::MAX });
    full.backends = vec!["ldap, \"main\"".into(), "local".into()];

    let mut plain = user(&bare, 1);
    plain.user.names.clear();
    plain.password = None;
    let mut rich = user(&full, 2);
    rich.user.names.insert(0, name(NameKind::Directory, "uid=rich,dc=example"));
    rich.user.names.push(name(NameKind::Email, "second@example.com"));
    rich.user.full_name = "Ünï 🦀 \0 'quoted'".into();
    rich.user.role = Role::Owner;
    rich.user.bot = Some(BotKind::OutgoingWebhook);
    rich.user.active = false;
    rich.user.email_second_factor = true;
    rich.user.must_change_password = true;
    rich.user.language = Some(Language::German);
    rich.user.external_roles.set(ProtocolName::ROCKETCHAT, vec![]);
    rich.user.external_roles.set(ProtocolName::ZETTELSTORE, vec!["reader".into()]);
    rich.user.external_ids.set(ProtocolName::ZETTELSTORE, 99_991_231_235_959.into());
    rich.user.version = 41;
    rich.password = Some(password("argon2$…"));
    let origin = Origin { client: ClientKey::of([192, 0, 2, 7].into()), agent: Some("Ünï/1 \0".into()) };
    let device = credential(rich.user.id, CredentialKind::TOTP, 1);
    rich.credentials = vec![Credential { origin: Some(origin), ..device }];

    let realms = [bare, full].map(NewRecord::from);
    let users = [&plain, &rich].map(|new| NewRecord::User(Box::new(new.clone())));
    let done = write(&*store, realms.iter().cloned().chain(users).collect()).await.unwrap();
    assert_eq!((done.realms, done.users), (2, 2));

    let stored = store.realms().await.unwrap();
    assert_eq!(stored.len(), 2);
    for (realm, record) in stored.into_iter().zip(realms) {
        assert!(
            matches!(record, NewRecord::Realm(written) if written == realm.clone().into()),
            "{}",
            realm.slug
        );
    }
    for (new, totp) in [(plain, false), (rich, true)] {
        let read = account(&*store, new.user.id).await;
        assert_eq!(*read.user, new.user);
        assert_eq!(read.password, new.password);
        assert_eq!(read.totp, totp);
    }
}

pub async fn lists_users_by_id_in_pages<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, mut users) = seed(&*store, 7).await;
    let other = realm("other");
    let stranger = NewRecord::User(Box::new(user(&other, 8)));
    write(&*store, vec![NewRecord::from(other), stranger]).await.unwrap();
    users.sort();
    for size in [1, 3, 7, 100] {
        let mut listed = Vec::new();
        loop {
            let page = store.users(main.id, listed.last().copied(), size).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= usize::try_from(size).unwrap());
            assert!(page.iter().all(|account| account.user.names.len() == 2));
            listed.extend(page.iter().map(|account| account.user.id));
        }
        assert_eq!(listed, users, "pages of {size}");
    }
    assert!(store.users(main.id, None, 0).await.unwrap().is_empty());
}
