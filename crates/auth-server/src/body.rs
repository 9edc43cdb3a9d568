//! Request bodies: read whole, within limits of size, time and memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body that is larger than its protocol takes is read on up to this, so that a client that writes before it
/// reads gets its answer. Nothing of it is kept.
const DRAINED: u64 = 128 << 20;

/// Memory is counted in pieces of this size.
const PIECE: usize = 64 << 10;

/// The memory that all request bodies share.
#[derive(Clone, Debug)]
pub(crate) struct BodyMemory(Arc<Semaphore>);

/// A whole body, or why there is none.
pub(crate) enum Read {
    /// The body, and its share of the memory.
    Whole(Bytes, Vec<OwnedSemaphorePermit>),
    /// Larger than the limit.
    TooLarge,
    /// Not there in time.
    Late,
    /// No memory left.
    NoMemory,
    /// The client went away or broke the protocol.
    Broken,
}

impl BodyMemory {
    pub(crate) fn new(mib: u32) -> Self {
        let pieces = (u64::from(mib) << 20) / PIECE as u64;
        Self(Arc::new(Semaphore::new(
            usize::try_from(pieces).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS),
        )))
    }

    /// Reads a body of at most `limit` bytes within `time`.
    pub(crate) async fn read(&self, body: Incoming, limit: usize, time: Duration) -> Read {
        if body.is_end_stream() {
            return Read::Whole(Bytes::new(), Vec::new());
        }
        tokio::time::timeout(time, self.collect(body, limit)).await.unwrap_or(Read::Late)
    }

    async fn collect(&self, mut body: Incoming, limit: usize) -> Read {
        let announced = body.size_hint().exact().unwrap_or_default();
        if announced > DRAINED {
            return Read::TooLarge;
        }
        let mut whole = BytesMut::new();
        let mut held = Vec::new();
        let mut total: u64 = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return Read::Broken };
            let Ok(data) = frame.into_data() else { continue };
            total += data.len() as u64;
            if total > DRAINED {
                return Read::TooLarge;
            }
            if total > limit as u64 {
                whole = BytesMut::new();
                held.clear();
                continue;
            }
            while held.len() * PIECE < whole.len() + data.len() {
                let Ok(piece) = Arc::clone(&self.0).try_acquire_owned() else { return Read::NoMemory };
                held.push(piece);
            }
            whole.extend_from_slice(&data);
        }
        if total > limit as u64 { Read::TooLarge } else { Read::Whole(whole.freeze(), held) }
    }
}
