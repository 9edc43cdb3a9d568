//! The audit log.

use std::time::Duration;

use auth_core::{
    Act, Actor, AttemptStore, AuditFilter, AuditRecord, AuditStore, ClientKey, Conflict, Credential,
    CredentialKind, CredentialStore, ImportMode, Imported, LogPage, MetaStore, NameKind, NewRecord,
    OnConflict, ProfileUpdate, ProtocolName, RealmId, Revocation, Store, StoreError, Timestamp, UserId,
    UserStore,
};

use super::{Fixture, at, conflict, credential, password, realm, seed, user};

const NOTHING: &Revocation<'_> = &Revocation::NOTHING;

/// A row of an act on a user at a second.
fn record(act: Act, user: UserId, secs: i64) -> AuditRecord {
    AuditRecord {
        at: at(secs),
        actor: Actor::Owner,
        by: None,
        act,
        realm: Some(RealmId::from_bytes([3; 16])),
        user: Some(user),
        detail: "the phöne".into(),
        client: Some(ClientKey::of("2001:db8:1:2:3:4:5:6".parse().unwrap())),
        protocol: Some(ProtocolName::ROCKETCHAT),
        request_id: "0000002a-7".into(),
    }
}

async fn rows(store: &impl Store) -> Vec<AuditRecord> {
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::newest(u32::MAX)).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

/// The acts that were written, oldest first.
async fn acts(store: &impl Store) -> Vec<Act> {
    rows(store).await.into_iter().rev().map(|record| record.act).collect()
}

pub async fn lists_rows_newest_first_and_forgets_by_age<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (one, other) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
    let bare = |actor, secs| AuditRecord {
        at: at(secs),
        actor,
        by: None,
        act: Act::KeyAdded,
        realm: None,
        user: None,
        detail: String::new(),
        client: None,
        protocol: None,
        request_id: String::new(),
    };
    let written = [
        record(Act::DeviceEnrolled, one, 10),
        AuditRecord { actor: Actor::User(other), ..record(Act::DeviceReset, one, 30) },
        bare(Actor::Operator, 20),
        bare(Actor::Directory("cörp".into()), 30),
        AuditRecord {
            actor: Actor::MailedLink,
            client: Some(ClientKey::of("192.0.2.7".parse().unwrap())),
            protocol: Some(ProtocolName::new("gitlab")),
            ..record(Act::PasswordReset, one, 40)
        },
    ];
    for row in &written {
        store.write_audit(row).await.unwrap();
    }
    let [first, second, third, fourth, fifth] = written;
    let newest_first = vec![fifth.clone(), fourth.clone(), second.clone(), third, first];
    assert_eq!(rows(&*store).await, newest_first, "of one moment, the one written last comes first");

    assert_eq!(store.audit_rows(&AuditFilter::default(), LogPage::newest(0)).await, Ok(Vec::new()));

    assert_eq!(store.forget_audit(at(30)).await, Ok(2));
    assert_eq!(store.forget_audit(at(30)).await, Ok(0));
    assert_eq!(rows(&*store).await, [fifth, fourth, second], "a row of that moment stays");
    assert_eq!(store.forget_audit(Timestamp::from_millis(i64::MAX)).await, Ok(3));
}

pub async fn forgets_any_number_of_old_rows_and_no_other_command_forgets_one<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    // More than one command deletes at a time.
    const ROWS: i64 = 1003;
    for second in 0..ROWS {
        store.write_audit(&record(Act::SessionsEnded, users[0], second)).await.unwrap();
    }
    assert_eq!(store.trim_attempts(0).await, Ok(0));
    store.forget_attempts(at(ROWS)).await.unwrap();
    store.purge(at(ROWS)).await.unwrap();
    assert!(store.delete(users[0], NOTHING, None).await.unwrap());
    assert_eq!(rows(&*store).await.len(), 1003, "its rows outlive a user");
    assert_eq!(store.forget_audit(at(ROWS - 2)).await, Ok(1001));
    assert_eq!(rows(&*store).await.len(), 2);
}

/// Credentials of one kind, numbered.
fn token(number: u32, user: UserId) -> Credential {
    credential(user, CredentialKind::ROCKETCHAT_TOKEN, number)
}

pub async fn writes_the_row_of_each_command_that_changes_something<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 1).await;
    let id = users[0];
    let kinds = [CredentialKind::ROCKETCHAT_TOKEN];
    let row = |act| record(act, id, 10);
    let mut expected = Vec::new();
    macro_rules! writes {
        ($act:ident, $done:expr, |$audit:ident| $command:expr) => {{
            let row = row(Act::$act);
            let $audit = Some(&row);
            assert_eq!($command.await, $done, "{}", Act::$act.as_str());
            expected.push(Act::$act);
            assert_eq!(acts(&*store).await, expected);
            assert_eq!(rows(&*store).await[0], row, "as it was given");
        }};
    }
    let new = password("changed");
    writes!(PasswordSet, Ok(true), |audit| store.set_password(id, Some(&new), NOTHING, audit));
    writes!(Deactivated, Ok(true), |audit| store.set_active(id, false, NOTHING, audit));
    writes!(TokensRevoked, Ok(true), |audit| store.revoke(id, NOTHING, audit));
    let before = store.user(id).await.unwrap().unwrap().user;
    let update =
        ProfileUpdate { full_name: "New".into(), ..ProfileUpdate::with_names(&before, before.names.clone()) };
    writes!(ProfileUpdated, Ok(true), |audit| store.update_profile(id, &update, NOTHING, audit));
    writes!(MailedCodesRequired, Ok(true), |audit| store.set_email_second_factor(id, true, NOTHING, audit));
    writes!(PersonalTokenMade, Ok(true), |audit| store.add(&token(1, id), 9, audit));
    let (first, second) = (token(1, id), token(2, id));
    writes!(PersonalTokenRenewed, Ok(true), |audit| store.replace(first.id, &second, audit));
    writes!(PersonalTokenRemoved, Ok(true), |audit| store.remove(second.id, audit));
    store.add(&token(3, id), 9, None).await.unwrap();
    writes!(OtherSessionsEnded, Ok(1), |audit| store.remove_of_user(id, &kinds, None, audit));
    let fresh = [token(4, id)];
    writes!(BackupCodesRenewed, Ok(true), |audit| store.exchange(id, &kinds, None, &fresh, audit));
    let other = user(&main, 2);
    writes!(UserCreated, Ok(()), |audit| store.create_user(&other, audit));
    writes!(KeyRetired, Ok(true), |audit| store.replace_meta("x", None, Some(b"1"), audit));
    writes!(KeyPromoted, Ok(true), |audit| store.replace_meta("x", Some(b"1"), Some(b"2"), audit));
    writes!(KeyAdded, Ok(true), |audit| store.replace_meta("x", Some(b"2"), None, audit));
    writes!(Deleted, Ok(true), |audit| store.delete(id, NOTHING, audit));
}

pub async fn writes_no_row_for_a_command_that_changes_nothing<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 2).await;
    let id = users[0];
    let nobody = UserId::from_bytes([99; 16]);
    let kinds = [CredentialKind::ROCKETCHAT_TOKEN];
    let row = record(Act::Deleted, id, 10);
    let audit = Some(&row);
    let kept = token(1, id);
    store.add(&kept, 9, None).await.unwrap();

    assert_eq!(store.set_password(nobody, None, NOTHING, audit).await, Ok(false));
    assert_eq!(store.set_active(nobody, false, NOTHING, audit).await, Ok(false));
    assert_eq!(store.revoke(nobody, NOTHING, audit).await, Ok(false));
    let taken = store.user(users[1]).await.unwrap().unwrap().user.names.clone();
    let update = ProfileUpdate::with_names(&store.user(id).await.unwrap().unwrap().user, taken);
    assert_eq!(store.update_profile(nobody, &update, NOTHING, audit).await, Ok(false));
    let refused = store.update_profile(id, &update, NOTHING, audit).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::Name(_)))), "{refused:?}");
    assert_eq!(store.set_email_second_factor(nobody, true, NOTHING, audit).await, Ok(false));
    assert_eq!(store.delete(nobody, NOTHING, audit).await, Ok(false));
    assert_eq!(store.remove_of_user(id, &[CredentialKind::TOTP], None, audit).await, Ok(0));
    assert_eq!(store.remove(token(7, id).id, audit).await, Ok(false));
    assert_eq!(store.add(&token(7, nobody), 9, audit).await, Ok(false));
    assert_eq!(store.add(&kept, 9, audit).await, Ok(true), "a repeated command has its row already");
    let same_digest = Credential { id: token(8, id).id, ..kept.clone() };
    assert_eq!(store.add(&same_digest, 9, audit).await, conflict(Conflict::Credential));
    assert_eq!(store.replace(token(7, id).id, &token(8, id), audit).await, Ok(false));
    assert_eq!(store.exchange(nobody, &kinds, None, &[token(8, nobody)], audit).await, Ok(false));
    let orphan = Credential { parent: Some(token(7, id).id), ..token(8, id) };
    assert_eq!(store.exchange(id, &kinds, None, &[orphan], audit).await, Ok(false));
    assert_eq!(store.replace_meta("x", Some(b"1"), Some(b"2"), audit).await, Ok(false));
    assert_eq!(store.replace_meta("x", None, None, audit).await, Ok(true));
    let namesake = user(&main, 2);
    assert_eq!(store.create_user(&namesake, audit).await, Ok(()), "a repeated command has its row already");
    assert_eq!(rows(&*store).await, []);
}

pub async fn an_act_that_fails_takes_its_row_along<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 1).await;
    let id = users[0];
    let row = record(Act::PersonalTokenRenewed, id, 10);
    let audit = Some(&row);
    let labelled = |number, label: &str| Credential { label: Some(label.into()), ..token(number, id) };
    let (one, two) = (labelled(1, "one"), labelled(2, "two"));
    for token in [&one, &two] {
        store.add(token, 9, None).await.unwrap();
    }
    // What was deleted before the failure is back, and no row is left of it.
    assert_eq!(store.replace(one.id, &labelled(3, "two"), audit).await, Ok(false));
    let same_digest = Credential { digest: two.digest, ..labelled(3, "one") };
    assert_eq!(store.replace(one.id, &same_digest, audit).await, conflict(Conflict::Credential));
    let twice = [labelled(4, "new"), labelled(5, "new")];
    assert_eq!(store.exchange(id, &[one.kind], None, &twice, audit).await, Ok(false));
    let left: Vec<_> = store.of_user(id, one.kind).await.unwrap().into_iter().map(|own| own.id).collect();
    assert_eq!(left, [one.id, two.id]);
    let mut namesake = user(&main, 2);
    namesake.user.names = store.user(id).await.unwrap().unwrap().user.names.clone();
    let refused = store.create_user(&namesake, audit).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::Name(_)))), "{refused:?}");
    assert_eq!(store.user(namesake.user.id).await.unwrap().map(|account| account.user.id), None);
    assert_eq!(rows(&*store).await, []);
    // The same with nothing in the way.
    assert_eq!(store.replace(one.id, &labelled(3, "one"), audit).await, Ok(true));
    assert_eq!(rows(&*store).await, [row]);
}

pub async fn does_no_act_whose_credential_is_gone<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let (id, admin) = (users[0], users[1]);
    let (own, kept) = (token(1, admin), token(2, id));
    for token in [&own, &kept] {
        store.add(token, 9, None).await.unwrap();
    }
    let kinds = [kept.kind];
    let row = |act| AuditRecord { by: Some(own.id), ..record(act, id, 10) };
    let user = store.user(id).await.unwrap().unwrap().user;
    let update =
        ProfileUpdate { full_name: "New".into(), ..ProfileUpdate::with_names(&user, user.names.clone()) };
    let new = password("changed");

    let required = row(Act::MailedCodesRequired);
    assert_eq!(store.set_email_second_factor(id, true, NOTHING, Some(&required)).await, Ok(true));
    assert_eq!(acts(&*store).await, [Act::MailedCodesRequired], "done while the credential is there");
    store.remove(own.id, None).await.unwrap();
    let (before, row) = (store.user(id).await.unwrap(), row(Act::Deleted));
    let audit = Some(&row);
    let gone = || Err(StoreError::Revoked);
    assert_eq!(store.set_password(id, Some(&new), NOTHING, audit).await, gone());
    assert_eq!(store.set_active(id, false, NOTHING, audit).await, gone());
    assert_eq!(store.revoke(id, NOTHING, audit).await, gone());
    assert_eq!(store.update_profile(id, &update, NOTHING, audit).await, gone());
    assert_eq!(store.set_email_second_factor(id, false, NOTHING, audit).await, gone());
    assert_eq!(store.add(&token(3, id), 9, audit).await, gone());
    assert_eq!(store.replace(kept.id, &token(3, id), audit).await, gone());
    assert_eq!(store.exchange(id, &kinds, None, &[token(3, id)], audit).await, gone());
    assert_eq!(store.remove(kept.id, audit).await, gone());
    assert_eq!(store.remove_of_user(id, &kinds, None, audit).await, Err(StoreError::Revoked));
    assert_eq!(store.delete(id, NOTHING, audit).await, gone());
    let after = store.user(id).await.unwrap();
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
    let left: Vec<_> = store.of_user(id, kept.kind).await.unwrap().into_iter().map(|own| own.id).collect();
    assert_eq!(left, [kept.id]);
    assert_eq!(acts(&*store).await, [Act::MailedCodesRequired]);
}

pub async fn of_a_revocation_and_an_act_at_once_nothing_is_left<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    let id = users[0];
    let (session, made) = (CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN);
    let both = [session, made];
    for round in 0..20 {
        let own = credential(id, session, 1000 + round);
        store.add(&own, 9, None).await.unwrap();
        let row = AuditRecord { by: Some(own.id), ..record(Act::PersonalTokenMade, id, 10) };
        let successor = credential(id, made, 2000 + round);
        let (act, revocation) =
            tokio::join!(store.add(&successor, 9, Some(&row)), store.remove_of_user(id, &both, None, None));
        assert!(matches!(act, Ok(true) | Err(StoreError::Revoked)), "{act:?}");
        assert!(revocation.unwrap() > 0);
        for kind in both {
            assert!(store.of_user(id, kind).await.unwrap().is_empty(), "round {round}, {act:?}");
        }
    }
}

pub async fn replaces_a_credential_with_what_came_from_it<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let id = users[0];
    let (old, new) = (token(1, id), token(3, id));
    let child = Credential { parent: Some(old.id), ..token(2, id) };
    for token in [&old, &child] {
        store.add(token, 9, None).await.unwrap();
    }
    let version = store.user(id).await.unwrap().unwrap().user.version;
    assert_eq!(store.replace(old.id, &token(3, users[1]), None).await, Ok(false), "another user's");
    let of_the_old = Credential { parent: Some(old.id), ..new.clone() };
    assert_eq!(store.replace(old.id, &of_the_old, None).await, Ok(false), "its parent goes");
    assert_eq!(store.replace(old.id, &new, None).await, Ok(true));
    let left: Vec<_> = store.of_user(id, old.kind).await.unwrap().into_iter().map(|own| own.id).collect();
    assert_eq!(left, [new.id]);
    assert!(store.user(id).await.unwrap().unwrap().user.version > version, "a change of the user");
    assert_eq!(store.replace(old.id, &token(4, id), None).await, Ok(false), "it is gone");
}

pub async fn an_import_is_one_row_with_its_numbers_beside_those_of_its_realms<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let main = realm("main");
    let users = [user(&main, 1), user(&main, 2)];
    let row = AuditRecord { user: None, ..record(Act::Imported, users[0].user.id, 10) };
    let import = async |records: Vec<NewRecord>, mode| {
        store
            .import(
                Box::new(records.into_iter().map(Some)),
                mode,
                OnConflict::Refuse,
                Box::new(|_, _| ()),
                Some(&row),
            )
            .await
    };
    let of = |new: &auth_core::NewUser| NewRecord::User(Box::new(new.clone()));
    let all = || vec![NewRecord::from(main.clone()), of(&users[0]), of(&users[1])];
    let counted = Imported { realms: 1, users: 2 };
    assert_eq!(import(all(), ImportMode::DryRun).await.unwrap(), counted);
    assert_eq!(import(Vec::new(), ImportMode::Write).await.unwrap(), Imported::default());
    let mut namesake = user(&main, 3);
    namesake.user.names =
        users[0].user.names.iter().filter(|name| name.kind == NameKind::UserName).cloned().collect();
    let mut broken = all();
    broken.push(of(&namesake));
    import(broken, ImportMode::Write).await.unwrap_err();
    assert_eq!(rows(&*store).await, [], "nothing was written");
    assert_eq!(import(all(), ImportMode::Write).await.unwrap(), counted);
    let of_realm = |detail: &str| AuditRecord {
        act: Act::RealmWritten,
        realm: Some(main.id),
        detail: detail.into(),
        ..row.clone()
    };
    let of_import = |detail: &str| AuditRecord { detail: detail.into(), ..row.clone() };
    let first = [of_import("1 realm, 2 users"), of_realm("new")];
    assert_eq!(rows(&*store).await, first);
    let unchanged = import(vec![NewRecord::from(main.clone())], ImportMode::Write).await.unwrap();
    assert_eq!((unchanged.realms, rows(&*store).await.len()), (1, 2), "nothing has changed");
    let changed = auth_core::Realm { name: "New".into(), active: false, ..main.clone() };
    import(vec![NewRecord::from(changed)], ImportMode::Write).await.unwrap();
    let second = [of_import("1 realm, 0 users"), of_realm("name, active")];
    assert_eq!(rows(&*store).await, [second, first].concat());
}

pub async fn each_of_many_acts_at_once_is_one_row<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    let id = users[0];
    let token = token(1, id);
    store.add(&token, 9, None).await.unwrap();
    let racing: Vec<_> = (0..8)
        .map(|_| {
            let (store, row) = (std::sync::Arc::clone(&store), record(Act::TokenRevoked, id, 10));
            tokio::spawn(async move { store.remove(token.id, Some(&row)).await.unwrap() })
        })
        .collect();
    let mut removed = 0;
    for one in racing {
        removed += u32::from(tokio::time::timeout(Duration::from_secs(60), one).await.unwrap().unwrap());
    }
    assert_eq!((removed, rows(&*store).await.len()), (1, 1));
}

/// Checks that a store whose table of the audit log takes no row does no act either. Tests break the table in their own
/// way, by `break_table`.
pub async fn does_nothing_whose_row_can_not_be_written(store: &impl Store, break_table: impl AsyncFnOnce()) {
    let (main, users) = seed(store, 1).await;
    let id = users[0];
    let kinds = [CredentialKind::ROCKETCHAT_TOKEN];
    let (kept, other) = (token(1, id), user(&main, 2));
    store.add(&kept, 9, None).await.unwrap();
    let before = store.user(id).await.unwrap().unwrap();
    break_table().await;
    let row = record(Act::Deleted, id, 10);
    let audit = Some(&row);
    let new = password("changed");
    let update = ProfileUpdate {
        full_name: "New".into(),
        ..ProfileUpdate::with_names(&before.user, before.user.names.clone())
    };
    let all: auth_core::Records = Box::new(std::iter::once(Some(NewRecord::User(Box::new(other.clone())))));
    store.set_password(id, Some(&new), NOTHING, audit).await.unwrap_err();
    store.set_active(id, false, NOTHING, audit).await.unwrap_err();
    store.revoke(id, &Revocation { valid_from: None, kinds: &kinds, except: None }, audit).await.unwrap_err();
    store.update_profile(id, &update, NOTHING, audit).await.unwrap_err();
    store.set_email_second_factor(id, true, NOTHING, audit).await.unwrap_err();
    store.add(&token(2, id), 9, audit).await.unwrap_err();
    store.replace(kept.id, &token(2, id), audit).await.unwrap_err();
    store.remove(kept.id, audit).await.unwrap_err();
    store.remove_of_user(id, &kinds, None, audit).await.unwrap_err();
    store.exchange(id, &kinds, None, &[token(2, id)], audit).await.unwrap_err();
    store.create_user(&other, audit).await.unwrap_err();
    store.import(all, ImportMode::Write, OnConflict::Refuse, Box::new(|_, _| ()), audit).await.unwrap_err();
    store.replace_meta("x", None, Some(b"1"), audit).await.unwrap_err();
    store.delete(id, NOTHING, audit).await.unwrap_err();

    let after = store.user(id).await.unwrap().unwrap();
    assert_eq!((&after.user, &after.password), (&before.user, &before.password));
    let left: Vec<_> = store.of_user(id, kept.kind).await.unwrap().into_iter().map(|own| own.id).collect();
    assert_eq!(left, [kept.id]);
    assert!(store.user(other.user.id).await.unwrap().is_none());
    assert_eq!(store.meta("x").await, Ok(None));
    // The same without a row.
    assert_eq!(store.set_active(id, false, NOTHING, None).await, Ok(true));
    assert_eq!(store.delete(id, NOTHING, None).await, Ok(true));
}
