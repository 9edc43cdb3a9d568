//! What a connection is doing, for whoever decides how long it may last.
//!
//! The stream and the requests of a connection count what they do, and read no clock: the sweep of
//! [`Connections`](crate::connections::Connections) sees what has changed since the last one.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What a connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    /// Requests that are being answered.
    answering: AtomicU32,
    /// Those among them whose body is being read.
    reading: AtomicU32,
    /// Requests that were answered.
    answered: AtomicU32,
    /// Whether a write waits for the client to read.
    waits: AtomicBool,
    /// Writes that the client has read.
    written: AtomicU32,
    /// Whether a request has come, and who waits for the first.
    has_begun: AtomicBool,
    first: Notify,
    ended: CancellationToken,
}

/// The counts of a connection at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Whether a request is being answered.
    pub(crate) is_answering: bool,
    /// Whether the body of every such request is still being read.
    pub(crate) is_reading: bool,
    /// Requests that were answered, modulo 2³².
    pub(crate) answered: u32,
    /// Whether a write waits for the client to read.
    pub(crate) waits: bool,
    /// Writes that the client has read, modulo 2³².
    pub(crate) written: u32,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Answering<'a>(&'a Activity);

/// A body that is being read, until it is dropped.
#[derive(Debug)]
pub(crate) struct Reading<'a>(&'a Activity);

impl Activity {
    /// A connection that ends at the latest with its parent.
    pub(crate) fn new(parent: &CancellationToken) -> Self {
        Self {
            answering: AtomicU32::new(0),
            reading: AtomicU32::new(0),
            answered: AtomicU32::new(0),
            waits: AtomicBool::new(false),
            written: AtomicU32::new(0),
            has_begun: AtomicBool::new(false),
            first: Notify::new(),
            ended: parent.child_token(),
        }
    }

    /// Notes that a request is being answered.
    pub(crate) fn answering(&self) -> Answering<'_> {
        self.answering.fetch_add(1, Ordering::AcqRel);
        if !self.has_begun.swap(true, Ordering::AcqRel) {
            self.first.notify_one();
        }
        Answering(self)
    }

    /// Waits until a request has come.
    pub(crate) async fn begun(&self) {
        if !self.has_begun.load(Ordering::Acquire) {
            self.first.notified().await;
        }
    }

    /// Notes that the body of a request is being read.
    pub(crate) fn reading(&self) -> Reading<'_> {
        self.reading.fetch_add(1, Ordering::AcqRel);
        Reading(self)
    }

    /// Notes that a write has to wait for the client.
    pub(crate) fn write_waits(&self) {
        self.waits.store(true, Ordering::Release);
    }

    /// Notes that the client has read something.
    pub(crate) fn write_goes_on(&self) {
        self.written.fetch_add(1, Ordering::AcqRel);
        self.waits.store(false, Ordering::Release);
    }

    /// The counts now.
    pub(crate) fn counts(&self) -> Counts {
        let answering = self.answering.load(Ordering::Acquire);
        Counts {
            is_answering: answering > 0,
            is_reading: answering > 0 && self.reading.load(Ordering::Acquire) >= answering,
            answered: self.answered.load(Ordering::Acquire),
            waits: self.waits.load(Ordering::Acquire),
            written: self.written.load(Ordering::Acquire),
        }
    }

    /// Ends the connection.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Waits until the connection, or everything, is to end.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.reading.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::AcqRel);
        self.0.answering.fetch_sub(1, Ordering::AcqRel);
    }
}
