//! Hashes that a Zettelstore made over an empty password.

use auth_core::{ClientKey, InternalError, Password, ProtocolName, SecretInput};
use auth_crypto::password::{HashingRule, NameContext, StoredPassword, Verdict};
use auth_crypto::pool::Verification;
use auth_engine::Engine;
use futures_util::{StreamExt, stream};

use super::checked::Checked;
use super::draft::Record;
use super::hash::{HASHING, PASSWORDS_PER_STEP};
use super::progress::{OnProgress, tell};
use crate::{ImportError, Progress, Remarks};

/// What is noted of a user whose password is empty.
pub(super) const EMPTY_PASSWORD: &str =
    "the password is empty: at Zettelstore, whoever knows the name is let in";

/// Whether a record is a user whose password a Zettelstore hashed.
pub(super) fn is_of_zettelstore(record: &Record) -> bool {
    stored(record).is_some_and(|stored| stored.is_of_zettelstore())
}

/// Tries an empty password on each hash that a Zettelstore made; notes each user whose hash it opens, since it stays
/// good there.
///
/// # Errors
/// [`ImportError`] when the records can't be read again, the hashing pool is busy, or the import is ended.
pub(super) async fn note_empty_passwords(
    engine: &Engine,
    checked: &mut Checked,
    notes: &mut Remarks<u64>,
    progress: OnProgress<'_>,
) -> Result<(), ImportError> {
    let of = checked.of_zettelstore;
    if of == 0 {
        return Ok(());
    }
    let mut tried = stream::iter(checked.read()?)
        .map(|draft| async {
            let draft = draft?;
            let opens = match is_of_zettelstore(&draft.record) {
                true => Some(opens_without_password(engine, &draft.record).await?),
                false => None,
            };
            Ok::<_, ImportError>((draft.line, opens))
        })
        .buffered(HASHING);
    let mut passwords = 0;
    while let Some(done) = tried.next().await {
        let (line, opens) = done?;
        let Some(opens) = opens else { continue };
        if opens {
            notes.push(line, EMPTY_PASSWORD);
        }
        passwords += 1;
        if passwords % PASSWORDS_PER_STEP == 0 {
            tell(progress, Progress::Hashed { passwords, of })?;
        }
    }
    Ok(())
}

/// Whether the hash of a user is of an empty password. It costs as much as a login.
///
/// # Errors
/// An [`InternalError`] when the hashing pool is busy.
pub(super) async fn opens_without_password(engine: &Engine, record: &Record) -> Result<bool, InternalError> {
    let (Record::User { user, .. }, Some(stored)) = (record, stored(record)) else { return Ok(false) };
    let user = &user.user;
    let (passwords, class) = (engine.passwords(), ClientKey::default().into());
    let job = Verification {
        stored: Some(stored),
        secret: SecretInput::Password(Password::new("")),
        rule: HashingRule { params: passwords.config().params, digest_ready: false },
        context: NameContext {
            zettelstore_id: user.external_number(ProtocolName::ZETTELSTORE),
            user_name: user.user_name().unwrap_or_default().to_owned(),
        },
        class,
    };
    let verdict = passwords.pool().verify(job).await;
    let verdict = verdict.map_err(|busy| InternalError::busy(busy.retry_after))?;
    Ok(matches!(verdict, Verdict::Match { .. }))
}

fn stored(record: &Record) -> Option<StoredPassword> {
    let Record::User { user, .. } = record else { return None };
    StoredPassword::parse(user.password.as_ref()?).ok()
}
