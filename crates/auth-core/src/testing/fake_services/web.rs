//! The fake of what pages ask.

use async_trait::async_trait;

use super::{ActionKind, ActionResult, FakeServices};
use crate::{
    ActionError, ApiKey, Caller, CredentialId, Grant, InternalError, NewAppPassword, OwnCredential,
    OwnCredentials, Password, ProtocolName, RealmId, SealedTexts, TextPurpose, Timestamp, Token,
};

/// The time of fakes.
pub const FAKE_NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// How long a caller is fresh.
const FRESH_SECONDS: i64 = 15 * 60;

/// Sealed texts of the fake are open to read, and say what they are for.
#[async_trait]
impl SealedTexts for FakeServices {
    fn now(&self) -> Timestamp {
        FAKE_NOW
    }

    fn new_token(&self) -> Token {
        let mut asked = self.asked();
        asked.tokens += 1;
        Token::new(format!("{:043}", asked.tokens))
    }

    fn seal(&self, purpose: TextPurpose, holder: &str, data: &str, until: Timestamp) -> Token {
        let mut asked = self.asked();
        asked.tokens += 1;
        let text = format!("{purpose:?}\n{holder}\n{} {}\n{data}", until.as_millis(), asked.tokens);
        Token::new(text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    fn open(&self, purpose: TextPurpose, holder: &str, text: &Token) -> Option<String> {
        let digits = text.expose();
        let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        let text = String::from_utf8(bytes?).ok()?;
        let rest = text.strip_prefix(&format!("{purpose:?}\n{holder}\n"))?;
        let (until, data) = rest.split_once('\n')?;
        let (until, _number) = until.split_once(' ')?;
        let is_good = until.parse::<i64>().is_ok_and(|until| until > FAKE_NOW.as_millis());
        is_good.then(|| data.to_owned())
    }

    async fn spend(&self, text: &Token) -> Result<bool, InternalError> {
        let mut asked = self.asked();
        let is_first = !asked.spent.contains(text);
        asked.spent.push(text.clone());
        Ok(is_first)
    }
}

#[async_trait]
impl OwnCredentials for FakeServices {
    async fn renew_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        let asked = self.act(Some(caller), ActionKind::RenewWebSession);
        expect_result!(asked, ActionResult::Session(_, grant) => grant)
    }

    async fn rotate_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        let asked = self.act(Some(caller), ActionKind::RotateWebSession);
        expect_result!(asked, ActionResult::Grant(grant) => grant)
    }

    fn is_fresh(&self, caller: &Caller<'_>) -> bool {
        FAKE_NOW.as_secs() - caller.principal.issued.as_secs() < FRESH_SECONDS
    }

    async fn own_credentials(&self, caller: &Caller<'_>) -> Result<Vec<OwnCredential>, ActionError> {
        let asked = self.act(Some(caller), ActionKind::OwnCredentials);
        expect_result!(asked, ActionResult::OwnCredentials(list) => list)
    }

    async fn end_credential(&self, caller: &Caller<'_>, id: CredentialId) -> Result<(), ActionError> {
        let asked = self.act(Some(caller), ActionKind::EndCredential { id });
        expect_result!(asked, ActionResult::Done => ())
    }

    fn app_password_protocols(&self, _caller: &Caller<'_>) -> Vec<ProtocolName> {
        vec![ProtocolName::ZULIP, ProtocolName::ZETTELSTORE]
    }

    async fn create_app_password(
        &self,
        caller: &Caller<'_>,
        new: &NewAppPassword<'_>,
    ) -> Result<Password, ActionError> {
        let kind = ActionKind::CreateAppPassword {
            name: new.name.to_owned(),
            protocols: new.protocols.to_vec(),
            expires: new.expires,
        };
        expect_result!(self.act(Some(caller), kind), ActionResult::Password(password) => password)
    }

    async fn api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::ApiKey), ActionResult::ApiKey(key) => key)
    }

    async fn is_reset_link_good(&self, realm: RealmId, token: &Token) -> Result<bool, ActionError> {
        let kind = ActionKind::IsResetLinkGood { realm, token: token.clone() };
        expect_result!(self.act(None, kind), ActionResult::Flag(good) => good)
    }
}
