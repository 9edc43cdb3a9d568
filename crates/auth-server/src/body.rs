//! Request bodies: read whole, within limits of size, time and memory.
//!
//! Where there is no memory left, the oldest body that is still being sent gives its memory up, of the client that has the
//! most, if that is more than the new one's client would have. So bodies that never end keep no others out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::ClientKey;
use auth_tower::{ReadBody, Room, read_body};
use bytes::Bytes;
use hyper::body::Body;
use tokio_util::sync::CancellationToken;

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
    next: u64,
    /// Bodies that have memory, the oldest first.
    bodies: BTreeMap<u64, Share>,
    /// Bodies for which there was no memory, since the start.
    refused: u64,
}

/// The memory of one body.
#[derive(Debug)]
struct Share {
    client: ClientKey,
    bytes: usize,
    /// Cancelled when the body gives its memory up.
    given_up: CancellationToken,
    /// Whether the whole body has come: it stays until it is answered.
    is_whole: bool,
}

/// The memory that one body takes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    of: Arc<BodyMemory>,
    client: ClientKey,
    given_up: CancellationToken,
    /// Once it has memory.
    number: Option<u64>,
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
        let given_up = CancellationToken::new();
        let memory = Memory { of: Arc::clone(self), client, given_up: given_up.clone(), number: None };
        if body.is_end_stream() {
            return Read::Whole(Bytes::new(), memory);
        }
        tokio::select! {
            // A body that is whole at the same moment is answered.
            biased;
            read = tokio::time::timeout(time, collect(body, limit, memory)) => read.unwrap_or(Read::Late),
            () = given_up.cancelled() => Read::NoMemory,
        }
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

async fn collect<B>(body: B, limit: usize, mut memory: Memory) -> Read
where
    B: Body<Data = Bytes>,
{
    match read_body(body, limit, &mut memory).await {
        ReadBody::Whole(body) if memory.keep() => Read::Whole(body, memory),
        ReadBody::Whole(_) | ReadBody::NoRoom => Read::NoMemory,
        ReadBody::TooLarge => Read::TooLarge,
        ReadBody::Broken => Read::Broken,
    }
}

impl Room for Memory {
    /// Takes memory until it is so many bytes; `false` and nothing taken when there is not enough.
    fn grow(&mut self, bytes: usize) -> bool {
        let mut held = self.of.held();
        let has = match self.number {
            None => 0,
            // One that has given its memory up gets no other.
            Some(number) => match held.bodies.get(&number) {
                None => return false,
                Some(share) => share.bytes,
            },
        };
        let more = bytes.saturating_sub(has);
        let own = held.by_client.get(&self.client).copied().unwrap_or_default() + more;
        if own > self.of.most / SHARE || !held.make_room(self.of.most, more, own) {
            held.refused += 1;
            return false;
        }
        held.total += more;
        held.by_client.insert(self.client, own);
        if let Some(share) = self.number.and_then(|number| held.bodies.get_mut(&number)) {
            share.bytes += more;
        } else {
            let number = held.next;
            held.next += 1;
            self.number = Some(number);
            let given_up = self.given_up.clone();
            let share = Share { client: self.client, bytes: more, given_up, is_whole: false };
            held.bodies.insert(number, share);
        }
        true
    }

    fn release(&mut self) {
        if let Some(number) = self.number.take() {
            self.of.held().release(number);
        }
    }
}

impl Memory {
    /// Keeps the memory of a body that has come until it is answered; `false` when it was given up before.
    fn keep(&self) -> bool {
        let Some(number) = self.number else { return true };
        let mut held = self.of.held();
        let share = held.bodies.get_mut(&number).map(|share| share.is_whole = true);
        share.is_some()
    }
}

impl Held {
    /// Has bodies of the client that has the most give their memory up until there is room for `more` bytes; `false` when
    /// no client has more than `own`.
    fn make_room(&mut self, most: usize, more: usize, own: usize) -> bool {
        while self.total + more > most {
            let Some((largest, bytes)) = self.by_client.iter().max_by_key(|(_, bytes)| **bytes) else {
                return false;
            };
            let (largest, bytes) = (*largest, *bytes);
            if bytes <= own {
                return false;
            }
            let is_oldest = |(_, share): &(&u64, &Share)| share.client == largest && !share.is_whole;
            let Some((&number, oldest)) = self.bodies.iter().find(is_oldest) else { return false };
            oldest.given_up.cancel();
            self.refused += 1;
            self.release(number);
        }
        true
    }

    /// Takes a body's memory from it.
    fn release(&mut self, number: u64) {
        let Some(Share { client, bytes, .. }) = self.bodies.remove(&number) else { return };
        self.total -= bytes;
        match self.by_client.get_mut(&client) {
            Some(own) if *own > bytes => *own -= bytes,
            _ => drop(self.by_client.remove(&client)),
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

    /// A body whose first bytes come, and no others.
    fn stuck(bytes: usize) -> impl Body<Data = Bytes, Error = Infallible> + Unpin + Send {
        let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; bytes])))]);
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

    #[tokio::test]
    async fn body_that_is_too_large_is_read_to_its_end_although_it_comes_in_pieces() {
        let memory = BodyMemory::new(1);
        let paced = stream::unfold(0, |number| async move {
            tokio::task::yield_now().await;
            (number < 5).then(|| (Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; 7]))), number + 1))
        });
        let read = memory.read(client(1), StreamBody::new(Box::pin(paced)), 10, TIME).await;
        assert!(matches!(read, Read::TooLarge));
        assert_eq!(memory.refused(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_take_the_memory_of_what_has_come_and_not_of_what_was_announced() {
        let memory = BodyMemory::new(1);
        let mut reads = Vec::new();
        for _ in 0..400 {
            let memory = Arc::clone(&memory);
            reads.push(tokio::spawn(async move { memory.read(client(1), stuck(1), 2_621_440, TIME).await }));
        }
        // The clock of this test moves when every task waits.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(memory.held().total, 400 * 256);
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

    #[tokio::test(start_paused = true)]
    async fn bodies_that_never_end_give_way_to_those_of_clients_that_have_less() {
        let memory = BodyMemory::new(1);
        let mut stuck_bodies = Vec::new();
        for last in 1..=8 {
            let memory = Arc::clone(&memory);
            let body = stuck((1 << 20) / SHARE);
            stuck_bodies.push(tokio::spawn(async move {
                matches!(memory.read(client(last), body, 1 << 20, TIME).await, Read::NoMemory)
            }));
        }
        // The clock of this test moves when every task waits.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(memory.held().total, 1 << 20);
        let honest = memory.read(client(9), pieces(&[1000]), 2000, TIME).await;
        assert!(matches!(honest, Read::Whole(..)));
        assert_eq!(memory.held().total, (1 << 20) / SHARE * (SHARE - 1) + 1000);
        let mut given_up = 0;
        for body in stuck_bodies {
            given_up += usize::from(body.await.unwrap());
        }
        assert_eq!(given_up, 1, "one body was enough");
    }
}
