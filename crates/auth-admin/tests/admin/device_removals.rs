//! Removals of second factors that a help desk asks for, on both stores.

use std::sync::Arc;
use std::time::Duration;

use auth_admin::operation::{
    AccountName, Admin, DeactivateUser, DeleteUser, DeviceRemoved, EndSessions, KeepDevice, Operator,
    RemoveDevice, RevokeAllTokens, Scope, SetPassword, SetUser, ShowUser,
};
use auth_admin::view::Moment;
use auth_admin::{AdminError, Devices, SecretText};
use auth_core::{
    Act, Actor, AuditFilter, Clock, Credential, CredentialKind, LogPage, ManualClock, SeededRng, Store,
    TotpSecret, UserId,
};
use auth_crypto::totp;
use auth_engine::testing::{START, TOTP_SECRET, USERS, World, builder, config, limited, ring};
use auth_engine::{Config, Engine, NoticeConfig};
use auth_store::{Postgres, PostgresConfig, Sqlite};
use test_postgres::Cluster;

use crate::world::import;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world over a new store of each kind.
async fn worlds() -> Vec<World> {
    worlds_with(config()).await
}

async fn worlds_with(config: Config) -> Vec<World> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite: Arc<dyn Store> = Arc::new(Sqlite::open_disposable(&folder.path().join("auth.db")).unwrap());
    // On a busy machine, so many transactions on one row take longer than a command usually may.
    let postgres = PostgresConfig {
        timeout: Duration::from_secs(60),
        ..PostgresConfig::new(Cluster::shared().unwrap().database().unwrap())
    };
    let postgres: Arc<dyn Store> =
        Arc::new(Postgres::open(&postgres, Arc::new(SeededRng::new(9))).await.unwrap());
    let mut worlds = Vec::new();
    for store in [sqlite, postgres] {
        let clock = Arc::new(ManualClock::at(START));
        let world = World::open(builder(&store, &clock, &ring(), config.clone(), 2), clock).await;
        import(&world, USERS).await;
        worlds.push(world);
    }
    worlds[0].kept.push(Box::new(folder));
    worlds
}

/// An operator of a scope at another server on the world's store.
async fn operator(world: &World, scope: Scope) -> Admin {
    let actor = match scope {
        Scope::Admin => Actor::Operator,
        _ => Actor::UnixUser("anna of the desk".into()),
    };
    Admin::new(Arc::new(world.beside(config()).await), Operator::scoped(actor, scope, None))
}

async fn desk(world: &World) -> Admin {
    operator(world, Scope::Helpdesk).await
}

fn totp_user() -> AccountName {
    AccountName::new(Some("main"), "totp")
}

async fn remove(admin: &Admin) -> DeviceRemoved {
    admin.run(RemoveDevice { user: totp_user() }).await.unwrap()
}

async fn keep(admin: &Admin) -> bool {
    admin.run(KeepDevice { user: totp_user() }).await.unwrap().changed
}

async fn carry_out(engine: &Engine) -> u64 {
    engine.device_removals().carry_out().await.unwrap()
}

async fn has_device(world: &World) -> bool {
    world.account("totp").await.totp
}

/// The code of the device now.
fn code(world: &World) -> String {
    let secret: TotpSecret = totp::from_base32(TOTP_SECRET).unwrap();
    totp::code(&secret, totp::step_at(world.clock.now())).expose().to_owned()
}

/// The mails that wait, and wait no more.
async fn mails(world: &World) -> Vec<(String, String)> {
    let mut mails = Vec::new();
    for mail in world.engine.mail().due(100).await.unwrap() {
        world.engine.mail().sent(&mail).await.unwrap();
        mails.push((mail.subject.clone(), mail.text.unwrap().to_string()));
    }
    mails
}

/// The rows of the audit log about devices, oldest first.
async fn rows(world: &World) -> Vec<(Act, Actor, String)> {
    let rows = world.store.audit_rows(&AuditFilter::default(), LogPage::oldest(u32::MAX)).await.unwrap();
    let records = rows.into_iter().map(|row| (row.record.act, row.record.actor, row.record.detail));
    let kinds = [Act::DeviceRemovalHeld, Act::DeviceRemovalStopped, Act::DeviceRemoved, Act::DeviceEnrolled];
    records.filter(|(act, ..)| kinds.contains(act)).collect()
}

fn anna() -> Actor {
    Actor::UnixUser("anna of the desk".into())
}

#[tokio::test]
async fn a_removal_by_a_help_desk_is_held_for_a_day_and_mailed_at_once_and_then_carried_out_once() {
    for world in worlds().await {
        let (desk, other) = (desk(&world).await, world.beside(config()).await);
        let until = START + DAY;
        let held = remove(&desk).await;
        assert_eq!((held.changed, held.held_until), (true, Some(Moment(until))));
        let [(subject, text)] = &mails(&world).await[..] else { panic!("one mail") };
        assert_eq!(subject, "Two-step sign-in is to be turned off");
        let written = until.utc();
        let date = format!("{:04}-{:02}-{:02}, ", written.year, written.month, written.day);
        assert!(
            text.contains(&date) && text.contains("sign in with a code of the app before then"),
            "{text}"
        );

        // A further request neither prolongs it nor mails.
        world.clock.advance(23 * HOUR);
        let again = remove(&desk).await;
        assert_eq!((again.changed, again.held_until), (false, Some(Moment(until))));
        assert_eq!(mails(&world).await, []);
        let shown = desk.run(ShowUser { user: totp_user() }).await.unwrap();
        assert_eq!((shown.second_factor, shown.second_factor_until), (true, Some(Moment(until))));

        // Neither maintenance nor a purge takes it early or loses it.
        assert_eq!(carry_out(&world.engine).await, 0);
        world.clock.advance(HOUR + Duration::from_secs(1));
        world.engine.purger().purge(30 * DAY, 30 * DAY).await.unwrap();
        assert!(has_device(&world).await && world.log_in_with_code("totp", None).await.is_err());
        let (one, two) =
            tokio::join!(world.engine.device_removals().carry_out(), other.device_removals().carry_out());
        assert_eq!(one.unwrap() + two.unwrap(), 1);
        assert!(!has_device(&world).await);
        world.log_in_with_code("totp", None).await.unwrap();
        let [(subject, text)] = &mails(&world).await[..] else { panic!("one mail") };
        assert_eq!(subject, "Two-step sign-in was turned off");
        assert!(text.starts_with("An administrator has removed the authenticator app"), "{text}");
        assert_eq!(
            rows(&world).await,
            [
                (Act::DeviceRemovalHeld, anna(), String::new()),
                (Act::DeviceRemoved, anna(), "held for a day".to_owned()),
            ]
        );
        assert_eq!(carry_out(&world.engine).await, 0);
        assert_eq!(remove(&desk).await.held_until, None, "there is no device any more");
    }
}

#[tokio::test]
async fn many_requests_at_once_hold_one_removal_and_send_one_mail() {
    for world in worlds().await {
        let desk = Arc::new(desk(&world).await);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let desk = Arc::clone(&desk);
            tasks.spawn(async move { remove(&desk).await });
        }
        let all = tasks.join_all().await;
        assert_eq!(all.iter().filter(|held| held.changed).count(), 1);
        assert!(all.iter().all(|held| held.held_until == Some(Moment(START + DAY))));
        assert_eq!(mails(&world).await.len(), 1);
    }
}

#[tokio::test]
async fn a_login_that_shows_the_factor_stops_the_removal_and_another_does_not() {
    for world in worlds().await {
        let desk = desk(&world).await;
        for shown in ["device", "backup code"] {
            remove(&desk).await;
            assert!(world.log_in_with_code("totp", None).await.is_err());
            assert!(world.log_in_with_code("totp", Some("000000")).await.is_err());
            assert!(remove(&desk).await.held_until.is_some(), "a wrong code stops nothing");
            let right = if shown == "device" { code(&world) } else { "aBcD2345".to_owned() };
            world.log_in_with_code("totp", Some(&right)).await.unwrap();
            let until = desk.run(ShowUser { user: totp_user() }).await.unwrap().second_factor_until;
            assert_eq!(until, None, "{shown}");
        }
        world.clock.advance(2 * DAY);
        assert_eq!(carry_out(&world.engine).await, 0);
        assert!(has_device(&world).await);
        let stopped = (Act::DeviceRemovalStopped, Actor::Owner, String::new());
        assert_eq!(rows(&world).await.iter().filter(|row| **row == stopped).count(), 2);
    }
}

#[tokio::test]
async fn an_operator_keeps_the_device_and_one_who_may_do_everything_removes_it_at_once() {
    for world in worlds().await {
        let (desk, admin) = (desk(&world).await, operator(&world, Scope::Admin).await);
        for who in [&desk, &admin] {
            remove(&desk).await;
            assert!(keep(who).await && !keep(who).await);
        }
        remove(&desk).await;
        let removed = remove(&admin).await;
        assert_eq!((removed.changed, removed.held_until), (true, None));
        assert!(!has_device(&world).await);
        world.clock.advance(2 * DAY);
        assert_eq!(carry_out(&world.engine).await, 0);
        assert_eq!(
            rows(&world).await.last(),
            Some(&(Act::DeviceRemoved, Actor::Operator, String::new())),
            "the removal that was held went with the device"
        );
    }
}

#[tokio::test]
async fn whoever_asks_and_keeps_again_and_again_fills_no_mailbox() {
    for world in worlds_with(limited()).await {
        let engine = Arc::new(world.beside(limited()).await);
        let desk = Admin::new(engine, Operator::scoped(anna(), Scope::Helpdesk, None));
        for _ in 0..5 {
            assert!(remove(&desk).await.changed && keep(&desk).await);
        }
        let refused = desk.run(RemoveDevice { user: totp_user() }).await;
        assert!(matches!(refused, Err(AdminError::TooManyMails)), "{refused:?}");
        assert_eq!(mails(&world).await.len(), 5);
        world.clock.advance(HOUR + Duration::from_secs(1));
        assert!(remove(&desk).await.changed);
    }
}

#[tokio::test]
async fn a_device_that_was_enrolled_anew_is_not_removed() {
    for world in worlds().await {
        let desk = desk(&world).await;
        remove(&desk).await;
        let (devices, account) = (Devices::new(&world.engine), world.account("totp").await);
        devices.enrol(&account, &devices.new_device(&account), None).await.unwrap().unwrap();
        world.clock.advance(2 * DAY);
        assert_eq!(carry_out(&world.engine).await, 0);
        assert!(has_device(&world).await);
        // A removal of the new one is another, with its own day.
        assert_eq!(remove(&desk).await.held_until, Some(Moment(world.clock.now() + DAY)));
    }
}

#[tokio::test]
async fn an_account_whose_owner_can_not_stop_it_or_learn_of_it_has_no_removal() {
    for world in worlds().await {
        let (desk, admin) = (desk(&world).await, operator(&world, Scope::Admin).await);
        remove(&desk).await;
        admin.run(DeactivateUser { user: totp_user() }).await.unwrap();
        let refused = desk.run(RemoveDevice { user: totp_user() }).await;
        assert!(matches!(refused, Err(AdminError::Inactive)), "{refused:?}");
        world.clock.advance(2 * DAY);
        assert_eq!(carry_out(&world.engine).await, 0, "it ended with the deactivation");
        assert!(has_device(&world).await);

        let account = world.account("app").await;
        let (devices, user) = (Devices::new(&world.engine), AccountName::new(Some("main"), "app"));
        let none = desk.run(RemoveDevice { user: user.clone() }).await.unwrap();
        assert_eq!((none.changed, none.held_until), (false, None));
        devices.enrol(&account, &devices.new_device(&account), None).await.unwrap().unwrap();
        let refused = desk.run(RemoveDevice { user }).await;
        assert!(matches!(refused, Err(AdminError::NoAddress)), "{refused:?}");
    }
}

#[tokio::test]
async fn whoever_is_no_member_any_more_keeps_the_device() {
    for world in worlds().await {
        remove(&desk(&world).await).await;
        let role = Some("moderator".to_owned());
        let set = SetUser {
            user: totp_user(),
            full_name: None,
            email: None,
            role,
            language: None,
            must_change_password: None,
        };
        operator(&world, Scope::Admin).await.run(set).await.unwrap();
        world.clock.advance(DAY + HOUR);
        assert_eq!(carry_out(&world.engine).await, 0);
        assert!(has_device(&world).await);
        let last = rows(&world).await.pop().unwrap();
        assert_eq!((last.0, last.2.as_str()), (Act::DeviceRemovalStopped, "the role is above a member's"));
    }
}

#[tokio::test]
async fn a_removal_outlives_a_new_password_and_the_end_of_sessions_and_tokens() {
    for world in worlds().await {
        remove(&desk(&world).await).await;
        let admin = operator(&world, Scope::Admin).await;
        let (user, password) = (totp_user(), SecretText::new("an-other-horse-battery-1"));
        admin.run(SetPassword { user, password, allow_weak: false }).await.unwrap();
        admin.run(EndSessions { user: totp_user() }).await.unwrap();
        admin.run(RevokeAllTokens { user: totp_user() }).await.unwrap();
        world.clock.advance(DAY + HOUR);
        assert_eq!(carry_out(&world.engine).await, 1);
    }
}

#[tokio::test]
async fn a_removal_goes_with_its_account() {
    for world in worlds().await {
        remove(&desk(&world).await).await;
        operator(&world, Scope::Admin).await.run(DeleteUser { user: totp_user() }).await.unwrap();
        world.clock.advance(2 * DAY);
        assert_eq!(carry_out(&world.engine).await, 0);
    }
}

#[tokio::test]
async fn the_owner_is_mailed_whatever_the_configuration_says_of_notices() {
    let mut silent = config();
    silent.mail.notices = NoticeConfig { changes: false, new_places: false };
    for world in worlds_with(silent.clone()).await {
        let engine = Arc::new(world.beside(silent.clone()).await);
        let desk = Admin::new(engine, Operator::scoped(anna(), Scope::Helpdesk, None));
        remove(&desk).await;
        assert_eq!(mails(&world).await.len(), 1);
        world.clock.advance(DAY + HOUR);
        assert_eq!(carry_out(&world.engine).await, 1);
        assert_eq!(mails(&world).await.len(), 1);
    }
}

#[tokio::test]
async fn a_removal_of_which_no_mail_was_queued_is_not_carried_out_and_the_next_request_takes_its_place() {
    for world in worlds().await {
        let desk = desk(&world).await;
        let untold = async || {
            let account = world.account("totp").await;
            let device = device_of(&world, account.user.id).await;
            let removal = Credential {
                parent: Some(device.id),
                expires: Some(world.clock.now() + DAY),
                ..world.engine.credentials().credential(account.user.id, CredentialKind::DEVICE_REMOVAL, None)
            };
            assert!(world.store.add(&removal, 1, None).await.unwrap());
        };
        untold().await;
        world.clock.advance(HOUR);
        assert_eq!(remove(&desk).await.held_until, Some(Moment(world.clock.now() + DAY)));
        assert_eq!(mails(&world).await.len(), 1);
        assert!(keep(&desk).await);

        untold().await;
        world.clock.advance(DAY + HOUR);
        assert_eq!(carry_out(&world.engine).await, 0);
        assert!(has_device(&world).await);
        let last = rows(&world).await.pop().unwrap();
        assert_eq!(
            (last.0, last.2.as_str()),
            (Act::DeviceRemovalStopped, "no mail to the owner could be queued")
        );
        assert_eq!(mails(&world).await, []);
    }
}

#[tokio::test]
async fn a_removal_is_held_for_a_day_also_after_the_clock_was_set_back() {
    for world in worlds().await {
        let desk = desk(&world).await;
        world.clock.advance(30 * DAY);
        assert_eq!(remove(&desk).await.held_until, Some(Moment(START + 31 * DAY)));
        world.clock.set_back(30 * DAY - HOUR);
        let held = remove(&desk).await;
        assert_eq!((held.changed, held.held_until), (true, Some(Moment(START + HOUR + DAY))));
        assert_eq!(remove(&desk).await.held_until, held.held_until, "the first request after it stands");
        world.clock.advance(DAY + HOUR);
        assert_eq!(carry_out(&world.engine).await, 1);
    }
}

async fn device_of(world: &World, user: UserId) -> Credential {
    world.store.of_user(user, CredentialKind::TOTP).await.unwrap().pop().unwrap()
}
