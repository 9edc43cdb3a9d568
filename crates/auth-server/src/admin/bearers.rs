//! Keys for administration as bearers of requests (RFC 6750).

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_admin::AdminKeys;
use auth_admin::operation::Operator;
use auth_admin_api::Problem;
use auth_core::{ClientKey, Clock, Digest, Event, Quota, RateLimiter};
use auth_crypto::opaque;
use auth_engine::Engine;
use bytes::Bytes;
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// Wrong keys that a client may present. Keys can't be guessed: this bounds what their look-up costs.
const WRONG: Quota = Quota { attempts: 20, window: Duration::from_secs(60) };

/// Clients whose wrong keys are counted at a time.
const CLIENTS: usize = 4096;

/// Keys that are remembered as good.
const KNOWN: usize = 256;

/// The longest key that is looked up. Those that there are have some 50 bytes.
const LONGEST: usize = 256;

/// What a request without a key is told.
const CHALLENGE: &str = "Bearer realm=\"auth-server\"";

/// What a request with a wrong key is told.
const WRONG_KEY: &str = "Bearer realm=\"auth-server\", error=\"invalid_token\"";

/// Finds out which operator a request is of, by the key in it.
pub(crate) struct Bearers {
    keys: AdminKeys,
    clock: Arc<dyn Clock>,
    wrong: Mutex<RateLimiter<ClientKey>>,
    /// The digests of keys that were good here.
    known: Mutex<VecDeque<Digest>>,
}

impl Bearers {
    pub(crate) fn new(engine: &Engine) -> Self {
        let wrong = Mutex::new(RateLimiter::new(WRONG, CLIENTS));
        Self {
            keys: AdminKeys::new(engine),
            clock: Arc::clone(engine.clock()),
            wrong,
            known: Mutex::default(),
        }
    }

    /// The operator whose key is in the head of a client's request; else the answer that refuses the request.
    pub(super) async fn operator(
        &self,
        head: &HeaderMap,
        client: ClientKey,
    ) -> Result<Operator, Response<Bytes>> {
        let Some(secret) = bearer(head) else {
            return Err(unauthorized("present a key: Authorization: Bearer KEY", CHALLENGE));
        };
        let now = self.clock.now();
        let digest = opaque::digest(secret);
        let is_known = self.known().contains(&digest);
        // An attempt counts before anything is known of it, and no more once the key is found good.
        // Keys that were good here don't wait for others': who presents wrong ones locks no program out.
        let status = (!is_known).then(|| self.with(|wrong| wrong.reserve(&client, now)));
        if let Some(wait) = status.and_then(|status| status.retry_after) {
            let title = "too many wrong keys from this address: wait";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-wrong-keys", title);
            let mut response = problem.into_response();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            return Err(response);
        }
        let found = if secret.len() <= LONGEST { self.keys.operator(secret).await } else { Ok(None) };
        match (is_known, &found) {
            (true, Ok(None)) => {
                self.known().retain(|known| *known != digest);
                self.with(|wrong| wrong.count(&client, now));
            }
            (false, Ok(Some(_))) => {
                self.with(|wrong| wrong.give_back(&client, now));
                let mut known = self.known();
                if known.len() >= KNOWN {
                    known.pop_front();
                }
                known.push_back(digest);
            }
            (false, Err(_)) => self.with(|wrong| wrong.give_back(&client, now)),
            _ => {}
        }
        match found {
            Ok(Some(operator)) => Ok(operator.at(client)),
            Ok(None) => {
                let event = Event::OperatorRefused.as_str();
                tracing::warn!(target: "auth::admin", event, %client, "a request to the operators' listener has a wrong key");
                Err(unauthorized("the key is none, has ended, or was revoked", WRONG_KEY))
            }
            Err(error) => {
                tracing::error!(target: "auth::admin", %error, "a key for administration can't be looked up");
                let title = "the store can't be reached";
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store", title).into_response())
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Digest>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, act: impl FnOnce(&mut RateLimiter<ClientKey>) -> T) -> T {
        // A panic while counting leaves counts that are still sound.
        act(&mut self.wrong.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The one key in the head of a request.
pub(crate) fn bearer(head: &HeaderMap) -> Option<&str> {
    let mut given = head.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

fn unauthorized(title: &str, challenge: &'static str) -> Response<Bytes> {
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "no-key", title).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

impl fmt::Debug for Bearers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_key_of_the_scheme_bearer_or_none() {
        for (given, expected) in [
            (&["Bearer asadm_x"][..], Some("asadm_x")),
            (&["bearer   asadm_x "], Some("asadm_x")),
            (&["BEARER a b"], Some("a b")),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["Basic YTpi"], None),
            (&["asadm_x"], None),
            (&["Bearer é"], None),
            (&["Bearer asadm_x", "Bearer asadm_x"], None),
            (&[], None),
        ] {
            let mut head = HeaderMap::new();
            for value in given {
                head.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(bearer(&head), expected, "{given:?}");
        }
    }
}
