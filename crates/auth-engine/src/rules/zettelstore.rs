//! Zettelstore's rules.

use std::time::Duration;

use auth_core::{NewId, ProtocolName, ProtocolRules, Rng, Timestamp};

use crate::config::ZettelstoreConfig;

/// What Zettelstore demands of the login pipeline.
#[derive(Clone, Copy, Debug)]
pub struct ZettelstoreRules {
    login_delay: Duration,
}

impl ZettelstoreRules {
    /// The rules that a configuration comes to.
    #[must_use]
    pub fn new(config: ZettelstoreConfig) -> Self {
        Self { login_delay: config.login_delay }
    }
}

impl ProtocolRules for ZettelstoreRules {
    fn protocol(&self) -> ProtocolName {
        ProtocolName::ZETTELSTORE
    }

    /// A hash that a Zettelstore made over an empty password is good there.
    fn takes_empty_passwords(&self) -> bool {
        true
    }

    fn has_second_step(&self) -> bool {
        false
    }

    fn login_delay(&self) -> Duration {
        self.login_delay
    }

    /// The 14 digits of the moment in which the user was made.
    fn new_id(&self, _rng: &dyn Rng, joined: Timestamp) -> Option<NewId> {
        Some(NewId::Preferably(zettel_id(joined)))
    }
}

/// The 14 digits of a moment in UTC, as Zettelstore makes ids; the epoch's where the year has not four digits.
fn zettel_id(moment: Timestamp) -> u64 {
    let moment = moment.utc();
    let Some(year) = u64::try_from(moment.year).ok().filter(|year| (1000..=9999).contains(year)) else {
        return 19_700_101_000_000;
    };
    let fields = [moment.month, moment.day, moment.hour, moment.minute, moment.second];
    fields.into_iter().fold(year, |digits, field| digits * 100 + u64::from(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_digits_of_the_moment() {
        for (secs, id) in [
            (0, 19_700_101_000_000),
            (1_709_210_096, 20_240_229_123_456),
            (253_402_300_799, 99_991_231_235_959),
            (253_402_300_800, 19_700_101_000_000),
        ] {
            assert_eq!(zettel_id(Timestamp::from_secs(secs)), id);
        }
    }
}
