//! Slots for delayed responses.
//!
//! A login takes a slot before its password is looked at, so that no hash is computed for an answer that could not wait.
//! The slot is held until the answer's moment: by number alone, since the server does the waiting.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auth_core::{InternalError, Timestamp};

/// A response that claims to wait longer does not: a clock was set back.
const LONGEST: Duration = Duration::from_secs(10);

/// The time until a slot is free while none is known to be.
const SOON: Duration = Duration::from_secs(1);

/// A bounded number of slots.
#[derive(Debug)]
pub(crate) struct DelaySlots {
    slots: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// By logins that are being judged.
    judged: usize,
    /// By responses, until these moments.
    until: BinaryHeap<Reverse<Timestamp>>,
}

impl DelaySlots {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots, taken: Mutex::default() }
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// A busy [`InternalError`] when no slot is free, with the time until one is.
    pub(crate) fn take(&self, now: Timestamp) -> Result<DelaySlot<'_>, InternalError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.until.peek().is_some_and(|Reverse(until)| *until <= now) {
            taken.until.pop();
        }
        if taken.judged + taken.until.len() >= self.slots {
            taken.until.retain(|Reverse(until)| until.since(now) <= LONGEST);
        }
        if taken.judged + taken.until.len() >= self.slots {
            let free = taken.until.peek().map_or(SOON, |Reverse(until)| until.since(now));
            return Err(InternalError::busy(free));
        }
        taken.judged += 1;
        Ok(DelaySlot { slots: self, until: None })
    }
}

/// A taken slot. When it is dropped, as it is when a client goes away, it is free again or held for the response.
#[derive(Debug)]
pub(crate) struct DelaySlot<'a> {
    slots: &'a DelaySlots,
    until: Option<Timestamp>,
}

impl DelaySlot<'_> {
    /// Holds the slot until the response's moment, where it has one.
    pub(crate) fn hold(mut self, until: Option<Timestamp>) {
        self.until = until;
    }
}

impl Drop for DelaySlot<'_> {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// After how many milliseconds a slot is said to be free.
    fn busy(slots: &DelaySlots, now: Timestamp) -> u128 {
        match slots.take(now).unwrap_err().kind() {
            InternalErrorKind::Busy { retry_after } => retry_after.as_millis(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn slots_are_held_from_the_judging_to_the_moment_of_the_response() {
        let slots = DelaySlots::new(2);
        let (first, second) = (slots.take(at(0)).unwrap(), slots.take(at(0)).unwrap());
        assert_eq!(busy(&slots, at(0)), 1000, "no response has its moment yet");
        first.hold(Some(at(520)));
        second.hold(Some(at(480)));
        assert_eq!(busy(&slots, at(100)), 380);
        assert_eq!(busy(&slots, at(479)), 1);
        let third = slots.take(at(480)).unwrap();
        assert_eq!(busy(&slots, at(480)), 40);
        third.hold(None);
        assert!(slots.take(at(480)).is_ok(), "a response that doesn't wait frees its slot at once");
    }

    #[test]
    fn a_clock_set_back_blocks_no_slot() {
        let slots = DelaySlots::new(1);
        slots.take(at(0)).unwrap().hold(Some(at(500)));
        assert!(slots.take(at(-3_600_000)).is_ok());
    }

    #[test]
    fn without_slots_every_login_is_refused() {
        assert_eq!(busy(&DelaySlots::new(0), at(0)), 1000);
    }

    #[test]
    fn no_slot_is_lost_or_given_twice_among_threads() {
        let slots = DelaySlots::new(50);
        let entered: usize = std::thread::scope(|scope| {
            let enter = || {
                (0..100).filter(|_| slots.take(at(0)).map(|slot| slot.hold(Some(at(500)))).is_ok()).count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(enter)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(entered, 50);
        assert!(slots.take(at(500)).is_ok());
    }
}
