//! The schemes of stored passwords, known without a look at any user: a list in the store that only grows.
//!
//! A scheme is listed before a password of it is stored. So the list names every scheme in use, and may name some that
//! are gone: every record may have been hashed anew since.

use std::fmt;
use std::time::Duration;

use auth_core::{MetaStore, StoreError};
use auth_crypto::argon2::Params;
use auth_crypto::password::{HashingRule, StoredPassword};
use auth_crypto::pool::HashingPool;

/// A scheme with its parameters, as far as they show in the time of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scheme {
    name: String,
    /// About how long a verification takes on one core.
    time: Duration,
}

impl Scheme {
    /// The scheme of new hashes.
    pub(crate) fn of_new(params: Params) -> Self {
        let (memory, passes, lanes) = (params.memory_kib(), params.iterations(), params.lanes());
        let rule = HashingRule { params, digest_ready: false };
        Self::new(format!("argon2id,m={memory},t={passes},p={lanes}"), rule.estimated_time())
    }

    /// The scheme of a stored password, beside new hashes with these parameters.
    #[must_use]
    pub fn of_stored(stored: &StoredPassword, params: Params) -> Self {
        let is_new = [false, true]
            .into_iter()
            .any(|digest_ready| stored.is_current(&HashingRule { params, digest_ready }));
        if is_new {
            return Self::of_new(params);
        }
        Self::new(stored.scheme().to_owned(), stored.estimated_time())
    }

    fn new(name: String, time: Duration) -> Self {
        Self { name, time: rounded_up(time) }
    }

    /// The scheme in a word, and after a comma its parameters, where it has any here.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// About how long a verification takes on one core.
    pub(crate) fn time(&self) -> Duration {
        self.time
    }

    /// The memory of a hash in KiB, if the scheme is that of new hashes, now or formerly.
    fn memory_kib(&self) -> Option<usize> {
        self.name.strip_prefix("argon2id,m=")?.split(',').next()?.parse().ok()
    }

    /// Reads an entry. One that another version wrote in a form of its own counts as very slow.
    fn parse(entry: &[u8]) -> Self {
        let text = String::from_utf8_lossy(entry).into_owned();
        match text.rsplit_once(' ').and_then(|(name, time)| Some((name.to_owned(), time.parse().ok()?))) {
            Some((name, micros)) => Self { name, time: Duration::from_micros(micros) },
            None => Self { name: text, time: Duration::MAX },
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.time.as_micros())
    }
}

/// Reads the entries after the first `skip`, in the order they were written.
pub(crate) async fn read(store: &(impl MetaStore + ?Sized), skip: usize) -> Result<Vec<Scheme>, StoreError> {
    let mut found = Vec::new();
    while let Some(entry) = store.meta(&entry_name(skip + found.len())).await? {
        found.push(Scheme::parse(&entry));
    }
    Ok(found)
}

/// Warns of former parameters of new hashes for which the pool has no memory. Imported hashes were checked when they were
/// imported.
pub(crate) async fn warn_of_large_hashes(
    store: &(impl MetaStore + ?Sized),
    pool: &HashingPool,
) -> Result<(), StoreError> {
    let largest_kib = pool.config().largest_kib();
    for scheme in read(store, 0).await? {
        if scheme.memory_kib().is_some_and(|memory_kib| memory_kib > largest_kib) {
            let mib = largest_kib / 1024;
            tracing::warn!(
                scheme = scheme.name(),
                mib,
                "accounts with a password of former parameters can't log in: raise [passwords] memory_budget_mib"
            );
        }
    }
    Ok(())
}

/// Adds the schemes that are not listed yet; durable when it returns.
///
/// # Errors
/// [`StoreError`] when the list can't be read or written.
pub async fn register_schemes(
    store: &(impl MetaStore + ?Sized),
    schemes: impl IntoIterator<Item = Scheme>,
) -> Result<(), StoreError> {
    let mut known = read(store, 0).await?;
    for scheme in schemes {
        // Another process may write its own under the same name: then that one is known, and the next name tried.
        while !known.contains(&scheme) {
            let kept = store.set_meta_once(&entry_name(known.len()), scheme.to_string().as_bytes()).await?;
            known.push(Scheme::parse(&kept));
        }
    }
    Ok(())
}

fn entry_name(index: usize) -> String {
    format!("scheme/{index}")
}

/// Rounds up to two digits of microseconds: whatever is imported, the list stays short.
fn rounded_up(time: Duration) -> Duration {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let step = 10_u64.pow(micros.max(1).ilog10().saturating_sub(1));
    Duration::from_micros(micros.div_ceil(step).saturating_mul(step))
}

#[cfg(test)]
mod tests {
    use auth_core::PasswordString;

    use super::*;

    fn params() -> Params {
        Params::new(19_456, 2, 1).unwrap()
    }

    #[test]
    fn stored_passwords_are_told_apart_by_scheme_and_time() {
        let salt_and_hash = "c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA";
        let pbkdf2 =
            "pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo=";
        for (stored, listed) in [
            (pbkdf2.to_owned(), "pbkdf2_sha256 220000"),
            (pbkdf2.replace("870000", "36000"), "pbkdf2_sha256 9000"),
            (format!("argon2$argon2id$v=19$m=102400,t=2,p=8${salt_and_hash}"), "django-argon2 69000"),
            (format!("$argon2id$v=19$m=512,t=1,p=1${salt_and_hash}"), "argon2 170"),
        ] {
            let read = StoredPassword::parse(&PasswordString::new(stored)).unwrap();
            assert_eq!(Scheme::of_stored(&read, params()).to_string(), listed);
        }
        assert_eq!(Scheme::of_new(params()).to_string(), "argon2id,m=19456,t=2,p=1 13000");
    }

    #[test]
    fn entries_read_back_and_foreign_ones_are_slow() {
        let scheme = Scheme::of_new(params());
        assert_eq!(Scheme::parse(scheme.to_string().as_bytes()), scheme);
        for foreign in [&b""[..], b"scrypt", b"scrypt x", b"\xff 1x"] {
            assert_eq!(Scheme::parse(foreign).time(), Duration::MAX, "{foreign:?}");
        }
    }

    #[test]
    fn the_memory_of_new_hashes_is_read_from_their_scheme() {
        let new = Scheme::of_new(params());
        for (entry, memory_kib) in [
            (new.to_string(), Some(19_456)),
            ("argon2id,m=262144,t=2,p=1 180000".to_owned(), Some(262_144)),
            ("argon2 69000".to_owned(), None),
            ("argon2id,m=much 1".to_owned(), None),
        ] {
            assert_eq!(Scheme::parse(entry.as_bytes()).memory_kib(), memory_kib, "{entry}");
        }
    }

    #[test]
    fn times_are_rounded_up_to_two_digits() {
        for (time, rounded) in [(0, 0), (1, 1), (9, 9), (99, 99), (100, 100), (101, 110), (12_970, 13_000)] {
            assert_eq!(rounded_up(Duration::from_micros(time)), Duration::from_micros(rounded), "{time}");
        }
    }
}
