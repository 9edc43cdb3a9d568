//! The `auth-server` binary: see `auth-server --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    auth_server::command::run()
}
