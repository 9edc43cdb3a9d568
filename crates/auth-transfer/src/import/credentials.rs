//! Keys, devices, codes and tokens of a line, sealed and under their digests.

use std::collections::HashSet;

use auth_core::{ApiKey, Credential, CredentialKind, Digest, Scope, Timestamp, User};
use auth_crypto::keyring::Purpose;
use auth_crypto::{opaque, totp};
use data_encoding::{BASE64, HEXLOWER};

use super::super::line::{BadLine, TokenLine, UserLine, bad, time};
use crate::Engine;
use crate::grant::has_ended;

/// Bytes of SHA-256.
const DIGEST: usize = 32;

/// The longest name and last part of a personal token, in bytes.
const LONGEST_LABEL: usize = 256;

impl Engine {
    /// What a line says that its user can present.
    pub(super) fn credentials_of(&self, line: &UserLine, user: &User) -> Result<Vec<Credential>, BadLine> {
        let mut credentials = Vec::new();
        if let Some(key) = &line.zulip_api_key {
            if key.len() != 32 || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(bad("`zulip_api_key` is not 32 letters and digits"));
            }
            credentials.push(self.new_zulip_key(user.id, &ApiKey::new(key.as_str())));
        }
        if let Some(secret) = &line.totp_secret {
            let secret = totp::from_base32(secret).map_err(|_| bad("`totp_secret` is not base32"))?;
            let sealed = self.ring().seal(Purpose::Totp, user.id.as_bytes(), secret.expose(), &*self.rng);
            let device = self.new_credential(user.id, CredentialKind::Totp, None);
            credentials.push(Credential { sealed: Some(sealed), ..device });
        }
        for code in &line.backup_codes {
            if code.len() != 8 || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(bad("`backup_codes` has one that is not 8 letters and digits"));
            }
            let hashed = HEXLOWER.encode(opaque::digest(code).as_bytes());
            credentials.push(self.backup_code(user.id, &hashed));
        }
        for hashed in &line.backup_code_digests {
            if HEXLOWER.decode(hashed.as_bytes()).map(|bytes| bytes.len()) != Ok(DIGEST) {
                return Err(bad("`backup_code_digests` has one that is not SHA-256 in hexadecimal"));
            }
            credentials.push(self.backup_code(user.id, hashed));
        }
        self.take_tokens(line, user, &mut credentials)?;
        Ok(credentials)
    }

    /// Log-in tokens that have not ended, the newest as many as a user may have, and personal ones.
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
                None if has_ended(&credential, self.now()) => {}
                None => sessions.push(credential),
            }
        }
        sessions.sort_by_key(|token| std::cmp::Reverse(token.created));
        sessions.truncate(self.config.rocketchat.max_tokens as usize);
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
        let created: Timestamp = moment(&line.created)?.unwrap_or_else(|| self.now());
        let expires = moment(&line.expires)?;
        let Some(name) = &line.name else {
            let token =
                self.new_credential(user.id, CredentialKind::RocketChatToken, Some(Digest::new(digest)));
            let expires = expires.unwrap_or(created + self.config.rocketchat.token_lifetime);
            return Ok(Credential { created, expires: Some(expires), ..token });
        };
        let last_part = line.last_part.as_deref().unwrap_or_default();
        if name.is_empty() || name.len() > LONGEST_LABEL || last_part.len() > LONGEST_LABEL {
            return Err(bad("`rocketchat_tokens` has a name that is not 1 to 256 bytes"));
        }
        let sealed =
            self.ring().seal(Purpose::PersonalToken, user.id.as_bytes(), last_part.as_bytes(), &*self.rng);
        let token = self.new_credential(user.id, CredentialKind::PersonalToken, Some(Digest::new(digest)));
        Ok(Credential {
            created,
            expires,
            sealed: Some(sealed),
            label: Some(name.clone()),
            scope: Scope { protocols: Vec::new(), bypass_second_factor: line.bypass_second_factor },
            ..token
        })
    }
}
