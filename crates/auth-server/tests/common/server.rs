//! Servers that run the built binary.

use std::path::Path;

use auth_conformance::{Server, ServerConfig};

/// The path of the built binary.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_auth-server"))
}

/// A configuration without shared limits, and with a log in JSON that holds everything.
pub(crate) fn config() -> ServerConfig {
    ServerConfig::for_tests().set("limits.shared", "off").set("log.format", "json").set("log.level", "trace")
}

/// Imports the users and starts a server.
pub(crate) fn start(config: &ServerConfig, users: &str) -> Server {
    Server::start(binary(), config, users).unwrap()
}

/// Asks the server to end, waits for it, and returns the log.
pub(crate) fn stop(mut server: Server) -> String {
    server.stop().unwrap();
    server.log()
}
