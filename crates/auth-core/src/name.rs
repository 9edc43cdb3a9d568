//! Open sets of short names: protocols, kinds of credentials, and exact points.

use std::fmt;

/// Defines a name of at most 31 bytes that is kept inline, so that it is `Copy` and can stand in a pattern.
macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            bytes: [u8; Self::MAX_BYTES],
            length: u8,
        }

        impl $name {
            /// The longest name, in bytes.
            pub const MAX_BYTES: usize = 31;

            /// Makes a name that is written in code.
            ///
            /// # Panics
            /// When `name` is not 1 to [`Self::MAX_BYTES`] of `[a-z0-9-]`: at compile time, where the name is a
            /// constant.
            #[must_use]
            pub const fn new(name: &'static str) -> Self {
                match Self::from_name(name) {
                    Some(name) => name,
                    None => panic!("a name is 1 to 31 lower-case letters, digits or hyphens"),
                }
            }

            /// Reads a name from a store or a configuration; `None` when it is not 1 to [`Self::MAX_BYTES`] of
            /// `[a-z0-9-]`.
            #[must_use]
            #[expect(clippy::indexing_slicing, reason = "`at` is less than both lengths; a constant can't iterate")]
            pub const fn from_name(name: &str) -> Option<Self> {
                let name = name.as_bytes();
                if name.is_empty() || name.len() > Self::MAX_BYTES {
                    return None;
                }
                let mut bytes = [0; Self::MAX_BYTES];
                let mut at = 0;
                while at < name.len() {
                    if !matches!(name[at], b'a'..=b'z' | b'0'..=b'9' | b'-') {
                        return None;
                    }
                    bytes[at] = name[at];
                    at += 1;
                }
                // At most 31.
                #[expect(clippy::cast_possible_truncation, reason = "checked above")]
                let length = name.len() as u8;
                Some(Self { bytes, length })
            }

            /// The name as text, as configurations, logs and stores write it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
                std::str::from_utf8(bytes).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }
    };
}

short_name! {
    /// The name of a wire protocol, such as `zulip`.
    ///
    /// Names are open: a crate that adds a protocol makes its own with [`ProtocolName::new`].
    ///
    /// ```
    /// use auth_core::ProtocolName;
    ///
    /// const GITLAB: ProtocolName = ProtocolName::new("gitlab");
    /// assert_eq!(GITLAB.as_str(), "gitlab");
    /// assert_eq!(ProtocolName::from_name("zulip"), Some(ProtocolName::ZULIP));
    /// assert_eq!(ProtocolName::from_name("no name"), None);
    /// ```
    ProtocolName
}

impl ProtocolName {
    /// Zulip's API.
    pub const ZULIP: Self = Self::new("zulip");
    /// Rocket.Chat's API.
    pub const ROCKETCHAT: Self = Self::new("rocketchat");
    /// Zettelstore's API.
    pub const ZETTELSTORE: Self = Self::new("zettelstore");
    /// The pages.
    pub const WEB: Self = Self::new("web");
    /// The questions of proxies: who is there, and may they go on.
    pub const FORWARD: Self = Self::new("forward");
}

short_name! {
    /// The kind of a stored credential, such as `zulip-key`.
    ///
    /// Kinds are open: a new way to sign in is a new kind, and stores keep it without a change.
    CredentialKind
}

impl CredentialKind {
    /// The Zulip API key of an account: one, sealed, the same at every login.
    pub const ZULIP_KEY: Self = Self::new("zulip-key");
    /// A Rocket.Chat login token: stored as SHA-256, with an end date.
    pub const ROCKETCHAT_TOKEN: Self = Self::new("rocketchat-token");
    /// A Rocket.Chat personal access token: stored as SHA-256, named, without an end.
    pub const PERSONAL_TOKEN: Self = Self::new("personal-token");
    /// A named random password for a client that knows no second step.
    pub const APP_PASSWORD: Self = Self::new("app-password");
    /// A TOTP device; the sealed secret is the shared one.
    pub const TOTP: Self = Self::new("totp");
    /// A TOTP device that its owner has not confirmed with a first code.
    pub const PENDING_TOTP: Self = Self::new("pending-totp");
    /// A removal of a TOTP device that a help desk asked for: held until its end. It comes from the device that it names, and
    /// the label is who asked.
    pub const DEVICE_REMOVAL: Self = Self::new("device-removal");
    /// A single-use backup code.
    pub const BACKUP_CODE: Self = Self::new("backup-code");
    /// A code sent by mail.
    pub const MAILED_CODE: Self = Self::new("mailed-code");
    /// A token sent by mail, for a new password.
    pub const PASSWORD_RESET: Self = Self::new("password-reset");
    /// A token sent by mail, which proves that its owner reads the mails to an address. The label is the address.
    pub const ADDRESS_PROOF: Self = Self::new("address-proof");
    /// A token sent by mail to an address that is to become its account's. The label is the address.
    pub const ADDRESS_CHANGE: Self = Self::new("address-change");
    /// The second factor of a login token, remembered for one program at one client key.
    pub const REMEMBERED_FACTOR: Self = Self::new("remembered-factor");
    /// A browser that opened a link for a new password: its cookie stands for the token, from which it comes.
    pub const RESET_VISIT: Self = Self::new("reset-visit");
    /// A token of 15 seconds by which a login goes on in another browser or at another host.
    pub const HANDOVER: Self = Self::new("handover");
    /// A session of the web pages.
    pub const WEB_SESSION: Self = Self::new("web-session");
    /// A session for forward authentication alone: it comes from a web session, and ends with it.
    pub const FORWARD_SESSION: Self = Self::new("forward-session");
    /// A login by password at forward authentication, for as long as the password is remembered.
    pub const FORWARD_LOGIN: Self = Self::new("forward-login");
    /// A token that Zettelstore signs: stored as SHA-256. A renewed one is made beside it, with the moment of the login as
    /// the time of its creation.
    pub const ZETTELSTORE_TOKEN: Self = Self::new("zettelstore-token");

    /// The kinds that this project makes.
    pub const KNOWN: [Self; 19] = [
        Self::ZULIP_KEY,
        Self::ROCKETCHAT_TOKEN,
        Self::PERSONAL_TOKEN,
        Self::APP_PASSWORD,
        Self::TOTP,
        Self::PENDING_TOTP,
        Self::DEVICE_REMOVAL,
        Self::BACKUP_CODE,
        Self::MAILED_CODE,
        Self::PASSWORD_RESET,
        Self::ADDRESS_PROOF,
        Self::ADDRESS_CHANGE,
        Self::REMEMBERED_FACTOR,
        Self::RESET_VISIT,
        Self::HANDOVER,
        Self::WEB_SESSION,
        Self::FORWARD_SESSION,
        Self::FORWARD_LOGIN,
        Self::ZETTELSTORE_TOKEN,
    ];
}

short_name! {
    /// One point in which a real system tells too much or lets its limits be evaded.
    ///
    /// By default the answer is the safe one. A point that is switched on gives the real one: it changes bytes and
    /// the order of refusals, never the work done, who is believed, or what is logged, unless the point says so. Each protocol
    /// crate lists the points that it owns.
    ExactPoint
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_are_no_names_are_refused() {
        for bad in ["", "Zulip", "a b", "a_b", "ä", "abcdefghijklmnopqrstuvwxyz0123456"] {
            assert_eq!(ProtocolName::from_name(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn names_can_stand_in_a_pattern() {
        let is_zulip = |name| matches!(name, ProtocolName::ZULIP);
        assert!(is_zulip(ProtocolName::new("zulip")) && !is_zulip(ProtocolName::ROCKETCHAT));
    }

    #[test]
    fn known_kinds_have_different_names() {
        let names: std::collections::BTreeSet<_> = CredentialKind::KNOWN.into_iter().collect();
        assert_eq!(names.len(), CredentialKind::KNOWN.len());
    }

    proptest! {
        #[test]
        fn names_read_back(name in "[a-z0-9-]{1,31}") {
            let read = ProtocolName::from_name(&name).unwrap();
            prop_assert_eq!(read.as_str(), name);
        }
    }
}
