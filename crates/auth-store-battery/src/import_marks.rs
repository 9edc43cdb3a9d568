//! What imports remember of records, and the changes that records make.

use std::sync::{Arc, Mutex};

use auth_core::{
    Act, Actor, AuditFilter, AuditRecord, Conflict, CredentialKind, CredentialStore, ExternalId, ImportMark,
    ImportMarkStore, ImportMode, Imported, ImportedChange, LogPage, Lookup, MarkedUser, NameKind, NewRecord,
    NewUser, OnConflict, PasswordString, ProtocolName, Revocation, Role, Store, StoreError, User, UserId,
    UserStore,
};

use super::{Fixture, account, at, credential, name, seed, user};

fn mark(source: &str, key: u8, user: Option<UserId>, content: u8) -> ImportMark {
    ImportMark {
        source: source.into(),
        key: [key; 16],
        user,
        digest: [content; 16],
        fields: vec![content; 90],
    }
}

fn row(act: Act, user: &User, detail: &str) -> AuditRecord {
    AuditRecord {
        at: at(5),
        actor: Actor::Operator,
        by: None,
        act,
        realm: Some(user.realm),
        user: Some(user.id),
        detail: detail.into(),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

fn change(user: &User) -> ImportedChange {
    ImportedChange {
        user: user.clone(),
        is_change: true,
        password: None,
        revoked: Vec::new(),
        bots: (Vec::new(), at(0)),
        credentials: Vec::new(),
        audit: Vec::new(),
        mark: None,
    }
}

fn marked(new: NewUser, mark: ImportMark) -> NewRecord {
    let audit = Some(row(Act::UserCreated, &new.user, "import"));
    NewRecord::Marked(Box::new(MarkedUser { new, mark, audit }))
}

/// The acts in the audit log of a user.
async fn rows_of(store: &impl Store, user: UserId) -> Vec<Act> {
    let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
    let rows = store.audit_rows(&filter, LogPage::oldest(9)).await.unwrap();
    rows.iter().map(|row| row.record.act).collect()
}

/// Imports records; returns what was written, and which records were left out and why.
async fn import(
    store: &impl Store,
    mode: ImportMode,
    records: Vec<NewRecord>,
) -> (Imported, Vec<(u64, StoreError)>) {
    let left_out = Arc::new(Mutex::new(Vec::new()));
    let on_conflict = {
        let left_out = Arc::clone(&left_out);
        OnConflict::LeaveOut(Box::new(move |out| left_out.lock().unwrap().push((out.record, out.error))))
    };
    let records = Box::new(records.into_iter().map(Some));
    let done = store.import(records, mode, on_conflict, Box::new(|_, _| ()), None).await.unwrap();
    let left_out = std::mem::take(&mut *left_out.lock().unwrap());
    (done, left_out)
}

pub async fn remembers_the_records_of_a_source<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let users = [user(&main, 2), user(&main, 3), user(&main, 4)];
    let ids = users.each_ref().map(|new| new.user.id);
    let marks = [(9, ids[0]), (7, ids[1]), (8, ids[2])].map(|(key, id)| mark("zulip", key, Some(id), key));
    let records: Vec<_> = users.into_iter().zip(marks.clone()).map(|(new, mark)| marked(new, mark)).collect();

    let (done, _) = import(&*store, ImportMode::DryRun, records.clone()).await;
    assert_eq!(done.users, 3);
    assert_eq!(store.import_marks("zulip", None, 9).await, Ok(vec![]), "a dry run leaves none");
    import(&*store, ImportMode::Write, records).await;
    let [nine, seven, eight] = marks;
    assert_eq!(store.import_marks("zulip", None, 2).await, Ok(vec![seven.clone(), eight]));
    assert_eq!(store.import_marks("zulip", Some([8; 16]), 2).await, Ok(vec![nine.clone()]));
    assert_eq!(store.import_marks("zuli", None, 9).await, Ok(vec![]));
    assert_eq!(store.import_mark("zulip", [9; 16]).await, Ok(Some(nine)));
    assert_eq!(store.import_mark("csv", [9; 16]).await, Ok(None));
    assert_eq!(store.import_marks_of(ids[1]).await, Ok(vec![seven.clone()]));
    let rows = rows_of(&*store, ids[0]).await;
    assert_eq!(rows, [Act::UserCreated]);

    let mut clash = user(&main, 30);
    clash.user.names = user(&main, 3).user.names;
    // One that is left out is not remembered, and takes no mark away.
    let clash = marked(clash, mark("zulip", 7, Some(user(&main, 30).user.id), 1));
    let (done, left_out) = import(&*store, ImportMode::Write, vec![clash]).await;
    assert_eq!((done.users, left_out.len()), (0, 1));
    assert_eq!(store.import_mark("zulip", [7; 16]).await, Ok(Some(seven.clone())));
    // The record of a user who is deleted is remembered.
    assert!(store.delete(ids[1], &Revocation::NOTHING, None).await.unwrap());
    assert_eq!(store.import_mark("zulip", [7; 16]).await, Ok(Some(ImportMark { user: None, ..seven })));
    // A record that is taken again has a new mark.
    let again = mark("zulip", 7, Some(user(&main, 5).user.id), 3);
    import(&*store, ImportMode::Write, vec![marked(user(&main, 5), again.clone())]).await;
    assert_eq!(store.import_mark("zulip", [7; 16]).await, Ok(Some(again)));
}

pub async fn changes_imported_users_or_leaves_them_as_they_are<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, ids) = seed(&*store, 3).await;
    let session = credential(ids[0], CredentialKind::ROCKETCHAT_TOKEN, 1);
    let key = credential(ids[0], CredentialKind::ZULIP_KEY, 2);
    for own in [&session, &key] {
        assert!(store.add(own, 9, None).await.unwrap());
    }
    let before = account(&*store, ids[0]).await;
    let mut changed = change(&before.user);
    changed.user.names = vec![name(NameKind::UserName, "renamed"), name(NameKind::Email, "New@example.com")];
    changed.user.full_name = "New name".into();
    changed.user.role = Role::Moderator;
    changed.user.valid_from = at(70);
    changed.user.external_ids.set(ProtocolName::new("gitlab"), ExternalId::Number(7));
    changed.password = Some(PasswordString::new("new hash"));
    changed.revoked = vec![CredentialKind::ROCKETCHAT_TOKEN];
    changed.credentials = vec![credential(ids[0], CredentialKind::TOTP, 3)];
    changed.audit = vec![row(Act::PasswordSet, &before.user, "import")];
    changed.mark = Some(mark("csv", 1, Some(ids[0]), 1));

    let record = || NewRecord::Change(Box::new(changed.clone()));
    import(&*store, ImportMode::DryRun, vec![record()]).await;
    assert_eq!(account(&*store, ids[0]).await.user, before.user);
    assert_eq!(import(&*store, ImportMode::Write, vec![record()]).await, (Imported::default(), vec![]));
    let after = account(&*store, ids[0]).await;
    let version = before.user.version.wrapping_add(1);
    assert_eq!(*after.user, User { version, ..changed.user.clone() });
    assert_eq!((after.password, after.totp), (changed.password.clone(), true));
    assert!(store.of_user(ids[0], CredentialKind::ROCKETCHAT_TOKEN).await.unwrap().is_empty());
    assert_eq!(store.of_user(ids[0], CredentialKind::ZULIP_KEY).await.unwrap().len(), 1);
    let by_id = Lookup::ExternalId(ProtocolName::new("gitlab"), &ExternalId::Number(7));
    assert_eq!(store.find(main.id, &by_id).await.unwrap().map(|found| found.user.id), Some(ids[0]));
    let by_name = Lookup::Name(NameKind::UserName, "user1");
    assert!(store.find(main.id, &by_name).await.unwrap().is_none());
    assert_eq!(store.import_mark("csv", [1; 16]).await.unwrap(), changed.mark);

    // Of another version, gone, or with what another has: left out, with nothing of it written.
    let second = account(&*store, ids[1]).await;
    let mut taken = change(&second.user);
    taken.user.full_name = "Lost".into();
    taken.user.names = vec![name(NameKind::UserName, "user3")];
    taken.mark = Some(mark("csv", 2, Some(ids[1]), 2));
    let mut same_id = change(&second.user);
    same_id.user.external_ids.set(ProtocolName::ROCKETCHAT, ExternalId::Text("rocket3".into()));
    let mut stolen = change(&second.user);
    stolen.credentials = vec![credential(ids[1], CredentialKind::ZULIP_KEY, 4)];
    stolen.credentials[0].digest = key.digest;
    let mut gone = change(&user(&main, 99).user);
    gone.user.full_name = "Gone".into();
    let mut good = change(&second.user);
    good.user.full_name = "Good".into();
    let records = [changed.clone(), taken, same_id, stolen, gone, good];
    let records = records.map(|change| NewRecord::Change(Box::new(change))).into();
    let (_, left_out) = import(&*store, ImportMode::Write, records).await;
    let expected = [
        (0, StoreError::Changed),
        (1, StoreError::Conflict(Conflict::Name(NameKind::UserName))),
        (2, StoreError::Conflict(Conflict::ExternalId(ProtocolName::ROCKETCHAT))),
        (3, StoreError::Conflict(Conflict::Credential)),
        (4, StoreError::Changed),
    ];
    assert_eq!(left_out, expected);
    assert_eq!(account(&*store, ids[1]).await.user.full_name, "Good");
    assert_eq!(store.import_mark("csv", [2; 16]).await, Ok(None));

    // A mark alone is no change of the user.
    let before = account(&*store, ids[2]).await;
    let only = mark("csv", 3, Some(ids[2]), 3);
    let only_mark = ImportedChange { is_change: false, mark: Some(only.clone()), ..change(&before.user) };
    import(&*store, ImportMode::Write, vec![NewRecord::Change(Box::new(only_mark))]).await;
    assert_eq!(account(&*store, ids[2]).await.user, before.user);
    assert_eq!(store.import_mark("csv", [3; 16]).await, Ok(Some(only)));
}

pub async fn an_imported_deactivation_takes_the_bots_along<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, ids) = seed(&*store, 1).await;
    let owner = account(&*store, ids[0]).await.user;
    let mut bot = user(&main, 2);
    bot.user.bot = Some(auth_core::BotKind::Default);
    bot.user.bot_owner = Some(owner.external_number(ProtocolName::ZULIP));
    let bot_id = bot.user.id;
    import(&*store, ImportMode::Write, vec![NewRecord::User(Box::new(bot))]).await;
    let token = credential(bot_id, CredentialKind::ROCKETCHAT_TOKEN, 1);
    assert!(store.add(&token, 9, None).await.unwrap());
    let mut deactivated = change(&owner);
    deactivated.user.active = false;
    deactivated.bots = (vec![CredentialKind::ROCKETCHAT_TOKEN], at(1000));
    deactivated.audit = vec![row(Act::Deactivated, &owner, "import")];
    import(&*store, ImportMode::Write, vec![NewRecord::Change(Box::new(deactivated))]).await;
    assert!(!account(&*store, ids[0]).await.user.active);
    let bot = account(&*store, bot_id).await.user;
    assert_eq!((bot.active, bot.valid_from), (false, at(1000)));
    assert!(store.of_user(bot_id, CredentialKind::ROCKETCHAT_TOKEN).await.unwrap().is_empty());
    assert_eq!(rows_of(&*store, bot_id).await, [Act::Deactivated]);
}
