//! The address of a database: a URL as PostgreSQL's own programs take it.

use auth_core::is_this_machine;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Parameters of PostgreSQL's own programs that are said otherwise here, or can't be said, and what to do instead.
const ELSEWHERE: [(&str, &str); 10] = [
    ("sslrootcert", "the file of trusted authorities is no part of the address: name it as ca_file"),
    ("passfile", "the password's file is no part of the address: name it as password_file"),
    ("sslcert", "client certificates are not supported: use a password"),
    ("sslkey", "client certificates are not supported: use a password"),
    ("sslpassword", "client certificates are not supported: use a password"),
    ("sslcrl", "lists of revoked certificates are not supported: leave sslcrl out"),
    ("service", "service files are not read: write host, user and database into the address"),
    ("gssencmode", "GSSAPI is not supported: leave gssencmode out"),
    ("hostaddr", "hostaddr is not read: write the host that the certificate names"),
    ("requiressl", "requiressl is an old name: write sslmode=require"),
];

/// Reads the address of a database.
///
/// Without `sslmode`, TLS is required unless every host is this machine. `require`, `verify-ca` and `verify-full` all mean
/// what `verify-full` does: the certificate and the name in it are verified. Modes that go on without TLS where a server,
/// or somebody on the way, asks for it are refused.
///
/// # Errors
/// What is wrong, in a line that shows nothing of the URL but names of parameters that PostgreSQL has.
pub fn postgres_address(url: &str) -> Result<Config, String> {
    let (address, parameters) = split(url);
    let mut mode = None;
    let mut rest = address.to_owned();
    for parameter in parameters {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(ssl_mode(value)?),
            Some((name, _))
                if let Some((_, instead)) = ELSEWHERE.iter().find(|(known, _)| *known == name) =>
            {
                return Err((*instead).to_owned());
            }
            _ => {
                rest.push(if rest.len() == address.len() { '?' } else { '&' });
                rest.push_str(parameter);
            }
        }
    }
    let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
        use std::error::Error as _;
        match error.source().map(ToString::to_string) {
            // The name may be a part of a password that is not escaped.
            Some(text) if text.starts_with("unknown option") => {
                "it has a parameter that PostgreSQL does not have".to_owned()
            }
            Some(text) => text,
            None => error.to_string(),
        }
    })?;
    if config.get_hosts().is_empty() {
        return Err("it names no host".to_owned());
    }
    let is_local = config.get_hosts().iter().all(is_local);
    config.ssl_mode(mode.unwrap_or(if is_local { SslMode::Disable } else { SslMode::Require }));
    Ok(config)
}

/// A URL before its parameters, and its parameters. A question mark in the credentials begins none.
fn split(url: &str) -> (&str, impl Iterator<Item = &str>) {
    let host = url.find('@').map_or(0, |at| at + 1);
    let query = url.get(host..).and_then(|rest| rest.find('?')).map(|at| host + at);
    let (address, query) = url.split_at(query.unwrap_or(url.len()));
    (
        address,
        query.strip_prefix('?').unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty()),
    )
}

fn ssl_mode(value: &str) -> Result<SslMode, String> {
    match value {
        "disable" => Ok(SslMode::Disable),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        "allow" | "prefer" => Err(format!(
            "sslmode={value} goes on without TLS if the server has none: write sslmode=verify-full, or sslmode=disable"
        )),
        _ => Err("sslmode is none of disable, require, verify-ca and verify-full".to_owned()),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => is_this_machine(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssl_modes_of_libpq_mean_verified_tls_or_none_and_are_refused_where_they_leave_it_open() {
        for (url, expected) in [
            ("postgres://a@db/d", Ok(SslMode::Require)),
            ("postgres://a@127.0.0.1/d", Ok(SslMode::Disable)),
            ("postgres://a@127.0.0.1,db/d", Ok(SslMode::Require)),
            ("postgres://a@db/d?sslmode=disable", Ok(SslMode::Disable)),
            ("postgres://a@127.0.0.1/d?sslmode=require", Ok(SslMode::Require)),
            ("postgres://a@db/d?sslmode=verify-ca", Ok(SslMode::Require)),
            ("postgres://a@db/d?connect_timeout=3&sslmode=verify-full", Ok(SslMode::Require)),
            ("postgresql://a:p?w@db/d?sslmode=verify-full&application_name=x", Ok(SslMode::Require)),
            ("postgres://a@db/d?sslmode=prefer", Err("sslmode=prefer goes on without TLS")),
            ("postgres://a@db/d?sslmode=allow", Err("sslmode=allow goes on without TLS")),
            ("postgres://a@db/d?sslmode=VERIFY-FULL", Err("sslmode is none of")),
            ("postgres://a@db/d?sslrootcert=ca.pem", Err("name it as ca_file")),
            ("postgres://a@db/d?passfile=p", Err("name it as password_file")),
            ("postgres://a@db/d?sslmode=verify-full&sslcert=c", Err("client certificates are not supported")),
            (
                "postgres://a:pass@word?hunter2=x@db/d",
                Err("it has a parameter that PostgreSQL does not have"),
            ),
            ("postgres://a@db:port/d", Err("port")),
            ("postgres://", Err("it names no host")),
        ] {
            match (postgres_address(url), expected) {
                (Ok(config), Ok(expected)) => assert_eq!(config.get_ssl_mode(), expected, "{url}"),
                (Err(told), Err(expected)) => {
                    assert!(told.contains(expected) && !told.contains("hunter2"), "{url}: {told}");
                }
                (found, _) => panic!("{url}: {found:?}"),
            }
        }
    }

    #[test]
    fn other_parameters_and_the_credentials_are_kept() {
        let config =
            postgres_address("postgres://a:p%3Fw@db:5433/d?sslmode=require&application_name=x").unwrap();
        assert_eq!((config.get_user(), config.get_password()), (Some("a"), Some(&b"p?w"[..])));
        assert_eq!((config.get_ports(), config.get_dbname()), (&[5433][..], Some("d")));
        assert_eq!(config.get_application_name(), Some("x"));
    }
}
