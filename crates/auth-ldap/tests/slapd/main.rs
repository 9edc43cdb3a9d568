//! The backend against a real slapd. Each test starts its own.
#![cfg(test)]

mod active_directory;
mod fixture;
mod groups;
mod logins;
mod outages;
mod pages;
mod people;
mod pool;
mod small_server;
mod tls;
