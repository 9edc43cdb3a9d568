//! `auth-server forward`: the configuration of proxies that ask this server who is there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use askama::Template;
use auth_core::ProtocolName;
use auth_proto_forward::Dialect;
use auth_tower::ClientHeader;
use http::uri::Authority;
use ipnet::IpNet;

use super::config_file::ConfigFile;
use super::output::print_line;
use crate::config::{Config, ConfigError};

/// The headers that tell an application who is there, and the names of nginx's variables for them.
const IDENTITY: [(&str, &str); 5] = [
    ("Remote-User", "remote_user"),
    ("Remote-Email", "remote_email"),
    ("Remote-Name", "remote_name"),
    ("Remote-Groups", "remote_groups"),
    ("Remote-Subject", "remote_subject"),
];

/// The headers by which a client would have an application take its request for another one, or leave HTTP/1.
const OVERRIDES: [&str; 7] = [
    "HTTP2-Settings",
    "X-Forwarded-Method",
    "X-Forwarded-Prefix",
    "X-Forwarded-Uri",
    "X-Original-Method",
    "X-Original-URL",
    "X-Rewrite-URL",
];

/// The headers that hold credentials, beside the cookies.
const CREDENTIALS: [&str; 3] = ["Authorization", "X-Auth-Token", "X-User-Id"];

/// Print the configuration of proxies that ask this server who is there.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ForwardCommand {
    /// Print the configuration of a proxy, made for the server's own.
    #[command(after_help = "Examples:\n  auth-server forward snippet nginx --config auth.toml\n  \
                            auth-server forward snippet envoy --config auth.toml --listen 0.0.0.0:8000 \
                            --application 127.0.0.1:3000")]
    Snippet(Snippet),
}

#[derive(Debug, clap::Args)]
pub(super) struct Snippet {
    /// The proxy.
    #[arg(value_enum)]
    proxy: Proxy,
    #[command(flatten)]
    file: ConfigFile,
    /// The application's host: one of `[forward] hosts`, by default the only one. Caddy and Traefik take hosts from their own
    /// configurations.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Where the application is. Caddy and Traefik are told so elsewhere.
    #[arg(long, value_name = "HOST:PORT", value_parser = upstream, default_value = "127.0.0.1:3000")]
    application: Upstream,
    /// Where Envoy or HAProxy listens.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8000")]
    listen: SocketAddr,
    /// Where HAProxy finds the action.
    #[arg(long, value_name = "FILE", default_value = "/etc/haproxy/auth-forward.lua")]
    lua: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Proxy {
    Nginx,
    Caddy,
    Traefik,
    Envoy,
    Haproxy,
}

impl Proxy {
    /// How the proxy says what its clients ask for.
    fn dialect(self) -> Dialect {
        match self {
            Self::Nginx => Dialect::Nginx,
            Self::Envoy => Dialect::Envoy,
            Self::Caddy | Self::Traefik | Self::Haproxy => Dialect::XForwarded,
        }
    }
}

/// Where an application is.
#[derive(Clone, Debug)]
struct Upstream(Authority);

impl Upstream {
    fn host(&self) -> &str {
        self.0.host()
    }

    fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(80)
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn upstream(text: &str) -> Result<Upstream, String> {
    let authority = text.parse::<Authority>().ok();
    let authority = authority.filter(|authority| authority.port_u16().is_some() && !text.contains('@'));
    authority.map(Upstream).ok_or_else(|| "a host and a port, such as 127.0.0.1:3000".to_owned())
}

#[derive(Template)]
#[template(path = "forward/nginx.conf", escape = "none")]
struct Nginx<'a> {
    server: SocketAddr,
    forwarded: bool,
    host: &'a str,
    application: &'a Upstream,
    identity: [(&'static str, &'static str); 5],
    credentials: [&'static str; 3],
    overrides: [&'static str; 7],
}

#[derive(Template)]
#[template(path = "forward/Caddyfile", escape = "none")]
struct Caddy<'a> {
    server: SocketAddr,
    forwarded: bool,
    proxies: &'a [IpNet],
    spellings: Vec<String>,
    identity: [(&'static str, &'static str); 5],
    credentials: [&'static str; 3],
    overrides: [&'static str; 7],
}

#[derive(Template)]
#[template(path = "forward/traefik.yml", escape = "none")]
struct Traefik {
    server: SocketAddr,
    spellings: Vec<String>,
    identity: [(&'static str, &'static str); 5],
    credentials: [&'static str; 3],
    overrides: [&'static str; 7],
}

#[derive(Template)]
#[template(path = "forward/envoy.yml", escape = "none")]
struct Envoy<'a> {
    server: SocketAddr,
    forwarded: bool,
    host: &'a str,
    listen: SocketAddr,
    application: &'a Upstream,
    identity: [(&'static str, &'static str); 5],
    credentials: [&'static str; 3],
    overrides: [&'static str; 7],
}

#[derive(Template)]
#[template(path = "forward/haproxy.cfg", escape = "none")]
struct Haproxy<'a> {
    server: SocketAddr,
    forwarded: bool,
    host: &'a str,
    listen: SocketAddr,
    application: &'a Upstream,
    lua: std::path::Display<'a>,
}

impl ForwardCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Snippet(snippet) => snippet.run(),
        }
    }
}

impl Snippet {
    fn run(&self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let server = self.server(&config)?;
        let forwarded = config.server.client_header == ClientHeader::Forwarded;
        let (application, listen) = (&self.application, self.listen);
        let (identity, credentials, overrides) = (IDENTITY, CREDENTIALS, OVERRIDES);
        let host = self.host(&config)?;
        // An application may take an underscore for a hyphen.
        let spellings =
            IDENTITY.iter().flat_map(|(name, _)| [(*name).to_owned(), name.replace('-', "_")]).collect();
        let text = match self.proxy {
            Proxy::Nginx => {
                Nginx { server, forwarded, host, application, identity, credentials, overrides }.render()
            }
            Proxy::Caddy => {
                let proxies = &config.server.trusted_proxies;
                Caddy { server, forwarded, proxies, spellings, identity, credentials, overrides }.render()
            }
            Proxy::Traefik => Traefik { server, spellings, identity, credentials, overrides }.render(),
            Proxy::Envoy => {
                Envoy { server, forwarded, host, listen, application, identity, credentials, overrides }
                    .render()
            }
            Proxy::Haproxy => {
                Haproxy { server, forwarded, host, listen, application, lua: self.lua.display() }.render()
            }
        };
        Ok(print_line(text?.trim_end())?)
    }

    /// The application's host.
    fn host<'a>(&'a self, config: &'a Config) -> Result<&'a str, ConfigError> {
        let hosts = &config.forward.hosts;
        match (&self.host, hosts.as_slice()) {
            (Some(host), _) => match hosts.iter().find(|own| own.eq_ignore_ascii_case(host)) {
                Some(own) => Ok(own),
                None => Err(ConfigError::new(format!("--host {host}: it is none of [forward] hosts"))),
            },
            (None, [only]) => Ok(only),
            // These know the hosts of their applications by themselves.
            (None, _) if matches!(self.proxy, Proxy::Caddy | Proxy::Traefik) => Ok(""),
            (None, _) => Err(ConfigError::new("--host: name the application's, of those in [forward] hosts")),
        }
    }

    /// Where the proxy finds the server.
    fn server(&self, config: &Config) -> Result<SocketAddr, ConfigError> {
        let forward = &config.forward;
        if !forward.is_on() {
            return Err(ConfigError::new("[forward] hosts: name the hosts that the proxy asks about"));
        }
        let dialect = self.proxy.dialect();
        if forward.dialect != dialect {
            return Err(ConfigError::new(format!(
                "[forward] dialect: this proxy asks in {:?}, and the server is told {:?}",
                dialect.as_str(),
                forward.dialect.as_str()
            )));
        }
        if config.server.client_header == ClientHeader::Forwarded && matches!(self.proxy, Proxy::Traefik) {
            return Err(ConfigError::new(
                "[server] client_header: Traefik names its clients in X-Forwarded-For, and can't in Forwarded",
            ));
        }
        // The snippets ask at a port, in clear.
        let asked = config.server.listen.iter().filter(|listen| {
            listen.has(ProtocolName::FORWARD) && listen.tls.is_none() && !listen.proxy_protocol
        });
        let mut address = asked.filter_map(|listen| listen.address.tcp()).next().ok_or_else(|| {
            ConfigError::new(
                "[server] listen: no port is for the protocol forward without TLS and without the PROXY protocol",
            )
        })?;
        // A server that listens everywhere is reached on this machine.
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        snippet: Snippet,
    }

    fn snippet(proxy: &str) -> Snippet {
        let arguments = ["snippet", proxy, "--config", "auth.toml"];
        Arguments::try_parse_from(arguments).unwrap().snippet
    }

    fn config(dialect: &str, more: &str) -> Config {
        let text =
            format!("[forward]\nhosts = [\"wiki.example.org\"]\ndialect = \"{dialect}\"\n[server]\n{more}");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn each_proxy_is_told_where_the_server_listens() {
        for (listen, expected) in [
            ("", "127.0.0.1:8080"),
            ("listen = [\"0.0.0.0:9000\"]", "127.0.0.1:9000"),
            ("listen = [\"[::]:9000\"]", "[::1]:9000"),
            (
                "listen = [{ address = \"192.0.2.1:1\", protocols = [\"web\"] }, { address = \"192.0.2.1:2\", protocols = \
                 [\"forward\"] }]",
                "192.0.2.1:2",
            ),
        ] {
            for proxy in Proxy::value_variants() {
                let name = proxy.to_possible_value().unwrap();
                let found = snippet(name.get_name()).server(&config(proxy.dialect().as_str(), listen));
                assert_eq!(found.unwrap().to_string(), expected, "{listen} {proxy:?}");
            }
        }
    }

    #[test]
    fn a_configuration_that_a_proxy_can_not_ask_is_refused() {
        let nowhere = "listen = [{ address = \"192.0.2.1:1\", protocols = [\"web\"] }]";
        for (proxy, config, part) in [
            ("nginx", config("envoy", ""), "asks in \"nginx\""),
            ("haproxy", config("nginx", ""), "asks in \"x-forwarded\""),
            ("envoy", Config::default(), "name the hosts"),
            ("traefik", config("x-forwarded", "client_header = \"Forwarded\""), "can't in Forwarded"),
            ("nginx", config("nginx", nowhere), "no port is for the protocol"),
        ] {
            let error = snippet(proxy).server(&config).unwrap_err().to_string();
            assert!(error.contains(part), "{proxy}: {error}");
        }
    }
}
