//! Credentials: looked up, added, exchanged and deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_core::{
    Conflict, Credential, CredentialId, CredentialKind, CredentialStore, Digest, ProtocolName, Scope,
    SealedStore, Timestamp, UserId, UserStore,
};
use tokio::task::JoinSet;

use super::{Fixture, account, at, comparable, conflict, credential, ids, seed, user};

pub async fn finds_credentials_by_kind_and_digest<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mut rich = credential(users[1], CredentialKind::PERSONAL_TOKEN, 1);
    rich.scope = Scope {
        protocols: vec![ProtocolName::ZETTELSTORE, ProtocolName::ROCKETCHAT],
        bypass_second_factor: true,
    };
    rich.label = Some("läptop".into());
    rich.expires = Some(Timestamp::from_millis(i64::MAX));
    rich.last_used = Some(at(7));
    rich.counter = i64::MIN;
    let mut bare = credential(users[0], CredentialKind::PERSONAL_TOKEN, 2);
    (bare.digest, bare.sealed) = (None, None);
    store.add(&rich, 9, None).await.unwrap();
    store.add(&bare, 9, None).await.unwrap();

    let digest = rich.digest.unwrap();
    let (read, owner) = store.by_digest(CredentialKind::PERSONAL_TOKEN, &digest).await.unwrap().unwrap();
    assert_eq!(comparable(&read), comparable(&rich));
    assert_eq!(owner.user, account(&*store, users[1]).await.user);
    assert!(store.by_digest(CredentialKind::APP_PASSWORD, &digest).await.unwrap().is_none());
    assert!(store.by_digest(CredentialKind::PERSONAL_TOKEN, &Digest::new([0; 32])).await.unwrap().is_none());
    let listed = store.of_user(users[0], CredentialKind::PERSONAL_TOKEN).await.unwrap();
    assert_eq!(listed.iter().map(comparable).collect::<Vec<_>>(), [comparable(&bare)]);
}

pub async fn counts_the_credentials_of_each_kind<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let (session, device) = (CredentialKind::WEB_SESSION, CredentialKind::TOTP);
    let counts = async || {
        let counts = store.counts().await.unwrap();
        counts.into_iter().filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(counts().await, BTreeMap::new());
    let undigested = Credential { digest: None, ..credential(users[0], device, 1) };
    for new in [undigested, credential(users[0], session, 2), credential(users[1], session, 3)] {
        assert!(store.add(&new, 9, None).await.unwrap());
    }
    assert_eq!(counts().await, BTreeMap::from([(session, 2), (device, 1)]));
    store.remove_of_user(users[0], &[session, device], None, None).await.unwrap();
    assert_eq!(counts().await, BTreeMap::from([(session, 1)]));
}

pub async fn lists_what_has_ended_of_a_kind_and_purges_no_removal_that_is_to_be_carried_out<F: Fixture>(
    fixture: &F,
) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let removal = CredentialKind::DEVICE_REMOVAL;
    let mut all = Vec::new();
    for (number, owner, kind, end) in [
        (1, users[0], removal, Some(30)),
        (2, users[1], removal, Some(10)),
        (3, users[0], removal, Some(50)),
        (4, users[1], removal, None),
        (5, users[0], CredentialKind::ROCKETCHAT_TOKEN, Some(20)),
    ] {
        let added = Credential { expires: end.map(at), ..credential(owner, kind, number) };
        assert!(store.add(&added, 9, None).await.unwrap());
        all.push(added.id);
    }
    let ended = async |kind, limit| {
        let found = store.ended(kind, at(50), limit).await.unwrap();
        found.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(ended(removal, 9).await, [all[1], all[0]], "by their ends, and none that ends just now");
    assert_eq!(ended(removal, 1).await, [all[1]]);
    assert_eq!(ended(CredentialKind::ROCKETCHAT_TOKEN, 9).await, [all[4]]);
    assert_eq!(store.purge(at(50)).await, Ok(1));
    assert_eq!(ended(removal, 9).await, [all[1], all[0]]);
    assert_eq!(ended(CredentialKind::ROCKETCHAT_TOKEN, 9).await, []);
}

pub async fn keeps_kinds_that_no_store_knows<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 1).await;
    let (passkey, other) = (CredentialKind::new("passkey"), CredentialKind::new("passkey-2"));
    let mut added = credential(users[0], passkey, 1);
    added.scope.protocols = vec![ProtocolName::new("gitlab"), ProtocolName::ZULIP];
    store.add(&added, 9, None).await.unwrap();
    let mut new = user(&main, 2);
    new.credentials = vec![credential(new.user.id, passkey, 2), credential(new.user.id, other, 3)];
    store.create_user(&new, None).await.unwrap();

    let kinds = [other, CredentialKind::TOTP, passkey];
    let listed = store.of_kinds(new.user.id, &kinds).await.unwrap();
    assert_eq!(listed.iter().map(|credential| credential.kind).collect::<Vec<_>>(), [other, passkey]);
    assert_eq!(store.of_kinds(new.user.id, &[]).await.map(|none| none.len()), Ok(0));

    let all = [(users[0], &added), (new.user.id, &new.credentials[0]), (new.user.id, &new.credentials[1])];
    for (owner, written) in all {
        let listed = store.of_user(owner, written.kind).await.unwrap();
        assert_eq!(listed.iter().map(comparable).collect::<Vec<_>>(), [comparable(written)]);
        let found = store.by_digest(written.kind, &written.digest.unwrap()).await.unwrap();
        assert_eq!(
            found.map(|(read, account)| (comparable(&read), account.user.id)),
            Some((comparable(written), owner))
        );
    }
    let sealed = store.sealed_credentials(None, 9).await.unwrap();
    assert_eq!(sealed.len(), 3);
    assert_eq!(store.remove_of_user(new.user.id, &[passkey], None, None).await, Ok(1));
    assert_eq!(ids(&*store, new.user.id, other).await.len(), 1);
}

pub async fn keeps_the_newest_of_a_kind<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let add = async |user, kind, number, keep| {
        let new = credential(user, kind, number);
        assert!(store.add(&new, keep, None).await.unwrap());
        new.id
    };
    let other_kind = add(users[0], CredentialKind::ZULIP_KEY, 1, 1).await;
    let other_user = add(users[1], CredentialKind::ROCKETCHAT_TOKEN, 2, 1).await;
    let mut all = Vec::new();
    for number in 10..14 {
        all.push(add(users[0], CredentialKind::ROCKETCHAT_TOKEN, number, 3).await);
    }
    assert_eq!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await, all[1..], "oldest first");
    assert_eq!(ids(&*store, users[0], CredentialKind::ZULIP_KEY).await, [other_kind]);
    assert_eq!(ids(&*store, users[1], CredentialKind::ROCKETCHAT_TOKEN).await, [other_user]);
    let last = add(users[0], CredentialKind::ROCKETCHAT_TOKEN, 20, 1).await;
    assert_eq!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await, [last]);

    assert!(!account(&*store, users[0]).await.totp);
    add(users[0], CredentialKind::PENDING_TOTP, 30, 1).await;
    assert!(!account(&*store, users[0]).await.totp, "a pending device is none");
    add(users[0], CredentialKind::TOTP, 31, 1).await;
    assert!(account(&*store, users[0]).await.totp);
    assert!(!account(&*store, users[1]).await.totp);
}

pub async fn refuses_labels_and_digests_that_are_taken<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let labelled = |user, kind, number| {
        let mut new = credential(user, kind, number);
        new.label = Some("phone".into());
        new
    };
    let first = labelled(users[0], CredentialKind::APP_PASSWORD, 1);
    assert!(store.add(&first, 1, None).await.unwrap());
    assert!(!store.add(&labelled(users[0], CredentialKind::APP_PASSWORD, 2), 1, None).await.unwrap());
    assert_eq!(
        ids(&*store, users[0], CredentialKind::APP_PASSWORD).await,
        [first.id],
        "nothing was pushed out"
    );
    assert!(
        store.add(&labelled(users[0], CredentialKind::PERSONAL_TOKEN, 3), 1, None).await.unwrap(),
        "another kind"
    );
    assert!(
        store.add(&labelled(users[1], CredentialKind::APP_PASSWORD, 4), 1, None).await.unwrap(),
        "another user"
    );
    assert!(
        store.add(&credential(users[0], CredentialKind::APP_PASSWORD, 5), 9, None).await.unwrap(),
        "no label"
    );
    assert!(
        store.add(&credential(users[0], CredentialKind::APP_PASSWORD, 6), 9, None).await.unwrap(),
        "no label again"
    );

    let mut same = credential(users[1], CredentialKind::APP_PASSWORD, 7);
    same.digest = first.digest;
    assert_eq!(store.add(&same, 9, None).await, conflict(Conflict::Credential));
    same.kind = CredentialKind::PERSONAL_TOKEN;
    assert_eq!(store.add(&same, 9, None).await, Ok(true), "digests are unique within the kind");

    let nobody = UserId::from_bytes([9; 16]);
    assert!(!store.add(&credential(nobody, CredentialKind::APP_PASSWORD, 8), 9, None).await.unwrap());
    assert!(store.ensure(&credential(nobody, CredentialKind::APP_PASSWORD, 8)).await.unwrap().is_none());
}

pub async fn takes_a_repeated_command_for_the_one_it_repeats<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mut token = credential(users[0], CredentialKind::PERSONAL_TOKEN, 1);
    token.label = Some("bot".into());
    for _ in 0..2 {
        assert_eq!(store.add(&token, 3, None).await, Ok(true));
    }
    assert_eq!(ids(&*store, users[0], token.kind).await, [token.id]);
}

pub async fn ensures_one_credential_under_concurrency<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mut tasks = JoinSet::new();
    for number in 1..=32 {
        let (store, user) = (Arc::clone(&store), users[0]);
        tasks.spawn(async move {
            let own = store.ensure(&credential(user, CredentialKind::ZULIP_KEY, number)).await;
            own.unwrap().unwrap().id
        });
    }
    let given = tasks.join_all().await;
    let kept = ids(&*store, users[0], CredentialKind::ZULIP_KEY).await;
    assert_eq!(kept.len(), 1);
    assert!(given.iter().all(|id| *id == kept[0]));

    let mut taken = credential(users[1], CredentialKind::ZULIP_KEY, 99);
    taken.digest = store.of_user(users[0], CredentialKind::ZULIP_KEY).await.unwrap()[0].digest;
    assert_eq!(store.ensure(&taken).await.map(|_| ()), conflict(Conflict::Credential));
}

pub async fn removes_once_under_concurrency<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    for number in 1..=8 {
        let code = credential(users[0], CredentialKind::BACKUP_CODE, number);
        store.add(&code, 99, None).await.unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let store = Arc::clone(&store);
            tasks.spawn(async move { store.remove(code.id, None).await.unwrap() });
        }
        let removed = tasks.join_all().await.into_iter().filter(|removed| *removed).count();
        assert_eq!(removed, 1);
    }
    assert!(!store.remove(CredentialId::from_bytes([9; 16]), None).await.unwrap());
}

pub async fn raises_counters_and_never_lowers_them<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    let device = credential(users[0], CredentialKind::TOTP, 1);
    store.add(&device, 1, None).await.unwrap();
    for (to, raised) in [(0, false), (5, true), (5, false), (4, false), (-1, false), (6, true)] {
        assert_eq!(store.raise_counter(device.id, to).await, Ok(raised), "{to}");
    }
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.raise_counter(device.id, 70).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|raised| *raised).count(), 1);
    assert_eq!(store.of_user(users[0], device.kind).await.unwrap()[0].counter, 70);
    assert!(!store.raise_counter(CredentialId::from_bytes([9; 16]), 99).await.unwrap());
}

pub async fn removes_the_credentials_of_a_user_by_kind<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mut number = 0;
    let mut add = async |user, kind| {
        number += 1;
        let new = credential(user, kind, number);
        store.add(&new, 9, None).await.unwrap();
        new.id
    };
    add(users[0], CredentialKind::ROCKETCHAT_TOKEN).await;
    let spared = add(users[0], CredentialKind::ROCKETCHAT_TOKEN).await;
    add(users[0], CredentialKind::ROCKETCHAT_TOKEN).await;
    add(users[0], CredentialKind::BACKUP_CODE).await;
    let other_kind = add(users[0], CredentialKind::APP_PASSWORD).await;
    let other_user = add(users[1], CredentialKind::ROCKETCHAT_TOKEN).await;

    let kinds = [CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::BACKUP_CODE];
    assert_eq!(store.remove_of_user(users[0], &kinds, Some(spared), None).await, Ok(3));
    assert_eq!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await, [spared]);
    assert_eq!(store.remove_of_user(users[0], &kinds, None, None).await, Ok(1));
    assert_eq!(store.remove_of_user(users[0], &kinds, None, None).await, Ok(0));
    assert_eq!(store.remove_of_user(users[0], &[], None, None).await, Ok(0));
    assert_eq!(ids(&*store, users[0], CredentialKind::APP_PASSWORD).await, [other_kind]);
    assert_eq!(ids(&*store, users[1], CredentialKind::ROCKETCHAT_TOKEN).await, [other_user]);
}

pub async fn exchanges_credentials_in_one_step<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mut number = 0;
    let mut make = |user, kind| {
        number += 1;
        credential(user, kind, number)
    };
    let old = [
        make(users[0], CredentialKind::PENDING_TOTP),
        make(users[0], CredentialKind::ROCKETCHAT_TOKEN),
        make(users[0], CredentialKind::ROCKETCHAT_TOKEN),
    ];
    for new in &old {
        store.add(new, 9, None).await.unwrap();
    }
    let mut fresh = vec![
        make(users[0], CredentialKind::TOTP),
        make(users[0], CredentialKind::BACKUP_CODE),
        make(users[0], CredentialKind::BACKUP_CODE),
    ];
    let kinds = [
        CredentialKind::PENDING_TOTP,
        CredentialKind::TOTP,
        CredentialKind::BACKUP_CODE,
        CredentialKind::ROCKETCHAT_TOKEN,
    ];

    // An exchange that fails changes nothing.
    let mut labelled =
        [make(users[0], CredentialKind::BACKUP_CODE), make(users[0], CredentialKind::BACKUP_CODE)];
    labelled.iter_mut().for_each(|code| code.label = Some("twice".into()));
    assert_eq!(store.exchange(users[0], &kinds, None, &labelled, None).await, Ok(false));
    let other = make(users[1], CredentialKind::BACKUP_CODE);
    store.add(&other, 9, None).await.unwrap();
    fresh[2].digest = other.digest;
    assert_eq!(store.exchange(users[0], &kinds, None, &fresh, None).await, conflict(Conflict::Credential));
    assert_eq!(ids(&*store, users[0], CredentialKind::PENDING_TOTP).await, [old[0].id]);
    assert_eq!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await, [old[1].id, old[2].id]);

    fresh[2] = make(users[0], CredentialKind::BACKUP_CODE);
    for _ in 0..2 {
        assert_eq!(
            store.exchange(users[0], &kinds, Some(old[2].id), &fresh, None).await,
            Ok(true),
            "also repeated"
        );
        assert_eq!(ids(&*store, users[0], CredentialKind::PENDING_TOTP).await, []);
        assert_eq!(ids(&*store, users[0], CredentialKind::TOTP).await, [fresh[0].id]);
        assert_eq!(ids(&*store, users[0], CredentialKind::BACKUP_CODE).await, [fresh[1].id, fresh[2].id]);
        assert_eq!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await, [old[2].id]);
        assert_eq!(ids(&*store, users[1], CredentialKind::BACKUP_CODE).await, [other.id]);
    }
    assert_eq!(store.exchange(users[1], &[CredentialKind::BACKUP_CODE], None, &[], None).await, Ok(true));
    assert_eq!(ids(&*store, users[1], CredentialKind::BACKUP_CODE).await, []);
    assert_eq!(store.exchange(UserId::from_bytes([9; 16]), &kinds, None, &[], None).await, Ok(false));
}

pub async fn purges_expired_credentials<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mut kept = Vec::new();
    for (number, expires) in [(1, Some(10)), (2, None), (3, Some(99)), (4, Some(49)), (5, Some(-9))] {
        let mut token = credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, number);
        token.expires = expires.map(at);
        if expires.is_none_or(|end| end > 50) {
            kept.push(token.id);
        }
        store.add(&token, 9, None).await.unwrap();
    }
    assert_eq!(store.purge(at(50)).await, Ok(3));
    assert_eq!(store.purge(at(50)).await, Ok(0));
    assert_eq!(ids(&*store, users[0], CredentialKind::ROCKETCHAT_TOKEN).await, kept);
}
