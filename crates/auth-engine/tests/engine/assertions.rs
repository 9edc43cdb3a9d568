//! Assertions of another system: which are believed, and that guessing is limited.

use std::time::Duration;

use auth_core::{Clock, Grant, LoginAttempt, LoginError, LoginMethod, ProtocolName, Quota, Token};
use auth_crypto::assertion::AssertionConfig;
use auth_crypto::jwt::{Algorithm, Key, sign};
use auth_engine::testing::{PASSWORD, World, config, limited, peer, result};
use auth_engine::{CommonQuotas, Config};

use crate::world;

const KEY: &[u8] = b"a key that is shared with another system";

fn believing(algorithms: &[Algorithm], require_exp: bool, mut config: Config) -> Config {
    let rule = AssertionConfig { key: KEY.to_vec().into(), algorithms: algorithms.to_vec(), require_exp };
    config.zulip.assertions.insert("main".to_owned(), rule);
    config
}

async fn attempt(world: &World, algorithm: Algorithm, key: &[u8], claims: &str) -> LoginAttempt {
    let plain = world.attempt("main", ProtocolName::ZULIP, "", "").await;
    let token: Token = sign(&Key::new(algorithm, key), claims);
    LoginAttempt { method: LoginMethod::Assertion(token), ..plain }
}

fn claims(world: &World) -> String {
    format!(r#"{{"email":"iago@zulip.com","exp":{}}}"#, world.clock.now().as_secs() + 60)
}

async fn ask(world: &World, algorithm: Algorithm, key: &[u8], claims: &str) -> Result<Grant, LoginError> {
    result(world.ask(attempt(world, algorithm, key, claims).await).await)
}

#[tokio::test]
async fn only_the_listed_algorithms_are_believed() {
    use Algorithm::{Hs256, Hs384, Hs512};
    for listed in [&[Hs256][..], &[Hs384], &[Hs512], &[Hs256, Hs512]] {
        let world = world::with(believing(listed, true, config())).await;
        let claims = claims(&world);
        for algorithm in [Hs256, Hs384, Hs512] {
            let reply = ask(&world, algorithm, KEY, &claims).await;
            match listed.contains(&algorithm) {
                true => assert!(matches!(reply, Ok(Grant::ApiKey(_))), "{algorithm:?} of {listed:?}"),
                false => assert_eq!(reply.unwrap_err(), LoginError::AssertionInvalid, "{algorithm:?}"),
            }
        }
        assert_eq!(
            ask(&world, listed[0], b"another", &claims).await.unwrap_err(),
            LoginError::AssertionInvalid
        );
    }
}

#[tokio::test]
async fn an_end_is_demanded_unless_the_rule_leaves_it_out() {
    for (require_exp, is_believed) in [(true, false), (false, true)] {
        let world = world::with(believing(&[Algorithm::Hs256], require_exp, config())).await;
        let reply = ask(&world, Algorithm::Hs256, KEY, r#"{"email":"iago@zulip.com"}"#).await;
        assert_eq!(reply.is_ok(), is_believed, "end demanded: {require_exp}");
        let over = format!(r#"{{"email":"iago@zulip.com","exp":{}}}"#, world.clock.now().as_secs());
        assert!(ask(&world, Algorithm::Hs256, KEY, &over).await.is_err(), "it ends now");
    }
}

#[tokio::test]
async fn failed_assertions_are_limited_by_client_key_and_good_ones_do_not_count() {
    let client = Quota { attempts: 3, window: Duration::from_secs(900) };
    let limits = Some(CommonQuotas { client, ..CommonQuotas::default() });
    let world = world::with(believing(&[Algorithm::Hs256], true, Config { limits, ..limited() })).await;
    let claims = claims(&world);
    for _ in 0..10 {
        assert!(ask(&world, Algorithm::Hs256, KEY, &claims).await.is_ok());
    }
    for _ in 0..3 {
        assert_eq!(
            ask(&world, Algorithm::Hs256, b"a guess", &claims).await.unwrap_err(),
            LoginError::AssertionInvalid
        );
    }
    let refused = ask(&world, Algorithm::Hs256, KEY, &claims).await.unwrap_err();
    assert!(matches!(refused, LoginError::ClientLimited { .. }), "{refused:?}");
    let elsewhere = attempt(&world, Algorithm::Hs256, KEY, &claims).await;
    let elsewhere = LoginAttempt { peer: peer("198.51.100.1"), ..elsewhere };
    assert!(result(world.ask(elsewhere).await).is_ok(), "nobody locks out another client key");
}

#[tokio::test]
async fn without_password_logins_assertions_still_work_and_nothing_is_counted() {
    let client = Quota { attempts: 1, window: Duration::from_secs(900) };
    let limits = Some(CommonQuotas { client, ..CommonQuotas::default() });
    let mut closed = believing(&[Algorithm::Hs256], true, Config { limits, ..limited() });
    closed.zulip.password_login = false;
    closed.zulip.login_limit = Some(Quota { attempts: 1, window: Duration::from_secs(900) });
    let world = world::with(closed).await;
    for who in ["iago@zulip.com", "nobody@zulip.com", "cordelia@zulip.com"] {
        for _ in 0..3 {
            let reply = world.ask(world.attempt("main", ProtocolName::ZULIP, who, PASSWORD).await).await;
            assert_eq!((reply.rate_limit, reply.not_before), (None, None));
            assert!(matches!(result(reply).unwrap_err(), LoginError::Credentials(_)));
        }
    }
    assert!(ask(&world, Algorithm::Hs256, KEY, &claims(&world)).await.is_ok());
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok(), "another protocol");
}
