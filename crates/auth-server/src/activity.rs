//! What a connection is doing, and when it has done nothing for too long.
//!
//! The stream and the requests of a connection write down what they do. A watch beside the connection reads it: no
//! protocol's own timers are needed, and none is forgotten.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::system::monotonic;

/// What a connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    began: Instant,
    /// Requests that are being answered.
    answering: AtomicU32,
    /// When the last request was answered, in milliseconds since the beginning: 0 before the first.
    answered: AtomicU64,
    /// Since when the client has not read what it is sent, in milliseconds since the beginning, plus one; 0 while it reads.
    stalled: AtomicU64,
    /// Cancelled when the connection makes room for another.
    evicted: CancellationToken,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No whole request came in time: after the beginning, or after the last answer.
    Quiet,
    /// The client doesn't read what it is sent.
    Stalled,
    /// Another connection needs the place.
    Evicted,
}

/// What the watch does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Close(Reason),
    LookAgain(Duration),
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Answering<'a>(&'a Activity);

impl Activity {
    /// A connection that begins now.
    pub(crate) fn begin() -> Self {
        Self {
            began: monotonic(),
            answering: AtomicU32::new(0),
            answered: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            evicted: CancellationToken::new(),
        }
    }

    /// Notes that a request is being answered.
    pub(crate) fn answering(&self) -> Answering<'_> {
        self.answering.fetch_add(1, Ordering::AcqRel);
        Answering(self)
    }

    /// Notes that a write has to wait for the client.
    pub(crate) fn write_waits(&self) {
        let now = self.elapsed() + 1;
        let _ = self.stalled.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Notes that the client has read something.
    pub(crate) fn write_goes_on(&self) {
        if self.stalled.load(Ordering::Acquire) != 0 {
            self.stalled.store(0, Ordering::Release);
        }
    }

    /// When the connection last had nothing to do; `None` while a request is being answered.
    pub(crate) fn quiet_since(&self) -> Option<Instant> {
        let is_quiet = self.answering.load(Ordering::Acquire) == 0;
        is_quiet.then(|| self.began + Duration::from_millis(self.answered.load(Ordering::Acquire)))
    }

    /// Closes the connection in favour of another.
    pub(crate) fn evict(&self) {
        self.evicted.cancel();
    }

    /// Waits until the connection must be closed: `limit` after it became quiet, or after its client stopped reading.
    pub(crate) async fn watch(&self, limit: Duration) -> Reason {
        loop {
            match self.judge(limit) {
                Verdict::Close(reason) => return reason,
                Verdict::LookAgain(wait) => tokio::select! {
                    () = self.evicted.cancelled() => return Reason::Evicted,
                    () = tokio::time::sleep(wait) => {}
                },
            }
        }
    }

    fn judge(&self, limit: Duration) -> Verdict {
        let now = Duration::from_millis(self.elapsed());
        let stalled = self.stalled.load(Ordering::Acquire);
        let stalled = stalled.checked_sub(1).map(Duration::from_millis);
        if stalled.is_some_and(|since| now.saturating_sub(since) >= limit) {
            return Verdict::Close(Reason::Stalled);
        }
        let quiet = self.quiet_since().map(|since| since - self.began);
        if quiet.is_some_and(|since| now.saturating_sub(since) >= limit) {
            return Verdict::Close(Reason::Quiet);
        }
        let earliest = [stalled, quiet].into_iter().flatten().min().unwrap_or(now);
        Verdict::LookAgain((earliest + limit).saturating_sub(now))
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.answered.store(self.0.elapsed(), Ordering::Release);
        self.0.answering.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    async fn pass(secs: u64) {
        tokio::time::advance(Duration::from_secs(secs)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn connection_without_a_request_is_closed_at_the_limit() {
        let (activity, began) = (Activity::begin(), monotonic());
        assert_eq!(activity.watch(LIMIT).await, Reason::Quiet);
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn request_may_take_longer_and_the_limit_begins_anew_when_it_is_answered() {
        let activity = Activity::begin();
        pass(29).await;
        let (first, second) = (activity.answering(), activity.answering());
        pass(300).await;
        assert_eq!(activity.judge(LIMIT), Verdict::LookAgain(LIMIT));
        drop(first);
        assert_eq!(activity.quiet_since(), None);
        drop(second);
        assert_eq!(activity.quiet_since(), Some(monotonic()));
        pass(29).await;
        assert_eq!(activity.judge(LIMIT), Verdict::LookAgain(Duration::from_secs(1)));
        pass(1).await;
        assert_eq!(activity.judge(LIMIT), Verdict::Close(Reason::Quiet));
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_does_not_read_is_left_although_its_requests_are_answered() {
        let activity = Activity::begin();
        let _request = activity.answering();
        activity.write_waits();
        pass(20).await;
        activity.write_waits();
        assert_eq!(activity.judge(LIMIT), Verdict::LookAgain(Duration::from_secs(10)));
        activity.write_goes_on();
        assert_eq!(activity.judge(LIMIT), Verdict::LookAgain(LIMIT));
        activity.write_waits();
        pass(30).await;
        assert_eq!(activity.judge(LIMIT), Verdict::Close(Reason::Stalled));
    }

    #[tokio::test(start_paused = true)]
    async fn connection_that_is_evicted_is_closed_at_once() {
        let (activity, began) = (Activity::begin(), monotonic());
        activity.evict();
        assert_eq!(activity.watch(LIMIT).await, Reason::Evicted);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
