//! Second factors come and go.

use std::time::Duration;

use auth_core::{
    Act, ActionError, Caller, Clock, CredentialKind, Identifier, LoginError, OneTimeCode, PersonalTokens,
    ProtocolName, SecondFactors,
};
use futures_util::future::join_all;

use auth_engine::NoticeConfig;
use auth_engine::testing::{PASSWORD, World, config, limited, result, token};

use crate::signed_in::{SignedIn, attempt_as, code, code_of, device_code, mailed_code, mails, none};
use crate::world;

const STEP: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn one_time(code: &str) -> OneTimeCode {
    OneTimeCode::new(code)
}

/// Enrols a device for a user; gives its secret and backup codes.
async fn enrol(world: &World, who: &SignedIn) -> (String, Vec<OneTimeCode>) {
    let factor = none();
    let enrolment = world.engine.enrol_device(&who.caller(&factor)).await.unwrap();
    let secret = enrolment.secret.expose().to_owned();
    let first = one_time(&code_of(&secret, world.clock.now()));
    let codes = world.engine.confirm_device(&who.caller(&factor), &first).await.unwrap();
    (secret, codes)
}

#[tokio::test]
async fn the_owner_is_told_of_a_removal_that_is_held_and_stops_it() {
    let world = world::new().await;
    let session = SignedIn::new(&world, "totp").await;
    let factor = none();
    let caller = session.caller(&factor);
    let account = world.account("totp").await;
    let audit = world.engine.auditor().by_command_on(Act::DeviceRemovalHeld, &account.user, "");
    assert_eq!(world.engine.device_removal(&caller).await, Ok(None));
    assert_eq!(world.engine.keep_device(&caller).await, Ok(false));
    world.engine.device_removals().hold(&account, &audit).await.unwrap();
    let until = world.clock.now() + DAY;
    assert_eq!(world.engine.device_removal(&caller).await, Ok(Some(until)));
    let other = SignedIn::new(&world, "iago").await;
    assert_eq!(
        world.engine.device_removal(&other.caller(&factor)).await,
        Ok(None),
        "another account has no pending removal"
    );
    assert_eq!(world.engine.keep_device(&caller).await, Ok(true));
    assert_eq!(world.engine.device_removal(&caller).await, Ok(None));
    assert_eq!(world.engine.keep_device(&caller).await, Ok(false), "it was stopped before");
    world.clock.advance(2 * DAY);
    assert_eq!(world.engine.device_removals().carry_out().await, Ok(0));
    assert!(world.account("totp").await.totp);
}

#[tokio::test]
async fn a_device_is_enrolled_with_its_first_code() {
    let world = world::new().await;
    let (iago, other) = (SignedIn::new(&world, "iago").await, SignedIn::new(&world, "iago").await);
    let factor = none();
    let caller = iago.caller(&factor);
    let bot = world.engine.create_personal_token(&caller, "bot", false).await.unwrap();
    let bot = SignedIn::with(&world, "iago", bot).await;
    let confirm = async |code: &str| world.engine.confirm_device(&caller, &one_time(code)).await;

    assert_eq!(confirm("123456").await, Err(ActionError::NoDevice));
    let dropped = world.engine.enrol_device(&caller).await.unwrap();
    let enrolment = world.engine.enrol_device(&caller).await.unwrap();
    let secret = enrolment.secret.expose();
    assert_eq!(enrolment.url.expose(), format!("otpauth://totp/Rocket.Chat%3Aiago?secret={secret}"));
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok(), "not yet asked for");
    for wrong in ["", "123456", &code_of(dropped.secret.expose(), world.clock.now())] {
        assert_eq!(confirm(wrong).await, Err(ActionError::WrongCode), "{wrong}");
    }
    let first = code_of(secret, world.clock.now());
    let codes = confirm(&first).await.unwrap();
    assert_eq!((codes.len(), codes[0].expose().len()), (12, 8));
    assert!(!other.is_good(&world).await, "other sessions end");
    assert!(iago.is_good(&world).await && bot.is_good(&world).await);
    let again = confirm(&first).await;
    assert!(matches!(again, Err(ActionError::SecondFactorRequired(_))), "it protects itself: {again:?}");

    let refused = world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap_err();
    assert!(matches!(refused, LoginError::SecondFactorRequired(_)), "{refused:?}");
    assert!(world.log_in_with_code("iago", Some(&first)).await.is_err(), "the first code is used up");
    world.clock.advance(STEP);
    assert!(world.log_in_with_code("iago", Some(&code_of(secret, world.clock.now()))).await.is_ok());
    assert!(world.log_in_with_code("iago", Some(codes[11].expose())).await.is_ok());
    assert_eq!(world.engine.backup_codes_left(&caller).await, Ok(11));
    let again = world.engine.enrol_device(&caller).await.map(drop);
    assert!(matches!(again, Err(ActionError::SecondFactorRequired(_))), "{again:?}");
    let factor = code(codes[0].expose());
    assert_eq!(world.engine.enrol_device(&iago.caller(&factor)).await.err(), Some(ActionError::DeviceExists));
}

#[tokio::test]
async fn of_parallel_confirmations_one_gives_the_codes() {
    let world = world::new().await;
    let (iago, factor) = (SignedIn::new(&world, "iago").await, none());
    let caller = iago.caller(&factor);
    let enrolment = world.engine.enrol_device(&caller).await.unwrap();
    let first = one_time(&code_of(enrolment.secret.expose(), world.clock.now()));
    let confirmed = join_all((0..8).map(|_| world.engine.confirm_device(&caller, &first))).await;
    assert_eq!(confirmed.iter().filter(|told| told.is_ok()).count(), 1);
    assert_eq!(world.engine.backup_codes_left(&caller).await, Ok(12));
    let user = iago.principal.profile.user.id;
    assert_eq!(world.store.of_user(user, CredentialKind::TOTP).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_device_needs_a_user_name() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","email":"nameless@zulip.com","password":"correct-horse-battery-9876"}"#)
        .await;
    let attempt = attempt_as(&world, Identifier::email("nameless@zulip.com"), PASSWORD).await;
    let grant = result(world.ask(attempt).await).unwrap();
    let nameless = SignedIn::with(&world, "nameless@zulip.com", token(&grant)).await;
    let enrolled = world.engine.enrol_device(&nameless.caller(&none())).await;
    assert_eq!(enrolled.err(), Some(ActionError::NoUserName));
}

#[tokio::test]
async fn a_device_that_is_enrolled_on_pages_names_the_realm_and_an_address_where_there_is_no_user_name() {
    let world = world::new().await;
    let nameless = r#"{"kind":"user","realm":"main","email":"nameless@zulip.com","password":"correct-horse-battery-9876"}"#;
    world::import(&world, nameless).await;
    for (name, issuer) in [("", "main"), ("Club", "Club")] {
        let realm = format!(r#"{{"kind":"realm","realm":"main","name":"{name}"}}"#);
        world::import(&world, &realm).await;
        world.clock.advance(Duration::from_secs(60));
        let attempt = attempt_as(&world, Identifier::email("nameless@zulip.com"), PASSWORD).await;
        let grant = result(world.ask(attempt).await).unwrap();
        let nameless = SignedIn::with(&world, "nameless@zulip.com", token(&grant)).await;
        let factor = none();
        let caller = Caller { protocol: ProtocolName::WEB, ..nameless.caller(&factor) };
        let enrolled = world.engine.enrol_device(&caller).await.unwrap();
        let url = format!("otpauth://totp/{issuer}%3Anameless%40zulip.com?");
        assert!(enrolled.url.expose().starts_with(&url), "{}", enrolled.url.expose());
        let end = format!("&issuer={issuer}");
        assert!(enrolled.url.expose().ends_with(&end), "{}", enrolled.url.expose());
    }
}

#[tokio::test]
async fn a_device_goes_for_one_of_its_codes() {
    let world = world::new().await;
    let (iago, factor) = (SignedIn::new(&world, "iago").await, none());
    let caller = iago.caller(&factor);
    let remove = async |code: &str| world.engine.remove_device(&caller, &one_time(code)).await;
    assert_eq!(remove("123456").await, Ok(false), "there is none");
    for by_backup_code in [false, true] {
        let (secret, codes) = enrol(&world, &iago).await;
        world.clock.advance(STEP);
        assert_eq!(remove("000000").await, Ok(false));
        let right = code_of(&secret, world.clock.now());
        let right = if by_backup_code { codes[3].expose() } else { &right };
        assert_eq!(remove(right).await, Ok(true));
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok());
        assert_eq!(world.engine.backup_codes_left(&caller).await, Err(ActionError::NoDevice));
    }
}

#[tokio::test]
async fn backup_codes_are_renewed_for_one_of_the_devices_codes() {
    let world = world::new().await;
    let (totp, factor) = (SignedIn::new(&world, "totp").await, none());
    let caller = totp.caller(&factor);
    let renew = async |code: &str| world.engine.renew_backup_codes(&caller, &one_time(code)).await;
    assert_eq!(world.engine.backup_codes_left(&caller).await, Ok(2));
    assert_eq!(renew("000000").await, Err(ActionError::WrongCode));
    let codes = renew("aBcD2345").await.unwrap();
    assert_eq!(world.engine.backup_codes_left(&caller).await, Ok(12));
    assert!(world.log_in_with_code("totp", Some("eFgH6789")).await.is_err(), "old ones are gone");
    assert!(world.log_in_with_code("totp", Some(codes[5].expose())).await.is_ok());

    let iago = SignedIn::new(&world, "iago").await;
    let without = world.engine.renew_backup_codes(&iago.caller(&factor), &one_time("123456")).await;
    assert_eq!(without, Err(ActionError::NoDevice));
}

#[tokio::test]
async fn guesses_at_a_device_are_capped() {
    let world = world::with(limited()).await;
    let (totp, factor) = (SignedIn::new(&world, "totp").await, none());
    let caller = totp.caller(&factor);
    for _ in 0..10 {
        assert_eq!(world.engine.remove_device(&caller, &one_time("000000")).await, Ok(false));
    }
    world.clock.advance(STEP);
    let right = one_time(&device_code(world.clock.now()));
    let told = world.engine.remove_device(&caller, &right).await;
    assert!(matches!(told, Err(ActionError::SecondFactorExhausted(_))), "{told:?}");
    world.clock.advance(Duration::from_secs(901));
    let right = one_time(&device_code(world.clock.now()));
    assert_eq!(world.engine.remove_device(&caller, &right).await, Ok(true));
}

#[tokio::test]
async fn a_device_is_reset_with_all_that_is_signed_in() {
    let mut site = config();
    site.mail.notices = NoticeConfig { changes: true, new_places: false };
    let world = world::with(site).await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"admin","role":"admin","password":"correct-horse-battery-9876"}"#)
        .await;
    let factor = none();
    let totp = SignedIn::new(&world, "totp").await;
    let own = world.engine.reset_device(&totp.caller(&factor), None).await;
    assert!(matches!(own, Err(ActionError::SecondFactorRequired(_))), "{own:?}");
    world.clock.advance(STEP);
    let shown = code(&device_code(world.clock.now()));
    assert_eq!(world.engine.reset_device(&totp.caller(&shown), None).await, Ok(()));
    assert!(!totp.is_good(&world).await);
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "totp", PASSWORD).await.is_ok());

    let (iago, admin) = (SignedIn::new(&world, "iago").await, SignedIn::new(&world, "admin").await);
    enrol(&world, &iago).await;
    let of = Identifier::user_name("iago");
    let stranger = SignedIn::new(&world, "totp").await;
    let denied = world.engine.reset_device(&stranger.caller(&factor), Some(&of)).await;
    assert_eq!(denied, Err(ActionError::NotPermitted));
    let nobody = Identifier::user_name("nobody");
    let denied = world.engine.reset_device(&admin.caller(&factor), Some(&nobody)).await;
    assert_eq!(denied, Err(ActionError::NoSuchUser));
    assert_eq!(world.engine.reset_device(&admin.caller(&factor), Some(&of)).await, Ok(()));
    assert!(!iago.is_good(&world).await);
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok());
    for (user, told) in [
        ("totp", "The authenticator app was removed"),
        ("iago", "An administrator has removed the authenticator app"),
    ] {
        let to = format!("{user}@zulip.com");
        let mut mails = world.engine.mail().due(10).await.unwrap().into_iter();
        assert!(mails.any(|mail| mail.to == to && mail.text.unwrap().contains(told)), "{user}: {told}");
    }
}

#[tokio::test]
async fn mailed_codes_are_switched_on_and_off() {
    let world = world::new().await;
    let (iago, other) = (SignedIn::new(&world, "iago").await, SignedIn::new(&world, "iago").await);
    let factor = none();
    let caller = iago.caller(&factor);
    assert_eq!(world.engine.require_mailed_codes(&caller).await, Ok(()));
    assert_eq!((iago.is_good(&world).await, other.is_good(&world).await), (true, false));
    let refused = world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap_err();
    assert!(matches!(refused, LoginError::SecondFactorRequired(_)), "{refused:?}");
    let denied = world.engine.waive_mailed_codes(&caller).await;
    assert!(matches!(denied, Err(ActionError::SecondFactorRequired(_))), "{denied:?}");
    let mailed = mailed_code(&mails(&world).await[0]);
    assert_eq!(world.engine.waive_mailed_codes(&iago.caller(&code(&mailed))).await, Ok(()));
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn mailed_codes_need_verified_addresses() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"unverified","email":"u@zulip.com","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"without","password":"correct-horse-battery-9876"}"#)
        .await;
    for who in ["unverified", "without"] {
        let session = SignedIn::new(&world, who).await;
        let told = world.engine.require_mailed_codes(&session.caller(&none())).await;
        assert_eq!(told, Err(ActionError::AddressUnverified), "{who}");
    }
}

#[tokio::test]
async fn codes_are_mailed_on_request_without_telling_to_whom() {
    let world = world::new().await;
    let realm = world.realm("main").await.id;
    let start = world.clock.now();
    for (who, mailed) in [
        (Identifier::user_name("mail"), 1),
        (Identifier::email("MAIL@zulip.com"), 2),
        (Identifier::user_name("iago"), 2),
        (Identifier::user_name("nobody"), 2),
        (Identifier::email("nobody@zulip.com"), 2),
    ] {
        let told = world.engine.mail_code(realm, &who).await;
        assert_eq!(told, Ok(start + Duration::from_millis(250)), "{who:?}");
        assert_eq!(mails(&world).await.len(), mailed, "{who:?}");
    }
    let all = mails(&world).await;
    assert_eq!(
        mailed_code(&all[0]),
        mailed_code(&all[1]),
        "nobody who asks for a code takes it from its owner"
    );
    assert!(world.log_in_with_code("mail", Some(&mailed_code(&all[0]))).await.is_ok());
    assert!(world.engine.mail_code(realm, &Identifier::user_name("mail")).await.is_ok());
    let all = mails(&world).await;
    assert_ne!(mailed_code(&all[1]), mailed_code(&all[2]), "a code that was used is not mailed again");
}

#[tokio::test]
async fn strangers_can_fill_no_mailbox_and_keep_nobody_from_the_code() {
    let world = world::with(limited()).await;
    let realm = world.realm("main").await.id;
    for _ in 0..50 {
        let told = world.engine.mail_code(realm, &Identifier::user_name("mail")).await;
        assert!(told.is_ok());
    }
    let all = mails(&world).await;
    assert_eq!(all.len(), 5);
    assert!(world.log_in_with_code("mail", Some(&mailed_code(&all[0]))).await.is_ok());
    assert!(world.log_in_with_code("mail", None).await.is_err());
    assert_eq!(mails(&world).await.len(), 6, "who knows the password gets a code");
    world.clock.advance(Duration::from_secs(3601));
    world.engine.mail_code(realm, &Identifier::user_name("mail")).await.unwrap();
    assert_eq!(mails(&world).await.len(), 7, "and it ends");
}
