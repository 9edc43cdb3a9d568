//! Rows of the audit log that name who acts, and from where.

use std::sync::Arc;

use auth_core::{Account, Act, Actor, AuditRecord, ClientKey};
use auth_engine::{Auditor, Engine};

/// Who acts, and from where, as the audit log names them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct Author {
    /// Who acts.
    pub actor: Actor,
    /// The client that asked for it over the network; `None` for commands and work of the server itself.
    pub client: Option<ClientKey>,
}

impl Author {
    /// The row with the author in it.
    pub(crate) fn sign(&self, row: AuditRecord) -> AuditRecord {
        AuditRecord { actor: self.actor.clone(), client: self.client, ..row }
    }
}

impl From<Actor> for Author {
    /// An actor on the server itself.
    fn from(actor: Actor) -> Self {
        Self { actor, client: None }
    }
}

/// Makes rows of the audit log for whoever acts.
pub(crate) struct Scribe {
    auditor: Arc<Auditor>,
    author: Author,
}

impl Scribe {
    /// For whoever may run commands on the server.
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { auditor: Arc::clone(engine.auditor()), author: Actor::Operator.into() }
    }

    /// For another author.
    pub(crate) fn acting_as(self, author: impl Into<Author>) -> Self {
        Self { author: author.into(), ..self }
    }

    /// The row of an act on an account.
    pub(crate) fn row(&self, act: Act, account: &Account, detail: impl Into<String>) -> AuditRecord {
        self.author.sign(self.auditor.by_command_on(act, &account.user, detail))
    }
}
