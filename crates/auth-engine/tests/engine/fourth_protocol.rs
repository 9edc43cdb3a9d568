//! A protocol that the engine doesn't know: its rules are handed over when the engine is built.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    AttemptFilter, Clock, CredentialKind, Exact, ExternalId, FailureReason, Grant, GrantKind, Identifier,
    LogPage, LoginAttempt, LoginError, LoginMethod, NewId, OneTimeCode, PresentedCredential, ProtocolName,
    ProtocolRules, Rng, SecondStep, Timestamp, Token, TokenError, TokenPolicy, User,
};
use auth_crypto::totp;
use auth_engine::Config;
use auth_engine::rules::{BLOCK_BY_TYPED_NAME, CODE_REPLAY, LOCAL_PASSWORD_FORBIDDEN};
use auth_engine::testing::{
    PASSWORD, START, TOTP_SECRET, World, config, password, result, rocketchat_token, token,
};

use crate::world;

const GITLAB: ProtocolName = ProtocolName::new("gitlab");
const GITLAB_TOKEN: CredentialKind = CredentialKind::new("gitlab-token");
const LIFETIME: Duration = Duration::from_secs(3600);

/// The rules of a protocol that numbers its users and keeps two tokens of each for an hour. Bots don't log in.
struct GitlabRules;

impl ProtocolRules for GitlabRules {
    fn protocol(&self) -> ProtocolName {
        GITLAB
    }

    fn check_user(&self, user: &User) -> Result<(), LoginError> {
        if user.bot.is_some() { Err(LoginError::Forbidden) } else { Ok(()) }
    }

    fn token_policy(&self, _kind: CredentialKind) -> TokenPolicy {
        TokenPolicy { lifetime: LIFETIME, keep: 2 }
    }

    fn resumable(&self) -> &'static [CredentialKind] {
        &[GITLAB_TOKEN]
    }

    fn new_id(&self, _rng: &dyn Rng, _joined: Timestamp) -> Option<NewId> {
        Some(NewId::Next)
    }
}

/// A world whose users were made before the protocol was there.
async fn with_gitlab() -> World {
    with_gitlab_and(config()).await
}

/// The same with a configuration of the others.
async fn with_gitlab_and(config: Config) -> World {
    let before = world::new().await;
    let builder = before.builder(&before.ring, config, 2).rules(Arc::new(GitlabRules));
    let world = World::open(builder, before.clock).await;
    World { kept: before.kept, ..world }
}

async fn attempt(world: &World, who: &str, method: Option<LoginMethod>) -> LoginAttempt {
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, who, PASSWORD).await;
    LoginAttempt {
        protocol: GITLAB,
        method: method.unwrap_or(attempt.method),
        second_step: SecondStep::Offered(None),
        grant: GrantKind::Token(GITLAB_TOKEN),
        ..attempt
    }
}

async fn log_in(world: &World, who: &str) -> Result<Grant, LoginError> {
    result(world.ask(attempt(world, who, None).await).await)
}

fn gitlab_token(owner: Option<u64>, token: Token) -> PresentedCredential {
    PresentedCredential::Token { kinds: &[GITLAB_TOKEN], owner: owner.map(ExternalId::Number), token }
}

async fn check(world: &World, protocol: ProtocolName, credential: PresentedCredential) -> Option<TokenError> {
    world.check("main", protocol, credential).await.result.err()
}

#[tokio::test]
async fn a_login_gives_a_token_of_the_protocols_own_kind_and_lifetime() {
    let world = with_gitlab().await;
    let grant = log_in(&world, "iago").await.unwrap();
    let Grant::Token { expires, .. } = &grant else { panic!("{grant:?}") };
    assert_eq!(*expires, Some(START + LIFETIME));
    let reply = world.check("main", GITLAB, gitlab_token(None, token(&grant))).await;
    let principal = reply.result.unwrap();
    assert_eq!(principal.profile.user.user_name(), Some("iago"));
    assert_eq!(principal.kind, Some(GITLAB_TOKEN));

    world.clock.advance(LIFETIME);
    assert_eq!(check(&world, GITLAB, gitlab_token(None, token(&grant))).await, Some(TokenError::Invalid));
}

#[tokio::test]
async fn tokens_of_one_protocol_are_refused_at_another() {
    let world = with_gitlab().await;
    let own = token(&log_in(&world, "iago").await.unwrap());
    let rocket = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let id = world.rocketchat_id("iago").await;
    // Tokens that were not seen yet, and then tokens in the cache.
    for _ in 0..2 {
        let refused = check(&world, GITLAB, gitlab_token(None, rocket.clone())).await;
        assert_eq!(refused, Some(TokenError::Invalid));
        let refused = check(&world, ProtocolName::ROCKETCHAT, rocketchat_token(&id, own.clone())).await;
        assert_eq!(refused, Some(TokenError::Invalid));
        for resumed in [&rocket, &own] {
            let attempt = attempt(&world, "", Some(LoginMethod::Resume(resumed.clone()))).await;
            assert_eq!(result(world.ask(attempt.clone()).await).is_ok(), resumed == &own, "at gitlab");
            let attempt = LoginAttempt { protocol: ProtocolName::ROCKETCHAT, ..attempt };
            assert_eq!(result(world.ask(attempt).await).is_ok(), resumed == &rocket, "at Rocket.Chat");
        }
        assert_eq!(check(&world, GITLAB, gitlab_token(None, own.clone())).await, None);
        let rocket = rocketchat_token(&id, rocket.clone());
        assert_eq!(check(&world, ProtocolName::ROCKETCHAT, rocket).await, None);
        world.engine.refresh_caches().await.unwrap();
    }
}

#[tokio::test]
async fn a_user_that_was_made_before_the_protocol_gets_an_id_at_its_first_login() {
    let world = with_gitlab().await;
    for (who, id) in [("iago", 1), ("weak", 2), ("iago", 1)] {
        let password = if who == "weak" { "abcd1234" } else { PASSWORD };
        let attempt = attempt(&world, who, None).await;
        let LoginMethod::Password { who: name, .. } = attempt.method else { panic!("no password") };
        let method = LoginMethod::Password { who: name, secret: auth_engine::testing::password(password) };
        let login = world.ask(LoginAttempt { method, ..attempt }).await.result.unwrap();
        assert_eq!(login.profile.user.external_number(GITLAB), id, "{who}: the login says so");
        assert_eq!(world.account(who).await.user.external_number(GITLAB), id, "{who}: it is stored");
        let Grant::Token { token, .. } = login.grant else { panic!("no token") };
        assert_eq!(check(&world, GITLAB, gitlab_token(Some(id), token.clone())).await, None, "{who}");
        let refused = check(&world, GITLAB, gitlab_token(Some(id + 7), token)).await;
        assert_eq!(refused, Some(TokenError::Invalid), "{who}: another's id");
    }
    assert_eq!(world.account("othello").await.user.external_ids.get(GITLAB), None, "never logged in");
}

#[tokio::test]
async fn of_parallel_first_logins_all_tell_the_same_id() {
    let world = with_gitlab().await;
    let attempt = attempt(&world, "iago", None).await;
    let logins = (0..8).map(|_| world.ask(attempt.clone()));
    let ids: Vec<u64> = futures_util::future::join_all(logins)
        .await
        .into_iter()
        .map(|reply| reply.result.unwrap().profile.user.external_number(GITLAB))
        .collect();
    assert_eq!(ids, [1; 8]);
}

#[tokio::test]
async fn the_rules_decide_how_many_tokens_an_account_keeps_and_who_may_log_in() {
    let world = with_gitlab().await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(token(&log_in(&world, "iago").await.unwrap()));
        world.clock.advance(Duration::from_secs(1));
    }
    for (token, is_kept) in tokens.into_iter().zip([false, true, true]) {
        assert_eq!(check(&world, GITLAB, gitlab_token(None, token)).await.is_none(), is_kept);
    }
    assert_eq!(log_in(&world, "app").await.unwrap_err(), LoginError::Forbidden);
    let attempts = world.store.attempts(&AttemptFilter::default(), LogPage::newest(1)).await.unwrap();
    assert_eq!((attempts[0].record.protocol, attempts[0].place.at), (GITLAB, world.clock.now()));
}

#[tokio::test]
async fn exact_points_of_rocketchat_change_nothing_at_another_protocol() {
    let mut exact = config();
    exact.rocketchat.exact = Exact::only([CODE_REPLAY, BLOCK_BY_TYPED_NAME, LOCAL_PASSWORD_FORBIDDEN]);
    for (config, again_at_rocketchat) in [(config(), false), (exact, true)] {
        let world = with_gitlab_and(config).await;
        let secret = totp::from_base32(TOTP_SECRET).unwrap();
        for (protocol, again) in [(GITLAB, false), (ProtocolName::ROCKETCHAT, again_at_rocketchat)] {
            let step = totp::step_at(world.clock.now());
            let code = totp::code(&secret, step).expose().to_owned();
            for accepted in [true, again] {
                let second_step = SecondStep::Offered(Some(OneTimeCode::new(code.as_str())));
                let attempt = LoginAttempt { protocol, second_step, ..attempt(&world, "totp", None).await };
                assert_eq!(result(world.ask(attempt).await).is_ok(), accepted, "{protocol}");
            }
            world.clock.advance(Duration::from_secs(90));
        }
        let deactivated = attempt(&world, "cordelia", Some(wrong())).await;
        for protocol in [GITLAB, ProtocolName::ROCKETCHAT] {
            let refused = result(world.ask(LoginAttempt { protocol, ..deactivated.clone() }).await);
            let wrong = LoginError::Credentials(FailureReason::WrongPassword);
            assert_eq!(refused.unwrap_err(), wrong, "{protocol}");
        }
    }
}

/// A wrong password of a deactivated user.
fn wrong() -> LoginMethod {
    LoginMethod::Password { who: Identifier::user_name("cordelia"), secret: password("wrong") }
}
