//! A mail server that keeps what it is given: for cases whose codes come by mail.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use regex::Regex;

/// Mails as they came, in order: to whom, and everything after DATA.
#[derive(Debug)]
pub(crate) struct Mailbox {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<(String, String)>>>,
}

impl Mailbox {
    /// Listens on a free port. The thread goes with the process.
    ///
    /// # Errors
    /// When no port can be had.
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mails = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&mails);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // A client that goes away in the middle has sent no mail.
                thread::spawn(move || converse(&client, &kept).ok());
            }
        });
        Ok(Self { address, mails })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The code in the newest mail to an address that is none of those `used`, as it stands there: `123-456`.
    /// Waits for it up to five seconds.
    ///
    /// # Errors
    /// When none comes.
    pub(crate) fn code(&self, to: &str, used: &[String]) -> Result<String> {
        let code = Regex::new(r"\b\d{3}-\d{3}\b")?;
        for _ in 0..500 {
            let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let own = mails.iter().rev().filter(|(recipient, _)| recipient.eq_ignore_ascii_case(to));
            let codes = own.filter_map(|(_, text)| code.find(text)).map(|found| found.as_str().to_owned());
            if let Some(code) = codes.take(1).find(|code| !used.contains(code)) {
                return Ok(code);
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("no mail to {to}")
    }
}

/// As much of SMTP as it takes to be given mail (RFC 5321).
fn converse(client: &TcpStream, mails: &Mutex<Vec<(String, String)>>) -> Result<()> {
    let mut lines = BufReader::new(client).lines();
    let say = |line: &str| Write::write_all(&mut &*client, format!("{line}\r\n").as_bytes());
    let mut to = String::new();
    say("220 localhost")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).context("no recipient")?;
                address.clone_into(&mut to);
                say("250 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                let mut text = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push('\n');
                }
                mails.lock().unwrap_or_else(PoisonError::into_inner).push((to.clone(), text));
                say("250 kept")?;
            }
            "QUIT" => {
                say("221 bye")?;
                break;
            }
            _ => say("250 ok")?,
        }
    }
    Ok(())
}
