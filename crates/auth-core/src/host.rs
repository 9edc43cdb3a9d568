//! Hosts that the server connects to.

use std::net::IpAddr;

/// Whether a host is this machine: `localhost`, or a loopback address, without brackets around it.
///
/// ```
/// assert!(auth_core::is_this_machine("::1"));
/// assert!(!auth_core::is_this_machine("ldap.example.org"));
/// ```
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
