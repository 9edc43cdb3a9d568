//! The variants and versions of Argon2.

/// A variant of Argon2 in one of its versions. The default is Argon2id, version 19, which new hashes should use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9106 names these two properties and no third")]
pub struct Algorithm {
    /// The rule by which a block is chosen to be referred to.
    pub variant: Variant,
    /// The revision of the algorithm.
    pub version: Version,
}

/// The rule by which a block is chosen to be referred to (RFC 9106, section 3.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9106 defines three")]
pub enum Variant {
    /// Data-dependent: the choice follows from the previous block.
    Argon2d,
    /// Data-independent: the choice follows from counters alone.
    Argon2i,
    /// Data-independent in the first half of the first pass, data-dependent afterwards.
    #[default]
    Argon2id,
}

impl Variant {
    /// Every variant with its name in string formats.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Argon2d, "argon2d"), (Self::Argon2i, "argon2i"), (Self::Argon2id, "argon2id")];

    /// The variant's name in string formats, such as `argon2id`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(variant, _)| *variant == self).map_or("", |(_, name)| name)
    }

    /// Returns the variant with this name in string formats, or `None` for any other name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(variant, _)| *variant)
    }
}

/// A revision of the algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9106 fixed the last one")]
pub enum Version {
    /// Version 1.0, used before 2016: later passes overwrite the blocks of earlier ones.
    V16,
    /// Version 1.3, that of RFC 9106: later passes XOR into the blocks of earlier ones.
    #[default]
    V19,
}

impl Version {
    /// The version's number in string formats: 16 or 19.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::V16 => 16,
            Self::V19 => 19,
        }
    }

    /// Returns the version with this number in string formats, or `None` for any other number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            16 => Some(Self::V16),
            19 => Some(Self::V19),
            _ => None,
        }
    }
}
