//! Users who log in and out all the time, and a record of what servers acknowledged to them.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, bail};

use super::servers::{PASSWORD, USERS};
use super::session::Session;

/// The pause of a user whose login was not answered.
const PAUSE: Duration = Duration::from_millis(20);

/// What servers acknowledged.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    /// Sessions that were granted and not logged out.
    open: HashSet<Session>,
    /// Sessions whose logout was acknowledged.
    revoked: HashSet<Session>,
}

impl Acknowledged {
    /// The number of acknowledged writes: a revoked session is two.
    pub(super) fn writes(&self) -> usize {
        self.open.len() + 2 * self.revoked.len()
    }

    /// Presents every token to every server.
    ///
    /// # Errors
    /// When an open session is refused or a revoked one is accepted.
    pub(super) fn verify(&self, addresses: &[SocketAddr]) -> Result<()> {
        for address in addresses {
            let lost = self.open.iter().filter(|session| session.status(*address) != 200).count();
            let back = self.revoked.iter().filter(|session| session.status(*address) != 401).count();
            if lost + back > 0 {
                bail!("{address}: {lost} tokens are lost, {back} revoked ones are accepted");
            }
        }
        Ok(())
    }
}

/// Users at work. When this is dropped without [`Workload::stop`], they continue until the process ends.
#[derive(Debug)]
pub(super) struct Workload {
    acknowledged: Arc<Mutex<Acknowledged>>,
    stop: Arc<AtomicBool>,
    users: Vec<JoinHandle<()>>,
}

impl Workload {
    /// Starts every user, each at one of the servers.
    pub(super) fn start(addresses: &[SocketAddr]) -> Self {
        let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let users = addresses.iter().cycle().take(USERS).enumerate().map(|(number, address)| {
            let (acknowledged, stop, address) = (Arc::clone(&acknowledged), Arc::clone(&stop), *address);
            // The last user's password changes meanwhile.
            let user = format!("user{}", number % (USERS - 1));
            thread::spawn(move || work(address, &user, &acknowledged, &stop))
        });
        let users = users.collect();
        Self { acknowledged, stop, users }
    }

    /// The number of writes that were acknowledged so far.
    pub(super) fn writes(&self) -> usize {
        lock(&self.acknowledged).writes()
    }

    /// Stops the users, and returns what was acknowledged to them.
    pub(super) fn stop(self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        for user in self.users {
            // A thread that panicked has recorded only what was acknowledged.
            let _ = user.join();
        }
        std::mem::take(&mut *lock(&self.acknowledged))
    }
}

fn work(address: SocketAddr, user: &str, acknowledged: &Mutex<Acknowledged>, stop: &AtomicBool) {
    let mut number = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        let Some(session) = Session::log_in(address, user, PASSWORD) else {
            thread::sleep(PAUSE);
            continue;
        };
        number += 1;
        if number.is_multiple_of(3) {
            // Whether a logout without a response has revoked the token cannot be known.
            if session.log_out(address) {
                lock(acknowledged).revoked.insert(session);
            }
        } else {
            lock(acknowledged).open.insert(session);
        }
    }
}

fn lock(acknowledged: &Mutex<Acknowledged>) -> MutexGuard<'_, Acknowledged> {
    acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
}
