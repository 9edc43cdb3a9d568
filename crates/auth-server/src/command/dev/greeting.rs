//! What a demo server tells when it is ready: programs, people, and who looks at its front page.

use std::net::SocketAddr;

use auth_core::{ProtocolName, Token};
use auth_proto_web::{Demo, DemoCommand, DemoUser};
use serde_json::{Value, json};

use super::population::Population;
use crate::command::output::print_line;
use crate::config::PROTOCOLS;
use crate::mail::PAGE_PATH;

/// The users that the front page shows.
const SHOWN: usize = 20;

/// The address of the pages: browsers take the cookies of pages from this machine's name alone.
pub(super) fn pages(address: SocketAddr) -> String {
    format!("http://localhost:{}", address.port())
}

/// What the front page shows: the users, and for the demo users commands to try.
pub(super) fn demo(address: SocketAddr, population: &Population) -> Demo {
    let text = |user: &Value, key| user.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let users = population.users().take(SHOWN).map(|user| {
        let (name, email) = (text(user, "username"), text(user, "email"));
        DemoUser {
            name: if name.is_empty() { email } else { name },
            password: text(user, "password"),
            what: text(user, "full_name"),
        }
    });
    let commands =
        if population.is_demo { commands(&format!("http://{address}")).to_vec() } else { Vec::new() };
    let commands =
        commands.into_iter().map(|(title, command)| DemoCommand { title: title.to_owned(), command });
    Demo { users: users.collect(), mails: PAGE_PATH.to_owned(), commands: commands.collect() }
}

/// What can be tried with the demo users.
fn commands(base: &str) -> [(&'static str, String); 3] {
    [
        (
            "Zulip",
            format!(
                "curl -sSX POST {base}/api/v1/fetch_api_key --data-urlencode username=iago@zulip.com \
                 --data-urlencode password=abcd1234"
            ),
        ),
        ("Rocket.Chat", format!("curl {base}/api/v1/login -d \"user=myusername&password=mypassword\"")),
        ("Zettelstore", format!("curl -X POST -u IDENT:PASSWORD {base}/a")),
    ]
}

/// Prints the addresses, the users, and the way to the control endpoints as a line of JSON, for programs.
pub(super) fn print_json(
    address: SocketAddr,
    population: &Population,
    (control, token): (SocketAddr, &Token),
) -> anyhow::Result<()> {
    let base = format!("http://{address}");
    let users: Vec<&Value> = population.users().collect();
    let mut line = json!({
        "ready": true,
        "address": address.to_string(),
        "users": users,
        "control": {"url": format!("http://{control}"), "token": token.expose()},
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    if let Some(line) = line.as_object_mut() {
        for protocol in PROTOCOLS {
            line.insert(protocol.to_string(), base.clone().into());
        }
        line.insert("mails".to_owned(), format!("{}{PAGE_PATH}", pages(address)).into());
        line.insert(ProtocolName::WEB.to_string(), pages(address).into());
    }
    print_line(line)?;
    Ok(())
}

/// Prints the addresses, the users and, for the demo users, commands to try, for people. Who waits for a server reads the
/// first line.
pub(super) fn print_introduction(address: SocketAddr, population: &Population) -> anyhow::Result<()> {
    let base = format!("http://{address}");
    print_line(format_args!(
        "auth-server {} is ready. Every user can use every protocol.\n",
        env!("CARGO_PKG_VERSION")
    ))?;
    for protocol in PROTOCOLS {
        let base = if protocol == ProtocolName::WEB { pages(address) } else { base.clone() };
        print_line(format_args!("  {protocol:<12} {base}"))?;
    }
    print_line(format_args!("  {:<12} {}{PAGE_PATH}", "mails", pages(address)))?;
    print_line("\nUsers:")?;
    for user in population.users() {
        let text = |key| user.get(key).and_then(Value::as_str).unwrap_or("-");
        print_line(format_args!("  {:<12} {:<20} {}", text("username"), text("email"), text("password")))?;
    }
    if population.is_demo {
        print_line("\nTry:")?;
        for (_, command) in commands(&base) {
            print_line(format_args!("  {command}"))?;
        }
        print_line("")?;
    }
    Ok(())
}
