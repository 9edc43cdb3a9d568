//! Imports: all or nothing.

use std::sync::{Arc, Mutex};

use auth_core::{
    ByProtocol, Conflict, CredentialKind, CredentialStore, ExternalId, ImportMode, ImportNote, Imported,
    Lookup, NameKind, NewRecord, NewUser, OnConflict, ProtocolName, Realm, RealmChange, RealmStore,
    RealmWritten, Store, StoreError, StrengthRule, UserStore,
};

use super::{Fixture, account, credential, name, realm, seed, user, write};

fn records(realm: &Realm, users: impl IntoIterator<Item = NewUser>) -> Vec<NewRecord> {
    let users = users.into_iter().map(|new| NewRecord::User(Box::new(new)));
    std::iter::once(NewRecord::from(realm.clone())).chain(users).collect()
}

async fn is_untouched(store: &impl Store, before: usize) {
    let realms = store.realms().await.unwrap();
    assert_eq!(realms.len(), 1);
    assert_eq!(realms[0], realm("main"));
    assert_eq!(store.users(realm("main").id, None, 1000).await.unwrap().len(), before);
}

pub async fn imports_all_or_nothing_and_names_the_record_at_fault<F: Fixture>(fixture: &F) {
    use NameKind::{Directory, Email, UserName};
    let store = fixture.open().await;
    let (main, ids) = seed(&*store, 2).await;
    let key = credential(ids[0], CredentialKind::ZULIP_KEY, 1);
    store.add(&key, 1, None).await.unwrap();
    let mut renamed = main.clone();
    renamed.name = "another".into();

    let check = async |spoil: &dyn Fn(&mut NewUser), expected: StoreError| {
        let mut bad = user(&main, 12);
        spoil(&mut bad);
        let all = records(&renamed, [user(&main, 11), bad, user(&main, 13)]);
        let refused = write(&*store, all).await.unwrap_err();
        assert_eq!((refused.record, refused.error), (Some(2), Some(expected)));
        is_untouched(&*store, 2).await;
    };
    let taken = StoreError::Conflict;
    check(&|new| new.user.names[0].exact = "user2".into(), taken(Conflict::Name(UserName))).await;
    check(&|new| new.user.names[1].exact = "user11@example.com".into(), taken(Conflict::Name(Email))).await;
    let twice = [name(Directory, "uid=me"), name(Directory, "uid=me")];
    check(&|new| new.user.names.extend(twice.clone()), taken(Conflict::Name(Directory))).await;
    for (protocol, id) in [
        (ProtocolName::ZULIP, ExternalId::from(1)),
        (ProtocolName::ROCKETCHAT, "rocket11".into()),
        (ProtocolName::ZETTELSTORE, 20_240_101_000_001.into()),
    ] {
        let give = |new: &mut NewUser| new.user.external_ids.set(protocol, id.clone());
        check(&give, taken(Conflict::ExternalId(protocol))).await;
    }
    let mut stolen = credential(user(&main, 12).user.id, CredentialKind::ZULIP_KEY, 2);
    stolen.digest = key.digest;
    check(&|new| new.credentials = vec![stolen.clone()], taken(Conflict::Credential)).await;
    let elsewhere = realm("elsewhere").id;
    check(&|new| new.user.realm = elsewhere, StoreError::Missing("realm")).await;

    let mut squatter = realm("squatter");
    squatter.subdomain = main.subdomain.clone();
    let refused = write(&*store, records(&squatter, [])).await.unwrap_err();
    assert_eq!((refused.record, refused.error), (Some(0), Some(taken(Conflict::Realm))));
    is_untouched(&*store, 2).await;

    let done = write(&*store, records(&main, [user(&main, 11), user(&main, 12)])).await.unwrap();
    assert_eq!(done, Imported { realms: 1, users: 2 });
    is_untouched(&*store, 4).await;
}

pub async fn keeps_nothing_of_a_dry_run<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let dry = async |users: Vec<NewUser>| {
        let all = records(&realm("second"), users).into_iter().map(Some);
        store.import(Box::new(all), ImportMode::DryRun, OnConflict::Refuse, Box::new(|_, _| ()), None).await
    };
    let done = dry(vec![user(&realm("second"), 2), user(&main, 3)]).await.unwrap();
    assert_eq!(done, Imported { realms: 1, users: 2 });
    is_untouched(&*store, 1).await;
    let refused = dry(vec![user(&main, 3), user(&main, 1)]).await.unwrap_err();
    assert_eq!(refused.record, Some(2));
    is_untouched(&*store, 1).await;
}

pub async fn writes_nothing_when_the_records_end_early<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let good = records(&main, [user(&main, 2)]).into_iter().map(Some);
    let ended = store
        .import(
            Box::new(good.chain([None])),
            ImportMode::Write,
            OnConflict::Refuse,
            Box::new(|_, _| ()),
            None,
        )
        .await
        .unwrap_err();
    assert!(ended.record.is_none() && ended.error.is_none(), "{ended:?}");
    is_untouched(&*store, 1).await;
}

pub async fn writes_realms_over_those_of_the_same_slug<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, ids) = seed(&*store, 1).await;
    let mut again = main.clone();
    again.id = realm("another id").id;
    again.name = "New name".into();
    again.subdomain = None;
    again.backends = vec!["ldap".into()];
    // The new user refers to the new id; the realm keeps the old one.
    write(&*store, records(&again, [user(&again, 2)])).await.unwrap();
    let expected = Realm { id: main.id, ..again };
    assert_eq!(store.realms().await.unwrap(), [expected]);
    let new =
        store.find(main.id, &Lookup::ExternalId(ProtocolName::ZULIP, &2.into())).await.unwrap().unwrap();
    assert_eq!(new.user.realm, main.id);
    assert_eq!(account(&*store, ids[0]).await.user.realm, main.id);
}

pub async fn changes_what_is_named_of_a_realm_and_notes_each_change<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let import = async |mode, on_conflict, changes: Vec<RealmChange>| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let notes = {
            let told = Arc::clone(&told);
            Box::new(move |record, note| told.lock().unwrap().push((record, note)))
        };
        let records = Box::new(changes.into_iter().map(|change| Some(NewRecord::Realm(change))));
        let done = store.import(records, mode, on_conflict, notes, None).await.unwrap();
        assert_eq!(done.realms, 5);
        std::mem::take(&mut *told.lock().unwrap())
    };
    // Whoever made these has another id for the realm, and knows nothing of its other fields.
    let named = |change: fn(&mut RealmChange)| {
        let mut named = RealmChange::new(realm("another id").id, "main");
        change(&mut named);
        named
    };
    let mut squatter = RealmChange::new(realm("squatter").id, "squatter");
    squatter.subdomain = Some(main.subdomain.clone());
    let all = vec![
        named(|change| change.name = Some("New name".into())),
        squatter,
        named(|_| ()),
        named(|change| (change.min_length, change.backends) = (Some(Some(8)), Some(vec!["ldap".into()]))),
        named(|change| (change.min_length, change.min_guesses) = (Some(None), Some(None))),
        RealmChange::new(realm("new").id, "new"),
    ];
    let renamed = Realm { name: "New name".into(), ..main.clone() };
    let strength = Some(StrengthRule { min_length: 8, min_guesses: 0 });
    let strong = Realm { strength, backends: vec!["ldap".into()], ..renamed.clone() };
    let weak = Realm { strength: None, ..strong.clone() };
    let new = Realm { name: "new".into(), ..Realm::new(realm("new").id, "new") };
    let written = |before: &Realm, after: &Realm| {
        ImportNote::Realm(Box::new(RealmWritten { before: Some(before.clone()), after: after.clone() }))
    };
    let expected = [
        (0, written(&main, &renamed)),
        (3, written(&renamed, &strong)),
        (4, written(&strong, &weak)),
        (5, ImportNote::Realm(Box::new(RealmWritten { before: None, after: new.clone() }))),
    ];
    for mode in [ImportMode::DryRun, ImportMode::Write] {
        is_untouched(&*store, 1).await;
        let leave_out = OnConflict::LeaveOut(Box::new(|left_out| assert_eq!(left_out.record, 1)));
        assert_eq!(import(mode, leave_out, all.clone()).await, expected, "{mode:?}");
    }
    assert_eq!(store.realms().await.unwrap(), [weak, new]);
}

pub async fn assigns_ids_that_are_free<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, other) = (realm("main"), realm("other"));
    let new = |realm: &Realm, number: u32, zulip: Option<u64>, zettelstore: u64, assign: bool| {
        let mut new = user(realm, number);
        let mut ids = ByProtocol::from([(ProtocolName::ZETTELSTORE, ExternalId::Number(zettelstore))]);
        match zulip {
            Some(id) => ids.set(ProtocolName::ZULIP, id.into()),
            None => new.assign_ids.push(ProtocolName::ZULIP),
        }
        if assign {
            new.assign_ids.push(ProtocolName::ZETTELSTORE);
        }
        new.user.external_ids = ids;
        new
    };
    let mut all = records(
        &main,
        [
            new(&main, 1, None, 500, true),
            new(&main, 2, Some(70), 900, false),
            new(&main, 3, None, 500, true),
            new(&main, 4, None, 400, true),
        ],
    );
    all.extend(records(&other, [new(&other, 5, None, 500, true)]));
    write(&*store, all).await.unwrap();
    write(&*store, records(&main, [new(&main, 6, None, 400, true)])).await.unwrap();
    for (number, zulip, zettelstore) in
        [(1, 1, 500), (2, 70, 900), (3, 71, 901), (4, 72, 400), (5, 1, 500), (6, 73, 902)]
    {
        let user = account(&*store, user(&main, number).user.id).await.user;
        let ids =
            (user.external_number(ProtocolName::ZULIP), user.external_number(ProtocolName::ZETTELSTORE));
        assert_eq!(ids, (zulip, zettelstore), "user {number}");
    }
}

pub async fn leaves_out_what_conflicts_and_writes_the_rest<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 2).await;
    let mut squatter = realm("squatter");
    squatter.subdomain = main.subdomain.clone();
    let mut thief = user(&main, 13);
    // Written before the conflict is seen: the user's row, and the first of its names.
    thief.user.names[1].exact = "user2@example.com".into();
    let mut all = records(&squatter, [user(&squatter, 11), user(&main, 12), thief]);
    // More conflicts than users are written at a time, and good users between and behind them.
    all.extend((0..1200).flat_map(|number| {
        let mut twin = user(&main, 100 + number);
        twin.user.names[0].exact = "user1".into();
        let good = (number % 100 == 0).then(|| user(&main, 5000 + number));
        std::iter::once(twin).chain(good).map(|new| NewRecord::User(Box::new(new)))
    }));
    all.push(NewRecord::User(Box::new(user(&main, 14))));
    for mode in [ImportMode::DryRun, ImportMode::Write] {
        let left_out = Arc::new(Mutex::new(Vec::new()));
        let tell = {
            let left_out = Arc::clone(&left_out);
            OnConflict::LeaveOut(Box::new(move |record| left_out.lock().unwrap().push(record)))
        };
        let records = all.clone().into_iter().map(Some);
        let done = store.import(Box::new(records), mode, tell, Box::new(|_, _| ()), None).await.unwrap();
        assert_eq!(done, Imported { realms: 0, users: 14 }, "{mode:?}");
        let left_out = std::mem::take(&mut *left_out.lock().unwrap());
        let told: Vec<_> =
            left_out.iter().take(3).map(|told| (told.record, told.realm, &told.error)).collect();
        let conflict = StoreError::Conflict;
        let expected = [
            (0, squatter.id, &conflict(Conflict::Realm)),
            (1, squatter.id, &StoreError::Missing("realm")),
            (3, main.id, &conflict(Conflict::Name(NameKind::Email))),
        ];
        assert_eq!(told, expected, "{mode:?}");
        assert_eq!(left_out.len(), 1203, "{mode:?}");
        let twins = &left_out[3..];
        assert!(
            twins.iter().all(|told| told.error == conflict(Conflict::Name(NameKind::UserName))),
            "{mode:?}"
        );
        is_untouched(&*store, if mode == ImportMode::Write { 16 } else { 2 }).await;
    }
    // What was left out left nothing behind: its names are free.
    write(&*store, records(&main, [user(&main, 13)])).await.unwrap();
}

pub async fn notes_names_that_fold_like_those_of_another_user<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 2).await;
    let named = |realm: &Realm, number: u32, names: &[(NameKind, &str)]| {
        let mut new = user(realm, number);
        new.user.names = names.iter().map(|(kind, exact)| name(*kind, exact)).collect();
        NewRecord::User(Box::new(new))
    };
    let (other, user_name, email) = (realm("other"), NameKind::UserName, NameKind::Email);
    let records = |is_conflict: bool| {
        let mut records = vec![
            NewRecord::from(other.clone()),
            named(&main, 11, &[(user_name, "USER1"), (email, "User1@Example.com")]),
            named(&main, 12, &[(user_name, "Ada"), (email, "ada@example.com")]),
            named(&main, 13, &[(user_name, "ada"), (email, "other@example.com")]),
            // Of one user, of another realm, of another kind.
            named(&main, 14, &[(user_name, "bob"), (user_name, "Bob")]),
            named(&other, 15, &[(user_name, "ADA")]),
            named(&main, 16, &[(email, "Bob")]),
            named(&main, 17, &[(user_name, if is_conflict { "user2" } else { "carol" })]),
        ];
        // More users than are written at a time.
        records.extend(
            (0..1200).map(|number| named(&main, 100 + number, &[(user_name, &format!("x{number}"))])),
        );
        records.push(named(&main, 18, &[(user_name, "X7"), (email, "ADA@example.com")]));
        records
    };
    let expected = [(1, user_name), (1, email), (3, user_name), (1208, user_name), (1208, email)];
    for (is_conflict, mode) in
        [(false, ImportMode::DryRun), (true, ImportMode::DryRun), (true, ImportMode::Write)]
    {
        let told = Arc::new(Mutex::new(Vec::new()));
        let notes = {
            let told = Arc::clone(&told);
            Box::new(move |record, note| match note {
                ImportNote::FoldsAlike(kind) => told.lock().unwrap().push((record, kind)),
                ImportNote::Realm(_) => {}
            })
        };
        let on_conflict = OnConflict::LeaveOut(Box::new(|left_out| assert_eq!(left_out.record, 7)));
        let records = Box::new(records(is_conflict).into_iter().map(Some));
        let done = store.import(records, mode, on_conflict, notes, None).await.unwrap();
        assert_eq!(done.users, 1208 - u64::from(is_conflict));
        assert_eq!(*told.lock().unwrap(), expected, "{is_conflict} {mode:?}");
    }
}
