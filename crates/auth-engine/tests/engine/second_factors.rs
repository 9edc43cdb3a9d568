//! Second factors at login.

use std::time::Duration;

use auth_core::{
    Clock, CredentialKind, Exact, FactorMethod, FailureReason, GrantKind, LoginAttempt, LoginError,
    ProtocolName, Timestamp, TotpSecret,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::totp;

use auth_engine::Config;
use auth_engine::rules::{BLOCK_BY_TYPED_NAME, CODE_REPLAY, LOCAL_PASSWORD_FORBIDDEN};
use auth_engine::testing::{PASSWORD, TOTP_SECRET, config};

use crate::world;

fn code_at(time: Timestamp) -> String {
    let secret: TotpSecret = totp::from_base32(TOTP_SECRET).unwrap();
    totp::code(&secret, time.as_secs() / 30).expose().to_owned()
}

#[tokio::test]
async fn protocols_without_a_second_step_refuse_accounts_that_have_one() {
    let world = world::new().await;
    for (protocol, who) in [(ProtocolName::ZULIP, "totp@zulip.com"), (ProtocolName::ZETTELSTORE, "mail")] {
        let refused = world.log_in(protocol, who, PASSWORD).await.unwrap_err();
        assert_eq!(refused, LoginError::Credentials(FailureReason::NoSecondStep));
    }
    let mut lax = config();
    lax.allow_password_only_with_2fa = true;
    let world = world::with(lax).await;
    assert!(world.log_in(ProtocolName::ZULIP, "totp@zulip.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_realm_can_demand_a_second_factor_of_everybody() {
    const DEMAND: &str = r#"{"kind":"realm","realm":"main","require_second_factor":true}"#;
    let refused = Some(LoginError::Credentials(FailureReason::NoSecondFactor));
    for allow_password_only_with_2fa in [false, true] {
        let world = world::with(Config { allow_password_only_with_2fa, ..config() }).await;
        for protocol in [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE] {
            let who = if protocol == ProtocolName::ZULIP { "iago@zulip.com" } else { "iago" };
            assert!(world.log_in(protocol, who, PASSWORD).await.is_ok(), "{protocol}: not demanded");
        }
        world::import(&world, DEMAND).await;
        for protocol in [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE] {
            let who = if protocol == ProtocolName::ZULIP { "iago@zulip.com" } else { "iago" };
            assert_eq!(world.log_in(protocol, who, PASSWORD).await.err(), refused, "{protocol}");
            let wrong = world.log_in(protocol, who, "wrong").await.unwrap_err();
            assert_eq!(wrong, LoginError::Credentials(FailureReason::WrongPassword), "{protocol}");
        }
        assert!(world.log_in(ProtocolName::ZETTELSTORE, "app", PASSWORD).await.is_ok(), "a bot needs none");
        let code = code_at(world.clock.now());
        assert!(world.log_in_with_code("totp", Some(&code)).await.is_ok(), "who has one is let in with it");
        let alone = world.log_in(ProtocolName::ZULIP, "totp@zulip.com", PASSWORD).await;
        assert_eq!(
            alone.is_ok(),
            allow_password_only_with_2fa,
            "who has one, where the protocol asks for none"
        );
        for protocol in [ProtocolName::WEB, ProtocolName::ZULIP] {
            let at_pages = LoginAttempt {
                protocol,
                grant: GrantKind::Token(CredentialKind::WEB_SESSION),
                ..world.attempt("main", ProtocolName::ROCKETCHAT, "iago", PASSWORD).await
            };
            let login = world.ask(at_pages).await.result.unwrap();
            assert!(login.profile.lacks_second_factor(), "the pages of {protocol} are told to set one up");
        }
    }
}

#[tokio::test]
async fn the_second_factor_is_asked_for_only_after_the_password() {
    let world = world::new().await;
    let wrong = world.log_in(ProtocolName::ROCKETCHAT, "totp", "wrong").await.unwrap_err();
    assert_eq!(wrong, LoginError::Credentials(FailureReason::WrongPassword));
    let LoginError::SecondFactorRequired(challenge) = world.log_in_with_code("totp", None).await.unwrap_err()
    else {
        panic!("a second factor is required")
    };
    assert_eq!(challenge.available, [FactorMethod::Totp]);
}

#[tokio::test]
async fn totp_code_is_good_in_its_window_and_once() {
    let world = world::new().await;
    let now = world.clock.now();
    let step = Duration::from_secs(30);
    for (code, accepted) in [
        (code_at(now - 2 * step), false),
        (code_at(now - step), true),
        (code_at(now - step), false),
        (code_at(now), true),
        (code_at(now), false),
        (code_at(now - step), false),
        (code_at(now + step), true),
        ("000000".to_owned(), false),
        ("".to_owned(), false),
    ] {
        let told = world.log_in_with_code("totp", Some(&code)).await;
        assert_eq!(told.is_ok(), accepted, "{code}: {told:?}");
    }
}

#[tokio::test]
async fn exact_rocketchat_lets_a_code_be_used_again() {
    let mut exact = config();
    exact.rocketchat.exact = Exact::only([CODE_REPLAY, BLOCK_BY_TYPED_NAME, LOCAL_PASSWORD_FORBIDDEN]);
    let world = world::with(exact).await;
    let code = code_at(world.clock.now());
    for _ in 0..2 {
        assert!(world.log_in_with_code("totp", Some(&code)).await.is_ok());
    }
}

#[tokio::test]
async fn of_parallel_uses_of_one_code_one_succeeds() {
    let world = world::new().await;
    let code = code_at(world.clock.now());
    for code in [code.as_str(), "aBcD2345"] {
        let uses = futures_util::future::join_all((0..8).map(|_| world.log_in_with_code("totp", Some(code))));
        let accepted = uses.await.into_iter().filter(Result::is_ok).count();
        assert_eq!(accepted, 1, "{code}");
    }
}

#[tokio::test]
async fn backup_codes_belong_to_their_user() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"second","password":"correct-horse-battery-9876","totp_secret":"KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU","backup_codes":["zZzZ9999"]}"#)
        .await;
    assert!(world.log_in_with_code("totp", Some("zZzZ9999")).await.is_err());
    assert!(world.log_in_with_code("second", Some("zZzZ9999")).await.is_ok());
}

#[tokio::test]
async fn mailed_code_goes_out_once_and_is_good_once() {
    let world = world::new().await;
    for generated in [true, false] {
        let LoginError::SecondFactorRequired(challenge) =
            world.log_in_with_code("mail", None).await.unwrap_err()
        else {
            panic!("a second factor is required")
        };
        let mailed = challenge.mailed.unwrap();
        assert_eq!((mailed.generated, mailed.recipient.as_str()), (generated, "mail"));
    }
    let mails = world.store.due(world.clock.now(), 10).await.unwrap();
    let [mail] = mails.as_slice() else { panic!("one mail, not {}", mails.len()) };
    assert_eq!(mail.to, "mail@zulip.com");
    let text = world.ring.open(Purpose::Mail, mail.id.as_bytes(), &mail.body).unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let code = text.split_whitespace().find(|word| word.contains('-')).unwrap().trim_end_matches('.');

    assert!(world.log_in_with_code("mail", Some("000-000")).await.is_err());
    assert!(world.log_in_with_code("mail", Some(code)).await.is_ok());
    assert!(world.log_in_with_code("mail", Some(code)).await.is_err());
}

#[tokio::test]
async fn mailed_code_ends_after_its_attempts_and_its_time() {
    let world = world::new().await;
    let ask = || world.log_in_with_code("mail", None);
    let _ = ask().await;
    for _ in 0..4 {
        let refused = world.log_in_with_code("mail", Some("123")).await.unwrap_err();
        assert!(matches!(refused, LoginError::SecondFactorInvalid(_)), "{refused:?}");
    }
    let refused = world.log_in_with_code("mail", Some("123")).await.unwrap_err();
    assert!(matches!(refused, LoginError::SecondFactorExhausted(_)), "{refused:?}");
    let _ = ask().await;
    assert_eq!(world.store.due(world.clock.now(), 10).await.unwrap().len(), 2, "a new code went out");

    world.clock.advance(Duration::from_secs(3601));
    let _ = ask().await;
    assert_eq!(world.store.due(world.clock.now(), 10).await.unwrap().len(), 3);
}
