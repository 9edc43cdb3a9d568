//! The address `zulip://login?…` that ends the browser flow of Zulip's apps, as each app reads it
//! (docs/contract/zulip-web.md, section 1.2).

use data_encoding::HEXLOWER_PERMISSIVE;
use url::Url;

/// What an app takes from the address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebAuth {
    /// The realm's URL, whose origin is the one that the app asked.
    pub realm: String,
    /// The account's address.
    pub email: String,
    /// The account's number; `None` where the app does not read it.
    pub user_id: Option<u64>,
    /// The encrypted API key, in hexadecimal digits.
    pub otp_encrypted_api_key: String,
}

/// Reads the address as zulip-flutter does: scheme and host are compared, all four values are needed, the number is decimal,
/// the encrypted key has exactly 64 hexadecimal digits, and the realm's origin must be that of `realm_uri` in
/// server_settings. Values beyond those are ignored, and their order does not matter.
#[must_use]
pub fn flutter(address: &str, realm_uri: &str) -> Option<WebAuth> {
    let url = Url::parse(address).ok()?;
    let realm = value(&url, "realm")?;
    let email = value(&url, "email")?;
    let user_id = value(&url, "user_id")?;
    let otp_encrypted_api_key = value(&url, "otp_encrypted_api_key")?;
    let is_decimal = !user_id.is_empty() && user_id.bytes().all(|byte| byte.is_ascii_digit());
    let is_key = otp_encrypted_api_key.len() == 64
        && HEXLOWER_PERMISSIVE.decode(otp_encrypted_api_key.as_bytes()).is_ok();
    let is_address = url.scheme() == "zulip" && url.host_str() == Some("login");
    if !(is_address && is_decimal && is_key && same_origin(&realm, realm_uri)) {
        return None;
    }
    Some(WebAuth { realm, email, user_id: Some(user_id.parse().ok()?), otp_encrypted_api_key })
}

/// Reads the address as the retired zulip-mobile did: the scheme is not compared, the encrypted key is as long as the pad,
/// and the number is not read.
#[must_use]
pub fn mobile(address: &str, realm_uri: &str, pad: &str) -> Option<WebAuth> {
    let url = Url::parse(address).ok()?;
    let realm = value(&url, "realm")?;
    let email = value(&url, "email")?;
    let otp_encrypted_api_key = value(&url, "otp_encrypted_api_key")?;
    let is_meant = url.host_str() == Some("login") && otp_encrypted_api_key.len() == pad.len();
    let is_realm = same_origin(&realm, realm_uri);
    (is_meant && is_realm).then_some(WebAuth { realm, email, user_id: None, otp_encrypted_api_key })
}

impl WebAuth {
    /// The API key as zulip-flutter decrypts it: the bytes combined by XOR, read as Latin-1. `None` when the pad and the key
    /// differ in length.
    #[must_use]
    pub fn api_key(&self, pad: &str) -> Option<String> {
        let key = HEXLOWER_PERMISSIVE.decode(self.otp_encrypted_api_key.as_bytes()).ok()?;
        let pad = HEXLOWER_PERMISSIVE.decode(pad.as_bytes()).ok()?;
        (key.len() == pad.len())
            .then(|| key.iter().zip(pad).map(|(key, pad)| char::from(key ^ pad)).collect())
    }

    /// The API key as zulip-mobile decrypted it: digit by digit.
    #[must_use]
    pub fn api_key_by_digits(&self, pad: &str) -> Option<String> {
        let digits = self.otp_encrypted_api_key.chars().zip(pad.chars());
        let digits: Vec<u32> =
            digits.map(|(key, pad)| Some(key.to_digit(16)? ^ pad.to_digit(16)?)).collect::<Option<_>>()?;
        digits.chunks(2).map(|pair| char::from_u32(pair.first()? * 16 + pair.get(1)?)).collect()
    }
}

/// A value of the query. A name that is there twice counts as missing: the apps take different ones of the two.
fn value(url: &Url, name: &str) -> Option<String> {
    let mut found = url.query_pairs().filter(|(known, _)| known == name);
    let value = found.next()?.1.into_owned();
    found.next().is_none().then_some(value)
}

/// Whether both are http or https URLs of one scheme, host and port.
fn same_origin(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    matches!(one.scheme(), "http" | "https") && one.origin() == other.origin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::one_time_pad;

    const REALM: &str = "https://zulip.example.org";
    const KEY: &str = "7DT0rV7nZrqfSXLVojTFdh3jmGJy64u9";

    fn pad() -> String {
        "1234abcd".repeat(8)
    }

    fn address() -> String {
        let key = one_time_pad::encrypt(KEY, &pad()).unwrap();
        format!(
            "zulip://login?otp_encrypted_api_key={key}&email=a%40b.example&user_id=10&realm=https%3A%2F%2Fzulip.example.org"
        )
    }

    #[test]
    fn both_apps_find_the_key() {
        for pad in [pad(), pad().to_uppercase()] {
            let auth = flutter(&address(), REALM).unwrap();
            assert_eq!((auth.email.as_str(), auth.user_id), ("a@b.example", Some(10)));
            assert_eq!(auth.api_key(&pad).unwrap(), KEY);
            let auth = mobile(&address(), REALM, &pad).unwrap();
            assert_eq!(auth.api_key_by_digits(&pad).unwrap(), KEY);
        }
    }

    #[test]
    fn path_slash_and_order_do_not_matter() {
        let (query, realm) = (address(), "https%3A%2F%2Fzulip.example.org%2Fsome%2Fpath");
        let other = query.replace("https%3A%2F%2Fzulip.example.org", realm);
        assert!(flutter(&other, REALM).is_some() && flutter(&other, "https://zulip.example.org/").is_some());
        let mut parts: Vec<&str> = query.trim_start_matches("zulip://login?").split('&').collect();
        parts.reverse();
        let turned = format!("zulip://login?{}&more=1", parts.join("&"));
        assert_eq!(flutter(&turned, REALM), flutter(&query, REALM));
    }

    #[test]
    fn each_app_refuses_what_it_cannot_use() {
        let good = address();
        // The change, and whether flutter and mobile still take the address.
        for (from, to, flutter_takes, mobile_takes) in [
            ("zulip://", "zulp://", false, true),
            ("//login", "//logout", false, false),
            ("user_id=10", "user_id=x", false, true),
            ("user_id=10", "user_id=", false, true),
            ("&user_id=10", "", false, true),
            ("email=a%40b.example&", "", false, false),
            ("https%3A", "http%3A", false, false),
            ("zulip.example.org", "zulip.example.org%3A8443", false, false),
            ("https%3A%2F%2Fzulip.example.org", "zulip.example.org", false, false),
            ("api_key=2", "api_key=", false, false),
            ("api_key=2", "api_key=g", false, true),
            ("&user_id=10", "&user_id=10&user_id=11", false, true),
        ] {
            let changed = good.replacen(from, to, 1);
            assert_ne!(changed, good, "{from}");
            assert_eq!(flutter(&changed, REALM).is_some(), flutter_takes, "flutter: {changed}");
            assert_eq!(mobile(&changed, REALM, &pad()).is_some(), mobile_takes, "mobile: {changed}");
        }
    }
}
