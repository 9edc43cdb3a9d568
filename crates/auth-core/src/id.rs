//! Identifiers of records: 128 random bits, so that any node can make one without asking.

use std::fmt;
use std::str::FromStr;

use crate::Rng;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new identifier.
            #[must_use]
            pub fn random(rng: &dyn Rng) -> Self {
                let mut bytes = [0; 16];
                rng.fill(&mut bytes);
                Self(bytes)
            }

            /// Makes an identifier from its sixteen bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes, as a store keeps them.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            /// Writes 32 hexadecimal digits.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(NotAnId);
                }
                u128::from_str_radix(text, 16).map(|n| Self(n.to_be_bytes())).map_err(|_| NotAnId)
            }
        }
    };
}

id! {
    /// Identifies a realm.
    RealmId
}
id! {
    /// Identifies a user across all realms of a store.
    UserId
}
id! {
    /// Identifies a credential.
    CredentialId
}
id! {
    /// Identifies a key for administration.
    AdminKeyId
}
id! {
    /// Identifies a group of users.
    GroupId
}
id! {
    /// Identifies an outgoing mail.
    MailId
}

/// The text isn't 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an identifier of 32 hexadecimal digits")
    }
}

impl std::error::Error for NotAnId {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRng;

    #[test]
    fn printed_ids_read_back() {
        let rng = SeededRng::new(7);
        for _ in 0..100 {
            let id = UserId::random(&rng);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in ["", "00", "+0000000000000000000000000000000", "g0000000000000000000000000000000"] {
            assert_eq!(bad.parse::<UserId>(), Err(NotAnId), "{bad}");
        }
    }
}
