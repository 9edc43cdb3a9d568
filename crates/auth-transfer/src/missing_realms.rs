//! Users that can't be taken because their realm isn't: the cause once, and a count.

use std::collections::HashMap;
use std::hash::Hash;

/// The number of realms whose users are counted at most. The users of further ones are named one by one.
const MOST: usize = 1000;

/// Users whose realm is missing, by realm.
#[derive(Debug)]
pub(crate) struct MissingRealms<K, P>(HashMap<K, (P, u64)>);

impl<K: Hash + Eq, P: Ord> MissingRealms<K, P> {
    /// Counts a user with its place; gives the place back when there are too many realms already.
    pub(crate) fn count(&mut self, realm: K, place: P) -> Result<(), P> {
        let is_full = self.0.len() >= MOST;
        match self.0.get_mut(&realm) {
            Some((_, users)) => *users += 1,
            None if is_full => return Err(place),
            None => drop(self.0.insert(realm, (place, 1))),
        }
        Ok(())
    }

    /// The place of the first user of each realm, the reason, and the number of users.
    pub(crate) fn take(&mut self, reason: &str) -> Vec<(P, String, u64)> {
        let told = self.0.drain().map(|(_, (place, users))| match users {
            1 => (place, reason.to_owned(), 1),
            users => (place, format!("{reason}: none of its {users} users can be imported"), users),
        });
        let mut told: Vec<_> = told.collect();
        told.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        told
    }
}

impl<K, P> Default for MissingRealms<K, P> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_a_realm_are_counted_with_the_first() {
        let mut missing = MissingRealms::default();
        for (place, realm) in [(2, "b"), (3, "a"), (5, "b"), (9, "b")] {
            assert_eq!(missing.count(realm, place), Ok(()));
        }
        let many = "it is not there: none of its 3 users can be imported".to_owned();
        assert_eq!(missing.take("it is not there"), [(2, many, 3), (3, "it is not there".to_owned(), 1)]);
        assert_eq!(missing.take("it is not there"), []);
    }

    #[test]
    fn users_of_more_realms_than_are_counted_are_given_back() {
        let mut missing = MissingRealms::default();
        for realm in 0..MOST {
            assert_eq!(missing.count(realm, realm), Ok(()));
        }
        assert_eq!(missing.count(MOST, 7), Err(7));
        assert_eq!(missing.count(0, 8), Ok(()));
    }
}
