//! The audit log: which commands leave a row, and what the row says.

use std::collections::HashSet;

use auth_admin::{Accounts, AppPasswords, Devices, KeyRotation, Tokens};
use auth_core::{
    Account, Act, Actor, AuditFilter, AuditRecord, Clock, CredentialKind, LogPage, OneTimeCode, Password,
    ProtocolName, RealmId, TokenForm, TokenRenewal, UserId,
};
use auth_engine::testing::{PASSWORD, World, config, header, peer, token};

use crate::world;

/// The row of a command.
fn row(world: &World, act: Act, realm: Option<RealmId>, user: Option<UserId>) -> AuditRecord {
    AuditRecord {
        at: world.clock.now(),
        actor: Actor::Operator,
        by: None,
        act,
        realm,
        user,
        detail: String::new(),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

/// The row of a command on an account.
fn on(world: &World, act: Act, account: &Account) -> AuditRecord {
    row(world, act, Some(account.user.realm), Some(account.user.id))
}

fn with(detail: &str, row: AuditRecord) -> AuditRecord {
    AuditRecord { detail: detail.into(), ..row }
}

/// Reads the rows that came since it was last asked.
struct Reader<'w> {
    world: &'w World,
    seen: usize,
}

impl Reader<'_> {
    async fn new_rows(&mut self) -> Vec<AuditRecord> {
        let rows =
            self.world.store.audit_rows(&AuditFilter::default(), LogPage::newest(u32::MAX)).await.unwrap();
        let new = rows.len() - self.seen;
        self.seen = rows.len();
        rows.into_iter().take(new).map(|row| row.record).collect()
    }

    /// Checks that an act has left this row and no other.
    async fn expect(&mut self, row: AuditRecord) {
        assert_eq!(self.new_rows().await, [row]);
    }
}

async fn reader(world: &World) -> Reader<'_> {
    let seen =
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(u32::MAX)).await.unwrap().len();
    Reader { world, seen }
}

#[tokio::test]
async fn an_import_leaves_a_row_for_each_realm_that_it_changes_and_one_for_itself() {
    let world = world::empty(config()).await;
    let mut log = reader(&world).await;
    let imported = |detail| with(detail, row(&world, Act::Imported, None, None));
    world::import(&world, r#"{"kind":"realm","realm":"main","subdomain":""}"#).await;
    let main = world.realm("main").await.id;
    let written = |detail| with(detail, row(&world, Act::RealmWritten, Some(main), None));
    assert_eq!(log.new_rows().await, [imported("1 realm, 0 users"), written("new")]);
    let over = r#"{"kind":"realm","realm":"main","subdomain":"","name":"Another"}"#;
    world::import(&world, over).await;
    assert_eq!(log.new_rows().await, [imported("1 realm, 0 users"), written("name")]);
    world::import(&world, over).await;
    assert_eq!(log.new_rows().await, [], "nothing has changed");
    world::import(&world, r#"{"kind":"user","realm":"main","username":"ann"}"#).await;
    let ann = world.account("ann").await;
    log.expect(with("0 realms, 1 user", on(&world, Act::UserCreated, &ann))).await;
    world::import(
        &world,
        r#"{"kind":"realm","realm":"new","subdomain":"new"}
{"kind":"user","realm":"new","username":"bob"}"#,
    )
    .await;
    let bob = world.find("new", "bob").await.unwrap();
    let new = with("new", row(&world, Act::RealmWritten, Some(bob.user.realm), None));
    assert_eq!(log.new_rows().await, [with("1 realm, 1 user", on(&world, Act::UserCreated, &bob)), new]);
    world::import(
        &world,
        r#"{"kind":"user","realm":"main","username":"one"}
{"kind":"realm","realm":"main","icon":"/new.png"}
{"kind":"user","realm":"new","username":"three"}"#,
    )
    .await;
    assert_eq!(log.new_rows().await, [imported("1 realm, 2 users"), written("icon")]);
}

#[tokio::test]
async fn each_command_on_an_account_leaves_one_row() {
    let world = world::new().await;
    let accounts = Accounts::new(&world.engine);
    let iago = world.account("iago").await;
    let mut log = reader(&world).await;

    let weak = accounts.set_password(&iago, &Password::new("short"), false).await;
    weak.unwrap_err();
    assert_eq!(log.new_rows().await, [], "a password that is refused changes nothing");
    accounts.set_password(&iago, &Password::new(PASSWORD), false).await.unwrap();
    log.expect(on(&world, Act::PasswordSet, &iago)).await;
    accounts.set_active(&iago, false).await.unwrap();
    log.expect(on(&world, Act::Deactivated, &iago)).await;
    accounts.set_active(&iago, true).await.unwrap();
    log.expect(on(&world, Act::Activated, &iago)).await;
    Accounts::new(&world.engine)
        .acting_as(Actor::Directory("corp".to_owned()))
        .set_active(&iago, false)
        .await
        .unwrap();
    let by_directory =
        AuditRecord { actor: Actor::Directory("corp".into()), ..on(&world, Act::Deactivated, &iago) };
    log.expect(by_directory).await;
    accounts.set_active(&iago, true).await.unwrap();
    log.expect(on(&world, Act::Activated, &iago)).await;

    let app_passwords = AppPasswords::new(&world.engine);
    for made in [true, false] {
        let password = app_passwords.add(&iago, "phone", Vec::new(), None).await.unwrap();
        assert_eq!(password.is_some(), made);
    }
    log.expect(with("phone", on(&world, Act::AppPasswordMade, &iago))).await;
    for revoked in [true, false] {
        assert_eq!(app_passwords.revoke(&iago, "phone").await.unwrap(), revoked);
    }
    log.expect(with("phone", on(&world, Act::AppPasswordRevoked, &iago))).await;

    let devices = Devices::new(&world.engine);
    let device = devices.new_device(&iago);
    let wrong = devices.enrol(&iago, &device, Some(&OneTimeCode::new("000000"))).await.unwrap();
    assert!(wrong.is_none());
    assert_eq!(log.new_rows().await, []);
    devices.enrol(&iago, &device, None).await.unwrap().unwrap();
    log.expect(on(&world, Act::DeviceEnrolled, &iago)).await;
    for removed in [true, false] {
        assert_eq!(devices.remove(&iago).await.unwrap(), removed);
    }
    log.expect(on(&world, Act::DeviceRemoved, &iago)).await;

    for deleted in [true, false] {
        assert_eq!(accounts.delete(&iago).await.is_ok(), deleted);
    }
    log.expect(on(&world, Act::Deleted, &iago)).await;
    assert!(
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(99)).await.unwrap().len() > 8,
        "the rows of a deleted user stay"
    );
}

#[tokio::test]
async fn tokens_that_are_revoked_leave_one_row() {
    let world = world::new().await;
    let tokens = Tokens::new(&world.engine);
    let iago = world.account("iago").await;
    let mut log = reader(&world).await;
    world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap();
    let kind = CredentialKind::ROCKETCHAT_TOKEN;
    let id = world.store.of_user(iago.user.id, kind).await.unwrap()[0].id;
    for revoked in [true, false] {
        assert_eq!(tokens.revoke(&iago, id).await.unwrap(), revoked);
    }
    log.expect(with(kind.as_str(), on(&world, Act::TokenRevoked, &iago))).await;

    // A login whose token was renewed has two, which go together.
    let kind = CredentialKind::ZETTELSTORE_TOKEN;
    let signed = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    world.clock.advance(world.engine.config().zettelstore.token_lifetime / 2);
    let check = auth_core::CredentialCheck {
        protocol: ProtocolName::ZETTELSTORE,
        realm: Some(world.realm("main").await),
        credential: header(signed),
        peer: peer("192.0.2.1"),
    };
    world.engine.renew(check, TokenForm::Jwt).await.unwrap();
    let own = world.store.of_user(iago.user.id, kind).await.unwrap();
    assert_eq!(own.len(), 2);
    assert!(tokens.revoke(&iago, own[0].id).await.unwrap());
    assert!(world.store.of_user(iago.user.id, kind).await.unwrap().is_empty());
    log.expect(with(kind.as_str(), on(&world, Act::TokenRevoked, &iago))).await;

    tokens.revoke_all(&iago).await.unwrap();
    log.expect(on(&world, Act::TokensRevoked, &iago)).await;
}

#[tokio::test]
async fn keys_that_are_added_promoted_and_retired_leave_a_row_each() {
    let world = world::new().await;
    let (keys, rotation) = (world.engine.keys(), KeyRotation::new(&world.engine));
    let mut log = reader(&world).await;
    let old = keys.ring().ids()[0];
    let (new, grown) = rotation.next_key(&keys.ring()).unwrap();
    for act in [Act::KeyAdded, Act::KeyPromoted] {
        rotation.note(act, new).await.unwrap();
        log.expect(with(&format!("key {new}"), row(&world, act, None, None))).await;
    }
    keys.exchange(grown.promoted(new).unwrap()).await.unwrap();
    rotation.retire_key(old, &mut |_| {}).await.unwrap_err();
    assert_eq!(log.new_rows().await, [], "secrets are still sealed under it");
    rotation.reseal(&mut |_| {}).await.unwrap();
    let smaller = rotation.retire_key(old, &mut |_| {}).await.unwrap();
    let retired = with(&format!("key {old}"), row(&world, Act::KeyRetired, None, None));
    log.expect(retired.clone()).await;

    // Another key, by which the store is not bound.
    keys.exchange(smaller).await.unwrap();
    let (third, grown) = rotation.next_key(&keys.ring()).unwrap();
    keys.exchange(grown).await.unwrap();
    rotation.retire_key(third, &mut |_| {}).await.unwrap();
    log.expect(with(&format!("key {third}"), retired)).await;
    assert_eq!(keys.ring().ids().into_iter().collect::<HashSet<_>>(), HashSet::from([new, third]));
}
