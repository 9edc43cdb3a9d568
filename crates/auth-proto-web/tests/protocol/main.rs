//! The protocol in front of services that answer as a test tells them to.

#![cfg(test)]

mod account;
mod address;
mod app_passwords;
mod browser;
mod fixtures;
mod languages;
mod password;
mod reset;
mod routes;
mod sessions;
mod sign_in;
mod threats;
mod two_step;
mod zulip;
