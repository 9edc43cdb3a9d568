//! Import, export and conversions over an engine with a real SQLite store.
#![cfg(test)]

mod bots;
mod fourth_protocol;
mod import;
mod languages;
mod moving;
mod names;
mod once;
mod realms;
mod text;
mod updates;
#[path = "../../../auth-engine/tests/engine/world.rs"]
mod world;
mod zettelstore;
