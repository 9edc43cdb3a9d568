//! What a protocol made of users' profiles, kept for the next request of the same user.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Profile, User};

/// The number of profiles of which something is kept: a power of two, so that a place is found by a mask.
const PLACES: usize = 1024;

/// Keeps what a protocol made of users' profiles, such as the body of an answer, as long as the profiles stay the same.
///
/// What is kept must depend on nothing but the profile's user, [`has_password`](Profile::has_password),
/// [`totp`](Profile::totp), and what never changes. A thousand users have a place; one whose place another user takes is
/// forgotten, and so is one whose record was read from the store anew.
///
/// # Examples
///
/// ```
/// # use std::sync::Arc;
/// # use auth_core::testing::{RealmBuilder, UserBuilder};
/// # use auth_core::{Profile, ProfileMemo};
/// # let (user, realm) = (Arc::new(UserBuilder::new("iago").build()), Arc::new(RealmBuilder::new("main").build()));
/// # let profile = Profile { user, realm, has_password: true, totp: false };
/// let greetings = ProfileMemo::new();
/// assert_eq!(greetings.get(&profile), None);
/// greetings.keep(&profile, format!("Hello {}", profile.user.full_name));
/// assert!(greetings.get(&profile).is_some());
///
/// let changed = Profile { totp: true, ..profile };
/// assert_eq!(greetings.get(&changed), None);
/// ```
pub struct ProfileMemo<T> {
    places: Box<[Mutex<Option<Kept<T>>>]>,
}

/// What was made of a profile. The record is held, so that no other can have its address.
struct Kept<T> {
    user: Arc<User>,
    has_password: bool,
    totp: bool,
    made: T,
}

impl<T: Clone> ProfileMemo<T> {
    /// Makes one that has nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { places: (0..PLACES).map(|_| Mutex::new(None)).collect() }
    }

    /// Returns what was made of a profile.
    #[must_use]
    pub fn get(&self, profile: &Profile) -> Option<T> {
        let place = self.place(profile)?.lock().unwrap_or_else(PoisonError::into_inner);
        place.as_ref().filter(|kept| kept.is_of(profile)).map(|kept| kept.made.clone())
    }

    /// Keeps what was made of a profile.
    pub fn keep(&self, profile: &Profile, made: T) {
        let Profile { user, has_password, totp, .. } = profile;
        let kept = Kept { user: Arc::clone(user), has_password: *has_password, totp: *totp, made };
        if let Some(place) = self.place(profile) {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        }
    }

    fn place(&self, profile: &Profile) -> Option<&Mutex<Option<Kept<T>>>> {
        // The last bytes of an id are random.
        let [.., high, low] = *profile.user.id.as_bytes();
        self.places.get(usize::from(u16::from_be_bytes([high, low])) & (PLACES - 1))
    }
}

impl<T> Kept<T> {
    fn is_of(&self, profile: &Profile) -> bool {
        let flags = (profile.has_password, profile.totp);
        Arc::ptr_eq(&self.user, &profile.user) && (self.has_password, self.totp) == flags
    }
}

impl<T: Clone> Default for ProfileMemo<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for ProfileMemo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileMemo").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;
    use crate::testing::{RealmBuilder, UserBuilder};

    fn profile(id: [u8; 16]) -> Profile {
        let user = User { id: UserId::from_bytes(id), ..UserBuilder::new("iago").build() };
        let realm = Arc::new(RealmBuilder::new("main").build());
        Profile { user: Arc::new(user), realm, has_password: true, totp: false }
    }

    #[test]
    fn what_was_made_is_kept_until_the_profile_changes_or_another_user_takes_its_place() {
        let memo = ProfileMemo::new();
        let first = profile([1; 16]);
        memo.keep(&first, 1);
        assert_eq!(memo.get(&first.clone()), Some(1));
        let anew = Profile { user: Arc::new((*first.user).clone()), ..first.clone() };
        for changed in
            [anew, Profile { has_password: false, ..first.clone() }, Profile { totp: true, ..first.clone() }]
        {
            assert_eq!(memo.get(&changed), None);
        }
        let (elsewhere, same_place) =
            (profile([2; 16]), profile([[2; 8], [1; 8]].concat().try_into().unwrap()));
        memo.keep(&elsewhere, 2);
        assert_eq!((memo.get(&first), memo.get(&elsewhere)), (Some(1), Some(2)));
        assert_eq!(memo.get(&same_place), None);
        memo.keep(&same_place, 3);
        assert_eq!((memo.get(&first), memo.get(&same_place)), (None, Some(3)));
    }
}
