//! The protocol, asked through `Protocol::handle` in front of fake services.

#![cfg(test)]

mod fixtures;
mod routes;
mod session;
mod tokens;
