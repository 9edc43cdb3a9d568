//! The engine over a real SQLite store, with the clock and the randomness in the tests' hands.
#![cfg(test)]

mod app_passwords;
mod application;
mod assertions;
mod attempt_log;
mod audit;
mod blocks;
mod closed_limits;
mod confirm;
mod credential_cache;
mod credentials;
mod delay_slots;
mod directory;
mod empty_passwords;
mod enrolment;
mod failure_delay;
mod forward;
mod fourth_protocol;
mod handover;
mod limits;
mod log_lines;
mod login;
mod mail;
mod opening;
mod own_account;
mod priority;
mod reset;
mod reset_links;
mod second_factors;
mod signed_in;
mod tokens;
mod web;
mod world;
mod wrong_codes;
mod zettelstore;
mod zulip_sessions;
