//! The engine over a real SQLite store, with the clock and the randomness in the tests' hands.
#![cfg(test)]

mod credentials;
mod factors;
mod limits;
mod login;
mod operators;
mod transfer;
mod world;
