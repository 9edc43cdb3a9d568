//! Forward authentication with the real proxies, each with what `auth-server forward snippet` prints for it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod addresses;
mod browser;
mod credentials;
mod fixtures;
mod liar;

use auth_conformance::forward_proxy::ProxyKind;

use crate::fixtures::Site;

/// Everything that holds for each proxy.
fn holds(kind: ProxyKind) {
    let mut site = Site::start(kind);
    credentials::each_lets_its_owner_through_and_a_wrong_one_nobody(&site);
    credentials::what_was_revoked_a_moment_ago_lets_nobody_through(&site);
    credentials::a_body_and_a_web_socket_go_through(&site);
    liar::a_client_is_nobody_but_the_owner_of_its_credential(&site);
    liar::an_application_is_asked_for_what_was_allowed_alone(&site);
    liar::rules_hold_however_a_path_is_written(&site);
    browser::is_led_to_the_pages_and_back(&site);
    credentials::a_body_that_never_comes_is_not_waited_for(&site);
    addresses::are_the_clients_own_behind_one_proxy_and_behind_two(&site);
    addresses::limits_are_told_to_the_client(&site);
    credentials::without_the_server_nobody_goes_through(&mut site);
}

#[test]
fn nginx_lets_through_whom_the_server_knows() {
    holds(ProxyKind::Nginx);
}

#[test]
fn caddy_of_debian_lets_through_whom_the_server_knows() {
    holds(ProxyKind::DebianCaddy);
}

#[test]
fn caddy_lets_through_whom_the_server_knows() {
    holds(ProxyKind::Caddy);
}

#[test]
fn traefik_lets_through_whom_the_server_knows() {
    holds(ProxyKind::Traefik);
}

#[test]
fn envoy_lets_through_whom_the_server_knows() {
    holds(ProxyKind::Envoy);
}

#[test]
fn haproxy_lets_through_whom_the_server_knows() {
    holds(ProxyKind::Haproxy);
}

#[test]
fn proxies_that_can_name_their_clients_in_forwarded_do() {
    for kind in
        [ProxyKind::Nginx, ProxyKind::DebianCaddy, ProxyKind::Caddy, ProxyKind::Envoy, ProxyKind::Haproxy]
    {
        let mut site = Site::naming_clients_in("Forwarded", kind);
        addresses::are_the_clients_own_behind_one_proxy_and_behind_two(&site);
        addresses::limits_are_told_to_the_client(&site);
        credentials::each_lets_its_owner_through_and_a_wrong_one_nobody(&site);
        credentials::without_the_server_nobody_goes_through(&mut site);
    }
}
