//! Which Argon2: its variant and version.

/// A variant of Argon2 in one of its versions. The default is what new hashes should use: Argon2id, version 19.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9106 names both and no third property")]
pub struct Algorithm {
    /// How memory is addressed.
    pub variant: Variant,
    /// Which revision of the algorithm.
    pub version: Version,
}

/// How memory is addressed (RFC 9106, section 3.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9106 knows three")]
pub enum Variant {
    /// By what was computed before.
    Argon2d,
    /// By counters alone.
    Argon2i,
    /// By counters in the first half of the first pass, then by what was computed before.
    #[default]
    Argon2id,
}

impl Variant {
    /// Every variant with its name in string formats.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Argon2d, "argon2d"), (Self::Argon2i, "argon2i"), (Self::Argon2id, "argon2id")];

    /// The variant's name in string formats.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(variant, _)| *variant == self).map_or("", |(_, name)| name)
    }

    /// The variant of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(variant, _)| *variant)
    }
}

/// A revision of the algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9106 fixed the last one")]
pub enum Version {
    /// 1.0, before 2016: later passes overwrite blocks.
    V16,
    /// 1.3, that of RFC 9106: later passes mix into blocks.
    #[default]
    V19,
}

impl Version {
    /// The number in string formats: 16 or 19.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::V16 => 16,
            Self::V19 => 19,
        }
    }

    /// The version of that number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            16 => Some(Self::V16),
            19 => Some(Self::V19),
            _ => None,
        }
    }
}
