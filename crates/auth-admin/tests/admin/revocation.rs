//! Every cell of the table in `docs/revocation.md`, through the services that the protocols ask, on both stores.

use std::sync::Arc;
use std::time::Duration;

use auth_admin::{Accounts, AppPasswords, Devices, KeyRotation, Tokens};
use auth_core::{
    ApiKeys, Caller, Clock, CredentialCheck, CredentialKind, ForwardSessions, Grant, GrantKind, Identifier,
    LoginAttempt, LoginMethod, ManualClock, OneTimeCode, Password, PasswordReset, PersonalTokens,
    PresentedCredential, PresentedFactor, Principal, ProtocolName, SecondFactors, SecondStep, SeededRng,
    Sessions, Store, Token, TokenForm, TokenRenewal,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::{opaque, totp};
use auth_engine::Config;
use auth_engine::testing::{
    PASSWORD, START, TOTP_SECRET, World, api_key, builder, config, header, peer, result, ring,
    rocketchat_token, token,
};
use auth_store::{Postgres, PostgresConfig, Sqlite};
use test_postgres::Cluster;

use crate::world::import;

const TABLE: &str = include_str!("../../../../docs/revocation.md");

/// How long a signed token lives. It is renewed when a quarter of that is over.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// How long the app password lives.
const APP_PASSWORD_LIFE: Duration = Duration::from_secs(2000);

/// The realm, and the administrator.
const EVERYBODY: &str = r#"
{"kind":"realm","realm":"main","subdomain":"","digest_logins":true}
{"kind":"user","realm":"main","username":"admin","role":"admin","password":"correct-horse-battery-9876"}
"#;

/// The ways in which each event of the table comes.
const ACTS: [(&str, &[Act]); 16] = [
    ("new password", &[Act::SetPassword, Act::ResetPassword]),
    ("new password, keys stay", &[Act::SetPassword, Act::ResetPassword]),
    ("deactivated", &[Act::Deactivate]),
    ("deleted", &[Act::Delete]),
    ("other sessions ended", &[Act::EndOthers]),
    ("all sessions ended", &[Act::LogOut, Act::LogOutByAdmin]),
    ("tokens revoked", &[Act::RevokeTokens]),
    ("mailed codes required", &[Act::RequireMailedCodes]),
    ("device enrolled", &[Act::Enrol, Act::EnrolByOperator]),
    ("device removed", &[Act::Remove, Act::RemoveByOperator]),
    ("device reset", &[Act::Reset, Act::ResetByAdmin]),
    ("key replaced", &[Act::ReplaceKey]),
    ("app password revoked", &[Act::RevokeAppPassword]),
    ("app password ended", &[Act::Wait, Act::WaitAndPurge]),
    ("server key rotated", &[Act::RotateKey]),
    ("server key retired", &[Act::RetireKey]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    SetPassword,
    ResetPassword,
    Deactivate,
    Delete,
    EndOthers,
    LogOut,
    LogOutByAdmin,
    RevokeTokens,
    RequireMailedCodes,
    Enrol,
    EnrolByOperator,
    Remove,
    RemoveByOperator,
    Reset,
    ResetByAdmin,
    ReplaceKey,
    RevokeAppPassword,
    Wait,
    WaitAndPurge,
    RotateKey,
    RetireKey,
}

impl Act {
    /// Whether the account has a device before.
    fn needs_device(self) -> bool {
        matches!(self, Self::Remove | Self::RemoveByOperator | Self::Reset | Self::ResetByAdmin)
    }
}

/// The rows of the table: the credential, and for each event what becomes of it.
fn rows() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let mut lines = TABLE.lines().filter(|line| line.starts_with('|'));
    let events = cells(lines.next().unwrap());
    lines
        .skip(1)
        .map(|line| {
            let row = cells(line);
            assert_eq!(row.len(), events.len(), "{line}");
            (row[0], events.iter().copied().zip(row.iter().copied()).skip(1).collect())
        })
        .collect()
}

/// What a client holds.
#[derive(Clone, Debug)]
enum Held {
    Key(String),
    Token(Token),
    Signed(Token),
    Session(Token),
    Forward(Token),
    Password(Password),
}

/// A user who holds a credential of every kind.
struct Holder<'w> {
    world: &'w World,
    name: String,
    rocketchat_id: String,
    codes: Vec<OneTimeCode>,
    held: Vec<(&'static str, Held)>,
}

impl<'w> Holder<'w> {
    async fn new(world: &'w World, name: String, has_device: bool) -> Self {
        let codes: Vec<String> =
            if has_device { (0..8).map(|n| format!("code{n:04}")).collect() } else { vec![] };
        let device = if has_device {
            format!(r#","totp_secret":"{TOTP_SECRET}","backup_codes":{codes:?}"#)
        } else {
            String::new()
        };
        let line = format!(
            r#"{{"kind":"user","realm":"main","username":"{name}","email":"{name}@zulip.com","email_verified":true,"password":"{PASSWORD}"{device}}}"#
        );
        import(world, &line).await;
        let rocketchat_id = world.rocketchat_id(&name).await;
        let codes = codes.into_iter().map(OneTimeCode::new).collect();
        let mut holder = Self { world, name, rocketchat_id, codes, held: Vec::new() };
        holder.fetch().await;
        holder
    }

    fn factor(&mut self) -> PresentedFactor {
        PresentedFactor { code: self.codes.pop(), method: None, password: None }
    }

    async fn log_in(&mut self, protocol: ProtocolName, password: &str) -> Grant {
        let who = if protocol == ProtocolName::ZULIP {
            format!("{}@zulip.com", self.name)
        } else {
            self.name.clone()
        };
        let mut attempt = self.world.attempt("main", protocol, &who, password).await;
        if protocol == ProtocolName::ROCKETCHAT && password == PASSWORD {
            attempt.second_step = SecondStep::Offered(self.codes.pop());
        }
        result(self.world.ask(attempt).await).unwrap()
    }

    /// Signs in at the pages.
    async fn sign_in(&mut self) -> Grant {
        let attempt = self.world.attempt("main", ProtocolName::ROCKETCHAT, &self.name, PASSWORD).await;
        let attempt = LoginAttempt {
            protocol: ProtocolName::WEB,
            second_step: SecondStep::Offered(self.codes.pop()),
            grant: GrantKind::Token(CredentialKind::WEB_SESSION),
            ..attempt
        };
        result(self.world.ask(attempt).await).unwrap()
    }

    async fn principal(&self, token: &Token) -> Box<Principal> {
        let presented = rocketchat_token(&self.rocketchat_id, token.clone());
        self.world.check("main", ProtocolName::ROCKETCHAT, presented).await.result.unwrap()
    }

    /// A new session at Rocket.Chat.
    async fn session(&mut self) -> Box<Principal> {
        let token = token(&self.log_in(ProtocolName::ROCKETCHAT, PASSWORD).await);
        self.principal(&token).await
    }

    /// Fetches what a password gives, and then what an app password gives.
    async fn fetch(&mut self) {
        let account = self.world.account(&self.name).await;
        // A person's app password is for some protocols alone; this one is for all.
        let password = opaque::app_password(&**self.world.engine.rng());
        let mut stored = self.world.engine.credentials().app_password(account.user.id, "phone", &password);
        stored.expires = Some(self.world.clock.now() + APP_PASSWORD_LIFE);
        assert!(self.world.store.add(&stored, u32::MAX, None).await.unwrap());
        self.held.push(("app password", Held::Password(password.clone())));
        let own = ["Zulip key", "Rocket.Chat token", "personal token", "Zettelstore token"];
        let fetched = [
            "Zulip key by app password",
            "Rocket.Chat token by app password",
            "personal token by app password",
            "Zettelstore token by app password",
        ];
        for (names, password) in [(own, PASSWORD), (fetched, password.expose())] {
            let Grant::ApiKey(key) = self.log_in(ProtocolName::ZULIP, password).await else { unreachable!() };
            self.held.push((names[0], Held::Key(key.expose().to_owned())));
            let session = token(&self.log_in(ProtocolName::ROCKETCHAT, password).await);
            let (principal, factor) = (self.principal(&session).await, self.factor());
            self.held.push((names[1], Held::Token(session)));
            let from = peer("192.0.2.1");
            let caller = Caller {
                principal: &principal,
                peer: &from,
                protocol: ProtocolName::ROCKETCHAT,
                factor: &factor,
            };
            let personal = self.world.engine.create_personal_token(&caller, names[2], false).await.unwrap();
            self.held.push((names[2], Held::Token(personal)));
            let signed = token(&self.log_in(ProtocolName::ZETTELSTORE, password).await);
            self.held.push((names[3], Held::Signed(signed)));
        }
        let session = token(&self.sign_in().await);
        let kinds = &[CredentialKind::WEB_SESSION];
        let presented = PresentedCredential::Token { kinds, owner: None, token: session.clone() };
        let principal = self.world.check("main", ProtocolName::WEB, presented).await.result.unwrap();
        let (from, factor) = (peer("192.0.2.1"), PresentedFactor::default());
        let caller =
            Caller { principal: &principal, peer: &from, protocol: ProtocolName::FORWARD, factor: &factor };
        let forward = token(&self.world.engine.forward_session(&caller).await.unwrap());
        self.held.push(("web session", Held::Session(session)));
        self.held.push(("forward session", Held::Forward(forward)));
        // Those of Zettelstore are old enough to be renewed; and a renewed one is held, too.
        let is_signed = |held: &&(&'static str, Held)| matches!(held.1, Held::Signed(_));
        let signed: Vec<_> = self.held.iter().filter(is_signed).cloned().collect();
        self.world.clock.advance(TOKEN_LIFE / 4);
        self.world.engine.refresh_caches().await.unwrap();
        for (name, held) in signed {
            let Held::Signed(token) = held else { unreachable!() };
            let renewed = self.renew(&token).await.unwrap();
            assert_ne!(renewed, token);
            self.held.push((name, Held::Signed(renewed)));
        }
    }

    async fn renew(&self, token: &Token) -> Option<Token> {
        let realm = Some(self.world.realm("main").await);
        let (protocol, credential) = (ProtocolName::ZETTELSTORE, header(token.clone()));
        let check = CredentialCheck { protocol, realm, credential, peer: peer("192.0.2.1") };
        match self.world.engine.renew(check, TokenForm::List).await {
            Ok(Grant::SignedToken { token, .. }) => Some(token),
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        }
    }

    /// Whether something held is good, at every place that takes it.
    async fn is_good(&self, held: &Held) -> bool {
        let world = self.world;
        let check = async |protocol, presented: PresentedCredential| {
            world.check("main", protocol, presented).await.result.is_ok()
        };
        let answers = match held {
            Held::Key(key) => {
                let presented = api_key(&format!("{}@zulip.com", self.name), key);
                vec![check(ProtocolName::ZULIP, presented).await]
            }
            Held::Token(token) => {
                let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "", "").await;
                let attempt = LoginAttempt { method: LoginMethod::Resume(token.clone()), ..attempt };
                let presented = rocketchat_token(&self.rocketchat_id, token.clone());
                vec![
                    check(ProtocolName::ROCKETCHAT, presented).await,
                    result(world.ask(attempt).await).is_ok(),
                ]
            }
            Held::Session(token) => {
                let kinds = &[CredentialKind::WEB_SESSION];
                let presented = PresentedCredential::Token { kinds, owner: None, token: token.clone() };
                vec![check(ProtocolName::WEB, presented).await]
            }
            Held::Forward(token) => {
                let kinds = &[CredentialKind::FORWARD_SESSION];
                let presented = PresentedCredential::Token { kinds, owner: None, token: token.clone() };
                vec![check(ProtocolName::FORWARD, presented).await]
            }
            Held::Signed(token) => vec![
                check(ProtocolName::ZETTELSTORE, header(token.clone())).await,
                self.renew(token).await.is_some(),
            ],
            Held::Password(password) => {
                let email = format!("{}@zulip.com", self.name);
                let mut answers = Vec::new();
                for (protocol, who) in [
                    (ProtocolName::ZULIP, &email),
                    (ProtocolName::ROCKETCHAT, &self.name),
                    (ProtocolName::ZETTELSTORE, &self.name),
                ] {
                    answers.push(world.log_in(protocol, who, password.expose()).await.is_ok());
                }
                answers
            }
        };
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?} of {held:?}");
        answers[0]
    }

    async fn run(&mut self, act: Act) {
        let world = self.world;
        let (engine, from) = (&world.engine, peer("192.0.2.1"));
        let account = world.account(&self.name).await;
        let accounts = Accounts::new(engine);
        let new = Password::new("a-better-horse-battery-1234");
        let calls = !matches!(
            act,
            Act::SetPassword | Act::ResetPassword | Act::Deactivate | Act::Delete | Act::RevokeTokens
        );
        let own = if calls { Some(self.session().await) } else { None };
        let factor = self.factor();
        let caller = own.as_ref().map(|principal| Caller {
            principal,
            peer: &from,
            protocol: ProtocolName::ROCKETCHAT,
            factor: &factor,
        });
        let admin = token(&world.log_in(ProtocolName::ROCKETCHAT, "admin", PASSWORD).await.unwrap());
        let admin = rocketchat_token(&world.rocketchat_id("admin").await, admin);
        let admin = world.check("main", ProtocolName::ROCKETCHAT, admin).await.result.unwrap();
        let none = PresentedFactor::default();
        let by_admin =
            Caller { principal: &admin, peer: &from, protocol: ProtocolName::ROCKETCHAT, factor: &none };
        let who = Identifier::user_name(self.name.clone());
        match act {
            Act::SetPassword => accounts.set_password(&account, &new, false).await.unwrap(),
            Act::ResetPassword => {
                let realm = account.user.realm;
                engine.forgot_password(realm, &format!("{}@zulip.com", self.name), None).await.unwrap();
                let mail = world.store.due(world.clock.now(), 1000).await.unwrap().pop().unwrap();
                let text = world.ring.open(Purpose::Mail, mail.id.as_bytes(), &mail.body).unwrap();
                let text = String::from_utf8(text.to_vec()).unwrap();
                let link = Token::new(&text.split_once("/reset-password/").unwrap().1[..43]);
                world.store.settle(mail.id).await.unwrap();
                engine.reset_password(realm, &link, &new, &from, ProtocolName::ROCKETCHAT).await.unwrap();
            }
            Act::Deactivate => accounts.set_active(&account, false).await.unwrap(),
            Act::Delete => accounts.delete(&account).await.unwrap(),
            Act::EndOthers => engine.end_other_sessions(&caller.unwrap()).await.unwrap(),
            Act::LogOut => drop(engine.end_sessions(&caller.unwrap(), None).await.unwrap()),
            Act::LogOutByAdmin => drop(engine.end_sessions(&by_admin, Some(&who)).await.unwrap()),
            Act::RevokeTokens => Tokens::new(engine).revoke_all(&account).await.unwrap(),
            Act::RequireMailedCodes => engine.require_mailed_codes(&caller.unwrap()).await.unwrap(),
            Act::Enrol => {
                let enrolment = engine.enrol_device(&caller.unwrap()).await.unwrap();
                let secret = totp::from_base32(enrolment.secret.expose()).unwrap();
                let code = totp::code(&secret, totp::step_at(world.clock.now()));
                engine.confirm_device(&caller.unwrap(), &code).await.unwrap();
            }
            Act::EnrolByOperator => {
                let devices = Devices::new(engine);
                devices.enrol(&account, &devices.new_device(&account), None).await.unwrap().unwrap();
            }
            Act::Remove => {
                let secret = totp::from_base32(TOTP_SECRET).unwrap();
                let code = totp::code(&secret, totp::step_at(world.clock.now()));
                assert!(engine.remove_device(&caller.unwrap(), &code).await.unwrap());
            }
            Act::RemoveByOperator => assert!(Devices::new(engine).remove(&account).await.unwrap()),
            Act::Reset => engine.reset_device(&caller.unwrap(), None).await.unwrap(),
            Act::ResetByAdmin => engine.reset_device(&by_admin, Some(&who)).await.unwrap(),
            Act::ReplaceKey => {
                let key = self.held.iter().find_map(|(name, held)| match held {
                    Held::Key(key) if *name == "Zulip key" => Some(key.clone()),
                    _ => None,
                });
                let presented = api_key(&format!("{}@zulip.com", self.name), &key.unwrap());
                let principal = world.check("main", ProtocolName::ZULIP, presented).await.result.unwrap();
                let caller = Caller {
                    principal: &principal,
                    peer: &from,
                    protocol: ProtocolName::ZULIP,
                    factor: &none,
                };
                engine.regenerate_api_key(&caller).await.unwrap();
            }
            Act::RevokeAppPassword => {
                assert!(AppPasswords::new(engine).revoke(&account, "phone").await.unwrap());
            }
            Act::Wait | Act::WaitAndPurge => {
                world.clock.advance(APP_PASSWORD_LIFE);
                if act == Act::WaitAndPurge {
                    engine
                        .purger()
                        .purge(Duration::from_secs(3600), Duration::from_secs(3600))
                        .await
                        .unwrap();
                }
            }
            Act::RotateKey | Act::RetireKey => {
                let (keys, rotation) = (engine.keys(), KeyRotation::new(engine));
                let old = keys.ring().ids()[0];
                let (new, grown) = rotation.next_key(&keys.ring()).unwrap();
                keys.exchange(grown.promoted(new).unwrap()).await.unwrap();
                assert!(rotation.reseal(&mut |_| {}).await.unwrap().resealed > 0);
                if act == Act::RetireKey {
                    let smaller = rotation.retire_key(old, &mut |_| {}).await.unwrap();
                    keys.exchange(smaller).await.unwrap();
                }
            }
        }
    }
}

/// Walks all columns but those that another configuration has.
async fn walk(store: Arc<dyn Store>, config: Config, which: &str) {
    let keys_stay = !config.revoke_on_password_change;
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), config, 2), clock).await;
    import(&world, EVERYBODY).await;
    let rows = rows();
    for (event, acts) in ACTS {
        if keys_stay != (event == "new password, keys stay") {
            continue;
        }
        for act in acts {
            let name = format!("{act:?}").to_lowercase();
            let mut holder = Holder::new(&world, name, act.needs_device()).await;
            world.engine.refresh_caches().await.unwrap();
            for (kind, held) in &holder.held {
                assert!(holder.is_good(held).await, "{which}, before {act:?}: {kind}");
            }
            holder.run(*act).await;
            if *act == Act::Deactivate {
                for (kind, held) in &holder.held {
                    assert!(!holder.is_good(held).await, "{which}: {kind} of a deactivated account");
                }
                let account = world.account(&holder.name).await;
                Accounts::new(&world.engine).set_active(&account, true).await.unwrap();
            }
            let mut kinds: Vec<&str> = holder.held.iter().map(|(kind, _)| *kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            assert_eq!(kinds.len(), rows.len(), "a credential of every row");
            for (kind, held) in &holder.held {
                let (_, row) = rows.iter().find(|(row, _)| row == kind).unwrap();
                let (_, cell) = row.iter().find(|(column, _)| *column == event).unwrap();
                let expected = match *cell {
                    "stays" => true,
                    "rests" if *act == Act::Deactivate => true,
                    "ends" => false,
                    other => panic!("{other} in the table"),
                };
                assert_eq!(holder.is_good(held).await, expected, "{which}, {act:?}: {kind}");
            }
        }
    }
}

async fn walk_all(open: impl AsyncFn() -> Arc<dyn Store>, which: &str) {
    // Otherwise an account with a device could fetch nothing by password at two of the protocols.
    let mut base = Config { allow_password_only_with_2fa: true, ..config() };
    base.zettelstore.token_lifetime = TOKEN_LIFE;
    // Accounts without a device need no password beside their token.
    base.rocketchat.password_fallback = false;
    for revoke_on_password_change in [true, false] {
        walk(open().await, Config { revoke_on_password_change, ..base.clone() }, which).await;
    }
}

#[test]
fn the_table_names_the_events_that_are_walked() {
    let events: Vec<&str> = ACTS.iter().map(|(event, _)| *event).collect();
    for (kind, row) in rows() {
        assert_eq!(row.iter().map(|(event, _)| *event).collect::<Vec<_>>(), events, "{kind}");
    }
}

#[tokio::test]
async fn every_event_ends_on_sqlite_what_the_table_says() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    let open = async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(Sqlite::open_disposable(&folder.path().join(format!("{number}.db"))).unwrap())
            as Arc<dyn Store>
    };
    walk_all(open, "SQLite").await;
}

#[tokio::test]
async fn every_event_ends_on_postgresql_what_the_table_says() {
    let cluster = Cluster::shared().unwrap();
    let open = async || {
        let config = PostgresConfig::new(cluster.database().unwrap());
        Arc::new(Postgres::open(&config, Arc::new(SeededRng::new(9))).await.unwrap()) as Arc<dyn Store>
    };
    walk_all(open, "PostgreSQL").await;
}
