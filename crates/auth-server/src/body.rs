//! Request bodies: read whole, within limits of size, time and memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::ClientKey;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;

/// A body that is larger than its protocol takes is read on up to this, so that a client that writes before it
/// reads gets its answer. Nothing of it is kept.
const DRAINED: u64 = 128 << 20;

/// The least memory that a body takes.
const LEAST: usize = 256;

/// One client's bodies take at most this part of the memory.
const SHARE: usize = 8;

/// The memory that all request bodies share.
#[derive(Debug)]
pub(crate) struct BodyMemory {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_client: HashMap<ClientKey, usize>,
    /// Bodies for which there was no memory, since the start.
    refused: u64,
}

/// The memory that one body takes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    of: Arc<BodyMemory>,
    client: ClientKey,
    bytes: usize,
}

/// A whole body, or why there is none.
pub(crate) enum Read {
    /// The protocol ignores the body.
    Nothing,
    /// The body, and its memory.
    Whole(Bytes, Memory),
    /// Larger than the limit.
    TooLarge,
    /// Not there in time.
    Late,
    /// No memory left, for all or for this client.
    NoMemory,
    /// The client went away or broke the protocol.
    Broken,
}

impl BodyMemory {
    /// A memory of so many MiB, of which each client gets a part.
    pub(crate) fn new(mib: u32) -> Arc<Self> {
        let most = usize::try_from(u64::from(mib) << 20).unwrap_or(usize::MAX);
        Arc::new(Self { most, held: Mutex::default() })
    }

    /// Reads a client's body of at most `limit` bytes within `time`.
    pub(crate) async fn read<B>(
        self: &Arc<Self>,
        client: ClientKey,
        body: B,
        limit: usize,
        time: Duration,
    ) -> Read
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let memory = Memory { of: Arc::clone(self), client, bytes: 0 };
        if body.is_end_stream() {
            return Read::Whole(Bytes::new(), memory);
        }
        tokio::time::timeout(time, collect(body, limit, memory)).await.unwrap_or(Read::Late)
    }

    /// How many bodies found no memory since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.held().refused
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Both numbers are changed together: they are sound after a panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn collect<B>(mut body: B, limit: usize, mut memory: Memory) -> Read
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > DRAINED {
        return Read::TooLarge;
    }
    let mut whole = Vec::new();
    let mut total: u64 = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Read::Broken };
        let Ok(data) = frame.into_data() else { continue };
        total += data.len() as u64;
        if total > DRAINED {
            return Read::TooLarge;
        }
        if total > limit as u64 {
            whole = Vec::new();
            memory.release();
            continue;
        }
        let needed = whole.len() + data.len();
        if needed > whole.capacity() {
            // Twice as much each time: what was announced and never comes takes no memory.
            let capacity = needed.max(whole.capacity() * 2).clamp(LEAST, limit.max(LEAST));
            if !memory.grow(capacity) {
                return Read::NoMemory;
            }
            whole.reserve_exact(capacity - whole.len());
        }
        whole.extend_from_slice(&data);
    }
    if total > limit as u64 { Read::TooLarge } else { Read::Whole(whole.into(), memory) }
}

impl Memory {
    /// Takes memory until it is so many bytes; `false` and nothing taken when there is not enough.
    fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let mut held = self.of.held();
        let own = held.by_client.get(&self.client).copied().unwrap_or_default();
        if held.total + more > self.of.most || own + more > self.of.most / SHARE {
            held.refused += 1;
            return false;
        }
        held.total += more;
        held.by_client.insert(self.client, own + more);
        self.bytes += more;
        true
    }

    fn release(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes == 0 {
            return;
        }
        let mut held = self.of.held();
        held.total -= bytes;
        match held.by_client.get_mut(&self.client) {
            Some(own) if *own > bytes => *own -= bytes,
            _ => drop(held.by_client.remove(&self.client)),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const TIME: Duration = Duration::from_secs(60);

    fn client(last: u8) -> ClientKey {
        ClientKey::of([192, 0, 2, last].into())
    }

    fn pieces(sizes: &[usize]) -> impl Body<Data = Bytes> + Unpin {
        let pieces: Vec<_> = sizes
            .iter()
            .map(|size| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; *size]))))
            .collect();
        StreamBody::new(stream::iter(pieces))
    }

    /// A body whose first byte comes, and no other.
    fn stuck() -> impl Body<Data = Bytes> + Unpin {
        let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")))]);
        StreamBody::new(Box::pin(futures_util::StreamExt::chain(first, stream::pending())))
    }

    #[tokio::test]
    async fn body_is_whole_up_to_its_limit() {
        let memory = BodyMemory::new(1);
        for sizes in [&[][..], &[1], &[5, 5], &[0, 3, 7], &[10]] {
            let length: usize = sizes.iter().sum();
            let Read::Whole(body, _memory) = memory.read(client(1), pieces(sizes), 10, TIME).await else {
                panic!("{sizes:?}");
            };
            assert_eq!(body.len(), length, "{sizes:?}");
        }
        for sizes in [&[11][..], &[10, 1], &[5, 100, 5]] {
            let read = memory.read(client(1), pieces(sizes), 10, TIME).await;
            assert!(matches!(read, Read::TooLarge), "{sizes:?}");
        }
        assert_eq!(memory.held().total, 0);
        assert!(memory.held().by_client.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_take_the_memory_of_what_has_come_and_not_of_what_was_announced() {
        let memory = BodyMemory::new(1);
        let mut reads = Vec::new();
        for _ in 0..400 {
            let memory = Arc::clone(&memory);
            reads.push(tokio::spawn(async move { memory.read(client(1), stuck(), 2_621_440, TIME).await }));
        }
        // The clock of this test moves when every task waits.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(memory.held().total, 400 * LEAST);
        let honest = memory.read(client(2), Full::new(Bytes::from_static(b"name=x")), 2_621_440, TIME).await;
        assert!(matches!(honest, Read::Whole(..)));
        drop(honest);
        for read in reads {
            assert!(matches!(read.await.unwrap(), Read::Late));
        }
        assert_eq!(memory.held().total, 0);
    }

    #[tokio::test]
    async fn one_client_takes_no_more_than_its_part() {
        let memory = BodyMemory::new(1);
        let part = (1 << 20) / SHARE;
        let body = || pieces(&[100_000]);
        let first = memory.read(client(1), body(), part, TIME).await;
        assert!(matches!(first, Read::Whole(..)));
        assert!(matches!(memory.read(client(1), body(), part, TIME).await, Read::NoMemory));
        assert_eq!(memory.refused(), 1);
        assert!(matches!(memory.read(client(2), body(), part, TIME).await, Read::Whole(..)));
        drop(first);
        assert!(matches!(memory.read(client(1), body(), part, TIME).await, Read::Whole(..)));
    }
}
