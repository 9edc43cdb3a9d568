//! Realms that ask a directory: whose word counts, and what becomes of accounts. The directory here is a list of
//! people; auth-ldap's tests have a real one.

mod changes;
mod groups;
mod look_up;
mod order;
mod relinking;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Accepted, Account, Authenticator, BackendAnswer, Clock, Entry, Exact, FailureReason, InternalError,
    InternalErrorKind, LoginAttempt, LoginError, NameKind, OneTimeCode, PasswordBackend, ProtocolName, Quota,
    Realm, Role, SecondStep, SecretInput, Timestamp, TotpSecret, VerifyRequest,
};
use auth_crypto::totp;
use auth_engine::rules::LOCAL_PASSWORD_FORBIDDEN;
use auth_engine::testing::{TOTP_SECRET, World, config, result};
use auth_engine::{CommonQuotas, Config, DirectoryConfig, FailureDelay, PasswordConfig, RocketChatConfig};

use crate::{log_lines, world};

/// The directory's password of everybody in it.
const THERE: &str = "directory-horse-battery-55";

/// The stored password of whoever has one.
const HERE: &str = "correct-horse-battery-9876";

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":"","backends":["local","corp"]}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"linked","email":"linked@zulip.com","directory_name":"id-linked","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"gone","email":"gone@zulip.com","directory_name":"id-gone"}
{"kind":"user","realm":"main","username":"off","email":"off@zulip.com","directory_name":"id-off","active":false}
{"kind":"user","realm":"main","username":"totp","email":"totp@zulip.com","directory_name":"id-totp","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
{"kind":"user","realm":"main","username":"robot","email":"robot@zulip.com","bot":"default"}
{"kind":"user","realm":"main","username":"namesake","email":"namesake@zulip.com","directory_name":"id-other"}
"#;

/// People who are known by a user name and an address, and may have moved since.
struct People {
    name: &'static str,
    entries: Mutex<Vec<Entry>>,
    is_down: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl PasswordBackend for People {
    fn name(&self) -> &str {
        self.name
    }

    fn is_directory(&self) -> bool {
        true
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return BackendAnswer::Unavailable(InternalError::unavailable("down"));
        }
        let typed = request.who.typed();
        let is_it = |name: &Option<String>| name.as_deref() == Some(&*typed);
        let entries = self.entries.lock().unwrap();
        let found = entries.iter().find(|entry| is_it(&entry.user_name) || is_it(&entry.email));
        match (found, request.secret) {
            (None, _) => BackendAnswer::NotMine,
            (Some(entry), SecretInput::Password(password)) if password.expose() == THERE => {
                BackendAnswer::Accept(Accepted::entry(entry.clone()))
            }
            _ => BackendAnswer::Reject(FailureReason::WrongPassword),
        }
    }

    async fn find_entry(&self, _: &Realm, typed: &str) -> BackendAnswer {
        if self.is_down.load(Ordering::SeqCst) {
            return BackendAnswer::Unavailable(InternalError::unavailable("down"));
        }
        let is_it = |name: &Option<String>| name.as_deref() == Some(typed);
        let mut entries = self.entries.lock().unwrap().clone();
        entries.retain(|entry| is_it(&entry.user_name) || is_it(&entry.email));
        match (entries.pop(), entries.is_empty()) {
            (Some(entry), true) => BackendAnswer::Accept(Accepted::entry(entry)),
            (Some(_), false) => BackendAnswer::Reject(FailureReason::AmbiguousEntry),
            (None, _) => BackendAnswer::NotMine,
        }
    }

    async fn has_entry(&self, id: &str) -> Result<bool, InternalError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(InternalError::unavailable("down"));
        }
        Ok(self.entries.lock().unwrap().iter().any(|entry| entry.id == id))
    }
}

fn entry(name: &str) -> Entry {
    Entry {
        id: format!("id-{name}"),
        user_name: Some(name.into()),
        email: Some(format!("{name}@zulip.com")),
        full_name: Some(format!("The {name}")),
        role: None,
        groups: None,
    }
}

fn with_directory(directory: DirectoryConfig) -> Config {
    Config { directories: BTreeMap::from([("corp".to_owned(), directory)]), ..config() }
}

/// A directory of these people.
fn directory(name: &'static str, entries: Vec<Entry>) -> Arc<People> {
    let (entries, is_down, asked) = (Mutex::new(entries), AtomicBool::new(false), AtomicUsize::new(0));
    Arc::new(People { name, entries, is_down, asked })
}

/// A world with these people in the directory `corp`, and with nobody in `other` where the configuration has it.
async fn with_people(config: Config, entries: Vec<Entry>) -> (World, Arc<People>) {
    let people = directory("corp", entries);
    let other = config.directories.contains_key("other").then(|| directory("other", Vec::new()));
    let world = world::built(config, |builder| {
        let builder = builder.backend(Arc::clone(&people) as _);
        other.into_iter().fold(builder, |builder, other| builder.backend(other))
    });
    let world = world.await;
    world::import(&world, USERS).await;
    (world, people)
}

/// The code of the device that these tests use.
fn code_at(time: Timestamp) -> String {
    let secret: TotpSecret = totp::from_base32(TOTP_SECRET).unwrap();
    totp::code(&secret, time.as_secs() / 30).expose().to_owned()
}

async fn named(world: &World, name: &str) -> Account {
    world.account(name).await
}

async fn refusal(world: &World, who: &str, password: &str) -> Option<LoginError> {
    world.log_in(ProtocolName::ROCKETCHAT, who, password).await.err()
}

async fn is_unavailable(world: &World, who: &str, password: &str) -> bool {
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, who, password).await;
    match world.engine.log_in(attempt).await.result {
        Err(LoginError::Internal(error)) => error.kind() == InternalErrorKind::Unavailable,
        _ => false,
    }
}

/// The warnings about accounts since the last call.
fn warnings() -> Vec<String> {
    let lines = log_lines::take().into_iter();
    lines.filter(|line| line.starts_with("WARN auth::account ")).collect()
}

const WRONG: Option<LoginError> = Some(LoginError::Credentials(FailureReason::WrongPassword));

#[tokio::test]
async fn a_first_login_makes_an_account_for_every_protocol() {
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), vec![entry("hamlet")]).await;
    for (protocol, who) in [
        (ProtocolName::ZULIP, "hamlet@zulip.com"),
        (ProtocolName::ZULIP, "hamlet"),
        (ProtocolName::ROCKETCHAT, "hamlet"),
        (ProtocolName::ZETTELSTORE, "hamlet"),
    ] {
        assert!(world.log_in(protocol, who, THERE).await.is_ok(), "{protocol:?} {who}");
        assert!(world.log_in(protocol, who, "wrong").await.is_err(), "{protocol:?} {who}");
    }
    let made = named(&world, "hamlet").await;
    assert_eq!(made.user.full_name, "The hamlet");
    assert_eq!(made.user.role, Role::Member);
    assert_eq!(
        made.user.email().map(|email| (email.address, email.verified)),
        Some(("hamlet@zulip.com", true))
    );
    assert_eq!(made.user.name(NameKind::Directory).map(|name| name.exact.as_str()), Some("id-hamlet"));
    assert_eq!(made.password, None);
    assert!(made.user.external_number(ProtocolName::ZULIP) > 0);
    assert!(made.user.external_number(ProtocolName::ZETTELSTORE) > 0);
    let users = world.store.users(world.realm("main").await.id, None, 100).await.unwrap();
    assert_eq!(users.len(), 8, "seven were there, one was made");
}

#[tokio::test]
async fn names_of_an_entry_that_no_account_may_have_are_not_taken() {
    let bad = |name, user_name: &str, email: &str| Entry {
        user_name: Some(user_name.into()),
        email: Some(email.into()),
        ..entry(name)
    };
    let entries = vec![
        bad("ophelia", "ophelia", "Ophelia <ophelia@zulip.com>"),
        bad("laertes", "la\u{200b}ertes", "laertes@zulip.com"),
        bad("yorick", "yo\u{ad}rick", "yorick\u{202e}@zulip.com"),
    ];
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), entries).await;
    log_lines::listen();
    for (protocol, who, user_name, email, what) in [
        (ProtocolName::ROCKETCHAT, "ophelia", Some("ophelia"), None, "address"),
        (ProtocolName::ZULIP, "laertes@zulip.com", None, Some("laertes@zulip.com"), "user name"),
    ] {
        world.log_in(protocol, who, THERE).await.unwrap();
        let warned = warnings();
        let [line] = &warned[..] else { panic!("{warned:?}") };
        assert!(line.contains(&format!("not taken: the {what} ")) && line.contains("\"id-"), "{line}");
        let user = named(&world, who).await.user;
        assert_eq!((user.user_name(), user.email().map(|email| email.address)), (user_name, email), "{who}");
    }
    let incomplete = Some(LoginError::Credentials(FailureReason::EntryIncomplete));
    assert_eq!(refusal(&world, "yo\u{ad}rick", THERE).await, incomplete);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_first_logins_at_a_time_one_makes_the_account() {
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), vec![entry("hamlet")]).await;
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "hamlet", THERE).await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        tasks.push(world.engine.log_in(attempt.clone()));
    }
    for reply in futures_util::future::join_all(tasks).await {
        assert!(result(reply).is_ok());
    }
    let users = world.store.users(world.realm("main").await.id, None, 100).await.unwrap();
    assert_eq!(users.len(), 8);
}

#[tokio::test]
async fn accounts_are_made_as_the_operator_allows() {
    let no_address = Entry { email: None, ..entry("hermit") };
    let no_name = Entry { user_name: None, email: Some("no address".into()), ..entry("x") };
    for (given, entry, protocol, who, expected) in [
        (DirectoryConfig::default(), entry("hamlet"), ProtocolName::ROCKETCHAT, "hamlet", None),
        (
            DirectoryConfig { create: false, ..DirectoryConfig::default() },
            entry("hamlet"),
            ProtocolName::ROCKETCHAT,
            "hamlet",
            Some(FailureReason::NoAccount),
        ),
        (
            DirectoryConfig { email_domains: vec!["ZULIP.com".into()], ..DirectoryConfig::default() },
            entry("hamlet"),
            ProtocolName::ROCKETCHAT,
            "hamlet",
            None,
        ),
        (
            DirectoryConfig { email_domains: vec!["acme.com".into()], ..DirectoryConfig::default() },
            entry("hamlet"),
            ProtocolName::ROCKETCHAT,
            "hamlet",
            Some(FailureReason::NoAccount),
        ),
        (DirectoryConfig::default(), no_address.clone(), ProtocolName::ROCKETCHAT, "hermit", None),
        (
            DirectoryConfig::default(),
            no_address,
            ProtocolName::ZULIP,
            "hermit",
            Some(FailureReason::EntryIncomplete),
        ),
        (
            DirectoryConfig::default(),
            no_name,
            ProtocolName::ROCKETCHAT,
            "no address",
            Some(FailureReason::EntryIncomplete),
        ),
    ] {
        let (world, _) = with_people(with_directory(given.clone()), vec![entry]).await;
        log_lines::listen();
        let refused = world.log_in(protocol, who, THERE).await.err();
        assert_eq!(refused, expected.map(LoginError::Credentials), "{who}: {given:?}");
        let warned = warnings();
        assert!(!warned.iter().any(|line| line.contains("merge_existing")), "{who}: {warned:?}");
        let is_there = world.find("main", who).await.is_some();
        assert_eq!(is_there, expected.is_none(), "{who}");
    }
}

#[tokio::test]
async fn an_account_has_one_authority() {
    let there = vec![entry("linked"), entry("iago")];
    let (world, people) = with_people(with_directory(DirectoryConfig::default()), there).await;
    // The directory's: a stored password is of no use.
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    assert_eq!(refusal(&world, "linked", HERE).await, WRONG);
    // An account's own: the directory isn't even asked, though it has an entry of that name.
    let asked = people.asked.load(Ordering::SeqCst);
    assert_eq!(refusal(&world, "iago", HERE).await, None);
    assert_eq!(refusal(&world, "iago", THERE).await, WRONG);
    assert_eq!(people.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn the_operator_may_let_both_passwords_count() {
    let both = DirectoryConfig { local_passwords: true, ..DirectoryConfig::default() };
    for order in [r#"["local","corp"]"#, r#"["corp","local"]"#] {
        let (world, people) = with_people(with_directory(both.clone()), vec![entry("linked")]).await;
        world::import(
            &world,
            &format!(r#"{{"kind":"realm","realm":"main","subdomain":"","backends":{order}}}"#),
        )
        .await;
        assert_eq!(refusal(&world, "linked", THERE).await, None, "{order}");
        assert_eq!(refusal(&world, "linked", HERE).await, None, "{order}");
        assert_eq!(refusal(&world, "linked", "wrong").await, WRONG, "{order}");
        people.is_down.store(true, Ordering::SeqCst);
        assert_eq!(refusal(&world, "linked", HERE).await, None, "{order}");
        assert!(is_unavailable(&world, "linked", "wrong").await, "never a wrong password: {order}");
    }
}

#[tokio::test]
async fn an_account_of_the_same_name_is_only_linked_where_the_operator_wants_it() {
    // Found by the name of somebody whose account is its own, or of a robot, or of another entry, or of two accounts.
    let stranger =
        Entry { user_name: Some("prince".into()), email: Some("iago@zulip.com".into()), ..entry("new") };
    let robot = Entry { user_name: Some("r2".into()), email: Some("robot@zulip.com".into()), ..entry("r2") };
    let reused = Entry { user_name: Some("namesake".into()), email: None, ..entry("reused") };
    let two = Entry { user_name: Some("robot".into()), email: Some("iago@zulip.com".into()), ..entry("two") };
    let people = || vec![stranger.clone(), robot.clone(), reused.clone(), two.clone()];
    let refused = Some(LoginError::Credentials(FailureReason::AccountOfAnother));

    let (world, _) = with_people(with_directory(DirectoryConfig::default()), people()).await;
    log_lines::listen();
    for who in ["prince", "r2", "namesake"] {
        assert_eq!(refusal(&world, who, THERE).await, refused, "{who}");
        let warned = warnings();
        let [line] = &warned[..] else { panic!("{who}: {warned:?}") };
        assert!(line.contains("merge_existing would link them"), "{who}: {line}");
    }
    assert_eq!(refusal(&world, "iago", HERE).await, None, "nothing was taken away");

    let merging = DirectoryConfig { merge_existing: true, ..DirectoryConfig::default() };
    let (world, _) = with_people(with_directory(merging), people()).await;
    for who in ["r2", "namesake", "robot"] {
        assert_eq!(refusal(&world, who, THERE).await, refused, "{who}");
    }
    let before = named(&world, "iago").await;
    assert_eq!(refusal(&world, "iago", HERE).await, None, "not linked yet");
    assert_eq!(refusal(&world, "prince", THERE).await, None);
    let linked = named(&world, "prince").await;
    assert_eq!(linked.user.id, before.user.id);
    assert_eq!(linked.user.name(NameKind::Directory).unwrap().exact, "id-new");
    assert_eq!(refusal(&world, "prince", HERE).await, WRONG, "from now on the directory's password counts");
}

#[tokio::test]
async fn an_outage_is_no_wrong_password_and_lets_nobody_in() {
    let (world, people) =
        with_people(with_directory(DirectoryConfig::default()), vec![entry("linked"), entry("hamlet")]).await;
    people.is_down.store(true, Ordering::SeqCst);
    for who in ["linked", "hamlet", "nobody"] {
        for password in [THERE, HERE, "wrong"] {
            assert!(is_unavailable(&world, who, password).await, "{who} {password}");
        }
    }
    assert_eq!(refusal(&world, "iago", HERE).await, None, "whose password is here gets in");
    assert_eq!(refusal(&world, "iago", "wrong").await, WRONG);
    people.is_down.store(false, Ordering::SeqCst);
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    assert_eq!(refusal(&world, "hamlet", THERE).await, None);
}

#[tokio::test]
async fn rocketchat_tells_of_a_stored_password_that_is_of_no_use_where_that_is_wanted() {
    let exact = Exact::only([LOCAL_PASSWORD_FORBIDDEN]);
    let plain = with_directory(DirectoryConfig::default());
    let careless = Config { rocketchat: RocketChatConfig { exact, ..plain.rocketchat.clone() }, ..plain };
    let (world, people) = with_people(careless, vec![entry("linked")]).await;
    for is_down in [false, true] {
        people.is_down.store(is_down, Ordering::SeqCst);
        assert_eq!(refusal(&world, "linked", HERE).await, Some(LoginError::Forbidden), "down: {is_down}");
        if is_down {
            assert!(is_unavailable(&world, "linked", "wrong").await);
        } else {
            assert_eq!(refusal(&world, "linked", "wrong").await, WRONG);
        }
    }
}

#[tokio::test]
async fn second_factors_and_states_count_as_for_everybody() {
    let (world, _) =
        with_people(with_directory(DirectoryConfig::default()), vec![entry("totp"), entry("off")]).await;
    assert!(matches!(refusal(&world, "totp", THERE).await, Some(LoginError::SecondFactorRequired(_))));
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "totp", THERE).await;
    let wrong_code = SecondStep::Offered(Some(OneTimeCode::new("000000")));
    let reply = world.ask(LoginAttempt { second_step: wrong_code, ..attempt }).await;
    assert!(matches!(result(reply), Err(LoginError::SecondFactorInvalid(_))));
    assert_eq!(
        world.log_in(ProtocolName::ZULIP, "totp", THERE).await.err(),
        Some(LoginError::Credentials(FailureReason::NoSecondStep)),
        "a protocol without a second step"
    );
    assert_eq!(refusal(&world, "off", THERE).await, Some(LoginError::UserInactive));
    assert_eq!(refusal(&world, "off", "wrong").await, WRONG);
}

#[tokio::test]
async fn no_account_is_given_to_an_entry_before_its_second_factor_is_shown() {
    let may_all =
        DirectoryConfig { merge_existing: true, relink_by_name: true, ..DirectoryConfig::default() };
    let again = Entry { id: "id-again".into(), ..entry("totp") };
    let own = Entry { id: "id-own".into(), ..entry("device") };
    let (world, _) = with_people(with_directory(may_all), vec![again, own]).await;
    let device = r#"{"kind":"user","realm":"main","username":"device","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}"#;
    world::import(&world, device).await;
    for (who, former, id) in [("totp", Some("id-totp"), "id-again"), ("device", None, "id-own")] {
        let entry_of =
            async || named(&world, who).await.user.name(NameKind::Directory).map(|name| name.exact.clone());
        let refused = refusal(&world, who, THERE).await;
        assert!(matches!(refused, Some(LoginError::SecondFactorRequired(_))), "{who}: {refused:?}");
        let refused = world.log_in(ProtocolName::ZETTELSTORE, who, THERE).await.err();
        assert_eq!(refused, Some(LoginError::Credentials(FailureReason::NoSecondStep)), "{who}");
        let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, who, THERE).await;
        let with = |code: &str| LoginAttempt {
            second_step: SecondStep::Offered(Some(OneTimeCode::new(code))),
            ..attempt.clone()
        };
        let wrong = result(world.ask(with("000000")).await).err();
        assert!(matches!(wrong, Some(LoginError::SecondFactorInvalid(_))), "{who}: {wrong:?}");
        assert_eq!(entry_of().await.as_deref(), former, "{who}: nothing was changed");
        let code = code_at(world.clock.now());
        assert!(result(world.ask(with(&code)).await).is_ok(), "{who}");
        assert_eq!(entry_of().await.as_deref(), Some(id), "{who}");
    }
}

#[tokio::test]
async fn limits_count_all_names_of_an_account_together() {
    let shared = CommonQuotas {
        account: Quota { attempts: 3, window: Duration::from_secs(60) },
        ..CommonQuotas::default()
    };
    let (world, people) = with_people(
        Config { limits: Some(shared), ..with_directory(DirectoryConfig::default()) },
        vec![entry("linked")],
    )
    .await;
    for who in ["linked", "linked@zulip.com", "linked"] {
        assert!(world.log_in(ProtocolName::ZULIP, who, "wrong").await.is_err());
    }
    let asked = people.asked.load(Ordering::SeqCst);
    for who in ["linked", "linked@zulip.com"] {
        let refused = world.log_in(ProtocolName::ZULIP, who, THERE).await.err();
        assert_eq!(refused, Some(LoginError::Credentials(FailureReason::TooManyAttempts)), "{who}");
    }
    assert_eq!(people.asked.load(Ordering::SeqCst), asked, "the directory sees none of it");
}

#[tokio::test]
async fn failures_are_delayed_the_longest_and_take_a_slot() {
    let plain = with_directory(DirectoryConfig::default());
    let passwords = PasswordConfig { failure_delay: FailureDelay::Auto, ..plain.passwords };
    let delayed = Config { passwords, ..plain };
    let (world, _) = with_people(delayed.clone(), vec![entry("linked")]).await;
    world::import(&world, r#"{"kind":"realm","realm":"plain","subdomain":"plain"}"#).await;
    let now = world.clock.now();
    for (realm, who, waits) in [
        ("main", "linked", true),
        ("main", "iago", true),
        ("main", "nobody", true),
        ("plain", "nobody", false),
    ] {
        let attempt = world.attempt(realm, ProtocolName::ROCKETCHAT, who, "wrong").await;
        let expected = waits.then_some(now + Duration::from_secs(1));
        assert_eq!(world.ask(attempt).await.not_before, expected, "{realm} {who}");
    }
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "linked", THERE).await;
    assert_eq!(world.ask(attempt.clone()).await.not_before, None, "a success shows anyway");

    let (world, people) = with_people(Config { max_delayed: 0, ..delayed }, vec![entry("linked")]).await;
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "linked", THERE).await;
    let LoginError::Internal(error) = world.engine.log_in(attempt).await.result.unwrap_err() else {
        panic!("no slot is free")
    };
    assert!(matches!(error.kind(), InternalErrorKind::Busy { .. }));
    assert_eq!(people.asked.load(Ordering::SeqCst), 0);
}
