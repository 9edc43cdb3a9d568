//! Attempts that servers count together: none, since one server alone has the file open.

use auth_core::SharedAttempts;

use super::Sqlite;

impl SharedAttempts for Sqlite {}
