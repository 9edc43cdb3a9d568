//! Rows of the audit log that name the operator.

use std::sync::Arc;

use auth_core::{Account, Act, Actor, AuditRecord};
use auth_engine::{Auditor, Engine};

/// Makes rows of the audit log for whoever acts.
pub(crate) struct Scribe {
    auditor: Arc<Auditor>,
    actor: Actor,
}

impl Scribe {
    /// For whoever may run commands on the server.
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { auditor: Arc::clone(engine.auditor()), actor: Actor::Operator }
    }

    /// For another actor.
    pub(crate) fn acting_as(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// The row of an act on an account.
    pub(crate) fn row(&self, act: Act, account: &Account, detail: impl Into<String>) -> AuditRecord {
        AuditRecord { actor: self.actor.clone(), ..self.auditor.by_command_on(act, &account.user, detail) }
    }
}
