//! The audit log: which acts of signed-in users leave a row, what the row says, and how many an account may do.

use std::time::Duration;

use auth_core::{
    Act, ActionError, Actor, ApiKeys, AuditFilter, AuditRecord, Caller, Clock, Identifier, LogPage,
    OneTimeCode, Password, PasswordReset, Peer, PersonalTokens, PresentedFactor, ProtocolName, RequestId,
    SecondFactors, Sessions, Token, User,
};
use auth_engine::testing::{IAGO_KEY, World, api_key, config};
use auth_engine::{CommonQuotas, Config};

use crate::signed_in::{SignedIn, code_of, device_code, mailed_code, mails, none};
use crate::world;

const MORE_USERS: &str = r#"
{"kind":"user","realm":"main","username":"admin","role":"admin","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"ann","email":"ann@zulip.com","password":"correct-horse-battery-9876"}
"#;

const NEW: &str = "a-better-horse-battery-1234";

async fn with_more_users(config: Config) -> World {
    let world = world::with(config).await;
    world::import(&world, MORE_USERS).await;
    world
}

/// The client of all requests here, whose id a proxy has given.
fn from() -> Peer {
    Peer::of_request("192.0.2.1".parse().unwrap(), RequestId::given("request-7").unwrap())
}

/// A session whose calls come with a request id.
async fn session(world: &World, who: &str) -> SignedIn {
    SignedIn { peer: from(), ..SignedIn::new(world, who).await }
}

/// The row of an act by a request.
fn row(world: &World, act: Act, actor: Actor, user: &User) -> AuditRecord {
    AuditRecord {
        at: world.clock.now(),
        actor,
        by: None,
        act,
        realm: Some(user.realm),
        user: Some(user.id),
        detail: String::new(),
        client: Some(from().client_key()),
        protocol: Some(ProtocolName::ROCKETCHAT),
        request_id: "request-7".into(),
    }
}

/// Reads the rows that came since it was last asked.
struct Reader<'w> {
    world: &'w World,
    seen: usize,
}

impl<'w> Reader<'w> {
    async fn new(world: &'w World) -> Self {
        let seen =
            world.store.audit_rows(&AuditFilter::default(), LogPage::newest(u32::MAX)).await.unwrap().len();
        Self { world, seen }
    }

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

async fn mailed_link(world: &World, address: &str) -> Token {
    let realm = world.realm("main").await.id;
    world.engine.forgot_password(realm, address, None).await.unwrap();
    let mail = mails(world).await.pop().unwrap();
    Token::new(&mail.split_once("/reset-password/").unwrap().1[..43])
}

#[tokio::test]
async fn what_was_revoked_does_no_act_although_it_was_checked_before() {
    let world = with_more_users(config()).await;
    let engine = &world.engine;
    let own = session(&world, "iago").await;
    engine.create_personal_token(&own.caller(&none()), "old", false).await.unwrap();
    // The revocation comes from elsewhere, after the credential was checked.
    world.store.remove(own.principal.credential.unwrap(), None).await.unwrap();
    let (nothing, mut log) = (none(), Reader::new(&world).await);
    let caller = own.caller(&nothing);
    let denied = || Some(ActionError::NotPermitted);
    assert_eq!(engine.create_personal_token(&caller, "new", true).await.err(), denied());
    assert_eq!(engine.replace_personal_token(&caller, "old").await.err(), denied());
    assert_eq!(engine.remove_personal_token(&caller, "old").await.err(), denied());
    assert_eq!(engine.regenerate_api_key(&caller).await.err(), denied());
    assert_eq!(engine.require_mailed_codes(&caller).await.err(), denied());
    assert_eq!(engine.end_other_sessions(&caller).await.err(), denied());
    assert_eq!(engine.end_sessions(&caller, None).await.err(), denied());
    assert_eq!(log.new_rows().await, []);
    let account = world.account("iago").await;
    assert!(!account.mails_codes());
}

#[tokio::test]
async fn each_act_of_an_owner_leaves_one_row() {
    let world = with_more_users(config()).await;
    let engine = &world.engine;
    let own = session(&world, "iago").await;
    let iago = world.account("iago").await.user;
    let (nothing, mut log) = (none(), Reader::new(&world).await);
    let caller = own.caller(&nothing);
    let row = |act| row(&world, act, Actor::Owner, &iago);

    for name in ["phöne", "other"] {
        engine.create_personal_token(&caller, name, false).await.unwrap();
        log.expect(AuditRecord { detail: name.into(), ..row(Act::PersonalTokenMade) }).await;
    }
    let twice = engine.create_personal_token(&caller, "phöne", false).await;
    assert_eq!(twice.unwrap_err(), ActionError::TokenExists);
    engine.replace_personal_token(&caller, "phöne").await.unwrap();
    log.expect(AuditRecord { detail: "phöne".into(), ..row(Act::PersonalTokenRenewed) }).await;
    engine.remove_personal_token(&caller, "phöne").await.unwrap();
    log.expect(AuditRecord { detail: "phöne".into(), ..row(Act::PersonalTokenRemoved) }).await;
    let gone = engine.remove_personal_token(&caller, "phöne").await;
    assert_eq!(gone.unwrap_err(), ActionError::NoSuchToken);
    let gone = engine.replace_personal_token(&caller, "phöne").await;
    assert_eq!(gone.unwrap_err(), ActionError::NoSuchToken);
    assert_eq!(log.new_rows().await, [], "nothing was done");

    let other = SignedIn::new(&world, "iago").await;
    assert_eq!(log.new_rows().await, [], "a login is no act");
    engine.end_other_sessions(&caller).await.unwrap();
    log.expect(row(Act::OtherSessionsEnded)).await;
    assert!(!other.is_good(&world).await);
    engine.end_other_sessions(&caller).await.unwrap();
    assert_eq!(log.new_rows().await, [], "there was none to end");

    engine.require_mailed_codes(&caller).await.unwrap();
    log.expect(row(Act::MailedCodesRequired)).await;
    let asked = engine.waive_mailed_codes(&caller).await.unwrap_err();
    assert!(matches!(asked, ActionError::SecondFactorRequired(_)), "{asked:?}");
    assert_eq!(log.new_rows().await, []);
    let code = mailed_code(&mails(&world).await.pop().unwrap());
    let factor = PresentedFactor { code: Some(OneTimeCode::new(code)), method: None, password: None };
    engine.waive_mailed_codes(&own.caller(&factor)).await.unwrap();
    log.expect(row(Act::MailedCodesWaived)).await;

    let secret = engine.enrol_device(&caller).await.unwrap().secret;
    assert_eq!(log.new_rows().await, [], "a device that waits for its first code is none yet");
    let code = || OneTimeCode::new(code_of(secret.expose(), world.clock.now()));
    let wrong = engine.confirm_device(&caller, &OneTimeCode::new("000000")).await;
    assert_eq!(wrong.unwrap_err(), ActionError::WrongCode);
    engine.confirm_device(&caller, &code()).await.unwrap();
    log.expect(row(Act::DeviceEnrolled)).await;
    world.clock.advance(Duration::from_secs(60));
    engine.renew_backup_codes(&caller, &code()).await.unwrap();
    log.expect(AuditRecord { at: world.clock.now(), ..row(Act::BackupCodesRenewed) }).await;
    assert!(!engine.remove_device(&caller, &code()).await.unwrap(), "the code was used");
    assert_eq!(log.new_rows().await, []);
    world.clock.advance(Duration::from_secs(60));
    assert!(engine.remove_device(&caller, &code()).await.unwrap());
    log.expect(AuditRecord { at: world.clock.now(), ..row(Act::DeviceRemoved) }).await;

    engine.end_sessions(&caller, None).await.unwrap();
    log.expect(AuditRecord { at: world.clock.now(), ..row(Act::SessionsEnded) }).await;
}

#[tokio::test]
async fn a_key_that_is_renewed_leaves_a_row_of_its_protocol() {
    let world = world::new().await;
    let iago = world.account("iago").await.user;
    let mut log = Reader::new(&world).await;
    let presented = api_key("iago@zulip.com", IAGO_KEY);
    let principal = world.check("main", ProtocolName::ZULIP, presented).await.result.unwrap();
    let (peer, factor) = (from(), none());
    let protocol = ProtocolName::ZULIP;
    let caller = Caller { principal: &principal, peer: &peer, protocol, factor: &factor };
    world.engine.regenerate_api_key(&caller).await.unwrap();
    let row = row(&world, Act::ZulipKeyRenewed, Actor::Owner, &iago);
    log.expect(AuditRecord { protocol: Some(protocol), ..row }).await;
}

#[tokio::test]
async fn an_act_on_another_account_names_both() {
    let mut config = config();
    config.rocketchat.create_token_secret = Some(Token::new("operators-secret"));
    let world = with_more_users(config).await;
    let engine = &world.engine;
    let (admin, nothing) = (session(&world, "admin").await, none());
    let caller = admin.caller(&nothing);
    let actor = Actor::User(world.account("admin").await.user.id);
    let mut log = Reader::new(&world).await;
    let (ann, totp) = (world.account("ann").await.user, world.account("totp").await.user);
    let who = Identifier::user_name("ann");

    engine.create_session(&caller, &who, &Token::new("operators-secret")).await.unwrap();
    log.expect(row(&world, Act::SessionMade, actor.clone(), &ann)).await;
    engine.end_sessions(&caller, Some(&who)).await.unwrap();
    log.expect(row(&world, Act::SessionsEnded, actor.clone(), &ann)).await;
    engine.reset_device(&caller, Some(&Identifier::user_name("totp"))).await.unwrap();
    log.expect(row(&world, Act::DeviceReset, actor, &totp)).await;

    let ann = session(&world, "ann").await;
    let refused = engine.end_sessions(&ann.caller(&nothing), Some(&Identifier::user_name("iago"))).await;
    assert_eq!(refused.unwrap_err(), ActionError::NotPermitted);
    assert_eq!(log.new_rows().await, [], "what is not permitted is not done");
}

#[tokio::test]
async fn a_device_that_its_owner_resets_leaves_a_row() {
    let world = world::new().await;
    let totp = session(&world, "totp").await;
    let mut log = Reader::new(&world).await;
    world.clock.advance(Duration::from_secs(60));
    let code = OneTimeCode::new(device_code(world.clock.now()));
    let factor = PresentedFactor { code: Some(code), method: None, password: None };
    world.engine.reset_device(&totp.caller(&factor), None).await.unwrap();
    log.expect(row(&world, Act::DeviceReset, Actor::Owner, &world.account("totp").await.user)).await;
}

#[tokio::test]
async fn a_password_that_is_reset_leaves_a_row_of_the_link() {
    let world = world::new().await;
    let iago = world.account("iago").await.user;
    let mut log = Reader::new(&world).await;
    let link = mailed_link(&world, "iago@zulip.com").await;
    assert_eq!(log.new_rows().await, [], "a link that is asked for changes nothing");
    let reset = async |link: &Token, new: &str| {
        let protocol = ProtocolName::ROCKETCHAT;
        world.engine.reset_password(iago.realm, link, &Password::new(new), &from(), protocol).await.map(drop)
    };
    assert!(matches!(reset(&link, "short").await, Err(ActionError::WeakPassword(_))));
    assert_eq!(log.new_rows().await, []);
    reset(&link, NEW).await.unwrap();
    log.expect(row(&world, Act::PasswordReset, Actor::MailedLink, &iago)).await;
    assert_eq!(reset(&link, NEW).await, Err(ActionError::WrongToken));
    assert_eq!(log.new_rows().await, []);
}

/// Makes a personal token of that number.
async fn make(world: &World, caller: &Caller<'_>, number: u32) -> Result<(), ActionError> {
    world.engine.create_personal_token(caller, &format!("token {number}"), false).await.map(drop)
}

#[tokio::test]
async fn an_account_changes_itself_sixty_times_an_hour_at_most() {
    let world = with_more_users(Config { limits: Some(CommonQuotas::default()), ..config() }).await;
    let nothing = none();
    let (iago, ann) = (session(&world, "iago").await, session(&world, "ann").await);
    let caller = iago.caller(&nothing);
    let mut log = Reader::new(&world).await;
    for number in 0..60 {
        make(&world, &caller, number).await.unwrap();
    }
    assert_eq!(log.new_rows().await.len(), 60);
    let hour = Duration::from_secs(3600);
    assert_eq!(make(&world, &caller, 60).await, Err(ActionError::TooManyActs(hour)));
    let ended = world.engine.end_other_sessions(&caller).await;
    assert_eq!(ended, Err(ActionError::TooManyActs(hour)), "whatever the act");
    assert_eq!(log.new_rows().await, []);
    make(&world, &ann.caller(&nothing), 0).await.unwrap();
    assert_eq!(log.new_rows().await.len(), 1, "another account is not limited");

    // An administrator's act on the account is none of its own.
    let admin = session(&world, "admin").await;
    let who = Identifier::user_name("iago");
    world.engine.end_sessions(&admin.caller(&nothing), Some(&who)).await.unwrap();
    assert_eq!(log.new_rows().await.len(), 1);

    // A link is good again afterwards.
    world.clock.advance(Duration::from_secs(600));
    let link = mailed_link(&world, "iago@zulip.com").await;
    let realm = world.realm("main").await.id;
    let reset = async || {
        let protocol = ProtocolName::ROCKETCHAT;
        world.engine.reset_password(realm, &link, &Password::new(NEW), &from(), protocol).await.map(drop)
    };
    assert_eq!(reset().await, Err(ActionError::TooManyActs(Duration::from_secs(3000))));
    assert_eq!(log.new_rows().await, []);
    world.clock.advance(Duration::from_millis(3_000_001));
    reset().await.unwrap();
    assert_eq!(log.new_rows().await.len(), 1);
}

#[tokio::test]
async fn without_shared_limits_an_account_changes_itself_as_often_as_it_wants() {
    let world = world::new().await;
    let (iago, nothing) = (session(&world, "iago").await, none());
    for number in 0..61 {
        make(&world, &iago.caller(&nothing), number).await.unwrap();
    }
}

#[tokio::test]
async fn rows_are_purged_once_they_are_older_than_the_log_keeps_them() {
    let world = world::new().await;
    let keep = Duration::from_secs(400 * 86_400);
    let mut log = Reader::new(&world).await;
    let (iago, nothing) = (session(&world, "iago").await, none());
    let imported = log.seen;
    make(&world, &iago.caller(&nothing), 0).await.unwrap();
    assert_eq!(log.new_rows().await.len(), 1);
    let purge = async || world.engine.purger().purge(Duration::ZERO, keep).await.unwrap().audit;
    world.clock.advance(keep);
    assert_eq!(purge().await, 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(purge().await, u64::try_from(imported).unwrap() + 1);
    assert_eq!(world.store.audit_rows(&AuditFilter::default(), LogPage::newest(9)).await, Ok(Vec::new()));
}

#[test]
fn the_page_about_the_audit_log_lists_every_act() {
    let page = include_str!("../../../../docs/audit.md");
    for (_, word) in Act::ALL {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}
