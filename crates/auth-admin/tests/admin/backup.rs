//! What a copy of the store is worth to whoever has it, but not the key file: nothing in a row is itself a secret that any
//! protocol takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_core::testing::MemoryStore;
use auth_core::{
    Act, ActionError, AddressVerification, Caller, Credential, CredentialCheck, CredentialKind, FactorMethod,
    ForwardSessions, Grant, GrantKind, Identifier, LoginAttempt, LoginError, LoginMethod, ManualClock,
    MetaStore, NamedSecrets, NewUser, OneTimeCode, Password, PasswordDigest, PasswordReset, PersonalTokens,
    PresentedCredential, PresentedFactor, Principal, ProtocolName, Rng, SecondFactors, SecondStep,
    SecretCheck, SecretInput, SeededRng, Store, Token, TokenForm, TokenRenewal, TotpSecret, User,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::opaque;
use auth_engine::testing::{
    PASSWORD, START, World, api_key, builder, config, cookie, header, password, peer, result, ring,
    rocketchat_token, token,
};
use auth_engine::{Config, Hold};
use auth_store::{Postgres, PostgresConfig, Sqlite};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use ring::digest::{SHA256, digest};
use test_postgres::Cluster;

use crate::world::import;

const EMAIL: &str = "ann@zulip.com";

const LINES: &str = r#"
{"kind":"realm","realm":"main","subdomain":"","digest_logins":true}
{"kind":"user","realm":"main","username":"ann","email":"ann@zulip.com","email_verified":true,"email_2fa":true,"password":"correct-horse-battery-9876","zulip_api_key":"gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","backup_codes":["aBcD2345","eFgH6789","iJkL2345","mNpQ2345"]}
"#;

/// A way to write bytes down.
type Form = fn(&[u8]) -> Vec<u8>;

/// The ways to write bytes down, and to digest them first.
const FORMS: [Form; 9] = [
    |bytes| bytes.to_vec(),
    |bytes| HEXLOWER.encode(bytes).into(),
    |bytes| HEXUPPER.encode(bytes).into(),
    |bytes| BASE64.encode(bytes).into(),
    |bytes| BASE64_NOPAD.encode(bytes).into(),
    |bytes| BASE64URL.encode(bytes).into(),
    |bytes| BASE64URL_NOPAD.encode(bytes).into(),
    |bytes| HEXLOWER.encode(digest(&SHA256, bytes).as_ref()).into(),
    |bytes| BASE64.encode(digest(&SHA256, bytes).as_ref()).into(),
];

/// An account with a credential of every kind, and the secrets behind them.
struct Ann {
    world: World,
    rocketchat_id: String,
    session: Box<Principal>,
    secrets: Vec<(&'static str, String)>,
}

impl Ann {
    /// Over a store that holds what is in [`LINES`].
    async fn new(store: Arc<dyn Store>) -> Self {
        // Another random source than that of the engine that filled the store.
        let world = world_over(store, Arc::new(SeededRng::new(99))).await;
        let account = world.account("ann").await;
        let (user, realm) = (account.user.id, world.realm("main").await);
        let mut secrets = vec![("Zulip key", "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv".to_owned())];

        let app_password = opaque::app_password(&**world.engine.rng());
        let stored = world.engine.credentials().app_password(user, "phone", &app_password);
        assert!(world.store.add(&stored, u32::MAX, None).await.unwrap());
        let digest = HEXLOWER.encode(opaque::digest(app_password.expose()).as_bytes());
        secrets.push(("app password", app_password.expose().to_owned()));
        secrets.push(("app password by its digest", digest));
        let fetched = world.log_in(ProtocolName::ZULIP, EMAIL, app_password.expose()).await.unwrap();
        let Grant::ApiKey(key) = fetched else { unreachable!() };
        secrets.push(("Zulip key by app password", key.expose().to_owned()));

        let rocketchat_id = world.rocketchat_id("ann").await;
        let login = world.log_in_with_code("ann", Some("aBcD2345")).await.unwrap();
        let presented = rocketchat_token(&rocketchat_id, token(&login));
        let session = world.check("main", ProtocolName::ROCKETCHAT, presented).await.result.unwrap();
        secrets.push(("Rocket.Chat token", token(&login).expose().to_owned()));
        let factor =
            PresentedFactor { code: Some(OneTimeCode::new("eFgH6789")), method: None, password: None };
        let from = peer("192.0.2.1");
        let caller =
            Caller { principal: &session, peer: &from, protocol: ProtocolName::ROCKETCHAT, factor: &factor };
        let personal = world.engine.create_personal_token(&caller, "bot", false).await.unwrap();
        secrets.push(("personal token", personal.expose().to_owned()));
        let signed = token(&world.log_in(ProtocolName::ZETTELSTORE, "ann", PASSWORD).await.unwrap());
        secrets.push(("Zettelstore token", signed.expose().to_owned()));
        secrets.push(("backup code", "iJkL2345".to_owned()));

        let pending = TotpSecret::new(vec![7; 20]);
        let pending = world.engine.credentials().totp(user, CredentialKind::PENDING_TOTP, &pending);
        assert!(world.store.add(&pending, 1, None).await.unwrap());
        world.engine.mail_code(realm.id, &Identifier::user_name("ann")).await.unwrap();
        let code = text_of_mail(&world).await;
        let code = code.split_whitespace().find(|word| word.contains('-')).unwrap_or_default();
        secrets.push(("mailed code", code.trim_end_matches('.').to_owned()));
        // Before the reset token, which ends it.
        let mailed = [
            ("proof of an address", CredentialKind::ADDRESS_PROOF),
            // To the address that the account has, so that using it changes nothing.
            ("proof of another address", CredentialKind::ADDRESS_CHANGE),
        ];
        for (name, kind) in mailed {
            let end = START + std::time::Duration::from_secs(3600);
            let (proof, stored) = world.engine.credentials().token(user, kind, Some(end));
            let stored = Credential { label: Some(EMAIL.to_owned()), ..stored };
            assert!(world.store.add(&stored, 1, None).await.unwrap());
            secrets.push((name, proof.expose().to_owned()));
        }
        let at_pages = LoginAttempt {
            protocol: ProtocolName::WEB,
            second_step: SecondStep::Offered(Some(OneTimeCode::new("mNpQ2345"))),
            grant: GrantKind::Token(CredentialKind::WEB_SESSION),
            ..world.attempt("main", ProtocolName::ROCKETCHAT, "ann", PASSWORD).await
        };
        let session_of_pages = token(&result(world.ask(at_pages).await).unwrap());
        secrets.push(("web session", session_of_pages.expose().to_owned()));
        let presented = PresentedCredential::Token {
            kinds: &[CredentialKind::WEB_SESSION],
            owner: None,
            token: session_of_pages.clone(),
        };
        let principal = world.check("main", ProtocolName::WEB, presented).await.result.unwrap();
        let (from, factor) = (peer("192.0.2.1"), PresentedFactor::default());
        let caller =
            Caller { principal: &principal, peer: &from, protocol: ProtocolName::FORWARD, factor: &factor };
        let forward = token(&world.engine.forward_session(&caller).await.unwrap());
        secrets.push(("forward session", forward.expose().to_owned()));
        let by_password = LoginAttempt {
            protocol: ProtocolName::FORWARD,
            grant: GrantKind::Token(CredentialKind::FORWARD_LOGIN),
            ..world.attempt("main", ProtocolName::ZETTELSTORE, "ann", PASSWORD).await
        };
        secrets.push((
            "forward login",
            token(&result(world.ask(by_password).await).unwrap()).expose().to_owned(),
        ));
        world.engine.forgot_password(realm.id, EMAIL, None).await.unwrap();
        let link = text_of_mail(&world).await.split_once("/reset-password/").unwrap().1[..43].to_owned();
        let visit = world.engine.open_reset_link(&Token::new(link.as_str()), None).await.unwrap().unwrap();
        secrets.push(("reset token", link));
        secrets.push(("cookie of a reset", visit.expose().to_owned()));
        let handover = LoginAttempt {
            grant: GrantKind::Token(CredentialKind::HANDOVER),
            ..world.attempt("main", ProtocolName::ZETTELSTORE, "ann", PASSWORD).await
        };
        secrets.push(("handover", token(&result(world.ask(handover).await).unwrap()).expose().to_owned()));
        let ann = world.account("ann").await;
        let audit = world.engine.auditor().by_command_on(Act::DeviceRemovalHeld, &ann.user, "");
        let held = world.engine.device_removals().hold(&ann, &audit).await.unwrap();
        assert!(matches!(held, Hold::Held(_)), "{held:?}");
        Self { world, rocketchat_id, session, secrets }
    }

    /// The content of every column of the account's rows.
    async fn columns(&self) -> BTreeSet<Vec<u8>> {
        let account = self.world.account("ann").await;
        let mut columns = BTreeSet::from([account.password.unwrap().expose().as_bytes().to_vec()]);
        columns.insert(account.user.id.as_bytes().to_vec());
        for kind in CredentialKind::KNOWN {
            let rows = self.world.store.of_user(account.user.id, kind).await.unwrap();
            assert!(!rows.is_empty(), "{kind}");
            for row in rows {
                let Credential { id, parent, digest, sealed, label, created, expires, .. } = row;
                columns.insert(id.as_bytes().to_vec());
                columns.extend(parent.map(|parent| parent.as_bytes().to_vec()));
                columns.extend(digest.map(|digest| digest.as_bytes().to_vec()));
                columns.extend(sealed);
                columns.extend(label.map(String::into_bytes));
                for moment in [Some(created), expires].into_iter().flatten() {
                    columns.insert(moment.as_millis().to_string().into_bytes());
                }
            }
        }
        for mail in self.world.store.due(START + std::time::Duration::from_secs(60), 100).await.unwrap() {
            columns.insert(mail.body);
        }
        columns
    }

    /// The places that take a text as a secret.
    async fn accepting(&self, text: &str) -> Vec<&'static str> {
        let world = &self.world;
        let mut places = Vec::new();
        for (place, protocol, who, secret) in [
            ("Zulip's login", ProtocolName::ZULIP, EMAIL, password(text)),
            ("Rocket.Chat's login", ProtocolName::ROCKETCHAT, "ann", password(text)),
            (
                "Rocket.Chat's login by digest",
                ProtocolName::ROCKETCHAT,
                "ann",
                SecretInput::Digest(PasswordDigest::new(text)),
            ),
            ("Zettelstore's login", ProtocolName::ZETTELSTORE, "ann", password(text)),
        ] {
            let attempt = world.attempt("main", protocol, who, "").await;
            let LoginMethod::Password { who, .. } = attempt.method.clone() else { unreachable!() };
            let attempt = LoginAttempt { method: LoginMethod::Password { who, secret }, ..attempt };
            // Any other refusal tells that the password was right.
            if !matches!(result(world.ask(attempt).await), Err(LoginError::Credentials(_))) {
                places.push(place);
            }
        }
        let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "ann", "").await;
        let attempt = LoginAttempt { method: LoginMethod::Resume(Token::new(text)), ..attempt };
        if result(world.ask(attempt).await).is_ok() {
            places.push("Rocket.Chat's resume");
        }
        if world.log_in_with_code("ann", Some(text)).await.is_ok() {
            places.push("second step");
        }
        for (place, protocol, presented) in [
            ("Zulip's check", ProtocolName::ZULIP, api_key(EMAIL, text)),
            (
                "Rocket.Chat's check",
                ProtocolName::ROCKETCHAT,
                rocketchat_token(&self.rocketchat_id, Token::new(text)),
            ),
            ("Zettelstore's check", ProtocolName::ZETTELSTORE, header(Token::new(text))),
            ("Zettelstore's cookie", ProtocolName::ZETTELSTORE, cookie(Token::new(text))),
        ] {
            if world.check("main", protocol, presented).await.result.is_ok() {
                places.push(place);
            }
        }
        let realm = world.realm("main").await;
        let check = CredentialCheck {
            protocol: ProtocolName::ZETTELSTORE,
            realm: Some(Arc::clone(&realm)),
            credential: header(Token::new(text)),
            peer: peer("192.0.2.1"),
        };
        if world.engine.renew(check, TokenForm::Jwt).await.is_ok() {
            places.push("Zettelstore's renewal");
        }
        for method in [FactorMethod::Totp, FactorMethod::Email, FactorMethod::Password] {
            let factor =
                PresentedFactor { code: Some(OneTimeCode::new(text)), method: Some(method), password: None };
            let from = peer("192.0.2.1");
            let caller = Caller {
                principal: &self.session,
                peer: &from,
                protocol: ProtocolName::ROCKETCHAT,
                factor: &factor,
            };
            if world.engine.confirm(&caller).await.is_ok() {
                places.push("step-up");
            }
        }
        let kinds = &[CredentialKind::WEB_SESSION];
        let presented = PresentedCredential::Token { kinds, owner: None, token: Token::new(text) };
        if world.check("main", ProtocolName::WEB, presented).await.result.is_ok() {
            places.push("web session");
        }
        let kinds = &[CredentialKind::FORWARD_SESSION, CredentialKind::FORWARD_LOGIN];
        let presented = PresentedCredential::Token { kinds, owner: None, token: Token::new(text) };
        if world.check("main", ProtocolName::FORWARD, presented).await.result.is_ok() {
            places.push("forward authentication");
        }
        let check = SecretCheck {
            protocol: ProtocolName::FORWARD,
            realm: Arc::clone(&realm),
            name: EMAIL.to_owned(),
            secret: Password::new(text),
            takes_passwords: false,
            peer: peer("192.0.2.1"),
        };
        if world.engine.check_secret(check).await.result.is_ok() {
            places.push("forward authentication with a name");
        }
        let attempt = LoginAttempt {
            method: LoginMethod::Handover(Token::new(text)),
            grant: GrantKind::Token(CredentialKind::WEB_SESSION),
            ..world.attempt("main", ProtocolName::ZULIP, EMAIL, "").await
        };
        if result(world.ask(attempt).await).is_ok() {
            places.push("login that goes on");
        }
        // Refused for its strength where the token is right, so that nothing is used up.
        let new = Password::new("weak");
        let token = Token::new(text);
        let from = peer("192.0.2.1");
        if world.engine.verify_address(realm.id, &token, &from, ProtocolName::ROCKETCHAT).await.is_ok() {
            places.push("proof of an address");
        }
        let reset =
            world.engine.reset_password(realm.id, &token, &new, &from, ProtocolName::ROCKETCHAT).await;
        if matches!(reset, Err(ActionError::WeakPassword(_))) {
            places.push("reset");
        }
        places
    }
}

async fn world_over(store: Arc<dyn Store>, rng: Arc<dyn Rng>) -> World {
    let mut config = Config { allow_password_only_with_2fa: true, ..config() };
    config.rocketchat.mailed_code_attempts = u32::MAX;
    let clock = Arc::new(ManualClock::at(START));
    World::open(builder(&store, &clock, &ring(), config, 2).rng(rng), clock).await
}

/// Fills a store with what is in [`LINES`].
async fn filled(store: impl Store + 'static) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(store);
    import(&world_over(Arc::clone(&store), Arc::new(SeededRng::new(8))).await, LINES).await;
    store
}

/// A copy in memory of a store with one user.
async fn in_memory(store: Arc<dyn Store>) -> MemoryStore {
    let realm = store.realms().await.unwrap().remove(0);
    let account = store.users(realm.id, None, 1).await.unwrap().remove(0);
    let mut credentials = Vec::new();
    for kind in CredentialKind::KNOWN {
        credentials.extend(store.of_user(account.user.id, kind).await.unwrap());
    }
    let user = User::clone(&account.user);
    let new = NewUser { user, assign_ids: Vec::new(), password: account.password, credentials };
    let memory = MemoryStore::new().with_realm(realm).with_user(new);
    for (name, value) in store.metas("").await.unwrap() {
        memory.set_meta_once(&name, &value).await.unwrap();
    }
    memory
}

/// The text of the newest mail.
async fn text_of_mail(world: &World) -> String {
    let mail = world.store.due(START, 100).await.unwrap().pop().unwrap();
    let text = world.ring.open(Purpose::Mail, mail.id.as_bytes(), &mail.body).unwrap();
    world.store.settle(mail.id).await.unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

async fn nothing_opens(store: Arc<dyn Store>) {
    let ann = Ann::new(store).await;
    let columns: Vec<Vec<u8>> = ann.columns().await.into_iter().collect();
    assert!(columns.len() > 30, "{}", columns.len());
    let mut texts = BTreeSet::new();
    let mut add = |bytes: Vec<u8>| texts.extend(String::from_utf8(bytes));
    for column in &columns {
        FORMS.iter().for_each(|form| add(form(column)));
    }
    // And forms of forms.
    let rng = SeededRng::new(5);
    let draw = |below: usize| {
        let mut bytes = [0; 2];
        rng.fill(&mut bytes);
        usize::from(u16::from_be_bytes(bytes)) % below
    };
    for _ in 0..100 {
        let mut bytes = columns[draw(columns.len())].clone();
        for _ in 0..2 + draw(2) {
            bytes = FORMS[draw(FORMS.len())](&bytes);
        }
        add(bytes);
    }
    let known: BTreeSet<&str> = ann.secrets.iter().map(|(_, secret)| secret.as_str()).collect();
    for text in &texts {
        assert!(!known.contains(text.as_str()));
        assert_eq!(ann.accepting(text).await, Vec::<&str>::new(), "{text}");
    }
    for (name, secret) in &ann.secrets {
        assert!(!ann.accepting(secret).await.is_empty(), "{name} is taken at none of the places");
    }
}

fn sqlite(folder: &tempfile::TempDir) -> Sqlite {
    Sqlite::open(&folder.path().join("auth.db")).unwrap()
}

#[tokio::test]
async fn nothing_in_a_store_in_memory_opens_an_account() {
    let folder = tempfile::tempdir().unwrap();
    nothing_opens(Arc::new(in_memory(filled(sqlite(&folder)).await).await)).await;
}

#[tokio::test]
async fn nothing_in_a_store_of_sqlite_opens_an_account() {
    let folder = tempfile::tempdir().unwrap();
    nothing_opens(filled(sqlite(&folder)).await).await;
}

#[tokio::test]
async fn nothing_in_a_store_of_postgresql_opens_an_account() {
    let config = PostgresConfig::new(Cluster::shared().unwrap().database().unwrap());
    nothing_opens(filled(Postgres::open(&config, Arc::new(SeededRng::new(9))).await.unwrap()).await).await;
}
