//! The contract's fixture users (rocketchat.md 0) as far as a protocol can see them: just enough of an engine to
//! tell them apart. Their codes never change: 123456 of a device, 654321 by mail.

use std::sync::Arc;

use auth_core::{
    BotKind, Challenge, CheckReply, CredentialCheck, CredentialKind, ExternalIds, FactorMethod,
    FailureReason, Grant, GrantKind, Granted, Identifier, LoginAttempt, LoginError, LoginMethod, LoginName,
    LoginOutcome, LoginReply, MailedChallenge, NameKind, PresentedCredential, Principal, Profile,
    ProtocolName, Realm, RealmId, Role, SecondStep, Timestamp, Token, TokenError, User, UserId,
};

const DIGEST: &str = "89e01536ac207279409d4de1e5253e01f4a1769e696db0d6062ca9b8f56767c8";

pub(crate) fn realm() -> Realm {
    Realm { name: "Chat".into(), digest_logins: true, ..Realm::new(RealmId::from_bytes([1; 16]), "chat") }
}

/// A user with the ordinary facts: member, verified address, password, no second factor.
pub(crate) fn profile(user_name: &str, address: Option<(&str, bool)>) -> Profile {
    let mut names = vec![LoginName { kind: NameKind::UserName, exact: user_name.into(), verified: false }];
    names.extend(address.map(|(exact, verified)| LoginName {
        kind: NameKind::Email,
        exact: exact.into(),
        verified,
    }));
    let user = User {
        id: UserId::from_bytes([2; 16]),
        realm: realm().id,
        names,
        full_name: "My User".into(),
        role: Role::Member,
        bot: None,
        active: true,
        joined: Timestamp::from_millis(1_767_323_045_678),
        valid_from: Timestamp::default(),
        email_second_factor: false,
        must_change_password: false,
        protocols: ExternalIds {
            zulip: 1,
            rocketchat: id(user_name),
            rocketchat_roles: None,
            zettelstore: 0,
            zettelstore_role: None,
        },
        version: 1,
    };
    Profile { user: Arc::new(user), realm: Arc::new(realm()), has_password: true, totp: false }
}

/// The id of a user: 17 characters.
pub(crate) fn id(user_name: &str) -> String {
    format!("{user_name:A<17}").chars().take(17).collect()
}

/// The token every log-in of a user gets: 43 characters.
pub(crate) fn token(user_name: &str) -> String {
    format!("{user_name:-<43}")
}

/// A user by name, and its password.
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

fn named(who: &Identifier) -> Option<(Profile, &'static str)> {
    NAMES.into_iter().filter_map(account).find(|(profile, _)| match who {
        Identifier::Name { kind, typed } => profile.user.name(*kind).is_some_and(|name| name.exact == *typed),
        Identifier::ExternalId(id) => profile.user.protocols.rocketchat == *id,
        _ => false,
    })
}

/// Judges an attempt in the order of rocketchat.md 1.5.
pub(crate) fn log_in(attempt: &LoginAttempt) -> LoginReply {
    assert_eq!((attempt.protocol, attempt.realm), (ProtocolName::RocketChat, realm().id));
    assert_eq!(attempt.grant, GrantKind::RocketChatToken);
    let outcome = match judge(attempt) {
        Ok(profile) => {
            let token = Token::new(token(profile.user.user_name().unwrap()));
            LoginOutcome::Granted(Box::new(Granted {
                profile,
                grant: Grant::RocketChatToken { token, expires: None },
            }))
        }
        Err(refusal) => LoginOutcome::Refused(refusal),
    };
    LoginReply { outcome, rate_limit: None, not_before: None }
}

fn judge(attempt: &LoginAttempt) -> Result<Profile, LoginError> {
    let wrong = || LoginError::Credentials(FailureReason::WrongPassword);
    let profile = match &attempt.proof {
        LoginMethod::Password { who, password } => named(who)
            .filter(|(_, right)| password.expose() == *right)
            .map(|(profile, _)| profile)
            .ok_or_else(wrong)?,
        LoginMethod::Digest { who, digest } => named(who)
            .filter(|(_, right)| *right == "mypassword" && digest.expose() == DIGEST)
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
    Challenge { method: FactorMethod::Totp, available, mailed: None }
}

/// The challenge of a user with mailed codes.
pub(crate) fn mailed(generated: bool) -> Challenge {
    let expires = Timestamp::from_millis(1_767_326_645_678);
    Challenge {
        method: FactorMethod::Email,
        available: vec![FactorMethod::Email],
        mailed: Some(MailedChallenge { generated, expires, recipient: "mailuser".into() }),
    }
}

/// Knows the tokens that [`log_in`] gives.
pub(crate) fn check(presentation: &CredentialCheck) -> CheckReply {
    let PresentedCredential::RocketChatToken { user_id, token: presented } = &presentation.credential else {
        panic!("Rocket.Chat presents its own tokens")
    };
    let owner = NAMES.into_iter().find(|name| presented.expose() == token(name) && *user_id == id(name));
    let outcome = match owner.and_then(account) {
        Some((profile, _)) => Ok(Box::new(principal(profile))),
        None => Err(TokenError::Invalid),
    };
    CheckReply { outcome, rate_limit: None }
}

/// Somebody who presented a log-in token.
pub(crate) fn principal(profile: Profile) -> Principal {
    Principal {
        profile,
        credential: None,
        kind: Some(CredentialKind::RocketChatToken),
        issued: Timestamp::default(),
        expires: None,
        bypass_second_factor: false,
    }
}
