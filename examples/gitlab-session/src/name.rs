//! The names that this crate adds to those that auth-core knows.

use auth_core::{CredentialKind, ProtocolName};

/// GitLab's API.
pub const GITLAB: ProtocolName = ProtocolName::new("gitlab");

/// A token of GitLab's API: stored as a digest, with an end.
pub const GITLAB_TOKEN: CredentialKind = CredentialKind::new("gitlab-token");
