//! A directory whose answers are timed, and are spans of the requests that they are for.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use auth_core::{BackendAnswer, InternalError, PasswordBackend, Realm, VerifyRequest};
use auth_ldap::Directory;
use metrics::Histogram;

use crate::system::monotonic;
use crate::traces;

/// A directory, and where the time of its answers to logins is recorded.
pub(crate) struct TimedDirectory {
    directory: Arc<Directory>,
    seconds: OnceLock<Histogram>,
}

impl TimedDirectory {
    pub(crate) fn new(directory: Arc<Directory>) -> Self {
        Self { directory, seconds: OnceLock::new() }
    }

    /// The directory itself.
    pub(crate) fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Records the time of each answer from now on; the first call decides where.
    pub(crate) fn record_in(&self, seconds: Histogram) {
        drop(self.seconds.set(seconds));
    }

    async fn timed(&self, name: &'static str, asking: impl Future<Output = BackendAnswer>) -> BackendAnswer {
        let began = monotonic();
        let is_failure = |answer: &BackendAnswer| matches!(answer, BackendAnswer::Unavailable(_));
        let answer = traces::part(name, is_failure, asking).await;
        if let Some(seconds) = self.seconds.get() {
            seconds.record(began.elapsed());
        }
        answer
    }
}

#[async_trait]
impl PasswordBackend for TimedDirectory {
    fn name(&self) -> &str {
        self.directory.name()
    }

    fn is_directory(&self) -> bool {
        self.directory.is_directory()
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        self.timed("directory verify", self.directory.verify(request)).await
    }

    async fn find_entry(&self, realm: &Realm, typed: &str) -> BackendAnswer {
        self.timed("directory find_entry", self.directory.find_entry(realm, typed)).await
    }

    async fn has_entry(&self, id: &str) -> Result<bool, InternalError> {
        PasswordBackend::has_entry(&*self.directory, id).await
    }
}
