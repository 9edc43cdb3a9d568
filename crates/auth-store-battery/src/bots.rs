//! Bots and their owners.

use auth_core::{
    Act, Actor, AuditFilter, AuditRecord, BotKind, CredentialKind, LogPage, NewRecord, NewUser, Realm,
    Revocation, Store, UserId, UserStore,
};

use super::{Fixture, account, at, credential, ids, realm, user, write};

const TOKEN: CredentialKind = CredentialKind::ROCKETCHAT_TOKEN;
const KEY: CredentialKind = CredentialKind::ZULIP_KEY;

fn revocation() -> Revocation<'static> {
    Revocation { valid_from: Some(at(9)), kinds: &[TOKEN], except: None }
}

fn bot(realm: &Realm, number: u32, owner: Option<u64>) -> NewUser {
    let mut new = user(realm, number);
    new.user.bot = Some(BotKind::Default);
    new.user.bot_owner = owner;
    new.credentials =
        vec![credential(new.user.id, TOKEN, 10 * number), credential(new.user.id, KEY, 10 * number + 1)];
    new
}

/// User 1 of the realm owns the bots 2, 3 and 4, of which the last is deactivated. Bot 5 has another owner, bot 6 none. User 7
/// of another realm has the number of user 1 there, and owns bot 8.
async fn fill(store: &impl Store) -> Vec<UserId> {
    let (main, other) = (realm("main"), realm("other"));
    let mut inactive = bot(&main, 4, Some(1));
    inactive.user.active = false;
    let mut namesake = user(&other, 7);
    namesake.user.external_ids = user(&main, 1).user.external_ids;
    // A bot may stand before its owner.
    let users = [
        bot(&main, 2, Some(1)),
        user(&main, 1),
        bot(&main, 3, Some(1)),
        inactive,
        bot(&main, 5, Some(6)),
        bot(&main, 6, None),
        namesake,
        bot(&other, 8, Some(1)),
    ];
    let all = (1..=8).map(|number| user(&main, number).user.id).collect();
    let users = users.into_iter().map(|new| NewRecord::User(Box::new(new)));
    write(store, [main, other].map(NewRecord::from).into_iter().chain(users).collect()).await.unwrap();
    all
}

/// The numbers of the users who are active.
async fn active(store: &impl Store, users: &[UserId]) -> Vec<usize> {
    let mut active = Vec::new();
    for (number, id) in (1..).zip(users) {
        if store.user(*id).await.unwrap().is_some_and(|found| found.user.active) {
            active.push(number);
        }
    }
    active
}

fn row(act: Act, user: UserId, actor: Actor) -> AuditRecord {
    AuditRecord {
        at: at(3),
        actor,
        by: None,
        act,
        realm: Some(realm("main").id),
        user: Some(user),
        detail: String::new(),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

/// The rows that two bots of an owner leave, and the row of the owner.
fn expected(owner: AuditRecord, bots: &[UserId], actor: &Actor) -> Vec<AuditRecord> {
    let detail = format!("with its owner {}", owner.user.unwrap());
    let of_bot = |bot: &UserId| AuditRecord {
        actor: actor.clone(),
        act: Act::Deactivated,
        user: Some(*bot),
        detail: detail.clone(),
        ..owner.clone()
    };
    let mut rows: Vec<_> = bots.iter().map(of_bot).collect();
    rows.sort_by_key(|row| row.user);
    rows.push(owner);
    rows
}

async fn rows(store: &impl Store) -> Vec<AuditRecord> {
    let mut rows: Vec<_> = store
        .audit_rows(&AuditFilter::default(), LogPage::newest(99))
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.record)
        .collect();
    rows.sort_by_key(|row| (row.act != Act::Deactivated || row.detail.is_empty(), row.user));
    rows
}

pub async fn deactivates_the_bots_of_a_user_with_it<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let users = fill(&*store).await;
    let owner = users[0];
    assert_eq!(account(&*store, users[1]).await.user.bot_owner, Some(1));
    assert_eq!(active(&*store, &users).await, [1, 2, 3, 5, 6, 7, 8]);
    let (audit, before) = (row(Act::Deactivated, owner, Actor::Owner), account(&*store, users[1]).await);
    assert_eq!(store.set_active(owner, false, &revocation(), Some(&audit)).await, Ok(true));
    assert_eq!(active(&*store, &users).await, [5, 6, 7, 8]);
    assert_eq!(rows(&*store).await, expected(audit, &users[1..3], &Actor::User(owner)));
    for bot in &users[1..3] {
        let after = account(&*store, *bot).await;
        assert!(after.user.version > before.user.version, "cached copies are stale");
        assert_eq!(after.user.valid_from, at(9));
        assert_eq!((ids(&*store, *bot, TOKEN).await.len(), ids(&*store, *bot, KEY).await.len()), (0, 1));
    }
    for other in [users[4], users[7]] {
        assert_eq!(ids(&*store, other, TOKEN).await.len(), 1);
    }
    // Who comes back, comes back alone. A bot that was activated goes again, also with an owner who is gone already.
    assert_eq!(store.set_active(owner, true, &Revocation::NOTHING, None).await, Ok(true));
    assert_eq!(active(&*store, &users).await, [1, 5, 6, 7, 8]);
    store.set_active(owner, false, &Revocation::NOTHING, None).await.unwrap();
    store.set_active(users[3], true, &Revocation::NOTHING, None).await.unwrap();
    assert_eq!(active(&*store, &users).await, [4, 5, 6, 7, 8]);
    store.set_active(owner, false, &Revocation::NOTHING, None).await.unwrap();
    assert_eq!(active(&*store, &users).await, [5, 6, 7, 8]);
}

pub async fn deactivates_the_bots_of_a_user_that_is_deleted<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let users = fill(&*store).await;
    let owner = users[0];
    let audit = row(Act::Deleted, owner, Actor::Operator);
    assert_eq!(store.delete(owner, &revocation(), Some(&audit)).await, Ok(true));
    assert_eq!(active(&*store, &users).await, [5, 6, 7, 8]);
    assert_eq!(rows(&*store).await, expected(audit, &users[1..3], &Actor::Operator));
    for bot in &users[1..4] {
        let after = account(&*store, *bot).await;
        assert_eq!(after.user.bot_owner, None, "whoever gets the number owns none of them");
    }
    assert!(ids(&*store, users[1], TOKEN).await.is_empty());
    assert_eq!(account(&*store, users[7]).await.user.bot_owner, Some(1));
    assert_eq!(store.delete(owner, &revocation(), None).await, Ok(false));
}
