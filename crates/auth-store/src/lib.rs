//! User records in SQLite behind the store traits of auth-core
