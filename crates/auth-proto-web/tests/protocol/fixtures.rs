//! The services behind the pages.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{
    Action, ActionKind, ActionResult, FAKE_NOW, FakeServices, RealmBuilder, UserBuilder,
};
use auth_core::{
    ActionError, ApiKey, Challenge, CheckReply, ClientKey, CredentialId, CredentialKind, Enrolment,
    FactorMethod, FailureReason, Grant, Login, LoginAttempt, LoginError, LoginMethod, LoginReply,
    OneTimeCode, Origin, OwnCredential, Password, PolicyRule, PresentedCredential, Principal, Profile,
    ProtocolName, Realm, SecondStep, SecretInput, Timestamp, Token, TokenError, User,
};
use auth_proto_web::{Brand, Config, Demo, DemoCommand, DemoUser};

/// The one good session, and what it is renewed by.
pub(crate) const GOOD_SESSION: &str = "good-session-0000000000000000000000000000000";
pub(crate) const NEW_SESSION: &str = "new-session-00000000000000000000000000000000";

/// The one good password and the one good code.
pub(crate) const PASSWORD: &str = "right horse";
pub(crate) const CODE: &str = "123456";

/// The one good link.
pub(crate) const LINK: &str = "good-link";

/// The moment before which an answer that could tell of accounts may not be sent.
pub(crate) const NOT_BEFORE: Timestamp = Timestamp::from_millis(1_700_000_000_500);

/// A configuration with everything switched on.
pub(crate) fn config() -> Config {
    let user = DemoUser { name: "iago".into(), password: "demo-pw".into(), what: "An administrator".into() };
    let command =
        DemoCommand { title: "Log in".into(), command: "curl -d 'username=iago&password=x'".into() };
    Config {
        brand: Brand { line: Some("Run by the chess club".to_owned()), ..Brand::new("Example") },
        zulip_url: Some("https://zulip.example.org".to_owned()),
        rocketchat_url: Some("https://chat.example.org".to_owned()),
        app_password_protocols: vec![
            ProtocolName::ZULIP,
            ProtocolName::ROCKETCHAT,
            ProtocolName::ZETTELSTORE,
        ],
        password_reset: true,
        demo: Some(Demo { users: vec![user], mails: "/dev/mail".to_owned(), commands: vec![command] }),
        ..Config::new("https://auth.example.org", "main")
    }
}

pub(crate) fn realm() -> Realm {
    RealmBuilder::new("main").build()
}

/// A user with a verified address.
pub(crate) fn iago() -> UserBuilder {
    UserBuilder::new("iago").realm(realm().id).full_name("Iago").email("iago@example.org")
}

/// Whose session it is, and how it came to be.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) has_password: bool,
    pub(crate) totp: bool,
    /// Whether the realm demands a second factor.
    pub(crate) is_demanded: bool,
    /// When its owner last showed who is there.
    pub(crate) issued: Timestamp,
}

impl Person {
    pub(crate) fn new(user: UserBuilder) -> Self {
        Self { user: user.build(), has_password: true, totp: false, is_demanded: false, issued: FAKE_NOW }
    }

    /// The same person, who has a device.
    pub(crate) fn with_totp(self) -> Self {
        Self { totp: true, ..self }
    }

    /// The same person, who signed in an hour ago.
    pub(crate) fn stale(self) -> Self {
        Self { issued: Timestamp::from_secs(FAKE_NOW.as_secs() - 3600), ..self }
    }

    pub(crate) fn must_change(mut self) -> Self {
        self.user.must_change_password = true;
        self
    }

    /// The same person, in a realm that demands a second factor.
    pub(crate) fn demanded(self) -> Self {
        Self { is_demanded: true, ..self }
    }

    pub(crate) fn with_mailed_codes(mut self) -> Self {
        self.user.email_second_factor = true;
        self
    }

    pub(crate) fn profile(&self) -> Profile {
        Profile {
            user: Arc::new(self.user.clone()),
            realm: Arc::new(Realm { require_second_factor: self.is_demanded, ..realm() }),
            has_password: self.has_password,
            totp: self.totp,
        }
    }

    fn principal(&self) -> Principal {
        Principal {
            profile: self.profile(),
            credential: Some(CredentialId::from_bytes([1; 16])),
            kind: Some(CredentialKind::WEB_SESSION),
            parent: None,
            issued: self.issued,
            expires: None,
            bypass_second_factor: false,
        }
    }
}

/// Services in which one person has an account.
pub(crate) fn services(person: Person) -> FakeServices {
    let (owner, login) = (person.clone(), person.clone());
    FakeServices::new()
        .realm(realm())
        .on_check(move |check| {
            assert_eq!(check.protocol, ProtocolName::WEB);
            assert_eq!(check.realm.as_ref().map(|realm| realm.id), Some(realm().id));
            let PresentedCredential::Token { kinds: [CredentialKind::WEB_SESSION], owner: None, token } =
                &check.credential
            else {
                panic!("{check:?}")
            };
            let result = match token.expose() {
                GOOD_SESSION => Ok(Box::new(owner.principal())),
                NEW_SESSION => Ok(Box::new(Principal { issued: FAKE_NOW, ..owner.principal() })),
                _ => Err(TokenError::Invalid),
            };
            CheckReply { result, rate_limit: None }
        })
        .on_log_in(move |attempt| log_in(&login, attempt))
        .on_action(move |action| act(&person, action))
}

/// Services in which Iago has an account.
pub(crate) fn of_iago() -> FakeServices {
    services(Person::new(iago()))
}

/// The reply to a login, which may not be sent at once.
pub(crate) fn reply(result: Result<Box<Login>, LoginError>) -> LoginReply {
    LoginReply { result, rate_limit: None, not_before: Some(NOT_BEFORE) }
}

pub(crate) fn refused(error: LoginError) -> LoginReply {
    reply(Err(error))
}

fn log_in(person: &Person, attempt: &LoginAttempt) -> LoginReply {
    let granted = || {
        let grant = Grant::Token { token: Token::new(NEW_SESSION), expires: None };
        reply(Ok(Box::new(Login { profile: person.profile(), grant })))
    };
    match (&attempt.method, &attempt.second_step) {
        (LoginMethod::Password { secret: SecretInput::Password(password), .. }, _) => {
            if password.expose() != PASSWORD {
                refused(LoginError::Credentials(FailureReason::WrongPassword))
            } else if person.totp {
                refused(LoginError::SecondFactorRequired(challenge(FactorMethod::Totp)))
            } else if person.user.email_second_factor {
                refused(LoginError::SecondFactorRequired(challenge(FactorMethod::Email)))
            } else {
                granted()
            }
        }
        (LoginMethod::Ticket(ticket), SecondStep::Offered(Some(code))) => {
            assert_eq!(ticket.expose(), "ticket");
            if code.expose() == CODE {
                granted()
            } else {
                refused(LoginError::SecondFactorInvalid(challenge(FactorMethod::Totp)))
            }
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn challenge(method: FactorMethod) -> Challenge {
    Challenge { method, available: vec![method], mailed: None, ticket: Some(Token::new("ticket")) }
}

pub(crate) fn act(person: &Person, action: &Action) -> Result<ActionResult, ActionError> {
    let has_code = action.factor.code.as_ref().is_some_and(|code| code.expose() == CODE);
    let has_password = action.factor.password.as_ref().is_some_and(|password| password.expose() == PASSWORD);
    let codes = || vec![OneTimeCode::new("backup-one"), OneTimeCode::new("backup-two")];
    let method = match (person.totp, person.user.email_second_factor) {
        (true, _) => FactorMethod::Totp,
        (false, true) => FactorMethod::Email,
        (false, false) => FactorMethod::Password,
    };
    let factor = |done: ActionResult| match (method, action.factor.method) {
        (_, None) => Err(ActionError::SecondFactorRequired(challenge(method))),
        (FactorMethod::Password, _) if has_password => Ok(done),
        (FactorMethod::Totp | FactorMethod::Email, _) if has_code => Ok(done),
        _ => Err(ActionError::SecondFactorInvalid(challenge(method))),
    };
    match &action.kind {
        ActionKind::OwnCredentials => Ok(ActionResult::OwnCredentials(credentials())),
        ActionKind::EnrolDevice => Ok(ActionResult::Enrolment(Enrolment {
            secret: Token::new("JBSWY3DPEHPK3PXP"),
            url: Token::new("otpauth://totp/Example:iago?secret=JBSWY3DPEHPK3PXP&issuer=Example"),
        })),
        ActionKind::ConfirmDevice { code } | ActionKind::RenewBackupCodes { code } => {
            if code.expose() == CODE { Ok(ActionResult::Codes(codes())) } else { Err(ActionError::WrongCode) }
        }
        ActionKind::RemoveDevice { code } => Ok(ActionResult::Flag(code.expose() == CODE)),
        ActionKind::KeepDevice => Ok(ActionResult::Flag(true)),
        ActionKind::BackupCodesLeft => Ok(ActionResult::Count(7)),
        ActionKind::WaiveMailedCodes => factor(ActionResult::Done),
        ActionKind::RequireMailedCodes | ActionKind::EndCredential { .. } | ActionKind::EndOtherSessions => {
            Ok(ActionResult::Done)
        }
        ActionKind::CreateAppPassword { .. } => {
            Ok(ActionResult::Password(Password::new("app-password-1234")))
        }
        ActionKind::ApiKey => Ok(ActionResult::ApiKey(ApiKey::new("the-api-key"))),
        ActionKind::RegenerateApiKey => Ok(ActionResult::ApiKey(ApiKey::new("the-new-key"))),
        ActionKind::RenewWebSession => factor(ActionResult::Session(
            person.profile(),
            Grant::Token { token: Token::new(NEW_SESSION), expires: None },
        )),
        ActionKind::ChangeOwnAccount { full_name: Some(name), .. } if name.is_empty() => {
            Err(ActionError::BadFullName)
        }
        ActionKind::ChangeOwnAccount { address: Some(address), .. } if !address.contains('@') => {
            Err(ActionError::BadAddress)
        }
        ActionKind::ChangeOwnAccount { password: None, .. } => Ok(ActionResult::Profile(person.profile())),
        ActionKind::ChangeOwnAccount { password: Some(new), .. } => match new.expose() {
            "weak" => Err(ActionError::WeakPassword(vec![PolicyRule::MinLength(14), PolicyRule::Number])),
            "guessable" => Err(ActionError::WeakPassword(Vec::new())),
            PASSWORD => Err(ActionError::SamePassword),
            _ if person.user.must_change_password => Ok(ActionResult::Profile(person.profile())),
            _ => factor(ActionResult::Profile(person.profile())),
        },
        ActionKind::ForgotPassword { .. } => Ok(ActionResult::NotBefore(NOT_BEFORE)),
        ActionKind::IsResetLinkGood { token, .. } => Ok(ActionResult::Flag(token.expose() == LINK)),
        ActionKind::ResetPassword { token, new, .. } => match (token.expose(), new.expose()) {
            (LINK, "weak") => Err(ActionError::WeakPassword(vec![PolicyRule::MinLength(14)])),
            (LINK, _) => Ok(ActionResult::Profile(person.profile())),
            _ => Err(ActionError::WrongToken),
        },
        ActionKind::VerifyAddress { token, .. } if token.expose() == LINK => Ok(ActionResult::Done),
        ActionKind::VerifyAddress { .. } => Err(ActionError::WrongToken),
        _ => Err(ActionError::NotOffered),
    }
}

/// A credential of each kind.
pub(crate) fn credentials() -> Vec<OwnCredential> {
    let kinds = [
        CredentialKind::WEB_SESSION,
        CredentialKind::ZULIP_KEY,
        CredentialKind::ROCKETCHAT_TOKEN,
        CredentialKind::PERSONAL_TOKEN,
        CredentialKind::APP_PASSWORD,
        CredentialKind::ZETTELSTORE_TOKEN,
        CredentialKind::new("gitlab-token"),
    ];
    let credential = |(number, kind): (u8, CredentialKind)| OwnCredential {
        id: CredentialId::from_bytes([number; 16]),
        kind,
        name: (kind == CredentialKind::APP_PASSWORD).then(|| "Mail on my phone".to_owned()),
        protocols: if kind == CredentialKind::APP_PASSWORD { vec![ProtocolName::ZULIP] } else { Vec::new() },
        created: FAKE_NOW,
        expires: (number % 2 == 0).then(|| FAKE_NOW + Duration::from_secs(30 * 24 * 3600)),
        last_used: (number % 2 == 1).then_some(FAKE_NOW),
        origin: Some(Origin {
            client: ClientKey::of([192, 0, 2, 7].into()),
            agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".into()),
        }),
        is_presented: number == 1,
    };
    (1..).zip(kinds).map(credential).collect()
}

/// The kinds of the actions that the services were asked, without their content.
pub(crate) fn asked(services: &FakeServices) -> Vec<String> {
    let name = |action: Action| {
        let kind = format!("{:?}", action.kind);
        kind.split([' ', '{']).next().unwrap_or_default().to_owned()
    };
    services.actions().into_iter().map(name).collect()
}
