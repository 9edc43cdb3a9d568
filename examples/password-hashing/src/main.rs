//! Hashes a password, or verifies one: `password-hashing PASSWORD [STORED]`.
#![expect(clippy::print_stdout, reason = "the output is for people")]

use std::net::Ipv4Addr;

use anyhow::bail;
use auth_crypto::argon2::Params;
use password_hashing::{Login, Passwords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let passwords = Passwords::start(Params::default())?;
    let client = Ipv4Addr::LOCALHOST.into();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [password] => println!("{}", passwords.hash(password, client).await?),
        [password, stored] => match passwords.verify(Some(stored), password, client).await? {
            Login::Refused => bail!("wrong"),
            Login::Accepted { replace_by: None } => println!("right"),
            Login::Accepted { replace_by: Some(hash) } => println!("right, and to be replaced by {hash}"),
        },
        _ => bail!("usage: password-hashing PASSWORD [STORED]"),
    }
    Ok(())
}
