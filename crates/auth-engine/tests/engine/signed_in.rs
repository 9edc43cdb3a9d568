//! Users signed in at Rocket.Chat, and short ways to call as one of them.

use auth_core::{
    Caller, Clock, FactorMethod, Identifier, LoginAttempt, LoginMethod, OneTimeCode, OutgoingMail, Peer,
    PresentedFactor, Principal, ProtocolName, SecondStep, Timestamp, Token, TotpSecret,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::totp;
use auth_engine::testing::{PASSWORD, TOTP_SECRET, World, password, peer, result, rocketchat_token, token};

pub(crate) struct SignedIn {
    pub(crate) principal: Box<Principal>,
    pub(crate) token: Token,
    pub(crate) peer: Peer,
}

impl SignedIn {
    /// A new session of a user, with a code of the device whose secret is [`TOTP_SECRET`].
    pub(crate) async fn new(world: &World, who: &str) -> Self {
        let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, who, PASSWORD).await;
        let code = OneTimeCode::new(device_code(world.clock.now()));
        let attempt = LoginAttempt { second_step: SecondStep::Offered(Some(code)), ..attempt };
        let grant = result(world.ask(attempt).await).unwrap();
        Self::with(world, who, token(&grant)).await
    }

    /// A user who presents a token.
    pub(crate) async fn with(world: &World, who: &str, token: Token) -> Self {
        let user_id = world.rocketchat_id(who).await;
        let presented = rocketchat_token(&user_id, token.clone());
        let principal = world.check("main", ProtocolName::ROCKETCHAT, presented).await.result.unwrap();
        Self { principal, token, peer: peer("192.0.2.1").with_agent("test") }
    }

    /// Whether the session is still good.
    pub(crate) async fn is_good(&self, world: &World) -> bool {
        let user_id = self.principal.profile.user.external_text(ProtocolName::ROCKETCHAT);
        let presented = rocketchat_token(user_id, self.token.clone());
        world.check("main", ProtocolName::ROCKETCHAT, presented).await.result.is_ok()
    }

    pub(crate) fn caller<'a>(&'a self, factor: &'a PresentedFactor) -> Caller<'a> {
        Caller { principal: &self.principal, peer: &self.peer, protocol: ProtocolName::ROCKETCHAT, factor }
    }
}

pub(crate) fn none() -> PresentedFactor {
    PresentedFactor::default()
}

pub(crate) fn code(code: &str) -> PresentedFactor {
    PresentedFactor { code: Some(OneTimeCode::new(code)), method: None, password: None }
}

pub(crate) fn by(method: FactorMethod, code: Option<&str>) -> PresentedFactor {
    PresentedFactor { code: code.map(OneTimeCode::new), method: Some(method), password: None }
}

/// What a client sends in place of [`PASSWORD`].
pub(crate) fn password_code() -> String {
    data_encoding::HEXLOWER.encode(auth_crypto::opaque::digest(PASSWORD).as_bytes())
}

/// The code of the tests' device.
pub(crate) fn device_code(time: Timestamp) -> String {
    code_of(TOTP_SECRET, time)
}

pub(crate) fn code_of(secret: &str, time: Timestamp) -> String {
    let secret: TotpSecret = totp::from_base32(secret).unwrap();
    totp::code(&secret, totp::step_at(time)).expose().to_owned()
}

/// The texts of the mails that wait, oldest first.
pub(crate) async fn mails(world: &World) -> Vec<String> {
    let due = world.store.due(world.clock.now(), 100).await.unwrap();
    let open = |mail: OutgoingMail| {
        let text = world.ring.open(Purpose::Mail, mail.id.as_bytes(), &mail.body).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    };
    due.into_iter().map(open).collect()
}

/// The code in a mail.
pub(crate) fn mailed_code(text: &str) -> String {
    let code = text.split_whitespace().find(|word| word.contains('-')).unwrap();
    code.trim_end_matches('.').to_owned()
}

/// An attempt at the Rocket.Chat protocol under any kind of name.
pub(crate) async fn attempt_as(world: &World, who: Identifier, typed: &str) -> LoginAttempt {
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "x", typed).await;
    LoginAttempt { method: LoginMethod::Password { who, secret: password(typed) }, ..attempt }
}
