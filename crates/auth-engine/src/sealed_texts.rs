//! Sealed texts: what forms and tickets carry, so that this server need not keep it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, InternalError, Rng, Store, TextPurpose, Timestamp, Token};
use auth_crypto::keyring::Purpose;
use auth_crypto::opaque;
use data_encoding::BASE64URL_NOPAD;

use crate::keys::Keys;

/// How long a sealed text is good at most. Spent ones are remembered for as long.
const LONGEST: Duration = Duration::from_secs(3600);

/// Bytes of the moment at which a text ends.
const MOMENT: usize = size_of::<i64>();

/// Seals texts, opens them, and remembers which were used.
pub(crate) struct SealedTextService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl SealedTextService {
    /// The moment now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A random token.
    pub(crate) fn new_token(&self) -> Token {
        opaque::rocketchat_token(&*self.rng)
    }

    /// Seals a text, for an hour at most.
    pub(crate) fn seal(&self, purpose: TextPurpose, holder: &str, data: &str, until: Timestamp) -> Token {
        let until = until.min(self.clock.now() + LONGEST);
        let mut plain = until.as_millis().to_be_bytes().to_vec();
        plain.extend_from_slice(data.as_bytes());
        let context = context(purpose, holder);
        let sealed = self.keys.ring().seal(Purpose::SealedText, &context, &plain, &*self.rng);
        Token::new(BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens a text. One that ends later than an hour from now was sealed before the clock was set back, and has ended.
    pub(crate) fn open(&self, purpose: TextPurpose, holder: &str, text: &Token) -> Option<String> {
        let sealed = BASE64URL_NOPAD.decode(text.expose().as_bytes()).ok()?;
        let plain = self.keys.ring().open(Purpose::SealedText, &context(purpose, holder), &sealed).ok()?;
        let (until, data) = plain.split_at_checked(MOMENT)?;
        let until = Timestamp::from_millis(i64::from_be_bytes(until.try_into().ok()?));
        let now = self.clock.now();
        if until <= now || until > now + LONGEST {
            return None;
        }
        String::from_utf8(data.to_vec()).ok()
    }

    /// Uses a text up; `false` when it was used before.
    pub(crate) async fn spend(&self, text: &Token) -> Result<bool, InternalError> {
        Ok(self.store.spend(&opaque::digest(text.expose()), self.clock.now() + LONGEST).await?)
    }
}

/// What a text is bound to.
fn context(purpose: TextPurpose, holder: &str) -> Vec<u8> {
    let purpose = match purpose {
        TextPurpose::Form => "form",
        TextPurpose::LoginTicket => "login-ticket",
        TextPurpose::Notice => "notice",
        _ => "other",
    };
    format!("{purpose}\n{holder}").into_bytes()
}

impl fmt::Debug for SealedTextService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTextService").finish_non_exhaustive()
    }
}
