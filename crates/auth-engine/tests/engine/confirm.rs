//! Second factors before changes: when one is asked for, which, and how long it is remembered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    ActionError, Clock, CredentialKind, FactorMethod, OneTimeCode, OwnCredentials, Password, PasswordString,
    PersonalTokens, PresentedFactor, Revocation, SecondFactors,
};
use futures_util::future::join_all;

use auth_engine::testing::{PASSWORD, World, config, limited, peer, token};

use crate::signed_in::{SignedIn, by, code, code_of, device_code, mailed_code, mails, none, password_code};
use crate::world;

const HALF_HOUR: Duration = Duration::from_secs(1800);

/// Asks for the change that is easiest to ask for.
async fn change(world: &World, who: &SignedIn, factor: &PresentedFactor) -> Result<(), ActionError> {
    match world.engine.remove_personal_token(&who.caller(factor), "none").await {
        Err(ActionError::NoSuchToken) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => panic!("there is no such token"),
    }
}

fn asked(denied: Result<(), ActionError>) -> Option<(FactorMethod, Vec<FactorMethod>)> {
    match denied {
        Ok(()) => None,
        Err(ActionError::SecondFactorRequired(challenge)) => Some((challenge.method, challenge.available)),
        Err(other) => panic!("{other:?}"),
    }
}

fn is_wrong(denied: &Result<(), ActionError>, method: FactorMethod) -> bool {
    matches!(denied, Err(ActionError::SecondFactorInvalid(challenge)) if challenge.method == method)
}

#[tokio::test]
async fn new_accounts_are_let_off_and_then_asked_for_their_password() {
    let world = world::new().await;
    let iago = SignedIn::new(&world, "iago").await;
    assert_eq!(asked(change(&world, &iago, &none()).await), None);
    world.clock.advance(HALF_HOUR);
    assert_eq!(asked(change(&world, &iago, &none()).await), None, "the last moment is included");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(asked(change(&world, &iago, &none()).await), Some((FactorMethod::Password, vec![])));

    for wrong in ["", "correct-horse-battery-9876", &"0".repeat(64)] {
        let told = change(&world, &iago, &by(FactorMethod::Password, Some(wrong))).await;
        assert!(is_wrong(&told, FactorMethod::Password), "{wrong}: {told:?}");
    }
    for right in [password_code(), password_code().to_uppercase()] {
        world.clock.advance(HALF_HOUR + Duration::from_millis(1));
        assert_eq!(change(&world, &iago, &code(&right)).await, Ok(()), "{right}");
    }
}

#[tokio::test]
async fn the_password_stands_in_only_where_it_is_wanted_and_there_is_one() {
    let mut without = config();
    without.rocketchat.password_fallback = false;
    let world = world::with(without).await;
    let iago = SignedIn::new(&world, "iago").await;
    world.clock.advance(2 * HALF_HOUR);
    assert_eq!(asked(change(&world, &iago, &none()).await), None);
    let always = world.engine.confirm(&iago.caller(&none())).await;
    assert_eq!(asked(always), Some((FactorMethod::Password, vec![])), "a change that asks everybody");

    // Clients send a digest, which not every record can be verified by, and which only a realm that takes them accepts of
    // hashes that no Rocket.Chat made.
    let argon2 = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let over_digest = format!("sha256-hex:{argon2}");
    let bcrypt = "rocketchat$$2b$04$abcdefghijklmnopqrstuuE8i3u4ek7Pb4uIRVKrJKAKwiEwsFyoe";
    for (stored, takes_digests, is_asked) in [
        (Some(argon2), true, false),
        (Some(over_digest.as_str()), true, true),
        (Some(over_digest.as_str()), false, false),
        (Some(bcrypt), false, true),
        (None, true, false),
    ] {
        let world = world::new().await;
        let mut iago = SignedIn::new(&world, "iago").await;
        Arc::make_mut(&mut iago.principal.profile.realm).digest_logins = takes_digests;
        let stored = stored.map(PasswordString::new);
        let user = iago.principal.profile.user.id;
        world.store.set_password(user, stored.as_ref(), &Revocation::NOTHING, None).await.unwrap();
        world.clock.advance(2 * HALF_HOUR);
        assert_eq!(
            asked(change(&world, &iago, &none()).await).is_some(),
            is_asked,
            "{stored:?} {takes_digests}"
        );
    }
}

#[tokio::test]
async fn a_device_is_asked_for_at_once_and_remembered_for_token_program_and_client_key() {
    let world = world::new().await;
    let mut totp = SignedIn::new(&world, "totp").await;
    let required = Some((FactorMethod::Totp, vec![FactorMethod::Totp]));
    assert_eq!(asked(change(&world, &totp, &none()).await), required);
    let right_password = PresentedFactor { password: Some(Password::new(PASSWORD)), ..none() };
    assert_eq!(asked(change(&world, &totp, &right_password).await), required, "a password is no code");
    assert!(is_wrong(&change(&world, &totp, &code("000000")).await, FactorMethod::Totp));
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(change(&world, &totp, &code(&device_code(world.clock.now()))).await, Ok(()));
    assert_eq!(asked(change(&world, &totp, &none()).await), None);

    world.clock.advance(Duration::from_secs(30));
    let other_token = SignedIn::new(&world, "totp").await;
    assert_eq!(asked(change(&world, &other_token, &none()).await), required);
    totp.peer = peer("192.0.2.1").with_agent("other");
    assert_eq!(asked(change(&world, &totp, &none()).await), required);
    totp.peer = peer("192.0.2.2").with_agent("test");
    assert_eq!(asked(change(&world, &totp, &none()).await), required);
    totp.peer = peer("192.0.2.1").with_agent("test");
    assert_eq!(asked(change(&world, &totp, &none()).await), None);

    world.clock.advance(HALF_HOUR);
    assert_eq!(asked(change(&world, &totp, &none()).await), required);
    assert_eq!(change(&world, &totp, &code("aBcD2345")).await, Ok(()), "a backup code, and remembered anew");
    world.clock.advance(HALF_HOUR);
    assert_eq!(asked(change(&world, &totp, &none()).await), None, "to its last moment");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(asked(change(&world, &totp, &none()).await), required);
}

#[tokio::test]
async fn some_changes_ask_anew_each_time() {
    let world = world::new().await;
    let totp = SignedIn::new(&world, "totp").await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(change(&world, &totp, &code(&device_code(world.clock.now()))).await, Ok(()));
    let factor = none();
    let denied = world.engine.waive_mailed_codes(&totp.caller(&factor)).await.map(drop);
    assert_eq!(asked(denied), Some((FactorMethod::Totp, vec![FactorMethod::Totp])));

    // A factor that was shown for one of them is not remembered for the others.
    world.clock.advance(2 * HALF_HOUR);
    let factor = code(&device_code(world.clock.now()));
    assert_eq!(world.engine.waive_mailed_codes(&totp.caller(&factor)).await, Ok(()));
    assert!(asked(change(&world, &totp, &none()).await).is_some());
}

#[tokio::test]
async fn only_a_session_of_the_pages_is_fresh_and_none_from_the_future() {
    let world = world::new().await;
    let (mut iago, nothing) = (SignedIn::new(&world, "iago").await, none());
    assert!(!world.engine.is_fresh(&iago.caller(&nothing)), "a token of Rocket.Chat");
    iago.principal.kind = Some(CredentialKind::WEB_SESSION);
    assert!(world.engine.is_fresh(&iago.caller(&nothing)));
    world.clock.set_back(2 * HALF_HOUR);
    assert!(!world.engine.is_fresh(&iago.caller(&nothing)), "how long ago it was is not known");
}

#[tokio::test]
async fn some_changes_ask_everybody() {
    let world = world::new().await;
    let iago = SignedIn::new(&world, "iago").await;
    let factor = none();
    let denied = world.engine.confirm(&iago.caller(&factor)).await;
    assert_eq!(asked(denied), Some((FactorMethod::Password, vec![])), "a new account");
    let token = world.engine.create_personal_token(&iago.caller(&factor), "bot", true).await.unwrap();
    let bot = SignedIn::with(&world, "iago", token).await;
    assert!(world.engine.confirm(&bot.caller(&factor)).await.is_err(), "a token that bypasses");
    let factor = code(&password_code());
    assert_eq!(world.engine.confirm(&iago.caller(&factor)).await, Ok(()));
    assert!(world.engine.confirm(&iago.caller(&none())).await.is_err(), "nothing is remembered");
}

#[tokio::test]
async fn a_personal_token_may_stand_for_a_second_factor() {
    let world = world::new().await;
    let totp = SignedIn::new(&world, "totp").await;
    world.clock.advance(Duration::from_secs(30));
    let factor = code(&device_code(world.clock.now()));
    for (name, bypass) in [("strict", false), ("lax", true)] {
        let token = world.engine.create_personal_token(&totp.caller(&factor), name, bypass).await;
        let bot = SignedIn::with(&world, "totp", token.unwrap()).await;
        assert_eq!(asked(change(&world, &bot, &none()).await).is_none(), bypass, "{name}");
        let factor = none();
        let waived = world.engine.waive_mailed_codes(&bot.caller(&factor)).await;
        assert_eq!(waived.is_ok(), bypass, "{name}");
    }
}

/// A user, signed in, who has a device and is mailed codes.
async fn with_both_factors() -> (World, SignedIn) {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"both","email":"both@zulip.com","email_verified":true,"email_2fa":true,"password":"correct-horse-battery-9876","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}"#)
        .await;
    let both = SignedIn::new(&world, "both").await;
    (world, both)
}

#[tokio::test]
async fn the_caller_may_name_the_factor() {
    let (world, both) = with_both_factors().await;
    let (totp, email) = (FactorMethod::Totp, FactorMethod::Email);
    let all = vec![totp, email];
    for (named, method) in
        [(None, totp), (Some(totp), totp), (Some(email), email), (Some(FactorMethod::Password), totp)]
    {
        let factor = PresentedFactor { code: None, method: named, password: None };
        assert_eq!(asked(change(&world, &both, &factor).await), Some((method, all.clone())), "{named:?}");
    }
    let mailed = mailed_code(&mails(&world).await[0]);
    assert!(is_wrong(&change(&world, &both, &by(totp, Some(&mailed))).await, totp));
    assert_eq!(change(&world, &both, &by(email, Some(&mailed))).await, Ok(()));

    // A factor that the account doesn't have is never right, and mails nothing.
    let only_totp = SignedIn::new(&world, "totp").await;
    let factor = by(email, None);
    assert_eq!(asked(change(&world, &only_totp, &factor).await), Some((email, vec![totp])));
    assert!(is_wrong(&change(&world, &only_totp, &by(email, Some("123456"))).await, email));
    assert_eq!(mails(&world).await.len(), 1);
}

#[tokio::test]
async fn mailed_codes_are_no_factor_of_an_account_that_has_them_switched_off() {
    let (world, both) = with_both_factors().await;
    assert!(change(&world, &both, &by(FactorMethod::Email, None)).await.is_err());
    let mailed = mailed_code(&mails(&world).await[0]);
    let user = both.principal.profile.user.id;
    world.store.set_email_second_factor(user, false, &Revocation::NOTHING, None).await.unwrap();
    let told = change(&world, &both, &by(FactorMethod::Email, Some(&mailed))).await;
    let Err(ActionError::SecondFactorInvalid(challenge)) = told else { panic!("{told:?}") };
    assert_eq!((challenge.available, challenge.mailed), (vec![FactorMethod::Totp], None));
    world.store.set_email_second_factor(user, true, &Revocation::NOTHING, None).await.unwrap();
    assert_eq!(change(&world, &both, &by(FactorMethod::Email, Some(&mailed))).await, Ok(()), "it was good");
}

#[tokio::test]
async fn a_clock_that_is_set_back_ends_codes_and_remembered_factors() {
    let world = world::new().await;
    let totp = SignedIn::new(&world, "totp").await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(change(&world, &totp, &code(&device_code(world.clock.now()))).await, Ok(()));
    assert_eq!(asked(change(&world, &totp, &none()).await), None);
    let _ = world.log_in_with_code("mail", None).await;
    let mailed = mailed_code(&mails(&world).await[0]);
    let days = Duration::from_secs(5 * 86_400);
    world.clock.set_back(days);
    assert!(asked(change(&world, &totp, &none()).await).is_some(), "how long ago it was is not known");
    let told = world.log_in_with_code("mail", Some(&mailed)).await.unwrap_err();
    assert!(matches!(told, auth_core::LoginError::SecondFactorInvalid(_)), "{told:?}");
    let all = mails(&world).await;
    assert_eq!(all.len(), 1, "another code is mailed, which is due now");
    assert!(world.log_in_with_code("mail", Some(&mailed_code(&all[0]))).await.is_ok());
}

#[tokio::test]
async fn wrong_factors_are_capped_per_account() {
    let world = world::with(limited()).await;
    let iago = SignedIn::new(&world, "iago").await;
    world.clock.advance(2 * HALF_HOUR);
    for _ in 0..10 {
        assert!(is_wrong(&change(&world, &iago, &code("wrong")).await, FactorMethod::Password));
    }
    let right = code(&password_code());
    let told = change(&world, &iago, &right).await;
    assert!(matches!(told, Err(ActionError::SecondFactorExhausted(_))), "also the right one: {told:?}");
    world.clock.advance(Duration::from_secs(901));
    assert_eq!(change(&world, &iago, &right).await, Ok(()));
}

#[tokio::test]
async fn of_parallel_wrong_mailed_codes_five_are_judged() {
    use auth_core::LoginError::{SecondFactorExhausted, SecondFactorInvalid};
    let world = world::new().await;
    let _ = world.log_in_with_code("mail", None).await;
    let right = mailed_code(&mails(&world).await[0]);
    let told = join_all((0..40).map(|_| world.log_in_with_code("mail", Some("1")))).await;
    // The fifth wrong attempt at a code is told that it was the last; those after it are not compared at all, but for
    // those that begin when the next code is out already.
    let wrong = told.iter().filter(|told| matches!(told, Err(SecondFactorInvalid(_)))).count();
    let exhausted = told.iter().filter(|told| matches!(told, Err(SecondFactorExhausted(_)))).count();
    let codes: BTreeSet<String> = mails(&world).await.iter().map(|mail| mailed_code(mail)).collect();
    let user = world.account("mail").await.user.id;
    let newest = world.store.of_user(user, CredentialKind::MAILED_CODE).await.unwrap().pop().unwrap();
    let most = 4 * (codes.len() - 1) + usize::try_from(newest.counter).unwrap();
    assert_eq!(wrong + exhausted, 40);
    assert!((4..=most).contains(&wrong), "{wrong} wrong attempts at {} codes, {most} at most", codes.len());
    assert!(world.log_in_with_code("mail", Some(&right)).await.is_err(), "the first code is used up");
}

#[tokio::test]
async fn of_parallel_right_mailed_codes_one_is_accepted() {
    let world = world::new().await;
    let _ = world.log_in_with_code("mail", None).await;
    let right = mailed_code(&mails(&world).await[0]);
    let told = join_all((0..4).map(|_| world.log_in_with_code("mail", Some(&right)))).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
}

#[tokio::test]
async fn a_wrong_mailed_code_is_answered_with_the_state_of_the_outstanding_one() {
    use auth_core::LoginError::{SecondFactorExhausted, SecondFactorInvalid, SecondFactorRequired};
    let world = world::new().await;
    let _ = world.log_in_with_code("mail", None).await;
    let mut told = Vec::new();
    for _ in 0..7 {
        told.push(match world.log_in_with_code("mail", Some("1")).await.unwrap_err() {
            SecondFactorInvalid(challenge) => ("invalid", challenge.mailed.unwrap().generated),
            SecondFactorExhausted(challenge) => ("exhausted", challenge.mailed.unwrap().generated),
            SecondFactorRequired(challenge) => ("required", challenge.mailed.unwrap().generated),
            other => panic!("{other:?}"),
        });
    }
    let outstanding = ("invalid", false);
    assert_eq!(
        told,
        [
            outstanding,
            outstanding,
            outstanding,
            outstanding,
            ("exhausted", false),
            ("exhausted", true),
            outstanding
        ],
        "the request after the last attempt mails a new code"
    );
    assert_eq!(mails(&world).await.len(), 2);
    world.clock.advance(Duration::from_secs(3600));
    let SecondFactorInvalid(challenge) = world.log_in_with_code("mail", Some("1")).await.unwrap_err() else {
        panic!("a code that has ended is wrong")
    };
    assert!(challenge.mailed.unwrap().generated);
}

#[tokio::test]
async fn enrolling_asks_for_the_factor_that_is_there() {
    let world = world::new().await;
    let _ = world.log_in_with_code("mail", None).await;
    let mailed = mailed_code(&mails(&world).await[0]);
    let grant = world.log_in_with_code("mail", Some(&mailed)).await.unwrap();
    let mail = SignedIn::with(&world, "mail", token(&grant)).await;
    let denied = world.engine.enrol_device(&mail.caller(&none())).await.map(drop);
    assert_eq!(asked(denied), Some((FactorMethod::Email, vec![FactorMethod::Email])));
    let mailed = mailed_code(&mails(&world).await[1]);
    let enrolled = world.engine.enrol_device(&mail.caller(&code(&mailed))).await.unwrap();
    let first = code_of(enrolled.secret.expose(), world.clock.now());
    let first = OneTimeCode::new(first);
    let codes = world.engine.confirm_device(&mail.caller(&none()), &first).await.unwrap();
    assert_eq!(codes.len(), 12, "the factor is remembered for the second call");
}
