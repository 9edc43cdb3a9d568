//! What pages ask: sessions of their own, tickets, sealed texts, and what an account is signed in with.

use std::time::Duration;

use auth_core::{
    Act, ActionError, AddressVerification, AuditFilter, Authenticator, CheckReply, Clock, CredentialCheck,
    CredentialKind, FactorMethod, FailureReason, GrantKind, Identifier, LogPage, LoginAttempt, LoginError,
    LoginMethod, NameKind, NewAppPassword, OneTimeCode, OwnAccount, OwnChange, OwnCredentials, Password,
    PasswordReset, Peer, PresentedCredential, PresentedFactor, Principal, ProtocolName, SealedTexts,
    SecondFactors, SecondStep, TextPurpose, Token,
};
use auth_engine::testing::{PASSWORD, World, config, limited, password, peer, result, token};
use auth_engine::{Engine, NoticeConfig};

use crate::signed_in::{device_code, mails, none};
use crate::world;

const NEW: &str = "a-better-horse-battery-1234";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// An attempt to sign in at the pages.
async fn attempt(world: &World, who: &str, typed: &str) -> LoginAttempt {
    let who = if who.contains('@') { Identifier::email(who) } else { Identifier::user_name(who) };
    LoginAttempt {
        protocol: ProtocolName::WEB,
        realm: world.realm("main").await,
        method: LoginMethod::Password { who, secret: password(typed) },
        second_step: SecondStep::Offered(None),
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        peer: peer("192.0.2.1").with_agent("browser/1"),
    }
}

fn with_ticket(attempt: &LoginAttempt, ticket: &Token, code: Option<&str>) -> LoginAttempt {
    LoginAttempt {
        method: LoginMethod::Ticket(ticket.clone()),
        second_step: SecondStep::Offered(code.map(OneTimeCode::new)),
        ..attempt.clone()
    }
}

/// A session of the pages.
struct Session {
    principal: Box<Principal>,
    token: Token,
    peer: Peer,
}

impl Session {
    async fn new(world: &World, who: &str) -> Self {
        let asked = attempt(world, who, PASSWORD).await;
        let grant = match result(world.ask(asked.clone()).await) {
            Err(LoginError::SecondFactorRequired(challenge)) => {
                let code = device_code(world.clock.now());
                let asked = with_ticket(&asked, &challenge.ticket.unwrap(), Some(&code));
                result(world.ask(asked).await).unwrap()
            }
            granted => granted.unwrap(),
        };
        Self::with(world, token(&grant)).await
    }

    async fn with(world: &World, token: Token) -> Self {
        let principal = check(world, &token).await.result.unwrap();
        Self { principal, token, peer: peer("192.0.2.1") }
    }

    async fn is_good(&self, world: &World) -> bool {
        check(world, &self.token).await.result.is_ok()
    }

    fn caller<'a>(&'a self, factor: &'a PresentedFactor) -> auth_core::Caller<'a> {
        let (principal, peer) = (&self.principal, &self.peer);
        auth_core::Caller { principal, peer, protocol: ProtocolName::WEB, factor }
    }
}

async fn check(world: &World, token: &Token) -> CheckReply {
    check_at(&world.engine, world, token).await
}

/// Checks a token at one of the engines of a world.
async fn check_at(engine: &Engine, world: &World, token: &Token) -> CheckReply {
    let kinds = &[CredentialKind::WEB_SESSION];
    let credential = PresentedCredential::Token { kinds, owner: None, token: token.clone() };
    let (protocol, realm) = (ProtocolName::WEB, Some(world.realm("main").await));
    engine.check(CredentialCheck { protocol, realm, credential, peer: peer("192.0.2.1") }).await
}

/// The present password, as a form has it.
fn present(text: &str) -> PresentedFactor {
    PresentedFactor { code: None, method: Some(FactorMethod::Password), password: Some(Password::new(text)) }
}

fn set(new: &Password) -> OwnChange<'_> {
    OwnChange { password: Some(new), ..OwnChange::default() }
}

#[tokio::test]
async fn a_second_factor_is_shown_with_a_ticket_and_without_the_password() {
    let world = world::new().await;
    let asked = attempt(&world, "totp", PASSWORD).await;
    let ticket = match result(world.ask(asked.clone()).await) {
        Err(LoginError::SecondFactorRequired(challenge)) => challenge.ticket.unwrap(),
        other => panic!("{other:?}"),
    };
    let unknown = Some(LoginError::Credentials(FailureReason::UnknownToken));
    for bad in ["", "x", &ticket.expose()[1..], &format!("{}A", ticket.expose())] {
        let asked = with_ticket(&asked, &Token::new(bad), Some(&device_code(world.clock.now())));
        assert_eq!(result(world.ask(asked).await).err(), unknown, "{bad}");
    }
    let wrong = result(world.ask(with_ticket(&asked, &ticket, Some("000000"))).await).err();
    let Some(LoginError::SecondFactorInvalid(challenge)) = wrong else { panic!("{wrong:?}") };
    assert!(challenge.ticket.is_some(), "the client goes on with a new one");
    let code = device_code(world.clock.now());
    assert!(result(world.ask(with_ticket(&asked, &ticket, Some(&code))).await).is_ok());
    // A ticket alone is worth nothing, and nothing at all in another realm or after ten minutes.
    let alone = result(world.ask(with_ticket(&asked, &ticket, None)).await).err();
    assert!(matches!(alone, Some(LoginError::SecondFactorRequired(_))), "{alone:?}");
    world::import(&world, r#"{"kind":"realm","realm":"other","subdomain":"other"}"#).await;
    let code = device_code(world.clock.now() + MINUTE);
    let elsewhere =
        LoginAttempt { realm: world.realm("other").await, ..with_ticket(&asked, &ticket, Some(&code)) };
    assert_eq!(result(world.ask(elsewhere).await).err(), unknown);
    world.clock.advance(10 * MINUTE);
    let code = device_code(world.clock.now());
    assert_eq!(result(world.ask(with_ticket(&asked, &ticket, Some(&code))).await).err(), unknown);
}

#[tokio::test]
async fn a_ticket_ends_with_the_password_that_it_was_given_for() {
    let world = world::new().await;
    let asked = attempt(&world, "totp", PASSWORD).await;
    let refused = result(world.ask(asked.clone()).await).err();
    let Some(LoginError::SecondFactorRequired(challenge)) = refused else { panic!("{refused:?}") };
    let account = world.account("totp").await;
    let audit = world.engine.auditor().by_command_on(Act::PasswordSet, &account.user, "");
    let new = Password::new(NEW);
    world.engine.passwords().set(&account, &new, false, asked.peer.client_key(), &audit).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    let code = device_code(world.clock.now());
    let told = result(world.ask(with_ticket(&asked, &challenge.ticket.unwrap(), Some(&code))).await).err();
    assert_eq!(told, Some(LoginError::Credentials(FailureReason::UnknownToken)));
}

#[tokio::test]
async fn sealed_texts_serve_one_purpose_and_one_holder_until_their_end_and_once() {
    let world = world::new().await;
    let engine = &world.engine;
    let until = world.clock.now() + 10 * MINUTE;
    let text = engine.seal(TextPurpose::Form, "cookie", "data", until);
    assert_eq!(engine.open(TextPurpose::Form, "cookie", &text).as_deref(), Some("data"));
    assert_eq!(engine.open(TextPurpose::Notice, "cookie", &text), None);
    assert_eq!(engine.open(TextPurpose::LoginTicket, "cookie", &text), None);
    assert_eq!(engine.open(TextPurpose::Form, "other", &text), None);
    assert_eq!(engine.open(TextPurpose::Form, "cookie", &Token::new("AAAA")), None);
    assert!(text.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert_ne!(text, engine.seal(TextPurpose::Form, "cookie", "data", until), "each is another");

    let beside = world.beside(config()).await;
    assert_eq!(beside.open(TextPurpose::Form, "cookie", &text).as_deref(), Some("data"), "at every server");
    assert_eq!((engine.spend(&text).await, beside.spend(&text).await), (Ok(true), Ok(false)));
    world.clock.advance(9 * MINUTE);
    assert!(engine.open(TextPurpose::Form, "cookie", &text).is_some());
    world.clock.advance(MINUTE);
    assert_eq!(engine.open(TextPurpose::Form, "cookie", &text), None);
    world.clock.advance(49 * MINUTE);
    engine.purger().purge(MINUTE, MINUTE).await.unwrap();
    assert_eq!(engine.spend(&text).await, Ok(false), "remembered as long as any could be good");

    let until = world.clock.now();
    let long = engine.seal(TextPurpose::Form, "c", "d", until + DAY);
    world.clock.advance(60 * MINUTE);
    assert_eq!(engine.open(TextPurpose::Form, "c", &long), None, "an hour at most");
}

#[tokio::test]
async fn a_session_ends_after_two_weeks_without_use_and_ninety_days_with() {
    let world = world::new().await;
    let (used, unused) = (Session::new(&world, "iago").await, Session::new(&world, "iago").await);
    for _ in 0..13 {
        world.clock.advance(DAY);
        assert!(used.is_good(&world).await);
    }
    world.clock.advance(DAY);
    assert!(!unused.is_good(&world).await);
    assert!(used.is_good(&world).await);
    let listed = world.engine.own_credentials(&used.caller(&none())).await.unwrap();
    let sessions = listed.iter().filter(|own| own.kind == CredentialKind::WEB_SESSION).count();
    assert_eq!(sessions, 1, "what has ended is not shown");
    // What was noted is written, and read by another server.
    world.engine.purger().write_uses().await.unwrap();
    let stored =
        world.store.of_user(used.principal.profile.user.id, CredentialKind::WEB_SESSION).await.unwrap();
    assert!(stored.iter().any(|session| session.last_used == Some(world.clock.now())));
    for _ in 14..89 {
        world.clock.advance(DAY);
        assert!(used.is_good(&world).await);
    }
    world.clock.advance(DAY);
    assert!(!used.is_good(&world).await);
}

#[tokio::test]
async fn a_session_that_a_server_remembers_goes_on_with_uses_that_are_written_or_were_elsewhere() {
    let world = world::new().await;
    let beside = world.beside(config()).await;
    let (here, elsewhere) = (Session::new(&world, "iago").await, Session::new(&world, "iago").await);
    assert!(here.is_good(&world).await && elsewhere.is_good(&world).await);
    for _ in 0..20 {
        world.clock.advance(DAY);
        world.engine.refresh_caches().await.unwrap();
        beside.refresh_caches().await.unwrap();
        assert!(here.is_good(&world).await);
        assert!(check_at(&beside, &world, &elsewhere.token).await.result.is_ok());
        world.engine.purger().write_uses().await.unwrap();
        beside.purger().write_uses().await.unwrap();
    }
    assert!(elsewhere.is_good(&world).await, "another server has seen it");
}

#[tokio::test]
async fn last_uses_are_written_to_the_minute_and_change_no_version() {
    let world = world::new().await;
    let session = Session::new(&world, "iago").await;
    let before = world.account("iago").await.user.version;
    let last_used = async || {
        world.engine.purger().write_uses().await.unwrap();
        let user = session.principal.profile.user.id;
        world.store.of_user(user, CredentialKind::WEB_SESSION).await.unwrap()[0].last_used
    };
    let first = world.clock.now();
    assert_eq!(last_used().await, Some(first));
    world.clock.advance(Duration::from_secs(59));
    assert!(session.is_good(&world).await);
    assert_eq!(last_used().await, Some(first));
    world.clock.advance(Duration::from_secs(1));
    assert!(session.is_good(&world).await);
    assert_eq!(last_used().await, Some(first + MINUTE));
    assert_eq!(world.account("iago").await.user.version, before);
}

#[tokio::test]
async fn what_adds_a_way_in_asks_anew_after_a_quarter_of_an_hour() {
    let world = world::new().await;
    let nothing = none();
    let new = NewAppPassword { name: "laptop", protocols: &[], expires: None };
    for (who, method) in [("iago", FactorMethod::Password), ("totp", FactorMethod::Totp)] {
        let session = Session::new(&world, who).await;
        let caller = session.caller(&nothing);
        assert!(world.engine.is_fresh(&caller), "{who}");
        assert!(world.engine.create_app_password(&caller, &new).await.is_ok(), "{who}");
        world.clock.advance(15 * MINUTE);
        assert!(!world.engine.is_fresh(&caller), "{who}");
        for told in [
            world.engine.create_app_password(&caller, &NewAppPassword { name: "x", ..new }).await.err(),
            world.engine.api_key(&caller).await.err(),
            world.engine.enrol_device(&caller).await.err(),
            world.engine.renew_web_session(&caller).await.err(),
        ] {
            let Some(ActionError::SecondFactorRequired(challenge)) = told else { panic!("{who}: {told:?}") };
            assert_eq!(challenge.method, method, "{who}");
        }
        let (right, wrong) = match method {
            FactorMethod::Totp => {
                let code = |code: &str| PresentedFactor { code: Some(OneTimeCode::new(code)), ..none() };
                (code(&device_code(world.clock.now())), code("000000"))
            }
            _ => (present(PASSWORD), present("wrong")),
        };
        let told = world.engine.renew_web_session(&session.caller(&wrong)).await.err();
        assert!(matches!(told, Some(ActionError::SecondFactorInvalid(_))), "{who}: {told:?}");
        let risen = token(&world.engine.renew_web_session(&session.caller(&right)).await.unwrap());
        assert!(!session.is_good(&world).await, "{who}: the old token is gone");
        let risen = Session::with(&world, risen).await;
        assert!(world.engine.is_fresh(&risen.caller(&nothing)), "{who}");
        assert!(world.engine.api_key(&risen.caller(&nothing)).await.is_ok(), "{who}");
    }
}

#[tokio::test]
async fn a_password_is_changed_with_the_present_one_and_other_sessions_end() {
    let world = world::new().await;
    let (session, other) = (Session::new(&world, "iago").await, Session::new(&world, "iago").await);
    let new = Password::new(NEW);
    let told = world.engine.change_own_account(&session.caller(&none()), &set(&new)).await.err();
    let Some(ActionError::SecondFactorRequired(challenge)) = told else { panic!("{told:?}") };
    assert_eq!(challenge.method, FactorMethod::Password);
    let wrong = present("wrong");
    let told = world.engine.change_own_account(&session.caller(&wrong), &set(&new)).await.err();
    assert!(matches!(told, Some(ActionError::SecondFactorInvalid(_))), "{told:?}");
    let right = present(PASSWORD);
    assert!(world.engine.change_own_account(&session.caller(&right), &set(&new)).await.is_ok());
    assert_eq!((session.is_good(&world).await, other.is_good(&world).await), (true, false));
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", NEW).await.is_ok());
}

#[tokio::test]
async fn wrong_present_passwords_count_as_attempts_to_log_in() {
    let world = world::with(limited()).await;
    let session = Session::new(&world, "iago").await;
    let (wrong, new) = (present("wrong"), Password::new(NEW));
    for _ in 0..10 {
        let told = world.engine.change_own_account(&session.caller(&wrong), &set(&new)).await.err();
        assert!(matches!(told, Some(ActionError::SecondFactorInvalid(_))), "{told:?}");
    }
    let told = world.engine.change_own_account(&session.caller(&present(PASSWORD)), &set(&new)).await.err();
    assert!(matches!(told, Some(ActionError::TooManyAttempts(_))), "{told:?}");
    let refused = world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.err();
    assert!(matches!(refused, Some(LoginError::AccountLimited { .. })), "{refused:?}");
    world.clock.advance(16 * MINUTE);
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn owners_see_what_their_account_is_signed_in_with_and_end_it() {
    let world = world::new().await;
    let session = Session::new(&world, "iago").await;
    let (nothing, stranger) = (none(), Session::new(&world, "totp").await);
    let caller = session.caller(&nothing);
    world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap();
    world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.unwrap();
    world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap();
    let protocols = [ProtocolName::ZETTELSTORE];
    let new = NewAppPassword { name: "notes", protocols: &protocols, expires: Some(world.clock.now() + DAY) };
    let password = world.engine.create_app_password(&caller, &new).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", password.expose()).await.is_ok());
    assert!(world.log_in(ProtocolName::ZULIP, "iago@zulip.com", password.expose()).await.is_err());
    // A robot's is for every protocol, and yet not for the pages.
    let robot = world.account("iago").await.user.id;
    let any =
        world.engine.credentials().app_password(robot, "any", &Password::new("any-password-of-a-robot"));
    assert!(world.store.add(&any, 9, None).await.unwrap());
    let at_pages = attempt(&world, "iago", "any-password-of-a-robot").await;
    assert_eq!(
        result(world.ask(at_pages).await).err(),
        Some(LoginError::Credentials(FailureReason::WrongPassword))
    );

    let listed = world.engine.own_credentials(&caller).await.unwrap();
    let kinds: Vec<_> = listed.iter().map(|own| own.kind.as_str().to_owned()).collect();
    for kind in ["web-session", "rocketchat-token", "zulip-key", "zettelstore-token", "app-password"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}: {kinds:?}");
    }
    for own in &listed {
        // The key was imported, and the robot's password is an operator's.
        let was_made_here = own.kind != CredentialKind::ZULIP_KEY && own.name.as_deref() != Some("any");
        let client = was_made_here.then(|| peer("192.0.2.1").client_key());
        assert_eq!(own.origin.as_ref().map(|origin| origin.client), client, "{own:?}");
    }
    assert_eq!(listed[0].origin.as_ref().and_then(|origin| origin.agent.as_deref()), Some("browser/1"));
    assert!(listed[0].is_presented && listed.iter().skip(1).all(|own| !own.is_presented));
    let made = listed.iter().find(|own| own.kind == CredentialKind::APP_PASSWORD).unwrap();
    assert_eq!((made.name.as_deref(), &made.protocols[..]), (Some("notes"), &protocols[..]));
    assert_eq!(made.last_used, Some(world.clock.now()), "a login with it counts");

    let told = world.engine.end_credential(&stranger.caller(&nothing), made.id).await;
    assert_eq!(told, Err(ActionError::NoSuchToken), "another's");
    assert_eq!(world.engine.end_credential(&caller, made.id).await, Ok(()));
    assert_eq!(world.engine.end_credential(&caller, made.id).await, Err(ActionError::NoSuchToken));
    let row =
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(1)).await.unwrap().remove(0).record;
    assert_eq!((row.act, row.detail.as_str()), (Act::AppPasswordRevoked, "notes"));
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", password.expose()).await.is_err());
    assert_eq!(world.engine.end_credential(&caller, listed[0].id).await, Ok(()));
    assert!(!session.is_good(&world).await);
}

#[tokio::test]
async fn app_passwords_of_people_are_for_protocols_without_a_second_step_and_have_names() {
    let world = world::new().await;
    let session = Session::new(&world, "iago").await;
    let nothing = none();
    let caller = session.caller(&nothing);
    let possible = world.engine.app_password_protocols(&caller);
    assert_eq!(possible, [ProtocolName::ZULIP, ProtocolName::ZETTELSTORE, ProtocolName::FORWARD]);
    let new = NewAppPassword { name: " a name ", protocols: &[], expires: None };
    assert!(world.engine.create_app_password(&caller, &new).await.is_ok());
    for (name, protocols, told) in [
        ("a name", &[][..], ActionError::TokenExists),
        ("", &[], ActionError::BadTokenName),
        ("  ", &[], ActionError::BadTokenName),
        ("a\u{200b}b", &[], ActionError::BadTokenName),
        (&"x".repeat(101), &[], ActionError::BadTokenName),
        ("chat", &[ProtocolName::ROCKETCHAT], ActionError::NotOffered),
        ("web", &[ProtocolName::WEB], ActionError::NotOffered),
    ] {
        let new = NewAppPassword { name, protocols, expires: None };
        let refused = world.engine.create_app_password(&caller, &new).await.err();
        assert_eq!(refused, Some(told), "{name} {protocols:?}");
    }
}

#[tokio::test]
async fn another_address_counts_once_its_owner_has_opened_the_link() {
    let mut site = config();
    site.mail.notices = NoticeConfig { changes: true, new_places: false };
    let world = world::with(site).await;
    let session = Session::new(&world, "iago").await;
    let nothing = none();
    let caller = session.caller(&nothing);
    let change = |address| OwnChange { address: Some(address), ..OwnChange::default() };
    for bad in ["", "no address", "iago@", "a\u{200b}@example.org"] {
        let told = world.engine.change_own_account(&caller, &change(bad)).await.err();
        assert_eq!(told, Some(ActionError::BadAddress), "{bad}");
    }
    // The account's own, and one that another account has, which is not told.
    for silent in ["iago@zulip.com", "totp@zulip.com"] {
        assert!(world.engine.change_own_account(&caller, &change(silent)).await.is_ok(), "{silent}");
        assert!(mails(&world).await.is_empty(), "{silent}");
    }
    assert!(world.engine.change_own_account(&caller, &change("new@example.org")).await.is_ok());
    let due = world.engine.mail().due(10).await.unwrap();
    assert_eq!(due[0].to, "new@example.org");
    let link = mails(&world).await[0].split_once("/verify-email/").unwrap().1[..43].to_owned();
    assert_eq!(world.account("iago").await.user.email().unwrap().address, "iago@zulip.com", "not yet");

    let (realm, from) = (world.realm("main").await.id, peer("192.0.2.1"));
    let open = async || {
        world.engine.verify_address(realm, &Token::new(link.clone()), &from, ProtocolName::WEB).await
    };
    assert_eq!(open().await, Ok(()));
    let user = world.account("iago").await.user;
    let addresses: Vec<_> = user.names.iter().filter(|name| name.kind == NameKind::Email).collect();
    assert_eq!(
        (addresses.len(), addresses[0].exact.as_str(), addresses[0].verified),
        (1, "new@example.org", true)
    );
    // The former address is told.
    let told =
        world.engine.mail().due(10).await.unwrap().into_iter().find(|mail| mail.to == "iago@zulip.com");
    assert!(told.unwrap().text.unwrap().contains("new@example.org"));
    assert_eq!(open().await, Err(ActionError::WrongToken), "mailed links end with the address");
}

#[tokio::test]
async fn display_names_are_changed_and_held_to_their_form() {
    let world = world::new().await;
    let session = Session::new(&world, "iago").await;
    let nothing = none();
    fn change(name: &str) -> OwnChange<'_> {
        OwnChange { full_name: Some(name), ..OwnChange::default() }
    }
    for bad in ["", "  ", "a\nb", &"x".repeat(101)] {
        let told = world.engine.change_own_account(&session.caller(&nothing), &change(bad)).await.err();
        assert_eq!(told, Some(ActionError::BadFullName), "{bad:?}");
    }
    let changed =
        world.engine.change_own_account(&session.caller(&nothing), &change(" Iago the Ensign ")).await;
    assert_eq!(changed.unwrap().user.full_name, "Iago the Ensign");
    let row =
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(1)).await.unwrap().remove(0).record;
    assert_eq!(row.act, Act::FullNameChanged);
}

#[tokio::test]
async fn owners_are_told_of_what_was_done_to_their_account_where_that_is_wanted() {
    for (changes, new_places) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut site = config();
        site.mail.notices = NoticeConfig { changes, new_places };
        let world = world::with(site).await;
        world.clock.advance(2 * DAY);
        let session = Session::new(&world, "iago").await;
        let right = present(PASSWORD);
        world.engine.change_own_account(&session.caller(&right), &set(&Password::new(NEW))).await.unwrap();
        let elsewhere = LoginAttempt { peer: peer("198.51.100.7"), ..attempt(&world, "iago", NEW).await };
        result(world.ask(elsewhere.clone()).await).unwrap();
        result(world.ask(elsewhere).await).unwrap();
        let told = mails(&world).await;
        let of_change =
            told.iter().filter(|text| text.contains("password of your account was changed")).count();
        let of_place =
            told.iter().filter(|text| text.contains("signed in to your account from 198.51.100.7")).count();
        assert_eq!(
            (of_change, of_place),
            (usize::from(changes), usize::from(new_places)),
            "{changes} {new_places}"
        );
    }
}

#[tokio::test]
async fn a_look_at_a_reset_link_uses_nothing_up() {
    let world = world::new().await;
    let realm = world.realm("main").await.id;
    world.engine.forgot_password(realm, "iago@zulip.com", None).await.unwrap();
    let link = Token::new(&mails(&world).await[0].split_once("/reset-password/").unwrap().1[..43]);
    for _ in 0..3 {
        assert_eq!(world.engine.is_reset_link_good(realm, &link).await, Ok(true));
    }
    assert_eq!(world.engine.is_reset_link_good(realm, &Token::new("x")).await, Ok(false));
    let (new, from) = (Password::new(NEW), peer("192.0.2.1"));
    let reset = world.engine.reset_password(realm, &link, &new, &from, ProtocolName::WEB).await;
    assert_eq!(reset.unwrap().user.user_name(), Some("iago"));
    assert_eq!(world.engine.is_reset_link_good(realm, &link).await, Ok(false));
}
