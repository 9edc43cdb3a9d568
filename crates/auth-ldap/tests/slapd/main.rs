//! The backend against a real slapd. Each test starts its own.
#![cfg(test)]

mod fixture;
mod logins;
mod outages;
mod people;
mod pool;
mod tls;
