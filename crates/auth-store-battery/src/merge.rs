//! Two users who become one.

use std::borrow::Cow;

use auth_core::{
    Act, ActivityStore, Actor, AttemptFilter, AttemptRecord, AttemptStore, AuditFilter, AuditRecord,
    AuditStore, ClientKey, Conflict, Credential, CredentialKind, CredentialStore, Group, GroupId, GroupStore,
    ImportMark, ImportMarkStore, ImportedChange, LogPage, Lookup, NameKind, ProtocolName, Store, StoreError,
    User, UserId, UserStore,
};

use super::{Fixture, account, at, comparable, conflict, credential, ids, seed};

fn row(act: Act, user: UserId, actor: Actor) -> AuditRecord {
    AuditRecord {
        at: at(5),
        actor,
        by: None,
        act,
        realm: None,
        user: Some(user),
        detail: String::new(),
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
        audit: vec![row(Act::UsersMerged, user.id, Actor::Operator)],
        mark: None,
    }
}

async fn groups(store: &impl Store, user: UserId) -> Vec<String> {
    store.groups_of(user).await.unwrap().into_iter().map(|group| group.name).collect()
}

pub async fn one_user_has_all_that_two_had_and_the_other_is_gone<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 3).await;
    let [kept, gone, third] = users[..] else { panic!("three users") };
    for (number, (name, members)) in (1..).zip([("both", vec![kept, gone]), ("one", vec![gone])]) {
        let id = GroupId::from_bytes([number; 16]);
        let group = Group { id, realm: main.id, name: name.into(), source: None, made: at(1) };
        store.add_group(&group, None).await.unwrap();
        for member in members {
            store.add_member(id, member, None).await.unwrap();
        }
    }
    let token = credential(gone, CredentialKind::ROCKETCHAT_TOKEN, 1);
    let code = credential(gone, CredentialKind::MAILED_CODE, 2);
    let own = credential(kept, CredentialKind::ROCKETCHAT_TOKEN, 3);
    for one in [&token, &code, &own] {
        assert!(store.add(one, 9, None).await.unwrap());
    }
    store.write_audit(&row(Act::SessionsEnded, gone, Actor::Owner)).await.unwrap();
    store.write_audit(&row(Act::SessionsEnded, third, Actor::User(gone))).await.unwrap();
    store.record(AttemptRecord {
        at: at(77),
        protocol: ProtocolName::ZULIP,
        realm: main.id,
        user: Some(gone),
        name: String::new(),
        client_key: ClientKey::of([192, 0, 2, 1].into()),
        outcome: Cow::Borrowed("granted"),
    });
    let of_gone = AttemptFilter { user: Some(gone), ..AttemptFilter::default() };
    while store.attempts(&of_gone, LogPage::newest(9)).await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let (before, other) = (account(&*store, kept).await.user, account(&*store, gone).await.user);
    let mut user = (*before).clone();
    user.names.extend(other.names.iter().cloned());
    user.external_ids.set(ProtocolName::ROCKETCHAT, other.external_text(ProtocolName::ROCKETCHAT).into());
    let moved = Credential { user: kept, ..token.clone() };
    let merged = ImportedChange { credentials: vec![moved.clone()], ..change(&user) };

    assert_eq!(store.merge((gone, other.version + 1), &merged).await, Ok(false), "it was changed meanwhile");
    let stale =
        ImportedChange { user: User { version: before.version + 1, ..user.clone() }, ..merged.clone() };
    assert_eq!(store.merge((gone, other.version), &stale).await, Err(StoreError::Changed));
    let mut thief = user.clone();
    thief.names.extend(account(&*store, third).await.user.names.iter().cloned());
    let thief = ImportedChange { user: thief, ..merged.clone() };
    assert_eq!(
        store.merge((gone, other.version), &thief).await,
        conflict::<bool>(Conflict::Name(NameKind::UserName))
    );
    assert_eq!(*account(&*store, gone).await.user, *other, "all or nothing");
    assert_eq!(groups(&*store, kept).await, ["both"]);

    assert_eq!(store.merge((gone, other.version), &merged).await, Ok(true));
    assert_eq!(store.merge((gone, other.version), &merged).await, Ok(false), "it is gone");
    let after = account(&*store, kept).await;
    assert_eq!(*after.user, User { version: after.user.version, ..user.clone() });
    assert!(after.user.version > before.version);
    for name in &user.names {
        let found = store.find(main.id, &Lookup::Name(name.kind, &name.exact)).await.unwrap();
        assert_eq!(found.map(|account| account.user.id), Some(kept), "{}", name.exact);
    }
    assert_eq!(store.user(gone).await.map(|gone| gone.is_none()), Ok(true));
    assert_eq!(ids(&*store, kept, CredentialKind::ROCKETCHAT_TOKEN).await, [token.id, own.id]);
    assert_eq!(ids(&*store, kept, CredentialKind::MAILED_CODE).await, [], "what was not moved ends");
    let found = store.by_digest(token.kind, &token.digest.unwrap()).await.unwrap().unwrap();
    assert_eq!((comparable(&found.0), found.1.user.id), (comparable(&moved), kept));
    assert_eq!(groups(&*store, kept).await, ["both", "one"]);
    let attempts = AttemptFilter { user: Some(kept), ..AttemptFilter::default() };
    assert_eq!(store.attempts(&attempts, LogPage::newest(9)).await.unwrap().len(), 1);
    let activity = store.activities(&[kept]).await.unwrap();
    assert_eq!(activity[0].1.last_login, Some(at(77)));
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::oldest(9)).await.unwrap();
    let told: Vec<_> =
        rows.into_iter().map(|row| (row.record.act, row.record.user, row.record.actor)).collect();
    assert_eq!(
        told,
        [
            (Act::SessionsEnded, Some(kept), Actor::Owner),
            (Act::SessionsEnded, Some(third), Actor::User(kept)),
            (Act::UsersMerged, Some(kept), Actor::Operator),
        ]
    );
}

pub async fn what_an_import_remembers_of_the_one_who_goes_is_of_the_one_who_stays<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let (kept, gone) = (account(&*store, users[0]).await.user, account(&*store, users[1]).await.user);
    let mark = ImportMark {
        source: "zulip".into(),
        key: [1; 16],
        user: Some(gone.id),
        digest: [1; 16],
        fields: vec![1; 90],
    };
    let marked =
        ImportedChange { mark: Some(mark.clone()), is_change: false, audit: Vec::new(), ..change(&gone) };
    let record = auth_core::NewRecord::Change(Box::new(marked));
    super::write(&*store, vec![record]).await.unwrap();
    assert_eq!(store.merge((gone.id, gone.version), &change(&kept)).await, Ok(true));
    let found = store.import_mark("zulip", [1; 16]).await.unwrap();
    assert_eq!(found, Some(ImportMark { user: Some(kept.id), ..mark }));
}
