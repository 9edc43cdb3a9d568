//! The backend against a real slapd, which each test starts for itself.
#![cfg(test)]

mod logins;
mod outages;
mod people;
mod pool;
mod tls;
mod world;
