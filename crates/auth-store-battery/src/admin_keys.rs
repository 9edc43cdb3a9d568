//! Keys for administration, and the acts of those who hold them.

use auth_core::{
    Act, Actor, AdminKey, AdminKeyId, AdminKeyStore, AuditFilter, AuditRecord, Conflict, CredentialId,
    Digest, LogPage, RealmId, Store, StoreError,
};

use super::{Fixture, at, conflict, seed};

fn record(act: Act, actor: Actor) -> AuditRecord {
    AuditRecord {
        at: at(5),
        actor,
        by: None,
        act,
        realm: None,
        user: None,
        detail: "backup".into(),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

async fn rows(store: &impl Store) -> Vec<AuditRecord> {
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::oldest(9)).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

fn key(number: u8, name: &str) -> AdminKey {
    AdminKey {
        id: AdminKeyId::from_bytes([number; 16]),
        name: name.into(),
        digest: Digest::new([number; 32]),
        scope: "read".into(),
        realm: None,
        made: at(1),
        ends: None,
        last_used: None,
    }
}

pub async fn keeps_admin_keys_by_name_and_digest_with_the_rows_of_their_acts<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let one = key(1, "bäckup");
    let two = AdminKey { realm: Some(main.id), ends: Some(at(9)), last_used: Some(at(3)), ..key(2, "Audit") };
    let added = record(Act::AdminKeyAdded, Actor::UnixUser("röot".into()));
    store.add_admin_key(&one, Some(&added)).await.unwrap();
    store.add_admin_key(&two, None).await.unwrap();
    assert_eq!(store.add_admin_key(&one, Some(&added)).await, Ok(()), "a repeated command");
    assert_eq!(store.admin_keys().await, Ok(vec![two.clone(), one.clone()]));
    assert_eq!(store.admin_key(&two.digest).await, Ok(Some(two.clone())));
    assert_eq!(store.admin_key(&Digest::new([9; 32])).await, Ok(None));
    assert_eq!(store.add_admin_key(&key(3, "bäckup"), Some(&added)).await, conflict(Conflict::AdminKey));
    let same_secret = AdminKey { digest: one.digest, ..key(3, "other") };
    assert_eq!(store.add_admin_key(&same_secret, Some(&added)).await, conflict(Conflict::AdminKey));
    let nowhere = AdminKey { realm: Some(RealmId::from_bytes([9; 16])), ..key(3, "other") };
    assert_eq!(store.add_admin_key(&nowhere, Some(&added)).await, Err(StoreError::Missing("realm")));

    let revoked = record(Act::AdminKeyRevoked, Actor::AdminKey("Audit".into()));
    let gone = AuditRecord { by: Some(CredentialId::from_bytes([9; 16])), ..revoked.clone() };
    assert_eq!(store.remove_admin_key(one.id, Some(&gone)).await, Err(StoreError::Revoked));
    assert_eq!(store.remove_admin_key(one.id, Some(&revoked)).await, Ok(true));
    assert_eq!(store.remove_admin_key(one.id, Some(&revoked)).await, Ok(false));
    assert_eq!(store.admin_keys().await, Ok(vec![two]));
    assert_eq!(rows(&*store).await, [added, revoked]);
}

pub async fn writes_the_last_uses_of_admin_keys_and_never_earlier_ones<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (one, two) = (key(1, "one"), key(2, "two"));
    for key in [&one, &two] {
        store.add_admin_key(key, None).await.unwrap();
    }
    let gone = AdminKeyId::from_bytes([9; 16]);
    let used = async || {
        let keys = store.admin_keys().await.unwrap();
        keys.into_iter().map(|key| key.last_used).collect::<Vec<_>>()
    };
    store.set_admin_keys_used(&[]).await.unwrap();
    store
        .set_admin_keys_used(&[(one.id, at(4)), (gone, at(5)), (one.id, at(6)), (one.id, at(5))])
        .await
        .unwrap();
    assert_eq!(used().await, [Some(at(6)), None]);
    store.set_admin_keys_used(&[(two.id, at(2)), (one.id, at(3))]).await.unwrap();
    assert_eq!(used().await, [Some(at(6)), Some(at(2))]);
}

pub async fn forgets_the_admin_keys_that_ended_before_a_moment_and_no_other<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let ended = AdminKey { ends: Some(at(59)), ..key(1, "ended") };
    let kept = [AdminKey { ends: Some(at(60)), ..key(2, "ending") }, key(3, "endless")];
    for key in kept.iter().chain(&[ended]) {
        store.add_admin_key(key, None).await.unwrap();
    }
    assert_eq!(store.forget_admin_keys(at(60)).await, Ok(1));
    assert_eq!(store.admin_keys().await, Ok(kept.to_vec()));
}
