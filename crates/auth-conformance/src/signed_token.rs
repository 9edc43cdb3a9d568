//! Test tokens that are signed with the server's own key, which is read from its key file, and stored as tokens that the
//! server has issued.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::{digest, hkdf, hmac};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::clock::unix_seconds;

/// Makes a JSON web token with these claims, signed with the key in the folder `dir`.
///
/// The texts `now`, `now+N` and `now-N` in the claims become seconds since the Unix epoch. The algorithm `none` gets a
/// signature by the right key nonetheless.
pub(crate) fn make(dir: &Path, claims: &Value, algorithm: &str) -> Result<String> {
    let claims: Map<String, Value> = claims
        .as_object()
        .context("claims")?
        .iter()
        .map(|(name, value)| {
            (name.clone(), value.as_str().and_then(seconds).map_or(value.clone(), Value::from))
        })
        .collect();
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(&json!({"alg": algorithm})), part(&Value::Object(claims)));
    let digest = if algorithm == "HS256" { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA512 };
    let mac = hmac::sign(&hmac::Key::new(digest, &signing_key(dir)?), signed.as_bytes());
    Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(mac.as_ref())))
}

/// Stores a token in the server's store, as one that was issued to the user whom the claims name, if there is one.
pub(crate) fn store(dir: &Path, claims: &Value, token: &str) -> Result<()> {
    let zid = claims.get("zid").and_then(Value::as_str).and_then(|zid| zid.parse::<i64>().ok());
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    let connection = Connection::open(dir.join("auth.db"))?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute(
        "INSERT OR IGNORE INTO credential (id, user, kind, digest, doors, bypass_second_factor, created, counter)
         SELECT randomblob(16), number, 'zettelstore-token', ?2, '', 0, 0, 0 FROM user WHERE zettelstore = ?1",
        (zid, digest.as_ref()),
    )?;
    Ok(())
}

/// Seconds since the Unix epoch for `now`, `now+600`, `now-100`. Now is the second that begins next: users who were made in
/// this one refuse tokens from before.
fn seconds(text: &str) -> Option<i64> {
    let offset = text.strip_prefix("now")?;
    let offset = if offset.is_empty() { 0 } else { offset.parse().ok()? };
    Some(unix_seconds() + 1 + offset)
}

/// The key that signs Zettelstore tokens of the fixtures' realm `notes`, derived from the first key of the file.
fn signing_key(dir: &Path) -> Result<Vec<u8>> {
    let file: Value = toml::from_str(&fs::read_to_string(dir.join("keys.toml"))?)?;
    let secret = file.pointer("/key/0/secret").and_then(Value::as_str).context("no key in the key file")?;
    let secret = HEXLOWER.decode(secret.as_bytes())?;
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"auth-server key ring 1").extract(&secret);
    let key = derived.expand(&[b"token-signing"], hmac::HMAC_SHA256).map_err(|_| anyhow!("HKDF"))?;
    Ok(hmac::sign(&key.into(), b"bytesnotes").as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_carry_the_claims_with_the_current_time() {
        let dir = tempfile::tempdir().unwrap();
        let keys = format!("[[key]]\nid = 1\nsecret = \"{}\"\n", "07".repeat(32));
        fs::write(dir.path().join("keys.toml"), keys).unwrap();
        let token = make(dir.path(), &json!({"sub": "now", "exp": "now+600", "_tk": 1}), "HS512").unwrap();
        let parts: Vec<Vec<u8>> =
            token.split('.').map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).collect();
        assert_eq!(parts[0], br#"{"alg":"HS512"}"#);
        let claims: Value = serde_json::from_slice(&parts[1]).unwrap();
        assert!((claims["exp"].as_i64().unwrap() - unix_seconds() - 600).abs() < 5);
        assert_eq!(parts[2].len(), 64);
    }
}
