//! A mail server that keeps what it receives, for cases whose codes come by mail.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use regex::Regex;

/// A running mail server, and the mails it has received in order: recipient, and everything after DATA.
#[derive(Debug)]
pub(crate) struct Mailbox {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<(String, String)>>>,
}

impl Mailbox {
    /// Listens on a free port, in threads that run until the process ends.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mails = Arc::<Mutex<Vec<_>>>::default();
        let received = Arc::clone(&mails);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let received = Arc::clone(&received);
                // A client that goes away in the middle has sent no mail.
                thread::spawn(move || serve(&client, &received).ok());
            }
        });
        Ok(Self { address, mails })
    }

    /// The address that the mail server listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits up to five seconds for a mail to `to` with a code that is not in `used`, and returns the code as the mail shows
    /// it: `123-456`. Only the newest mail with a code to the address counts.
    ///
    /// # Errors
    /// When no such mail comes.
    pub(crate) fn code(&self, to: &str, used: &[String]) -> Result<String> {
        self.find(to, r"\b\d{3}-\d{3}\b", used)
    }

    /// Waits like [`Mailbox::code`] for a mail with a link that holds a token.
    ///
    /// # Errors
    /// When no such mail comes.
    pub(crate) fn link(&self, to: &str, used: &[String]) -> Result<String> {
        self.find(to, r"https?://[^\s/]+/[\w-]+/[\w-]+", used)
    }

    /// How many mails have come so far.
    pub(crate) fn count(&self) -> usize {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The mails after the first `count`, each as its recipient and its text.
    pub(crate) fn after(&self, count: usize) -> Vec<(String, String)> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().skip(count).cloned().collect()
    }

    fn find(&self, to: &str, pattern: &str, used: &[String]) -> Result<String> {
        let pattern = Regex::new(pattern)?;
        for _ in 0..500 {
            let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let to_recipient = mails.iter().rev().filter(|(recipient, _)| recipient.eq_ignore_ascii_case(to));
            let found = to_recipient
                .filter_map(|(_, text)| pattern.find(text))
                .map(|found| found.as_str().to_owned());
            if let Some(found) = found.take(1).find(|found| !used.contains(found)) {
                return Ok(found);
            }
            thread::sleep(Duration::from_millis(10));
        }
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        bail!("no such mail to {to}: {mails:#?}")
    }
}

/// Speaks as much of SMTP (RFC 5321) as it takes to receive mail.
fn serve(client: &TcpStream, mails: &Mutex<Vec<(String, String)>>) -> Result<()> {
    let mut lines = BufReader::new(client).lines();
    let reply = |line: &str| Write::write_all(&mut &*client, format!("{line}\r\n").as_bytes());
    let mut to = String::new();
    reply("220 localhost")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).context("no recipient")?;
                address.clone_into(&mut to);
                reply("250 ok")?;
            }
            "DATA" => {
                reply("354 go on")?;
                let mut text = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    // A line that ends so goes on in the next one (RFC 2045, section 6.7).
                    match line.strip_suffix('=') {
                        Some(line) => text.push_str(line),
                        None => text.extend([line.as_str(), "\n"]),
                    }
                }
                mails.lock().unwrap_or_else(PoisonError::into_inner).push((to.clone(), text));
                reply("250 kept")?;
            }
            "QUIT" => {
                reply("221 bye")?;
                break;
            }
            _ => reply("250 ok")?,
        }
    }
    Ok(())
}
