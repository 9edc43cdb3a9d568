//! Bodies of requests: read whole, within a limit of size and the memory that there is.

use std::pin::pin;

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::BodyExt;

/// A body that is larger than its protocol takes is read on up to this, so that a client that writes before it
/// reads gets its answer. Nothing of it is kept.
const DRAINED: u64 = 128 << 20;

/// The least memory that a body takes.
const LEAST: usize = 256;

/// The memory that a body may take.
pub trait Room {
    /// Takes memory until it is so many bytes; `false` when there is not enough.
    fn grow(&mut self, bytes: usize) -> bool;

    /// Gives all memory back.
    fn release(&mut self);
}

/// Memory without a bound but the limit of the body's size.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to hold")]
pub struct Unbounded;

impl Room for Unbounded {
    fn grow(&mut self, _: usize) -> bool {
        true
    }

    fn release(&mut self) {}
}

/// A body that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server must answer each")]
pub enum ReadBody {
    /// The whole body.
    Whole(Bytes),
    /// Larger than the limit.
    TooLarge,
    /// There is no memory for it.
    NoRoom,
    /// The client went away or broke the protocol.
    Broken,
}

/// Reads a body of at most `limit` bytes into memory of `room`. A larger one is read to its end, up to 128 MiB, and
/// dropped. A caller limits the time.
pub async fn read_body<B: Body>(body: B, limit: usize, room: &mut impl Room) -> ReadBody {
    let mut body = pin!(body);
    if body.size_hint().lower() > DRAINED {
        return ReadBody::TooLarge;
    }
    let mut whole = Vec::new();
    let mut total: u64 = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return ReadBody::Broken };
        let Ok(mut data) = frame.into_data() else { continue };
        total += data.remaining() as u64;
        if total > DRAINED {
            return ReadBody::TooLarge;
        }
        if total > limit as u64 {
            whole = Vec::new();
            room.release();
            continue;
        }
        let needed = whole.len() + data.remaining();
        if needed > whole.capacity() {
            // Twice as much each time: what was announced and never comes takes no memory.
            let capacity = needed.max(whole.capacity() * 2).clamp(LEAST, limit.max(LEAST));
            if !room.grow(capacity) {
                return ReadBody::NoRoom;
            }
            whole.reserve_exact(capacity - whole.len());
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            whole.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    if total > limit as u64 { ReadBody::TooLarge } else { ReadBody::Whole(whole.into()) }
}
