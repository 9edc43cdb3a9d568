//! The defaults: what a key that isn't given means.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{
    ExactPoints, Grid, Keys, Limit, Listen, Log, LogFormat, PasswordPolicy, Passwords, RocketChat, Server,
    Span, Zettelstore, ZettelstoreAnswer, Zulip,
};

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![Listen::All(SocketAddr::from(([127, 0, 0, 1], 8080)))],
            trusted_proxies: Vec::new(),
            max_connections: 4096,
            header_timeout: Span::secs(30),
            body_timeout: Span::secs(60),
            body_memory_mib: 256,
            max_waiting: 4096,
            shutdown_timeout: Span::secs(10),
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self { file: "keys.toml".into() }
    }
}

impl Default for Passwords {
    /// OWASP's parameters for Argon2id with one lane.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            lanes: 1,
            min_length: 8,
            min_guesses: 10_000,
            workers: 0,
            interleave: 3,
            memory_budget_mib: 0,
            queue: 1024,
            max_wait: Span::secs(10),
            failure_grid: Grid::default(),
            revoke_on_password_change: None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
            names: false,
            keep_attempts: Span::secs(90 * 86_400),
        }
    }
}

impl Default for Zulip {
    fn default() -> Self {
        Self {
            enabled: true,
            exact: ExactPoints::default(),
            external_host: String::new(),
            realm: None,
            url_scheme: "https".to_owned(),
            realm_hosts: BTreeMap::new(),
            root_domain_landing_page: false,
            version: "12.0".to_owned(),
            feature_level: 470,
            login_limit: Limit::per(5, 1800),
            api_limit: Limit::per(200, 60),
            password_login: true,
            development: false,
            development_login: true,
            jwt: BTreeMap::new(),
        }
    }
}

impl Default for RocketChat {
    fn default() -> Self {
        Self {
            enabled: true,
            exact: ExactPoints::default(),
            realm: "main".to_owned(),
            site_url: "http://localhost:8080".to_owned(),
            api_limit: Limit::per(10, 60),
            block_by_user: Limit::per(10, 300),
            block_by_address: Limit::per(50, 300),
            email_2fa_auto_opt_in: false,
            email_verification: false,
            token_lifetime: Span::secs(90 * 86_400),
            max_tokens: 50,
            mailed_code_lifetime: Span::secs(3600),
            two_factor_remember: Span::secs(1800),
            two_factor_password_fallback: true,
            create_token_secret: None,
            create_token_secret_file: None,
            password_reset: true,
            password_policy: PasswordPolicy::default(),
            max_sockets_per_network: 20,
            socket_idle: Span::secs(60),
            socket_login_limit: Limit::per(5, 10),
            max_socket_message: 64 << 10,
        }
    }
}

impl Default for Zettelstore {
    fn default() -> Self {
        Self {
            enabled: true,
            realm: "main".to_owned(),
            authentication: true,
            answer: ZettelstoreAnswer::Json,
            token_lifetime: Span::secs(600),
            login_delay: Span(Duration::from_millis(500)),
            url_prefix: "/".to_owned(),
            max_request_size: 16 << 20,
        }
    }
}
