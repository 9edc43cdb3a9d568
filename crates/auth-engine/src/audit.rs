//! Rows of the audit log: who does what, when and from where. The store writes each in the transaction of its act.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Act, ActionError, Actor, AuditRecord, Caller, Clock, Peer, ProtocolName, RealmId, User, UserId,
};

use crate::rate_limit::shared::AttemptLimits;

/// Makes rows of the audit log, and limits how often an account may change itself: no flood fills the log.
pub struct Auditor {
    clock: Arc<dyn Clock>,
    limits: Arc<AttemptLimits>,
}

impl Auditor {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: Arc<AttemptLimits>) -> Self {
        Self { clock, limits }
    }

    /// The row of an act that a command does; to a user, a realm or the server as a whole.
    #[must_use]
    pub fn by_command(
        &self,
        act: Act,
        realm: Option<RealmId>,
        user: Option<UserId>,
        detail: impl Into<String>,
    ) -> AuditRecord {
        AuditRecord {
            at: self.clock.now(),
            actor: Actor::Operator,
            by: None,
            act,
            realm,
            user,
            detail: detail.into(),
            client: None,
            protocol: None,
            request_id: String::new(),
        }
    }

    /// The row of an act that a command does to a user.
    #[must_use]
    pub fn by_command_on(&self, act: Act, user: &User, detail: impl Into<String>) -> AuditRecord {
        self.by_command(act, Some(user.realm), Some(user.id), detail)
    }

    /// The row of an act that a directory does to a user while the user logs in.
    pub(crate) fn by_directory(
        &self,
        directory: &str,
        act: Act,
        user: &User,
        protocol: ProtocolName,
        peer: &Peer,
    ) -> AuditRecord {
        self.by_request(Actor::Directory(directory.to_owned()), act, user, protocol, peer)
    }

    /// The row of an act that a signed-in user does, to itself or to another.
    ///
    /// # Errors
    /// [`ActionError::TooManyActs`] when the account has changed itself too often.
    pub(crate) fn by_caller(
        &self,
        caller: &Caller<'_>,
        act: Act,
        user: &User,
    ) -> Result<AuditRecord, ActionError> {
        let own = caller.principal.profile.user.id;
        let actor = if own == user.id {
            self.count(user)?;
            Actor::Owner
        } else {
            Actor::User(own)
        };
        let row = self.by_request(actor, act, user, caller.protocol, caller.peer);
        Ok(AuditRecord { by: caller.principal.credential, ..row })
    }

    /// The row of an act that a user does by logging in or by showing a factor.
    pub(crate) fn by_owner(&self, act: Act, user: &User, protocol: ProtocolName, peer: &Peer) -> AuditRecord {
        self.by_request(Actor::Owner, act, user, protocol, peer)
    }

    /// The row of an act that somebody does with a link that was mailed to the user.
    ///
    /// # Errors
    /// [`ActionError::TooManyActs`] when the account has changed itself too often.
    pub(crate) fn by_link(
        &self,
        act: Act,
        user: &User,
        protocol: ProtocolName,
        peer: &Peer,
    ) -> Result<AuditRecord, ActionError> {
        self.count(user)?;
        Ok(self.by_request(Actor::MailedLink, act, user, protocol, peer))
    }

    /// Counts an act that an account does to itself.
    fn count(&self, user: &User) -> Result<(), ActionError> {
        let wait = self.limits.local().reserve_own_act(user.id, self.clock.now());
        wait.map_or(Ok(()), |wait| Err(ActionError::TooManyActs(wait)))
    }

    fn by_request(
        &self,
        actor: Actor,
        act: Act,
        user: &User,
        protocol: ProtocolName,
        peer: &Peer,
    ) -> AuditRecord {
        AuditRecord {
            at: self.clock.now(),
            actor,
            by: None,
            act,
            realm: Some(user.realm),
            user: Some(user.id),
            detail: String::new(),
            client: Some(peer.client_key()),
            protocol: Some(protocol),
            request_id: peer.request_id.to_string(),
        }
    }
}

impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auditor").finish_non_exhaustive()
    }
}
