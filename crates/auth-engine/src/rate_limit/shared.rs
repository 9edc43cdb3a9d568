//! Attempts that all servers of a store count together, behind each server's own count: what that refuses is asked of no
//! store, so that a flood makes no row hot.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::{
    Account, ClientKey, Clock, CredentialKind, Digest, InternalError, LoginAttempt, LoginError, Peer,
    Principal, ProtocolName, RateLimitStatus, RequestLimits, SharedCounter, Store, StoreError, Timestamp,
    UserId,
};
use futures_util::future::{join_all, try_join_all};

use super::local::LocalLimits;
use super::reservation::{Limited, Reservation};
use crate::network_rules::NetworkRules;

/// The limits of attempts, by this server and by all servers of the store.
pub struct AttemptLimits {
    local: LocalLimits,
    network_rules: Arc<NetworkRules>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    /// Accounts whose limits were lifted, perhaps by another server, each once.
    lifted: Mutex<Vec<UserId>>,
}

impl AttemptLimits {
    pub(crate) fn new(
        local: LocalLimits,
        network_rules: Arc<NetworkRules>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { local, network_rules, store, clock, lifted: Mutex::default() }
    }

    /// The bans and allowances of networks.
    #[must_use]
    pub fn network_rules(&self) -> &NetworkRules {
        &self.network_rules
    }

    /// The accounts whose limits were lifted, and whose counts at this server are to be forgotten.
    pub(super) fn lifted_elsewhere(&self) -> MutexGuard<'_, Vec<UserId>> {
        self.lifted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This server's own counts.
    pub(crate) fn local(&self) -> &LocalLimits {
        &self.local
    }

    /// Reserves an attempt at every counter that needs no account, or at none.
    pub(crate) async fn reserve(
        &self,
        attempt: &LoginAttempt,
        now: Timestamp,
    ) -> Result<Reservation, Limited> {
        let is_allowed = self.network_rules.allows(attempt.peer.address);
        let mut reservation = self.local.reserve(attempt, is_allowed, now)?;
        self.share(&mut reservation).await?;
        Ok(reservation)
    }

    /// Reserves an attempt at the counters of an account, now that it is known; `false` when there were too many.
    pub(crate) async fn identify(
        &self,
        reservation: &mut Reservation,
        attempt: &LoginAttempt,
        account: &Account,
    ) -> Result<bool, InternalError> {
        let Ok(mut more) = self.local.identify(reservation, attempt, account) else { return Ok(false) };
        let shared = self.share(&mut more).await;
        reservation.join(more);
        match shared {
            Ok(()) => Ok(true),
            Err(Limited { error: LoginError::Internal(error), .. }) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Uncounts an attempt, here and in the store.
    pub(crate) async fn give_back(&self, reservation: &mut Reservation) {
        self.local.give_back(reservation);
        self.unshare(reservation).await;
    }

    /// Uncounts an attempt after a success: see [`LocalLimits::succeeded`].
    pub(crate) async fn succeeded(&self, mut reservation: Reservation) {
        self.unshare(&mut reservation).await;
        self.local.succeeded(reservation);
    }

    /// Reserves an attempt at the second factor of an account; `None` when there were too many. `is_known` says whether the
    /// account has logged in from the client key. An attempt that was right is given back.
    pub(crate) async fn reserve_second_factor(
        &self,
        user: UserId,
        client: ClientKey,
        is_known: bool,
        now: Timestamp,
    ) -> Result<Option<Reservation>, InternalError> {
        let Ok(mut reservation) = self.local.reserve_second_factor(user, client, is_known, now) else {
            return Ok(None);
        };
        match self.share(&mut reservation).await {
            Ok(()) => Ok(Some(reservation)),
            Err(Limited { error: LoginError::Internal(error), .. }) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Counts a mail with a credential of a kind that a client which is not signed in has sent to an account; `false` when
    /// there were too many of the kind, at all servers of the store together.
    pub(crate) async fn reserve_mail(
        &self,
        kind: CredentialKind,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, InternalError> {
        let Ok(mut reservation) = self.local.reserve_mail(kind, user, now) else { return Ok(false) };
        match self.share(&mut reservation).await {
            Ok(()) => Ok(true),
            Err(Limited { error: LoginError::Internal(error), .. }) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Counts a mail to an address that a client asks for; gives the client's limit after it.
    pub(crate) async fn reserve_reset_link(
        &self,
        address: &str,
        client: ClientKey,
        now: Timestamp,
    ) -> Result<Option<RateLimitStatus>, LoginError> {
        let limited = |limited: Limited| limited.error;
        let mut reservation = self.local.reserve_reset_link(address, client, now).map_err(limited)?;
        self.share(&mut reservation).await.map_err(limited)?;
        Ok(reservation.status)
    }

    /// Has the store count what was reserved here and is shared. On refusal nothing stays reserved.
    async fn share(&self, reservation: &mut Reservation) -> Result<(), Limited> {
        let at = reservation.at;
        let asked: Vec<SharedCounter> = reservation
            .counters
            .iter()
            .filter_map(|counter| {
                let shared = self.local.shared(counter)?;
                reservation.shared.push((shared.key, counter.clone()));
                Some(shared)
            })
            .collect();
        let answers = asked.iter().map(async |shared| {
            let wait = self.store.reserve_attempt(shared, at).await?;
            Ok::<_, StoreError>((shared.key, shared.quota.window, wait))
        });
        let answers = match try_join_all(answers).await {
            Ok(answers) => answers,
            Err(error) => {
                self.give_back(reservation).await;
                return Err(Limited { error: error.into(), status: None, by: None });
            }
        };
        let mut refusal = None;
        for (name, window, wait) in answers {
            let Some(retry_after) = wait else { continue };
            // Where the store refuses, it has counted nothing, and nothing must be given back.
            let Some(index) = reservation.shared.iter().position(|(shared, _)| *shared == name) else {
                continue;
            };
            let (_, counter) = reservation.shared.remove(index);
            refusal.get_or_insert((counter, window, retry_after));
        }
        let Some((counter, window, retry_after)) = refusal else { return Ok(()) };
        self.give_back(reservation).await;
        let error = counter.error(retry_after);
        Err(Limited { error, status: None, by: Some(Box::new((counter, window))) })
    }

    async fn unshare(&self, reservation: &mut Reservation) {
        let at = reservation.at;
        let names: Vec<Digest> = reservation.shared.drain(..).map(|(name, _)| name).collect();
        // An attempt that can't be uncounted now counts until its window ends.
        drop(join_all(names.iter().map(|name| self.store.give_back_attempt(name, at))).await);
    }
}

impl RequestLimits for AttemptLimits {
    fn admit(&self, protocol: ProtocolName, route: &'static str, peer: &Peer) -> Option<RateLimitStatus> {
        if self.network_rules.allows(peer.address) {
            return None;
        }
        self.local.call(protocol, route, peer, self.clock.now())
    }

    fn admit_user(&self, protocol: ProtocolName, principal: &Principal) -> Option<RateLimitStatus> {
        self.local.user_call(protocol, principal.profile.user.id, self.clock.now())
    }
}

impl fmt::Debug for AttemptLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLimits").finish_non_exhaustive()
    }
}
