//! Places for log-ins whose answers wait for their moment.
//!
//! A place is taken before a password is looked at, so that nobody is judged, and no hash computed, for an answer
//! that could not wait. It is kept until that moment: by number alone, since the server does the waiting.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auth_core::{InternalError, Timestamp};

/// An answer that is said to wait longer is not believed to: a clock was set back.
const LONGEST: Duration = Duration::from_secs(10);

/// When a place is expected while nobody knows.
const SOON: Duration = Duration::from_secs(1);

/// The places: no more than a given number are taken at a time.
#[derive(Debug)]
pub(crate) struct WaitingRoom {
    places: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// By log-ins that are being judged.
    judged: usize,
    /// By answers, until these moments.
    until: BinaryHeap<Reverse<Timestamp>>,
}

impl WaitingRoom {
    pub(crate) fn new(places: usize) -> Self {
        Self { places, taken: Mutex::default() }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// A busy [`InternalError`] when none is free, with the time until one is.
    pub(crate) fn enter(&self, now: Timestamp) -> Result<Place<'_>, InternalError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.until.peek().is_some_and(|Reverse(until)| *until <= now) {
            taken.until.pop();
        }
        if taken.judged + taken.until.len() >= self.places {
            taken.until.retain(|Reverse(until)| until.since(now) <= LONGEST);
        }
        if taken.judged + taken.until.len() >= self.places {
            let free = taken.until.peek().map_or(SOON, |Reverse(until)| until.since(now));
            return Err(InternalError::busy(free));
        }
        taken.judged += 1;
        Ok(Place { room: self, until: None })
    }
}

/// A taken place. When it is dropped, as it is when a client goes away, it is free again or kept.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    room: &'a WaitingRoom,
    until: Option<Timestamp>,
}

impl Place<'_> {
    /// Keeps the place until an answer's moment, where it has one.
    pub(crate) fn keep(mut self, until: Option<Timestamp>) {
        self.until = until;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.judged = taken.judged.saturating_sub(1);
        taken.until.extend(self.until.map(Reverse));
    }
}

#[cfg(test)]
mod tests {
    use auth_core::InternalErrorKind;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    /// After how many milliseconds a place is said to be free.
    fn busy(room: &WaitingRoom, now: Timestamp) -> u128 {
        match room.enter(now).unwrap_err().kind() {
            InternalErrorKind::Busy { retry_after } => retry_after.as_millis(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn places_are_taken_from_the_judging_to_the_answers_moment() {
        let room = WaitingRoom::new(2);
        let (first, second) = (room.enter(at(0)).unwrap(), room.enter(at(0)).unwrap());
        assert_eq!(busy(&room, at(0)), 1000, "nobody knows yet");
        first.keep(Some(at(520)));
        second.keep(Some(at(480)));
        assert_eq!(busy(&room, at(100)), 380);
        assert_eq!(busy(&room, at(479)), 1);
        let third = room.enter(at(480)).unwrap();
        assert_eq!(busy(&room, at(480)), 40);
        third.keep(None);
        assert!(room.enter(at(480)).is_ok(), "an answer that doesn't wait makes room at once");
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let room = WaitingRoom::new(1);
        room.enter(at(0)).unwrap().keep(Some(at(500)));
        assert!(room.enter(at(-3_600_000)).is_ok());
    }

    #[test]
    fn without_places_nobody_enters() {
        assert_eq!(busy(&WaitingRoom::new(0), at(0)), 1000);
    }

    #[test]
    fn no_place_is_lost_or_given_twice_among_threads() {
        let room = WaitingRoom::new(50);
        let entered: usize = std::thread::scope(|scope| {
            let enter = || {
                (0..100).filter(|_| room.enter(at(0)).map(|place| place.keep(Some(at(500)))).is_ok()).count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(enter)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(entered, 50);
        assert!(room.enter(at(500)).is_ok());
    }
}
