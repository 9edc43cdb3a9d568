//! The protocol, asked through `Protocol::answer` with an services whose answers are fixed.

#![cfg(test)]

mod cases;
mod login;
mod requests;
mod routes;
mod services;
mod tokens;
