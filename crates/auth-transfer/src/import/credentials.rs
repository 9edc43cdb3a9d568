//! Keys, devices, codes and tokens of a line, sealed and under their digests.

use std::collections::HashSet;

use auth_core::{ApiKey, Credential, CredentialKind, Digest, Scope, Timestamp, User, is_control};
use auth_crypto::totp;
use auth_engine::{has_ended, sha256_hex};
use data_encoding::{BASE64, HEXLOWER};

use super::check::Checker;
use crate::line::{BadLine, TokenLine, UserLine, bad, time};

/// Bytes of SHA-256.
const DIGEST: usize = 32;

/// The longest name and last part of a personal token, in bytes.
const LONGEST_LABEL: usize = 256;

impl Checker<'_> {
    /// What a line says that its user can present.
    pub(super) fn credentials_of(&self, line: &UserLine, user: &User) -> Result<Vec<Credential>, BadLine> {
        let factory = self.engine.credentials();
        let mut credentials = Vec::new();
        if let Some(key) = &line.zulip_api_key {
            if key.len() != 32 || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(bad("`zulip_api_key` is not 32 letters and digits"));
            }
            credentials.push(factory.zulip_key(user.id, &ApiKey::new(key.as_str())));
        }
        if let Some(secret) = &line.totp_secret {
            let secret = totp::from_base32(secret).map_err(|_| bad("`totp_secret` is not base32"))?;
            credentials.push(factory.totp(user.id, CredentialKind::TOTP, &secret));
        }
        for code in &line.backup_codes {
            if code.len() != 8 || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(bad("`backup_codes` has one that is not 8 letters and digits"));
            }
            credentials.push(factory.backup_code(user.id, &sha256_hex(code)));
        }
        for hashed in &line.backup_code_digests {
            if HEXLOWER.decode(hashed.as_bytes()).map(|bytes| bytes.len()) != Ok(DIGEST) {
                return Err(bad("`backup_code_digests` has one that is not SHA-256 in hexadecimal"));
            }
            credentials.push(factory.backup_code(user.id, hashed));
        }
        self.take_tokens(line, user, &mut credentials)?;
        Ok(credentials)
    }

    /// Login tokens that have not ended, the newest as many as a user may have, and personal ones.
    fn take_tokens(
        &self,
        line: &UserLine,
        user: &User,
        credentials: &mut Vec<Credential>,
    ) -> Result<(), BadLine> {
        let mut names = HashSet::new();
        let mut sessions = Vec::new();
        for token in &line.rocketchat_tokens {
            let credential = self.token(token, user)?;
            match &credential.label {
                Some(name) if !names.insert(name.clone()) => {
                    return Err(bad("`rocketchat_tokens` has two of one name"));
                }
                Some(_) => credentials.push(credential),
                None if has_ended(&credential, self.engine.clock().now()) => {}
                None => sessions.push(credential),
            }
        }
        sessions.sort_by_key(|token| std::cmp::Reverse(token.created));
        sessions.truncate(self.engine.config().rocketchat.max_tokens as usize);
        credentials.extend(sessions);
        Ok(())
    }

    fn token(&self, line: &TokenLine, user: &User) -> Result<Credential, BadLine> {
        let moment = |text: &Option<String>| match text.as_deref().map(time) {
            None => Ok(None),
            Some(Some(moment)) => Ok(Some(moment)),
            Some(None) => Err(bad("`rocketchat_tokens` has a time that is not RFC 3339")),
        };
        let digest = BASE64.decode(line.digest.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        let digest: [u8; DIGEST] =
            digest.ok_or_else(|| bad("`rocketchat_tokens` has a digest that is not SHA-256 in base64"))?;
        let created: Timestamp = moment(&line.created)?.unwrap_or_else(|| self.engine.clock().now());
        let expires = moment(&line.expires)?;
        let Some(name) = &line.name else {
            let token = self.engine.credentials().credential(
                user.id,
                CredentialKind::ROCKETCHAT_TOKEN,
                Some(Digest::new(digest)),
            );
            let expires = expires.unwrap_or(created + self.engine.config().rocketchat.token_lifetime);
            return Ok(Credential { created, expires: Some(expires), ..token });
        };
        let last_part = line.last_part.as_deref().unwrap_or_default();
        if name.is_empty() || name.len() > LONGEST_LABEL || last_part.len() > LONGEST_LABEL {
            return Err(bad("`rocketchat_tokens` has a name that is not 1 to 256 bytes"));
        }
        // Names that another system let through don't keep its users from moving.
        let name = name.replace(is_control, "\u{fffd}");
        let token = self.engine.credentials().personal_token(user.id, &name, Digest::new(digest), last_part);
        Ok(Credential {
            created,
            expires,
            scope: Scope { protocols: Vec::new(), bypass_second_factor: line.bypass_second_factor },
            ..token
        })
    }
}
