//! The door, asked through `Door::answer` with an inside whose answers are fixed.

#![cfg(test)]

mod cases;
mod inside;
mod login;
mod requests;
mod routes;
mod tokens;
