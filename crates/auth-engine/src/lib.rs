//! The login pipeline: reserve, resolve, verify, account state, second factor, grant
