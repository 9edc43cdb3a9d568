//! Random commands against a model: a map of users and a list of credentials.

use std::collections::BTreeMap;
use std::time::Duration;

use auth_core::{Credential, CredentialKind, PasswordString, Revocation, Store, Timestamp, UserId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Fixture, account, at, comparable, credential, password, seed};

const KINDS: [CredentialKind; 3] =
    [CredentialKind::ZULIP_KEY, CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::TOTP];

/// A command. Users, kinds and credentials are picked by number.
#[derive(Clone, Debug)]
enum Command {
    Add { user: usize, kind: usize, label: Option<u8>, expires: Option<i64>, keep: u32 },
    Ensure { user: usize, kind: usize },
    Remove { credential: usize },
    RemoveOfUser { user: usize, kinds: Vec<usize>, except: Option<usize> },
    Raise { credential: usize, to: i64 },
    Purge { now: i64 },
    SetPassword { user: usize, new: Option<u8>, valid_from: Option<i64>, revoke: Vec<usize> },
    SetActive { user: usize, active: bool, valid_from: Option<i64>, revoke: Vec<usize> },
    Revoke { user: usize, valid_from: Option<i64>, revoke: Vec<usize>, except: Option<usize> },
    Rehash { user: usize, old: u8, new: u8 },
    Delete { user: usize },
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    use proptest::collection::vec;
    use proptest::option::of;
    let (user, kind, credential, time) = (0..3_usize, 0..3_usize, 0..40_usize, 0..60_i64);
    let kinds = vec(0..3_usize, 0..3);
    let command = prop_oneof![
        6 => (user.clone(), kind.clone(), of(0..3_u8), of(time.clone()), 1..4_u32)
            .prop_map(|(user, kind, label, expires, keep)| Command::Add { user, kind, label, expires, keep }),
        3 => (user.clone(), kind.clone()).prop_map(|(user, kind)| Command::Ensure { user, kind }),
        2 => credential.clone().prop_map(|credential| Command::Remove { credential }),
        1 => (user.clone(), kinds.clone(), of(credential.clone()))
            .prop_map(|(user, kinds, except)| Command::RemoveOfUser { user, kinds, except }),
        2 => (credential.clone(), 0..5_i64).prop_map(|(credential, to)| Command::Raise { credential, to }),
        1 => time.clone().prop_map(|now| Command::Purge { now }),
        2 => (user.clone(), of(0..3_u8), of(time.clone()), kinds.clone())
            .prop_map(|(user, new, valid_from, revoke)| Command::SetPassword { user, new, valid_from, revoke }),
        1 => (user.clone(), of(time.clone()), kinds.clone(), of(credential))
            .prop_map(|(user, valid_from, revoke, except)| Command::Revoke { user, valid_from, revoke, except }),
        1 => (user.clone(), any::<bool>(), of(time), kinds)
            .prop_map(|(user, active, valid_from, revoke)| {
                Command::SetActive { user, active, valid_from, revoke }
            }),
        2 => (user.clone(), 0..3_u8, 0..3_u8)
            .prop_map(|(user, old, new)| Command::Rehash { user, old, new }),
        1 => user.prop_map(|user| Command::Delete { user }),
    ];
    vec(command, 1..40)
}

pub async fn agrees_with_a_simple_model<F: Fixture>(_: &F) {
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let run = |commands: Vec<Command>| block_in_place(|| Handle::current().block_on(follow::<F>(commands)));
    block_in_place(|| TestRunner::new(config).run(&commands(), run))
        .unwrap_or_else(|error| panic!("{error}"));
}

async fn follow<F: Fixture>(commands: Vec<Command>) -> Result<(), TestCaseError> {
    let fixture = F::empty();
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 3).await;
    let mut model = Model::default();
    for user in &users {
        let account = account(&*store, *user).await;
        let entry = Entry {
            active: true,
            password: account.password,
            valid_from: account.user.valid_from,
            version: account.user.version,
            changed: false,
        };
        model.users.insert(*user, entry);
    }
    for (number, command) in (0..).zip(commands) {
        let shown = format!("{number}: {command:?}");
        let (expected, answer) = model.run(&*store, &users, number, command).await;
        prop_assert_eq!(expected, answer, "{}", shown);
        model.compare(&*store, &users, &shown).await?;
    }
    Ok(())
}

struct Entry {
    active: bool,
    password: Option<PasswordString>,
    valid_from: Timestamp,
    version: u64,
    changed: bool,
}

/// A store as a list and a map.
#[derive(Default)]
struct Model {
    users: BTreeMap<UserId, Entry>,
    credentials: Vec<Credential>,
    /// Every credential that was ever made.
    made: Vec<Credential>,
}

impl Model {
    /// Runs a command on the model and on the store; returns both answers as text.
    async fn run<S: Store>(
        &mut self,
        store: &S,
        users: &[UserId],
        number: u32,
        command: Command,
    ) -> (String, String) {
        let kinds = |numbers: &[usize]| numbers.iter().map(|kind| KINDS[*kind]).collect::<Vec<_>>();
        let text = |number: u8| password(&format!("password {number}"));
        match command {
            Command::Add { user, kind, label, expires, keep } => {
                let mut new = credential(users[user], KINDS[kind], number);
                new.label = label.map(|label| format!("label {label}"));
                new.expires = expires.map(at);
                self.made.push(new.clone());
                let answer = store.add(&new, keep, None).await;
                (shown(Ok(self.add(new, keep))), shown(answer))
            }
            Command::Ensure { user, kind } => {
                let new = credential(users[user], KINDS[kind], number);
                self.made.push(new.clone());
                let answer = store.ensure(&new).await;
                (shown(Ok(self.ensure(new))), shown(answer))
            }
            Command::Remove { credential } => {
                let Some(id) = self.made.get(credential).map(|credential| credential.id) else {
                    return Default::default();
                };
                let count = self.retain(|credential| credential.id != id);
                (shown(Ok(count == 1)), shown(store.remove(id, None).await))
            }
            Command::RemoveOfUser { user, kinds: numbers, except } => {
                let (user, kinds) = (users[user], kinds(&numbers));
                let except = except.and_then(|index| self.made.get(index)).map(|credential| credential.id);
                let count = self.retain(|credential| {
                    credential.user != user
                        || !kinds.contains(&credential.kind)
                        || Some(credential.id) == except
                });
                (shown(Ok(count)), shown(store.remove_of_user(user, &kinds, except, None).await))
            }
            Command::Raise { credential, to } => {
                let Some(id) = self.made.get(credential).map(|credential| credential.id) else {
                    return Default::default();
                };
                (shown(Ok(self.raise(id, to))), shown(store.raise_counter(id, to).await))
            }
            Command::Purge { now } => {
                let now = at(now);
                let count = self.retain(|credential| credential.expires.is_none_or(|end| end >= now));
                (shown(Ok(count)), shown(store.purge(now).await))
            }
            Command::SetPassword { user, new, valid_from, revoke } => {
                let (user, new, kinds) = (users[user], new.map(text), kinds(&revoke));
                let revocation = Revocation { valid_from: valid_from.map(at), kinds: &kinds, except: None };
                let answer = store.set_password(user, new.as_ref(), &revocation, None).await;
                (shown(Ok(self.change(user, &revocation, |entry| entry.password = new))), shown(answer))
            }
            Command::SetActive { user, active, valid_from, revoke } => {
                let (user, kinds) = (users[user], kinds(&revoke));
                let revocation = Revocation { valid_from: valid_from.map(at), kinds: &kinds, except: None };
                let answer = store.set_active(user, active, &revocation, None).await;
                (shown(Ok(self.change(user, &revocation, |entry| entry.active = active))), shown(answer))
            }
            Command::Revoke { user, valid_from, revoke, except } => {
                let (user, kinds) = (users[user], kinds(&revoke));
                let except = except.and_then(|index| self.made.get(index)).map(|credential| credential.id);
                let revocation = Revocation { valid_from: valid_from.map(at), kinds: &kinds, except };
                let answer = store.revoke(user, &revocation, None).await;
                (shown(Ok(self.change(user, &revocation, |_| ()))), shown(answer))
            }
            Command::Rehash { user, old, new } => {
                let (user, old, new) = (users[user], text(old), text(new));
                let answer = store.rehash(user, &old, &new).await;
                let is_old = self.users.get(&user).is_some_and(|entry| entry.password == Some(old));
                let expected =
                    is_old && self.change(user, &Revocation::NOTHING, |entry| entry.password = Some(new));
                (shown(Ok(expected)), shown(answer))
            }
            Command::Delete { user } => {
                let user = users[user];
                let was = self.users.remove(&user).is_some();
                self.credentials.retain(|credential| credential.user != user);
                (shown(Ok(was)), shown(store.delete(user, &Revocation::NOTHING, None).await))
            }
        }
    }

    fn add(&mut self, new: Credential, keep: u32) -> bool {
        let (user, kind) = (new.user, new.kind);
        let is_alike = |other: &&Credential| other.user == user && other.kind == kind;
        let label_taken = new.label.is_some()
            && self.credentials.iter().filter(is_alike).any(|other| other.label == new.label);
        if label_taken || !self.users.contains_key(&user) {
            return false;
        }
        self.touch(user);
        self.credentials.push(new);
        let count = self.credentials.iter().filter(is_alike).count();
        let mut surplus = count.saturating_sub(usize::try_from(keep).unwrap());
        self.credentials.retain(|credential| {
            let goes = surplus > 0 && is_alike(&credential);
            surplus -= usize::from(goes);
            !goes
        });
        true
    }

    fn ensure(&mut self, new: Credential) -> Option<Credential> {
        if !self.users.contains_key(&new.user) {
            return None;
        }
        let own = self.credentials.iter().find(|other| other.user == new.user && other.kind == new.kind);
        if let Some(own) = own {
            return Some(own.clone());
        }
        self.touch(new.user);
        self.credentials.push(new.clone());
        Some(new)
    }

    fn raise(&mut self, id: auth_core::CredentialId, to: i64) -> bool {
        let lower = self.credentials.iter_mut().find(|own| own.id == id && own.counter < to);
        let owner = lower.map(|own| {
            own.counter = to;
            own.user
        });
        owner.inspect(|owner| self.touch(*owner)).is_some()
    }

    fn change(&mut self, user: UserId, revocation: &Revocation<'_>, change: impl FnOnce(&mut Entry)) -> bool {
        let Some(entry) = self.users.get_mut(&user) else { return false };
        change(entry);
        entry.changed = true;
        if let Some(time) = revocation.valid_from {
            entry.valid_from = time.max(entry.valid_from + Duration::from_secs(1));
        }
        self.retain(|credential| {
            credential.user != user
                || !revocation.kinds.contains(&credential.kind)
                || Some(credential.id) == revocation.except
        });
        true
    }

    /// Keeps the credentials for which `keep` is true; returns the number of the others.
    fn retain(&mut self, keep: impl Fn(&Credential) -> bool) -> usize {
        let (kept, gone): (Vec<_>, Vec<_>) = self.credentials.drain(..).partition(keep);
        self.credentials = kept;
        for credential in &gone {
            self.touch(credential.user);
        }
        gone.len()
    }

    fn touch(&mut self, user: UserId) {
        if let Some(entry) = self.users.get_mut(&user) {
            entry.changed = true;
        }
    }

    async fn compare<S: Store>(
        &mut self,
        store: &S,
        users: &[UserId],
        after: &str,
    ) -> Result<(), TestCaseError> {
        for user in users {
            for kind in KINDS {
                let own = self.credentials.iter().filter(|own| own.user == *user && own.kind == kind);
                let stored = store.of_user(*user, kind).await.unwrap();
                let stored: Vec<_> = stored.iter().map(comparable).collect();
                prop_assert_eq!(stored, own.map(comparable).collect::<Vec<_>>(), "{}", after);
            }
            let stored = store.user(*user).await.unwrap();
            let Some(entry) = self.users.get_mut(user) else {
                prop_assert!(stored.is_none(), "{}", after);
                continue;
            };
            let Some(stored) = stored else { return Err(TestCaseError::fail(format!("{after}: gone"))) };
            prop_assert_eq!(stored.user.active, entry.active, "{}", after);
            prop_assert_eq!(&stored.password, &entry.password, "{}", after);
            prop_assert_eq!(stored.user.valid_from, entry.valid_from, "{}", after);
            prop_assert_eq!(stored.user.version > entry.version, entry.changed, "{}", after);
            let totp =
                self.credentials.iter().any(|own| own.user == *user && own.kind == CredentialKind::TOTP);
            prop_assert_eq!(stored.totp, totp, "{}", after);
            (entry.version, entry.changed) = (stored.user.version, false);
        }
        Ok(())
    }
}

fn shown<T: std::fmt::Debug>(answer: Result<T, auth_core::StoreError>) -> String {
    format!("{answer:?}")
}
