//! Tries that all servers of a store count together, behind each server's own count: what that refuses is asked of
//! no store, so that a flood makes no row hot.

use auth_core::{Account, InternalError, LoginAttempt, StoreError, Timestamp, UserId};
use futures_util::future::{join_all, try_join_all};

use crate::Engine;
use crate::limits::{Limited, Ticket};

impl Engine {
    /// Reserves a try of everything that counts an attempt before its account is known, or of nothing.
    pub(crate) async fn reserve(
        &self,
        attempt: &LoginAttempt,
        now: Timestamp,
    ) -> Result<Result<Ticket, Limited>, InternalError> {
        Ok(match self.limits.reserve(attempt, now) {
            Ok(mut ticket) => self.share(&mut ticket).await?.map(|()| ticket),
            Err(limited) => Err(limited),
        })
    }

    /// Reserves a try of what counts by account, now that it is known; `false` when there were too many.
    pub(crate) async fn identify(
        &self,
        ticket: &mut Ticket,
        attempt: &LoginAttempt,
        account: &Account,
    ) -> Result<bool, InternalError> {
        let Ok(mut more) = self.limits.identify(ticket, attempt, account) else { return Ok(false) };
        let shared = self.share(&mut more).await?.is_ok();
        ticket.join(more);
        Ok(shared)
    }

    /// Has the store count the tries that were reserved here. On refusal nothing stays reserved.
    async fn share(&self, ticket: &mut Ticket) -> Result<Result<(), Limited>, InternalError> {
        let at = ticket.at();
        let asked = ticket.unshared(&self.limits);
        let answers = asked.iter().map(async |(name, rule)| {
            Ok::<_, StoreError>((*name, self.store.reserve_try(name, *rule, at).await?))
        });
        let answers = match try_join_all(answers).await {
            Ok(answers) => answers,
            Err(error) => {
                self.give_back(ticket).await;
                return Err(error.into());
            }
        };
        // Of each that is refused nothing was counted, and nothing must be given back.
        let refusals = answers.into_iter().filter_map(|(name, wait)| ticket.refused(&name, wait?));
        let Some(refusal) = refusals.collect::<Vec<_>>().into_iter().next() else { return Ok(Ok(())) };
        self.give_back(ticket).await;
        Ok(Err((refusal, None)))
    }

    /// Uncounts a try, here and in the store.
    pub(crate) async fn give_back(&self, ticket: &mut Ticket) {
        self.limits.give_back(ticket);
        self.unshare(ticket).await;
    }

    /// After a success: see [`Limits::succeeded`](crate::limits::Limits::succeeded).
    pub(crate) async fn succeeded(&self, mut ticket: Ticket) {
        self.unshare(&mut ticket).await;
        self.limits.succeeded(ticket);
    }

    /// Reserves a try at a second factor; `false` when there were too many.
    pub(crate) async fn reserve_second_factor(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, InternalError> {
        if !self.limits.reserve_second_factor(user, now) {
            return Ok(false);
        }
        let Some((name, rule)) = self.limits.shared_second_factor(user) else { return Ok(true) };
        let refused = self.store.reserve_try(&name, rule, now).await?.is_some();
        if refused {
            self.limits.second_factor_passed(user, now);
        }
        Ok(!refused)
    }

    /// The second factor whose try was reserved at `at` was right.
    pub(crate) async fn second_factor_passed(&self, user: UserId, at: Timestamp) {
        self.limits.second_factor_passed(user, at);
        if let Some((name, _)) = self.limits.shared_second_factor(user) {
            // What can't be uncounted now counts on until its window ends.
            drop(self.store.give_back_try(&name, at).await);
        }
    }

    async fn unshare(&self, ticket: &mut Ticket) {
        let at = ticket.at();
        let names = ticket.take_shared();
        // What can't be uncounted now counts on until its window ends.
        drop(join_all(names.iter().map(|name| self.store.give_back_try(name, at))).await);
    }
}
