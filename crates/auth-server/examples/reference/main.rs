//! Prints docs/commands.md: every command with its arguments.

mod markdown;

use std::io::{Write, stdout};

fn main() -> std::io::Result<()> {
    stdout().write_all(markdown::page(auth_server::command::tree()).as_bytes())
}
