//! Users who log in and out all the time, and a book of what was acknowledged to them.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, bail};

use super::{PASSWORD, Session, USERS};

/// The pause of somebody who was not answered.
const PAUSE: Duration = Duration::from_millis(20);

/// What was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Tokens that were given and not asked to be ended.
    pub(super) good: HashSet<Session>,
    /// Tokens whose end was acknowledged.
    pub(super) ended: HashSet<Session>,
}

impl Book {
    pub(super) fn writes(&self) -> usize {
        self.good.len() + 2 * self.ended.len()
    }

    /// Asks servers for all that was acknowledged.
    pub(super) fn verify(&self, addresses: &[SocketAddr]) -> Result<()> {
        for address in addresses {
            let lost = self.good.iter().filter(|session| session.status(*address) != 200).count();
            let back = self.ended.iter().filter(|session| session.status(*address) != 401).count();
            if lost + back > 0 {
                bail!("{address}: {lost} tokens are lost, {back} that were revoked are back");
            }
        }
        Ok(())
    }
}

/// Users at work. Dropped without [`Load::stop`], they go on until the process ends.
#[derive(Debug)]
pub(super) struct Load {
    book: Arc<Mutex<Book>>,
    stop: Arc<AtomicBool>,
    users: Vec<JoinHandle<()>>,
}

impl Load {
    /// Every user begins, each at one of the servers.
    pub(super) fn start(addresses: &[SocketAddr]) -> Self {
        let (book, stop) = (Arc::new(Mutex::new(Book::default())), Arc::new(AtomicBool::new(false)));
        let users = addresses.iter().cycle().take(USERS).enumerate().map(|(number, address)| {
            let (book, stop, address) = (Arc::clone(&book), Arc::clone(&stop), *address);
            // The last one's password changes meanwhile.
            let user = format!("user{}", number % (USERS - 1));
            thread::spawn(move || work(address, &user, &book, &stop))
        });
        let users = users.collect();
        Self { book, stop, users }
    }

    /// How much was acknowledged so far.
    pub(super) fn writes(&self) -> usize {
        lock(&self.book).writes()
    }

    /// Ends it, and gives the book.
    pub(super) fn stop(self) -> Book {
        self.stop.store(true, Ordering::Relaxed);
        for user in self.users {
            // Whoever panicked has written nothing down that was not acknowledged.
            let _ = user.join();
        }
        std::mem::take(&mut *lock(&self.book))
    }
}

fn work(address: SocketAddr, user: &str, book: &Mutex<Book>, stop: &AtomicBool) {
    let mut number = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        let Some(session) = Session::begin(address, user, PASSWORD) else {
            thread::sleep(PAUSE);
            continue;
        };
        number += 1;
        if number.is_multiple_of(3) {
            // Between the question and the answer nobody knows.
            if session.end(address) {
                lock(book).ended.insert(session);
            }
        } else {
            lock(book).good.insert(session);
        }
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
