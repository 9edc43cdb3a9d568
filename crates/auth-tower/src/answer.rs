//! A protocol's answer, and the moment when it may be sent.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use auth_core::{Answer, Clock, InternalError, Peer, Protocol, Route, Timestamp};
use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;

/// The longest delay of an answer. An answer whose moment is further off, as when the clock was set back, is sent after
/// this time.
pub const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Has a protocol answer a request. Where the protocol panics, the answer is its own internal error.
///
/// The answer may only be sent after [`until`] its [`Answer::not_before`].
pub async fn ask(protocol: &dyn Protocol, route: &Route, request: Request<Bytes>, peer: &Peer) -> Answer {
    let answer = AssertUnwindSafe(protocol.answer(route, request, peer)).catch_unwind().await;
    answer.unwrap_or_else(|_| protocol.refuse(InternalError::defect("the protocol panicked").into()))
}

/// Waits until the moment before which an answer must not be sent, at most [`LONGEST_DELAY`].
///
/// The time of an answer would otherwise tell which names exist and how their passwords are stored. Under a framework
/// without a Service of tower, wait so between the protocol's answer and the first byte of the response.
pub async fn until(not_before: Option<Timestamp>, clock: &dyn Clock) {
    if let Some(moment) = not_before {
        tokio::time::sleep(moment.since(clock.now()).min(LONGEST_DELAY)).await;
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use auth_core::{
        BodyRule, InternalErrorKind, ManualClock, ProtocolName, RequestError, RequestId, RouteMatch,
    };
    use http::{HeaderMap, Method, Response, StatusCode};

    use super::*;

    /// A protocol that panics at each request.
    struct Panicking;

    #[async_trait]
    impl Protocol for Panicking {
        fn name(&self) -> ProtocolName {
            ProtocolName::ZULIP
        }

        fn route(&self, _: &str) -> Route {
            Route { matched: RouteMatch::Documented, pattern: "/", index: 0 }
        }

        fn body_rule(&self, _: &Route, _: &Method, _: &HeaderMap) -> BodyRule {
            BodyRule::Ignored
        }

        fn refuse(&self, error: RequestError) -> Answer {
            let RequestError::Internal(error) = error else { panic!("{error:?}") };
            let mut response = Response::new(Bytes::from_static(b"in the protocol's form"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            Answer::failed(response, error)
        }

        async fn answer(&self, _: &Route, _: Request<Bytes>, _: &Peer) -> Answer {
            panic!("a defect")
        }
    }

    #[tokio::test]
    async fn protocol_that_panics_answers_with_its_own_internal_error() {
        let peer = Peer::of_request([192, 0, 2, 1].into(), RequestId::made(0, 1));
        let request = Request::new(Bytes::new());
        let answer = ask(&Panicking, &Panicking.route("/"), request, &peer).await;
        assert_eq!(answer.response.status(), 500);
        assert_eq!(answer.response.body(), "in the protocol's form");
        assert_eq!(answer.error.unwrap().kind(), InternalErrorKind::Defect);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_waits_for_its_moment_but_never_for_long() {
        let clock = ManualClock::at(Timestamp::from_secs(1000));
        for (moment, expected) in [
            (None, Duration::ZERO),
            (Some(Timestamp::from_millis(1_000_250)), Duration::from_millis(250)),
            (Some(Timestamp::from_secs(999)), Duration::ZERO),
            (Some(Timestamp::from_secs(100_000)), LONGEST_DELAY),
        ] {
            let waiting = until(moment, &clock);
            tokio::pin!(waiting);
            if !expected.is_zero() {
                let too_early = expected - Duration::from_millis(1);
                assert!(tokio::time::timeout(too_early, &mut waiting).await.is_err(), "{moment:?}");
            }
            let in_time = Duration::from_millis(10);
            assert!(tokio::time::timeout(in_time, waiting).await.is_ok(), "{moment:?}");
        }
    }
}
