//! Services that know the fixture users, and that a test can change while a session goes on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::testing::{Action, ActionKind, ActionResult, FakeServices};
use auth_core::{
    ActionError, CheckReply, CredentialCheck, Enrolment, Grant, InternalError, LoginReply, NameKind,
    OneTimeCode, PresentedCredential, ProtocolName, RateLimitStatus, Timestamp, Token, TokenError,
};

use crate::{fixture, talk};

/// What a test changes about the services.
#[derive(Default)]
pub(crate) struct Changes {
    /// No token is good any longer.
    pub(crate) signed_out: bool,
    /// Nothing can be looked up.
    pub(crate) outage: bool,
    /// The moment of the next login's answer.
    pub(crate) not_before: Option<Timestamp>,
    /// The user name that every user has been given since.
    pub(crate) renamed: Option<&'static str>,
    /// How long to wait before the next call of a limited method.
    pub(crate) wait: Option<Duration>,
    /// The error of every action.
    pub(crate) refused: Option<ActionError>,
}

/// Another token of the user `myusername`.
pub(crate) const ANOTHER: &str = "another-token-------------------------------";

/// The same check with the token that the login gave, where the other one is presented.
fn as_at_login(check: &CredentialCheck) -> CredentialCheck {
    let mut check = check.clone();
    if let PresentedCredential::Token { token, .. } = &mut check.credential
        && token.expose() == ANOTHER
    {
        *token = Token::new(fixture::token("myusername"));
    }
    check
}

/// Services that answer according to `changes`.
pub(crate) fn services(changes: &Arc<Mutex<Changes>>) -> FakeServices {
    let [for_log_in, for_check, for_admit, for_action] = std::array::from_fn(|_| Arc::clone(changes));
    FakeServices::new()
        .realm(fixture::realm())
        .on_log_in(move |attempt| {
            let changes = for_log_in.lock().unwrap();
            if changes.outage {
                return LoginReply::refused(InternalError::unavailable("gone").into());
            }
            LoginReply { not_before: changes.not_before, ..fixture::log_in(attempt) }
        })
        .on_check(move |check| {
            let changes = for_check.lock().unwrap();
            if changes.outage {
                return CheckReply::refused(InternalError::unavailable("gone").into());
            }
            assert_eq!((check.protocol, &check.peer), (ProtocolName::ROCKETCHAT, &talk::peer()));
            if changes.signed_out {
                return CheckReply::refused(TokenError::UserInactive);
            }
            let mut reply = fixture::check(&as_at_login(check));
            if let (Some(name), Ok(principal)) = (changes.renamed, &mut reply.result) {
                let user = Arc::make_mut(&mut principal.profile.user);
                user.names
                    .iter_mut()
                    .filter(|own| own.kind == NameKind::UserName)
                    .for_each(|own| own.exact = name.into());
            }
            reply
        })
        .on_admit(move |protocol, method, peer| {
            assert_eq!((protocol, peer), (ProtocolName::ROCKETCHAT, &talk::peer()));
            assert_ne!(method, "login", "sockets limit their logins themselves");
            let retry_after = for_admit.lock().unwrap().wait?;
            Some(RateLimitStatus {
                limit: 10,
                remaining: 0,
                reset: talk::START,
                retry_after: Some(retry_after),
            })
        })
        .on_action(move |action| {
            assert_eq!(action.peer, Some(talk::peer()));
            for_action.lock().unwrap().refused.clone().map_or_else(|| Ok(act(action)), Err)
        })
}

fn act(action: &Action) -> ActionResult {
    match &action.kind {
        ActionKind::EnrolDevice => ActionResult::Enrolment(Enrolment {
            secret: Token::new("SECRET"),
            url: Token::new("otpauth://totp/x"),
        }),
        ActionKind::ConfirmDevice { .. } => ActionResult::Codes(vec![OneTimeCode::new("aBcD2345")]),
        ActionKind::RemoveDevice { code } => ActionResult::Flag(code.expose() == "123456"),
        ActionKind::RenewBackupCodes { .. } => ActionResult::Codes(vec![OneTimeCode::new("eFgH6789")]),
        ActionKind::EndOtherSessions => ActionResult::Done,
        ActionKind::AnotherSession => {
            ActionResult::Grant(Grant::Token { token: Token::new(ANOTHER), expires: None })
        }
        ActionKind::BackupCodesLeft => ActionResult::Count(12),
        ActionKind::SuggestUserName => ActionResult::UserName("ada".into()),
        ActionKind::ChangeOwnAccount { .. } => ActionResult::Profile(fixture::profile("myusername", None)),
        other => panic!("no method asks for {other:?}"),
    }
}
