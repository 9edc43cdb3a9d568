//! The protocol, asked through `Protocol::handle` in front of fake services.

#![cfg(test)]

mod cases;
mod fixtures;
mod login;
mod routes;
mod tokens;
