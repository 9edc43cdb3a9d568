//! Second factors come and go (rocketchat.md 2.5).

use auth_core::{Answer, Caller, Identifier, OneTimeCode, Permission};
use bytes::Bytes;
use http::Response;
use serde::Serialize;
use serde_json::Value;

use super::tokens::named_user;
use crate::decode::Fields;
use crate::encode::{Failure, GENERAL, done, success};
use crate::protocol::RocketChatProtocol;

/// A call about a signed-in user's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FactorCall {
    EnableEmail,
    DisableEmail,
    EnableTotp,
    ValidateTotp,
    DisableTotp,
    RegenerateCodes,
    CodesRemaining,
    ResetTotp,
    SyncDirectory,
}

#[derive(Serialize)]
struct Codes<'a> {
    codes: Vec<&'a str>,
}

impl<'a> Codes<'a> {
    fn of(codes: &'a [OneTimeCode]) -> Self {
        Self { codes: codes.iter().map(OneTimeCode::expose).collect() }
    }
}

/// Answers a call.
pub(crate) async fn answer(
    call: FactorCall,
    protocol: &RocketChatProtocol,
    caller: &Caller<'_>,
    body: Value,
) -> Result<Response<Bytes>, Failure> {
    let services = &protocol.services;
    let words = &GENERAL;
    match call {
        FactorCall::EnableEmail => {
            words.unless_denied(services.require_mailed_codes(caller).await?).map(finish)
        }
        FactorCall::DisableEmail => {
            words.unless_denied(services.waive_mailed_codes(caller).await?).map(finish)
        }
        FactorCall::EnableTotp => {
            #[derive(Serialize)]
            struct Enrolled<'a> {
                secret: &'a str,
                url: &'a str,
            }
            let enrolment = words.unless_denied(services.enrol_device(caller).await?)?;
            Ok(success(&Enrolled { secret: enrolment.secret.expose(), url: enrolment.url.expose() }))
        }
        FactorCall::ValidateTotp => {
            let codes = words.unless_denied(services.confirm_device(caller, &code(body)?).await?)?;
            Ok(success(&Codes::of(&codes)))
        }
        FactorCall::DisableTotp => {
            #[derive(Serialize)]
            struct Disabled {
                disabled: bool,
            }
            // A wrong code is no error here.
            let disabled = words.unless_denied(services.remove_device(caller, &code(body)?).await?)?;
            Ok(success(&Disabled { disabled }))
        }
        FactorCall::RegenerateCodes => {
            let codes = words.unless_denied(services.renew_backup_codes(caller, &code(body)?).await?)?;
            Ok(success(&Codes::of(&codes)))
        }
        FactorCall::CodesRemaining => {
            #[derive(Serialize)]
            struct Remaining {
                remaining: usize,
            }
            let remaining = words.unless_denied(services.backup_codes_left(caller).await?)?;
            Ok(success(&Remaining { remaining }))
        }
        FactorCall::ResetTotp => {
            let of = named_user(&Fields::of(body, &["userId", "username", "user"])?)?;
            words.unless_denied(services.reset_device(caller, of.as_ref()).await?).map(finish)
        }
        FactorCall::SyncDirectory => {
            if !caller.principal.profile.user.may(Permission::SyncDirectory) {
                return Err(Failure::NO_PERMISSION);
            }
            words.unless_denied(services.confirm(caller).await?)?;
            // Users of a directory are brought in when they log in, never all at once.
            let directory = protocol.realm().await?.asks_a_directory();
            Err(Failure::BadRequest(if directory { "Not allowed" } else { "LDAP_disabled" }))
        }
    }
}

/// `POST users.2fa.sendEmailCode`: the same answer for everybody and nobody.
pub(crate) async fn send_email_code(protocol: &RocketChatProtocol, body: Value) -> Result<Answer, Failure> {
    let fields = Fields::of(body, &["emailOrUsername"])?;
    let name = fields.text("emailOrUsername")?;
    let who = if name.contains('@') { Identifier::email(name) } else { Identifier::user_name(name) };
    let realm = protocol.realm().await?.id;
    let not_before = GENERAL.unless_denied(protocol.services.mail_code(realm, &who).await?)?;
    Ok(Answer { response: done(), not_before: Some(not_before) })
}

fn code(body: Value) -> Result<OneTimeCode, String> {
    Ok(OneTimeCode::new(Fields::of(body, &["code"])?.text("code")?))
}

fn finish((): ()) -> Response<Bytes> {
    done()
}
