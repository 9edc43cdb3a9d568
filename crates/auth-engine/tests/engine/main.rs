//! The engine over a real SQLite store, with the clock and the randomness in the tests' hands.
#![cfg(test)]

mod app_passwords;
mod assertions;
mod blocks;
mod confirm;
mod credentials;
mod directory;
mod enrolment;
mod factors;
mod failure_grid;
mod keys;
mod limits;
mod login;
mod mail;
mod moving;
mod operators;
mod priority;
mod reset;
mod signed_in;
mod tokens;
mod transfer;
mod waiting;
mod world;
mod zettel_import;
mod zettelstore;
