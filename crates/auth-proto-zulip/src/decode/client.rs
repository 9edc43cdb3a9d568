//! Clients by their `User-Agent`.

/// The oldest version of Zulip for Android that may go on.
const OLDEST_ANDROID: [u64; 3] = [16, 2, 96];

/// A client as its `User-Agent` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client<'a> {
    /// The text before the first `/` or space.
    pub name: &'a str,
    /// The text between that `/` and the next space or `/`; may be empty.
    pub version: &'a str,
    text: &'a str,
}

impl<'a> Client<'a> {
    /// Reads the value of a `User-Agent` header.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (name, rest) = text.find(['/', ' ']).map_or((text, ""), |end| text.split_at(end));
        let version = rest.strip_prefix('/').and_then(|rest| rest.split(['/', ' ']).next()).unwrap_or("");
        Self { name, version, text }
    }

    /// Whether `server_settings` calls the client incompatible.
    #[must_use]
    pub fn is_incompatible(&self) -> bool {
        self.name == "ZulipInvalid"
    }

    /// Whether `/compatibility` refuses the client: an incompatible one, or an Android app that is provably older
    /// than 16.2.96.
    ///
    /// ```
    /// use auth_proto_zulip::decode::client::Client;
    /// assert!(Client::parse("ZulipMobile/16.2.95 (Android 9)").is_too_old());
    /// assert!(!Client::parse("ZulipMobile/27.230 (Android 13)").is_too_old());
    /// ```
    #[must_use]
    pub fn is_too_old(&self) -> bool {
        self.is_incompatible() || self.name == "ZulipMobile" && self.is_on_android() && self.is_old_android()
    }

    fn is_on_android(&self) -> bool {
        let mut words = self.text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word.eq_ignore_ascii_case("android"))
    }

    fn is_old_android(&self) -> bool {
        let (numbers, rest) = numerals(self.version);
        let common = numbers.iter().zip(&OLDEST_ANDROID).find(|(ours, oldest)| ours != oldest);
        match common {
            Some((ours, oldest)) => ours < oldest,
            None => !numbers.is_empty() && numbers.len() < OLDEST_ANDROID.len() && rest.is_empty(),
        }
    }
}

/// The dotted numbers that a version starts with, and the text after them.
fn numerals(mut version: &str) -> (Vec<u64>, &str) {
    let mut numbers = Vec::new();
    let mut next = version;
    loop {
        let end = next.find(|c: char| !c.is_ascii_digit()).unwrap_or(next.len());
        let (digits, rest) = next.split_at(end);
        if digits.is_empty() {
            return (numbers, version);
        }
        numbers.push(digits.parse().unwrap_or(u64::MAX));
        version = rest;
        let Some(after) = rest.strip_prefix('.') else { return (numbers, version) };
        next = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_and_version_are_read() {
        for (text, name, version) in [
            ("ZulipMobile/27.230 (Android 13)", "ZulipMobile", "27.230"),
            ("ZulipInvalid", "ZulipInvalid", ""),
            ("ZulipInvalid/5000", "ZulipInvalid", "5000"),
            ("curl x/1", "curl", ""),
            ("a/b/c", "a", "b"),
            ("", "", ""),
        ] {
            let client = Client::parse(text);
            assert_eq!((client.name, client.version), (name, version), "{text}");
        }
    }

    #[test]
    fn only_provably_old_clients_are_refused() {
        for (text, too_old) in [
            ("ZulipInvalid", true),
            ("ZulipInvalid/5000", true),
            ("ZulipMobile/16.2.95 (Android 9)", true),
            ("ZulipMobile/16.2 (android)", true),
            ("ZulipMobile/1.2.3-beta (Android 9)", true),
            ("ZulipMobile/16.2-beta (Android 9)", false),
            ("ZulipMobile/16.2.96 (Android 9)", false),
            ("ZulipMobile/16.2.96.1 (Android 9)", false),
            ("ZulipMobile/99999999999999999999.1 (Android 9)", false),
            ("ZulipMobile/x (Android 9)", false),
            ("ZulipMobile (Android 9)", false),
            ("ZulipMobile/1.0 (iOS 17)", false),
            ("ZulipMobile/1.0 (Androids)", false),
            ("ZulipPython/0.1 (Android)", false),
        ] {
            assert_eq!(Client::parse(text).is_too_old(), too_old, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String, version: String) {
            let _ = Client::parse(&text).is_too_old();
            let _ = Client::parse(&format!("ZulipMobile/{version} Android")).is_too_old();
        }
    }
}
