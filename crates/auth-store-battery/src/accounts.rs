//! Changes of users.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    AttemptStore, Conflict, CredentialKind, CredentialStore, Language, LoginName, Lookup, NameKind, NewId,
    NewRecord, Outbox, ProfileUpdate, ProtocolName, Revocation, Role, StoreError, Timestamp, User, UserId,
    UserStore,
};

use tokio::task::JoinSet;

use super::{Fixture, account, at, credential, ids, password, realm, seed, user, write};

const NOTHING: Revocation<'static> = Revocation::NOTHING;

pub async fn replaces_a_hash_only_while_it_is_the_old_one<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let (old, new) = (password("old"), password("new"));
    assert!(!store.rehash(users[0], &new, &old).await.unwrap());
    assert_eq!(account(&*store, users[0]).await.password, Some(old.clone()));
    assert!(store.rehash(users[0], &old, &new).await.unwrap());
    assert!(!store.rehash(users[0], &old, &new).await.unwrap());
    let changed = account(&*store, users[0]).await;
    assert_eq!(changed.password, Some(new.clone()));
    assert_eq!(changed.user.valid_from, at(0), "sessions go on");
    assert_eq!(account(&*store, users[1]).await.password, Some(old.clone()));

    store.set_password(users[0], None, &NOTHING, None).await.unwrap();
    assert!(!store.rehash(users[0], &new, &old).await.unwrap(), "no password is no old one");
    assert!(!store.rehash(UserId::from_bytes([9; 16]), &old, &new).await.unwrap());
}

pub async fn a_new_password_revokes_the_given_credentials<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mut number = 0;
    for user in &users {
        for kind in [
            CredentialKind::APP_PASSWORD,
            CredentialKind::ROCKETCHAT_TOKEN,
            CredentialKind::ROCKETCHAT_TOKEN,
            CredentialKind::ZULIP_KEY,
        ] {
            number += 1;
            assert!(store.add(&credential(*user, kind, number), 10, None).await.unwrap());
        }
    }
    let revocation = Revocation {
        valid_from: Some(at(500)),
        kinds: &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::APP_PASSWORD],
        except: None,
    };
    assert!(store.set_password(users[0], Some(&password("new")), &revocation, None).await.unwrap());

    let changed = account(&*store, users[0]).await;
    assert_eq!(changed.password, Some(password("new")));
    assert_eq!(changed.user.valid_from, at(500));
    for (kind, own, others) in [
        (CredentialKind::APP_PASSWORD, 0, 1),
        (CredentialKind::ROCKETCHAT_TOKEN, 0, 2),
        (CredentialKind::ZULIP_KEY, 1, 1),
    ] {
        assert_eq!(ids(&*store, users[0], kind).await.len(), own, "{kind:?}");
        assert_eq!(ids(&*store, users[1], kind).await.len(), others, "{kind:?}");
    }
    assert!(store.set_password(users[0], None, &NOTHING, None).await.unwrap());
    assert_eq!(account(&*store, users[0]).await.password, None);
    assert!(!store.set_password(UserId::from_bytes([9; 16]), None, &revocation, None).await.unwrap());

    let own = ids(&*store, users[1], CredentialKind::ROCKETCHAT_TOKEN).await[1];
    let but_one = Revocation { except: Some(own), ..revocation };
    assert!(store.set_password(users[1], Some(&password("new")), &but_one, None).await.unwrap());
    assert_eq!(ids(&*store, users[1], CredentialKind::ROCKETCHAT_TOKEN).await, [own]);
    assert!(ids(&*store, users[1], CredentialKind::APP_PASSWORD).await.is_empty());
}

pub async fn a_new_password_clears_must_change_password<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let main = realm("main");
    let due = [1, 2].map(|number| {
        let mut new = user(&main, number);
        new.user.must_change_password = true;
        new
    });
    let [hers, his] = due.clone().map(|new| new.user.id);
    let users = due.map(|new| NewRecord::User(Box::new(new)));
    write(&*store, [NewRecord::from(main)].into_iter().chain(users).collect()).await.unwrap();
    for (new, due) in [(None, true), (Some(password("new")), false), (None, false)] {
        store.set_password(hers, new.as_ref(), &NOTHING, None).await.unwrap();
        assert_eq!(account(&*store, hers).await.user.must_change_password, due, "{new:?}");
    }
    assert!(account(&*store, his).await.user.must_change_password, "another user's is still due");
}

pub async fn moves_the_valid_from_stamp_by_a_second_at_least<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    let second = |millis| Timestamp::from_millis(at(0).as_millis() + millis);
    for (given, expected) in [
        (None, second(0)),
        (Some(second(-5000)), second(1000)),
        (Some(second(1000)), second(2000)),
        (Some(second(2999)), second(3000)),
        (Some(second(4001)), second(4001)),
        (None, second(4001)),
        (Some(second(4001)), second(5001)),
    ] {
        let revocation = Revocation { valid_from: given, kinds: &[], except: None };
        assert!(store.set_password(users[0], None, &revocation, None).await.unwrap());
        assert_eq!(account(&*store, users[0]).await.user.valid_from, expected, "{given:?}");
    }
}

pub async fn deactivates_and_activates_users<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    store.add(&credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, 1), 10, None).await.unwrap();
    store.add(&credential(users[0], CredentialKind::ZULIP_KEY, 2), 10, None).await.unwrap();
    let revocation =
        Revocation { valid_from: Some(at(9)), kinds: &[CredentialKind::ROCKETCHAT_TOKEN], except: None };
    assert!(store.set_active(users[0], false, &revocation, None).await.unwrap());
    let off = account(&*store, users[0]).await;
    assert!(!off.user.active);
    assert_eq!(off.user.valid_from, at(9));
    assert_eq!(off.password, Some(password("old")));
    assert!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await.is_empty());
    assert_eq!(
        ids(&*store, users[0], CredentialKind::ZULIP_KEY).await.len(),
        1,
        "kept for the day of reactivation"
    );
    assert!(account(&*store, users[1]).await.user.active);
    assert!(store.set_active(users[0], true, &NOTHING, None).await.unwrap());
    assert!(account(&*store, users[0]).await.user.active);
    assert!(!store.set_active(UserId::from_bytes([9; 16]), true, &NOTHING, None).await.unwrap());
}

pub async fn revokes_credentials_and_changes_nothing_else<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    for (number, user) in (1..).zip(&users) {
        store.add(&credential(*user, CredentialKind::ROCKETCHAT_TOKEN, 10 * number), 10, None).await.unwrap();
        store.add(&credential(*user, CredentialKind::ZULIP_KEY, 10 * number + 1), 10, None).await.unwrap();
    }
    for active in [true, false] {
        store.set_active(users[0], active, &NOTHING, None).await.unwrap();
        let before = account(&*store, users[0]).await;
        let revocation =
            Revocation { valid_from: Some(at(9)), kinds: &[CredentialKind::ROCKETCHAT_TOKEN], except: None };
        assert_eq!(store.revoke(users[0], &revocation, None).await, Ok(true));
        let after = account(&*store, users[0]).await;
        assert!(after.user.version > before.user.version);
        let expected = User {
            version: after.user.version,
            valid_from: at(9).max(before.user.valid_from + Duration::from_secs(1)),
            ..(*before.user).clone()
        };
        assert_eq!(*after.user, expected);
        assert_eq!(after.password, before.password);
        assert!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await.is_empty());
        assert_eq!(ids(&*store, users[0], CredentialKind::ZULIP_KEY).await.len(), 1);
        store.add(&credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, 30), 10, None).await.unwrap();
    }
    assert_eq!(ids(&*store, users[1], CredentialKind::ROCKETCHAT_TOKEN).await.len(), 1);
    assert_eq!(store.revoke(UserId::from_bytes([9; 16]), &NOTHING, None).await, Ok(false));
}

pub async fn a_deactivation_beside_a_revocation_holds<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 40).await;
    let mut tasks = JoinSet::new();
    for (number, user) in (1..).zip(users.clone()) {
        store.add(&credential(user, CredentialKind::ROCKETCHAT_TOKEN, number), 10, None).await.unwrap();
        // The caller that revokes has read an account that is active.
        assert!(account(&*store, user).await.user.active);
        let deactivating = Arc::clone(&store);
        let revoking = Arc::clone(&store);
        let deactivate =
            async move { assert_eq!(deactivating.set_active(user, false, &NOTHING, None).await, Ok(true)) };
        let revoke = async move {
            let kinds = &[CredentialKind::ROCKETCHAT_TOKEN];
            let revocation = Revocation { valid_from: Some(at(9)), kinds, except: None };
            assert_eq!(revoking.revoke(user, &revocation, None).await, Ok(true));
        };
        if number % 2 == 0 {
            tasks.spawn(deactivate);
            tasks.spawn(revoke);
        } else {
            tasks.spawn(revoke);
            tasks.spawn(deactivate);
        }
    }
    tasks.join_all().await;
    for user in users {
        let after = account(&*store, user).await.user;
        assert!(!after.active, "a revocation has undone the deactivation");
        assert_eq!(after.valid_from, at(9));
        assert!(ids(&*store, user, CredentialKind::ROCKETCHAT_TOKEN).await.is_empty());
    }
}

pub async fn switches_mailed_codes_on_and_off<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    for on in [true, true, false] {
        let before = account(&*store, users[0]).await.user.version;
        assert_eq!(store.set_email_second_factor(users[0], on, &NOTHING, None).await, Ok(true));
        let user = account(&*store, users[0]).await.user;
        assert_eq!(user.email_second_factor, on);
        assert!(user.version > before);
        assert!(!account(&*store, users[1]).await.user.email_second_factor);
    }
    assert_eq!(
        store.set_email_second_factor(UserId::from_bytes([9; 16]), true, &NOTHING, None).await,
        Ok(false)
    );
}

pub async fn revokes_credentials_with_each_change_of_a_user<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let (user, other) = (users[0], users[1]);
    let kind = CredentialKind::ROCKETCHAT_TOKEN;
    for (number, change) in (0..5).zip(["password", "active", "nothing", "profile", "mailed codes"]) {
        let own = |number| credential(user, kind, number);
        let (kept, gone) = (own(100 + 2 * number), own(101 + 2 * number));
        let others = credential(other, kind, 200 + number);
        for new in [&kept, &gone, &others] {
            assert!(store.add(new, 100, None).await.unwrap());
        }
        let before = account(&*store, user).await.user;
        let (valid_from, kinds) = (Some(at(600 + i64::from(number))), [kind]);
        let revocation = Revocation { valid_from, kinds: &kinds, except: Some(kept.id) };
        let names = before.names.clone();
        let update = ProfileUpdate { full_name: "New".into(), ..ProfileUpdate::with_names(&before, names) };
        let done = match change {
            "password" => store.set_password(user, None, &revocation, None).await,
            "active" => store.set_active(user, true, &revocation, None).await,
            "nothing" => store.revoke(user, &revocation, None).await,
            "profile" => store.update_profile(user, &update, &revocation, None).await,
            _ => store.set_email_second_factor(user, true, &revocation, None).await,
        };
        assert_eq!(done, Ok(true), "{change}");
        assert_eq!(ids(&*store, user, kind).await, [kept.id], "{change}");
        assert!(ids(&*store, other, kind).await.contains(&others.id), "{change}");
        assert_eq!(Some(account(&*store, user).await.user.valid_from), valid_from, "{change}");
        store.remove(kept.id, None).await.unwrap();
    }
}

pub async fn updates_a_profile_all_or_nothing<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 2).await;
    let name = |kind, exact: &str| LoginName { kind, exact: exact.into(), verified: kind == NameKind::Email };
    let before = account(&*store, users[0]).await;
    let update = ProfileUpdate {
        version: before.user.version,
        names: vec![
            name(NameKind::UserName, "Renamed"),
            name(NameKind::Email, "new@example.org"),
            name(NameKind::Directory, "entry-1"),
        ],
        full_name: "Another Name".into(),
        role: Role::Admin,
        language: Some(Language::German),
        must_change_password: true,
    };
    assert_eq!(store.update_profile(users[0], &update, &NOTHING, None).await, Ok(true));
    let again = store.update_profile(users[0], &update, &NOTHING, None).await;
    assert_eq!(again, Err(StoreError::Changed), "made from a version that is gone");
    let after = account(&*store, users[0]).await;
    assert!(after.user.version > before.user.version);
    assert_eq!(after.user.names, update.names);
    let expected = User {
        names: update.names.clone(),
        full_name: update.full_name.clone(),
        role: update.role,
        language: update.language,
        must_change_password: true,
        version: after.user.version,
        ..(*before.user).clone()
    };
    assert_eq!(*after.user, expected, "nothing else is changed");
    assert_eq!(after.password, before.password);
    for (kind, typed, known) in [
        (NameKind::UserName, "user0", false),
        (NameKind::UserName, "renamed", true),
        (NameKind::Email, "NEW@example.org", true),
        (NameKind::Directory, "entry-1", true),
    ] {
        let found = store.find(main.id, &Lookup::Name(kind, typed)).await.unwrap();
        assert_eq!(found.map(|account| account.user.id), known.then_some(users[0]), "{typed}");
    }

    let other = account(&*store, users[1]).await;
    let taken = ProfileUpdate { version: other.user.version, full_name: "Thief".into(), ..update };
    assert_eq!(
        store.update_profile(users[1], &taken, &NOTHING, None).await,
        Err(StoreError::Conflict(Conflict::Name(NameKind::UserName)))
    );
    assert_eq!(account(&*store, users[1]).await.user, other.user, "all or nothing");
    assert_eq!(store.update_profile(UserId::from_bytes([9; 16]), &taken, &NOTHING, None).await, Ok(false));
}

pub async fn deletes_users_with_all_that_belongs_to_them<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 2).await;
    let key = credential(users[0], CredentialKind::ZULIP_KEY, 1);
    store.add(&key, 10, None).await.unwrap();
    assert!(store.delete(users[0], &NOTHING, None).await.unwrap());
    assert!(!store.delete(users[0], &NOTHING, None).await.unwrap());

    assert!(store.user(users[0]).await.unwrap().is_none());
    for who in [
        Lookup::Name(NameKind::UserName, "user1"),
        Lookup::ExternalId(ProtocolName::ZULIP, &1.into()),
        Lookup::ExternalId(ProtocolName::ROCKETCHAT, &"rocket1".into()),
    ] {
        assert!(store.find(main.id, &who).await.unwrap().is_none(), "{who:?}");
    }
    assert!(store.by_digest(key.kind, &key.digest.unwrap()).await.unwrap().is_none());
    assert!(ids(&*store, users[0], key.kind).await.is_empty());
    assert!(!store.remove(key.id, None).await.unwrap());
    assert!(store.user(users[1]).await.unwrap().is_some());
}

pub async fn counts_every_change_of_a_user<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let me = users[0];
    let bystander = account(&*store, users[1]).await.user.version;
    let mut version = account(&*store, me).await.user.version;
    let mut check = async |command: &str, changed: bool| {
        let now = account(&*store, me).await.user.version;
        assert_eq!(now > version, changed, "{command}: {version} → {now}");
        assert!(now >= version, "{command}");
        version = now;
    };
    let token = credential(me, CredentialKind::ROCKETCHAT_TOKEN, 1);
    let mut expiring = credential(me, CredentialKind::ROCKETCHAT_TOKEN, 2);
    expiring.expires = Some(at(50));

    store.rehash(me, &password("other"), &password("new")).await.unwrap();
    check("a re-hash of another password", false).await;
    store.rehash(me, &password("old"), &password("new")).await.unwrap();
    check("a re-hash", true).await;
    store.set_password(me, Some(&password("newer")), &NOTHING, None).await.unwrap();
    check("a password", true).await;
    store.set_active(me, false, &NOTHING, None).await.unwrap();
    check("deactivation", true).await;
    store.revoke(me, &NOTHING, None).await.unwrap();
    check("a revocation", true).await;
    store.ensure_external_id(me, ProtocolName::ZULIP, &NewId::Next).await.unwrap();
    check("an id that is there", false).await;
    store.ensure_external_id(me, ProtocolName::new("gitlab"), &NewId::Next).await.unwrap();
    check("an id", true).await;
    store.add(&token, 5, None).await.unwrap();
    check("a token", true).await;
    store.add(&expiring, 5, None).await.unwrap();
    check("a token that expires", true).await;
    store.ensure(&credential(me, CredentialKind::ZULIP_KEY, 3)).await.unwrap();
    check("a key", true).await;
    store.ensure(&credential(me, CredentialKind::ZULIP_KEY, 4)).await.unwrap();
    check("a key that is there", false).await;
    store.raise_counter(token.id, 5).await.unwrap();
    check("a counter raised", true).await;
    store.raise_counter(token.id, 5).await.unwrap();
    check("a counter not raised", false).await;
    store.purge(at(40)).await.unwrap();
    check("a purge of nothing", false).await;
    store.purge(at(60)).await.unwrap();
    check("a purge", true).await;
    store.remove(token.id, None).await.unwrap();
    check("a removal", true).await;
    store.remove(token.id, None).await.unwrap();
    check("a removal of nothing", false).await;
    store.remove_of_user(me, &[CredentialKind::ZULIP_KEY], None, None).await.unwrap();
    check("a removal by kind", true).await;
    store
        .remove_of_user(me, &[CredentialKind::ZULIP_KEY, CredentialKind::BACKUP_CODE], None, None)
        .await
        .unwrap();
    check("a removal by kind of nothing", false).await;
    store.add(&credential(me, CredentialKind::TOTP, 5), 1, None).await.unwrap();
    check("a device", true).await;
    store.due(at(0), 1).await.unwrap();
    store.forget_attempts(at(0)).await.unwrap();
    check("commands that concern no user", false).await;
    assert_eq!(account(&*store, users[1]).await.user.version, bystander);
}
