//! Requests that are done once, however often they come (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).
//!
//! Replies are kept in memory for a day, a bounded number of them. That a key was used is remembered by the store: where the
//! reply is known no more, or another server of the store gave it, the request is refused and not done again.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{Actor, Timestamp};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use ring::digest::{Context, SHA256};

use crate::problem::Problem;

/// The header that holds the key.
pub(crate) const HEADER: &str = "idempotency-key";

/// How long a key is remembered.
pub(crate) const LIFE: Duration = Duration::from_secs(24 * 3600);

/// The longest key, in bytes.
const LONGEST_KEY: usize = 128;

/// Requests that are remembered at a time.
const MOST: usize = 1024;

/// The bytes of all replies that are kept.
const MOST_BYTES: usize = 4 << 20;

/// A SHA-256.
pub(crate) type Digest = [u8; 32];

/// The replies that were given.
#[derive(Default)]
pub(crate) struct Replies(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    requests: HashMap<Digest, Request>,
    /// The requests by the moment until which they are remembered.
    order: VecDeque<(Timestamp, Digest)>,
    bytes: usize,
}

struct Request {
    /// The digest of what was asked for.
    content: Digest,
    state: State,
}

enum State {
    /// It is being done.
    UnderWay,
    /// It did nothing, and may be tried again.
    Undone,
    /// It was done.
    Done(Response<Bytes>),
}

/// What is to become of a request.
pub(crate) enum Beginning<'a> {
    /// It is to be done.
    Do(Turn<'a>),
    /// It was done before.
    Done(Response<Bytes>),
}

/// The right to do a request. When it is dropped without an end, nobody knows whether the request was done.
pub(crate) struct Turn<'a> {
    replies: &'a Replies,
    name: Digest,
    /// Whether the store knows the key by an attempt that did nothing.
    pub(crate) is_spent: bool,
    is_over: bool,
}

/// The key of a request.
///
/// # Errors
/// A [`Problem`] when it is none, or there are several.
pub(crate) fn key_of(head: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = head.get_all(HEADER).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    // The draft has it in quotes, and many clients send it without.
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_key_byte = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if given.next().is_some() || !(1..=LONGEST_KEY).contains(&text.len()) || !text.bytes().all(is_key_byte) {
        let title = format!("Idempotency-Key is not one text of 1 to {LONGEST_KEY} visible characters");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-idempotency-key", title));
    }
    Ok(Some(text))
}

/// The digest by which an operator's key is remembered: another operator's is another one.
pub(crate) fn name_of(actor: &Actor, key: &str) -> Digest {
    digest(&[
        b"auth-server idempotency",
        actor.as_str().as_bytes(),
        actor.name().unwrap_or_default().as_bytes(),
        key.as_bytes(),
    ])
}

/// The digest of what a request asks for.
pub(crate) fn content_of(path: &str, body: &[u8]) -> Digest {
    digest(&[path.as_bytes(), body])
}

/// The digest of a list of texts.
fn digest(parts: &[&[u8]]) -> Digest {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

impl Replies {
    /// Begins a request, unless it was done before or is under way.
    ///
    /// # Errors
    /// A [`Problem`] when it is under way, or the key was used for another request.
    pub(crate) fn begin(
        &self,
        name: Digest,
        content: Digest,
        now: Timestamp,
    ) -> Result<Beginning<'_>, Problem> {
        let mut kept = self.kept();
        kept.forget(|until| until <= now);
        let is_spent = match kept.requests.get_mut(&name) {
            Some(known) if known.content != content => {
                let title = "the Idempotency-Key was used for another request";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title));
            }
            Some(Request { state: State::Done(reply), .. }) => return Ok(Beginning::Done(reply.clone())),
            Some(Request { state: State::UnderWay, .. }) => {
                let title = "a request with this Idempotency-Key is being done";
                return Err(Problem::new(StatusCode::CONFLICT, "under-way", title));
            }
            Some(known) => {
                known.state = State::UnderWay;
                true
            }
            None => {
                kept.requests.insert(name, Request { content, state: State::UnderWay });
                kept.order.push_back((now + LIFE, name));
                kept.make_room();
                false
            }
        };
        Ok(Beginning::Do(Turn { replies: self, name, is_spent, is_over: false }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets the oldest requests as long as the moment until which they are remembered says so.
    fn forget(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        while let Some((until, _)) = self.order.front()
            && is_due(*until)
            && let Some((_, name)) = self.order.pop_front()
        {
            self.remove(&name);
        }
    }

    fn make_room(&mut self) {
        while self.requests.len() > MOST || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.order.pop_front() else { return };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, name: &Digest) {
        if let Some(Request { state: State::Done(reply), .. }) = self.requests.remove(name) {
            self.bytes -= reply.body().len();
        }
    }
}

impl Turn<'_> {
    /// Keeps the reply of the request, which was done.
    pub(crate) fn done(mut self, reply: &Response<Bytes>) {
        self.end(Some(State::Done(reply.clone())));
    }

    /// Lets the request be tried again, which did nothing.
    pub(crate) fn undone(mut self) {
        self.end(Some(State::Undone));
    }

    fn end(&mut self, state: Option<State>) {
        self.is_over = true;
        let mut kept = self.replies.kept();
        let Some(state) = state else {
            kept.order.retain(|(_, name)| *name != self.name);
            kept.remove(&self.name);
            return;
        };
        let bytes = match &state {
            State::Done(reply) => reply.body().len(),
            State::UnderWay | State::Undone => 0,
        };
        // It may have been forgotten meanwhile, to make room.
        if let Some(request) = kept.requests.get_mut(&self.name) {
            request.state = state;
            kept.bytes += bytes;
            kept.make_room();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(None);
        }
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").field("requests", &self.kept().requests.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u64) -> Digest {
        digest(&[&number.to_be_bytes()])
    }

    fn turn<'a>(replies: &'a Replies, number: u64, now: Timestamp) -> Turn<'a> {
        match replies.begin(name(number), name(0), now) {
            Ok(Beginning::Do(turn)) => turn,
            _ => panic!("{number} is to be done"),
        }
    }

    #[test]
    fn a_request_that_is_under_way_is_not_begun_again_and_one_that_broke_off_is_forgotten() {
        let (replies, now) = (Replies::default(), Timestamp::default());
        let first = turn(&replies, 1, now);
        assert!(!first.is_spent);
        let refused =
            |content: Digest| replies.begin(name(1), content, now).err().map(|problem| problem.code);
        assert_eq!(refused(name(0)).as_deref(), Some("under-way"));
        assert_eq!(refused(name(9)).as_deref(), Some("idempotency-key-reused"));
        drop(first);
        let second = turn(&replies, 1, now);
        assert!(!second.is_spent, "what broke off may have been done: the store is asked");
        second.undone();
        assert!(turn(&replies, 1, now).is_spent, "what did nothing is tried again");
    }

    #[test]
    fn replies_are_kept_for_a_day_and_no_more_than_there_is_room_for() {
        let (replies, now) = (Replies::default(), Timestamp::default());
        let reply = |bytes: usize| Response::new(Bytes::from(vec![b'x'; bytes]));
        turn(&replies, 1, now).done(&reply(7));
        let last = now + LIFE - Duration::from_millis(1);
        let again = replies.begin(name(1), name(0), last);
        assert!(matches!(again, Ok(Beginning::Done(reply)) if reply.body() == "xxxxxxx"));
        turn(&replies, 1, now + LIFE).undone();
        assert_eq!(replies.kept().bytes, 0);
        for number in 0..2 * MOST as u64 {
            turn(&replies, number, now + LIFE).done(&reply(1));
        }
        let sizes = || {
            let kept = replies.kept();
            (kept.requests.len(), kept.bytes)
        };
        assert_eq!(sizes(), (MOST, MOST));
        for number in 0..100 {
            turn(&replies, number, now + LIFE).done(&reply(MOST_BYTES / 10));
        }
        let kept = replies.kept();
        assert!(kept.bytes <= MOST_BYTES && kept.requests.len() == kept.order.len(), "{}", kept.bytes);
    }

    #[test]
    fn a_key_is_one_short_text_in_quotes_or_not() {
        let long = "x".repeat(LONGEST_KEY + 1);
        for (given, expected) in [
            (&[][..], Ok(None)),
            (&["8e03978e-40d5"], Ok(Some("8e03978e-40d5"))),
            (&["\"8e03978e-40d5\""], Ok(Some("8e03978e-40d5"))),
            (&[""], Err(())),
            (&["\"\""], Err(())),
            (&["a b"], Err(())),
            (&["a\"b"], Err(())),
            (&[long.as_str()], Err(())),
            (&["a", "a"], Err(())),
        ] {
            let mut head = HeaderMap::new();
            for value in given {
                head.append(HEADER, value.parse().unwrap());
            }
            assert_eq!(key_of(&head).map_err(drop), expected, "{given:?}");
        }
    }
}
