//! The contract's fixture users as far as a protocol can see them: just enough of an engine to tell them
//! apart. The codes never change: 123456 of a device, 654321 by mail.

use std::sync::Arc;

use auth_core::testing::{ActionKind, RealmBuilder, UserBuilder};
use auth_core::{
    BotKind, Challenge, CheckReply, CredentialCheck, CredentialKind, ExternalId, FactorMethod, FailureReason,
    Grant, GrantKind, Identifier, Login, LoginAttempt, LoginError, LoginMethod, LoginReply, MailedChallenge,
    PresentedCredential, Principal, Profile, ProtocolName, Realm, Role, SecondStep, SecretInput, Timestamp,
    Token, TokenError,
};

const DIGEST: &str = "89e01536ac207279409d4de1e5253e01f4a1769e696db0d6062ca9b8f56767c8";

pub(crate) fn realm() -> Realm {
    Realm { name: "Chat".into(), subdomain: None, ..RealmBuilder::new("chat").digest_logins().build() }
}

/// A user as most are: a member with a password and without a second factor.
pub(crate) fn profile(user_name: &str, address: Option<(&str, bool)>) -> Profile {
    let builder = UserBuilder::new(user_name)
        .realm(realm().id)
        .full_name("My User")
        .joined(Timestamp::from_millis(1_767_323_045_678))
        .external_id(ProtocolName::ROCKETCHAT, id(user_name));
    let builder = match address {
        Some((address, true)) => builder.email(address),
        Some((address, false)) => builder.unverified_email(address),
        None => builder,
    };
    Profile { user: Arc::new(builder.build()), realm: Arc::new(realm()), has_password: true, totp: false }
}

/// The id of a user: 17 characters.
pub(crate) fn id(user_name: &str) -> String {
    format!("{user_name:A<17}").chars().take(17).collect()
}

/// The token that every login of a user gives: 43 characters.
pub(crate) fn token(user_name: &str) -> String {
    format!("{user_name:-<43}")
}

/// A user by name, and the user's password.
fn account(user_name: &str) -> Option<(Profile, &'static str)> {
    let at = |address| Some((address, true));
    let mut password = "mypassword";
    let found = match user_name {
        "myusername" => profile(user_name, at("my@email.com")),
        "inactive" => {
            let mut found = profile(user_name, at("inactive@email.com"));
            Arc::make_mut(&mut found.user).active = false;
            found
        }
        "unverified" => profile(user_name, Some(("unverified@email.com", false))),
        "second" => profile(user_name, at("second@email.com")),
        "spaced" => {
            password = "a b+c";
            profile(user_name, at("spaced@email.com"))
        }
        "admin" => {
            password = "adminpassword";
            let mut found = profile(user_name, at("admin@email.com"));
            Arc::make_mut(&mut found.user).role = Role::Admin;
            found
        }
        "appuser" => {
            let mut found = profile(user_name, None);
            Arc::make_mut(&mut found.user).bot = Some(BotKind::App);
            found
        }
        "mustchange" => {
            let mut found = profile(user_name, None);
            Arc::make_mut(&mut found.user).must_change_password = true;
            found
        }
        "totpuser" => {
            let mut found = profile(user_name, at("totp@email.com"));
            found.totp = true;
            found
        }
        "mailuser" => {
            let mut found = profile(user_name, at("mail@email.com"));
            Arc::make_mut(&mut found.user).email_second_factor = true;
            found
        }
        "bothuser" => {
            let mut found = profile(user_name, at("both@email.com"));
            (found.totp, Arc::make_mut(&mut found.user).email_second_factor) = (true, true);
            found
        }
        _ => return None,
    };
    Some((found, password))
}

const NAMES: [&str; 11] = [
    "myusername",
    "admin",
    "totpuser",
    "mailuser",
    "bothuser",
    "inactive",
    "unverified",
    "appuser",
    "spaced",
    "second",
    "mustchange",
];

fn find(who: &Identifier) -> Option<(Profile, &'static str)> {
    NAMES.into_iter().filter_map(account).find(|(profile, _)| match who {
        Identifier::Name { kind, typed } => profile.user.name(*kind).is_some_and(|name| name.exact == *typed),
        Identifier::External { protocol, id } => profile.user.external_ids.get(*protocol) == Some(id),
        _ => false,
    })
}

/// Judges an attempt: the password first, then the state of the account, then the second factor.
pub(crate) fn log_in(attempt: &LoginAttempt) -> LoginReply {
    assert_eq!((attempt.protocol, &*attempt.realm), (ProtocolName::ROCKETCHAT, &realm()));
    assert_eq!(attempt.grant, GrantKind::Token(CredentialKind::ROCKETCHAT_TOKEN));
    let result = judge(attempt).map(|profile| {
        let token = Token::new(token(profile.user.user_name().unwrap()));
        Box::new(Login { profile, grant: Grant::Token { token, expires: None } })
    });
    LoginReply { result, rate_limit: None, not_before: None }
}

fn judge(attempt: &LoginAttempt) -> Result<Profile, LoginError> {
    let wrong = || LoginError::Credentials(FailureReason::WrongPassword);
    let profile = match &attempt.method {
        LoginMethod::Password { who, secret } => find(who)
            .filter(|(_, right)| match secret {
                SecretInput::Password(password) => password.expose() == *right,
                SecretInput::Digest(digest) => *right == "mypassword" && digest.expose() == DIGEST,
            })
            .map(|(profile, _)| profile)
            .ok_or_else(wrong)?,
        LoginMethod::Resume(presented) => {
            return NAMES
                .into_iter()
                .find(|name| presented.expose() == token(name))
                .and_then(account)
                .map(|(profile, _)| profile)
                .ok_or(LoginError::Credentials(FailureReason::UnknownToken));
        }
        other => panic!("Rocket.Chat has no {other:?}"),
    };
    if profile.user.bot == Some(BotKind::App) {
        return Err(LoginError::AppAccount);
    }
    if !profile.user.active {
        return Err(LoginError::UserInactive);
    }
    let SecondStep::Offered(code) = &attempt.second_step else { panic!("the protocol has a second step") };
    let code = code.as_ref().map(|code| code.expose());
    let (challenge, right) = match (profile.totp, profile.user.email_second_factor) {
        (true, mail) => (totp(mail), ["123456", "aBcD2345"]),
        (false, true) => (mailed(false), ["654321", "654-321"]),
        (false, false) => return Ok(profile),
    };
    match code {
        None => Err(LoginError::SecondFactorRequired(challenge)),
        Some(code) if right.contains(&code) => Ok(profile),
        Some(_) => Err(LoginError::SecondFactorInvalid(challenge)),
    }
}

/// The challenge of a user with a device, and perhaps mailed codes as well.
pub(crate) fn totp(and_mail: bool) -> Challenge {
    let mut available = vec![FactorMethod::Totp];
    available.extend(and_mail.then_some(FactorMethod::Email));
    Challenge { method: FactorMethod::Totp, available, mailed: None, ticket: None }
}

/// The challenge of a user with mailed codes.
pub(crate) fn mailed(generated: bool) -> Challenge {
    let expires = Timestamp::from_millis(1_767_326_645_678);
    Challenge {
        method: FactorMethod::Email,
        available: vec![FactorMethod::Email],
        mailed: Some(MailedChallenge { generated, expires, recipient: "mailuser".into() }),
        ticket: None,
    }
}

/// Knows the tokens that [`log_in`] gives.
pub(crate) fn check(check: &CredentialCheck) -> CheckReply {
    assert_eq!((check.protocol, check.realm.as_deref()), (ProtocolName::ROCKETCHAT, Some(&realm())));
    let PresentedCredential::Token { kinds, owner: Some(ExternalId::Text(owner)), token: presented } =
        &check.credential
    else {
        panic!("Rocket.Chat presents opaque tokens with the id of their owner")
    };
    assert_eq!(*kinds, [CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN]);
    let found = NAMES.into_iter().find(|name| presented.expose() == token(name) && *owner == id(name));
    match found.and_then(account) {
        Some((profile, _)) => CheckReply { result: Ok(Box::new(principal(profile))), rate_limit: None },
        None => CheckReply::refused(TokenError::Invalid),
    }
}

/// A user who presented a login token.
pub(crate) fn principal(profile: Profile) -> Principal {
    Principal {
        profile,
        credential: None,
        kind: Some(CredentialKind::ROCKETCHAT_TOKEN),
        parent: None,
        issued: Timestamp::default(),
        expires: None,
        bypass_second_factor: false,
    }
}

/// An action in words, so that tables can name it.
pub(crate) fn describe(action: &ActionKind) -> String {
    match action {
        ActionKind::EndOtherSessions => "end others".to_owned(),
        ActionKind::EndSessions { of } => format!("end all of {}", name(of.as_ref())),
        ActionKind::CreateSession { of, secret } => {
            format!("create for {} knowing {}", name(Some(of)), secret.expose())
        }
        ActionKind::AnotherSession => "another".to_owned(),
        ActionKind::CreatePersonalToken { name, bypass } => format!("make {name} {bypass}"),
        ActionKind::ReplacePersonalToken { name } => format!("renew {name}"),
        ActionKind::PersonalTokens => "list".to_owned(),
        ActionKind::RemovePersonalToken { name } => format!("remove {name}"),
        ActionKind::EnrolDevice => "enrol".to_owned(),
        ActionKind::ConfirmDevice { code } => format!("confirm {}", code.expose()),
        ActionKind::RemoveDevice { code } => format!("remove device {}", code.expose()),
        ActionKind::RenewBackupCodes { code } => format!("renew codes {}", code.expose()),
        ActionKind::BackupCodesLeft => "count codes".to_owned(),
        ActionKind::ResetDevice { of } => format!("reset {}", name(of.as_ref())),
        ActionKind::RequireMailedCodes => "require mailed".to_owned(),
        ActionKind::WaiveMailedCodes => "waive mailed".to_owned(),
        ActionKind::MailCode { who, .. } => format!("mail to {}", name(Some(who))),
        ActionKind::Confirm => "confirm".to_owned(),
        ActionKind::ForgotPassword { address, .. } => format!("forgot {address}"),
        ActionKind::SuggestUserName => "suggest".to_owned(),
        ActionKind::ChangeOwnAccount { user_name, full_name, address, password, .. } => {
            let name = user_name.as_ref().map(|name| format!("choose {name}"));
            let full_name = full_name.as_ref().map(|name| format!("be called {name}"));
            let address = address.as_ref().map(|address| format!("have {address}"));
            let password = password.as_ref().map(|new| format!("change password to {}", new.expose()));
            name.into_iter().chain(full_name).chain(address).chain(password).collect::<Vec<_>>().join(", ")
        }
        ActionKind::MailAddressProof { address, .. } => format!("prove {address}"),
        ActionKind::VerifyAddress { token, .. } => format!("verify {}", token.expose()),
        other => panic!("Rocket.Chat asks for no {other:?}"),
    }
}

fn name(who: Option<&Identifier>) -> String {
    match who {
        None => "self".to_owned(),
        Some(Identifier::External { protocol: ProtocolName::ROCKETCHAT, id }) => format!("id {id}"),
        Some(Identifier::Name { kind, typed }) => format!("{kind:?} {typed}"),
        Some(other) => panic!("{other:?}"),
    }
}
