//! `auth-server dev seed`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use auth_core::{
    Clock, Credential, CredentialId, CredentialKind, ExternalIds, ImportMode, LoginName, NameKind, NewRecord,
    NewUser, PasswordString, Realm, RealmId, Rng, Role, Scope, SeededRng, Timestamp, User, UserId,
};
use auth_crypto::opaque;

use super::bar::Bar;
use super::{ConfigFile, say};
use crate::edge::{SystemClock, SystemRng};
use crate::store::AnyStore;

/// Users that go in one transaction.
const STEP: u64 = 100_000;

/// The realm that they belong to.
const SLUG: &str = "seed";

/// A hash of nothing that anybody knows, with OWASP's parameters.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2VlZHNlZWRzZWVkc2VlZA$\
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Fill the store with made-up users, for measurements: real rows, each with a name, an address and a token, all
/// with one hash that no password matches. They go into a realm `seed`, numbered on from those that are there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: auth-server dev seed --config bench.toml --users 1000000")]
pub(super) struct Seed {
    #[command(flatten)]
    file: ConfigFile,
    /// How many.
    #[arg(long, value_name = "N")]
    users: u64,
}

impl Seed {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let store = AnyStore::open(&config, Arc::new(SystemRng::new())).await?.records();
        let started = SystemClock.now();
        let realm = store.realms().await?.into_iter().find(|realm| realm.slug == SLUG).unwrap_or_else(realm);
        let mut first = 1;
        while store.find(realm.id, &auth_core::Lookup::ZulipId(i64::try_from(first)?)).await?.is_some() {
            first += STEP;
        }
        let bar = Bar::new();
        let (mut next, end) = (first, first + self.users);
        while next < end {
            let step = next..end.min(next + STEP);
            next = step.end;
            let users = step.map({
                let realm = realm.id;
                move |number| Some(NewRecord::User(Box::new(user(realm, number, started))))
            });
            let records = std::iter::once(Some(NewRecord::Realm(realm.clone()))).chain(users);
            if let Err(refused) = store.import(Box::new(records), ImportMode::Write).await {
                match refused.error {
                    Some(error) => {
                        bail!("user {}: {error}", next - STEP + refused.record.unwrap_or_default())
                    }
                    None => bail!("the users have ended early"),
                }
            }
            bar.show("seeding", next - first, Some(self.users));
        }
        drop(bar);
        let took = SystemClock.now().since(started).max(Duration::from_millis(1));
        say(format_args!(
            "seeded {} users in {:.1} s, {:.0} a second: seed{first} to seed{}",
            self.users,
            took.as_secs_f64(),
            rate(self.users, took),
            end - 1
        ))?;
        Ok(())
    }
}

fn rate(count: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

fn realm() -> Realm {
    Realm { name: "Made up".to_owned(), ..Realm::new(RealmId::random(&SystemRng::new()), SLUG) }
}

/// User `number`: what is its own follows from the number, and so does its token, `seed-token-NUMBER`. Identifiers begin
/// with the number, so that they go in in their order, which is quick; whoever is looked up is looked up at random.
fn user(realm: RealmId, number: u64, now: Timestamp) -> NewUser {
    let random = SeededRng::new(number);
    let mut bytes = [0; 16];
    let mut identifier = || {
        random.fill(&mut bytes);
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    let (id, credential) = (UserId::from_bytes(identifier()), CredentialId::from_bytes(identifier()));
    let name = |kind, exact| LoginName { kind, exact, verified: kind == NameKind::Email };
    let mut rocketchat = [0; 9];
    random.fill(&mut rocketchat);
    let user = User {
        id,
        realm,
        names: vec![
            name(NameKind::UserName, format!("seed{number}")),
            name(NameKind::Email, format!("seed{number}@example.com")),
        ],
        full_name: format!("Made Up {number}"),
        role: Role::Member,
        bot: None,
        active: true,
        joined: now,
        valid_from: Timestamp::default(),
        email_second_factor: false,
        must_change_password: false,
        protocols: ExternalIds {
            zulip: i64::try_from(number).unwrap_or(i64::MAX),
            rocketchat: format!("{number:08}{}", &data_encoding::HEXLOWER.encode(&rocketchat)),
            rocketchat_roles: None,
            zettelstore: 20_000_101_000_000 + number,
            zettelstore_role: None,
        },
        version: 0,
    };
    let token = Credential {
        id: credential,
        user: id,
        kind: CredentialKind::RocketChatToken,
        digest: Some(opaque::digest(&format!("seed-token-{number}"))),
        sealed: None,
        scope: Scope::default(),
        label: None,
        created: now,
        expires: None,
        last_used: None,
        counter: 0,
    };
    NewUser {
        user,
        assign_zulip_id: false,
        assign_zettelstore_id: false,
        password: Some(PasswordString::new(HASH)),
        credentials: vec![token],
    }
}
