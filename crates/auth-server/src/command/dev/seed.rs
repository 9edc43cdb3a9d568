//! `auth-server dev seed`: fills a store with made-up users.

use std::time::Duration;

use anyhow::bail;
use auth_core::{
    Act, Actor, AuditRecord, ByProtocol, Clock, Credential, CredentialId, CredentialKind, ExternalId,
    ImportMode, LoginName, Lookup, NameKind, NewRecord, NewUser, OnConflict, PasswordString, ProtocolName,
    RealmChange, RealmId, Role, Scope, SystemClock, SystemRng, Timestamp, User, UserId,
};
use auth_crypto::opaque;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

use crate::command::config_file::ConfigFile;
use crate::command::output::print_line;
use crate::command::progress::ProgressLine;

/// The number of users that are written in one transaction.
const STEP: u64 = 100_000;

/// The slug of the users' realm.
const SLUG: &str = "seed";

/// A hash that no known password matches, with OWASP's parameters.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2VlZHNlZWRzZWVkc2VlZA$\
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Fill a store with made-up users, for measurements. Each has a name, an address, a token, and a password hash that no
/// password matches. They belong to a realm `seed`, and their numbers continue after those that are there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: auth-server dev seed --config bench.toml --users 1000000")]
pub(super) struct Seed {
    #[command(flatten)]
    file: ConfigFile,
    /// The number of users.
    #[arg(long, value_name = "N")]
    users: u64,
}

/// The row of the audit log for a transaction.
fn audit_record() -> AuditRecord {
    AuditRecord {
        at: SystemClock.now(),
        actor: Actor::Operator,
        by: None,
        act: Act::Imported,
        realm: None,
        user: None,
        detail: String::new(),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

impl Seed {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open_or_create().await?;
        let store = assembled.engine().store();
        let started = SystemClock.now();
        let known = store.realms().await?.into_iter().find(|realm| realm.slug == SLUG);
        let realm = known.map_or_else(|| RealmId::random(&SystemRng), |realm| realm.id);
        let mut first = 1;
        while store
            .find(realm, &Lookup::ExternalId(ProtocolName::ZULIP, &ExternalId::Number(first)))
            .await?
            .is_some()
        {
            first += STEP;
        }
        let progress = ProgressLine::new();
        let (mut next, end) = (first, first + self.users);
        while next < end {
            let step = next..end.min(next + STEP);
            next = step.end;
            let users =
                step.map(move |number| Some(NewRecord::User(Box::new(new_user(realm, number, started)))));
            let records = std::iter::once(Some(NewRecord::Realm(realm_of(realm)))).chain(users);
            let audit = audit_record();
            if let Err(failed) = store
                .import(
                    Box::new(records),
                    ImportMode::Write,
                    OnConflict::Refuse,
                    Box::new(|_, _| ()),
                    Some(&audit),
                )
                .await
            {
                match failed.error {
                    Some(error) => {
                        bail!("user {}: {error}", next - STEP + failed.record.unwrap_or_default())
                    }
                    None => bail!("the users ended early"),
                }
            }
            progress.show("seeding", next - first, Some(self.users));
        }
        drop(progress);
        let took = SystemClock.now().since(started).max(Duration::from_millis(1));
        print_line(format_args!(
            "seeded {} users in {:.1} s, {:.0} per second: seed{first} to seed{}",
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

fn realm_of(id: RealmId) -> RealmChange {
    RealmChange { name: Some("Made up".to_owned()), ..RealmChange::new(id, SLUG) }
}

/// The user of a number. Everything follows from the number, and so does the token, `seed-token-NUMBER`. Identifiers begin
/// with the number: a store writes them faster in their order, and look-ups choose numbers at random anyway.
fn new_user(realm: RealmId, number: u64, now: Timestamp) -> NewUser {
    let digest = digest(&SHA256, &number.to_be_bytes());
    let made_up = |from: usize, to: usize| digest.as_ref().get(from..to).unwrap_or_default();
    let identifier = |made_up: &[u8]| {
        let random = made_up.iter().fold(0_u64, |random, byte| random << 8 | u64::from(*byte));
        (u128::from(number) << 64 | u128::from(random)).to_be_bytes()
    };
    let id = UserId::from_bytes(identifier(made_up(0, 8)));
    let credential = CredentialId::from_bytes(identifier(made_up(8, 16)));
    let rocketchat = HEXLOWER.encode(made_up(16, 25));
    let name = |kind, exact| LoginName { kind, exact, verified: kind == NameKind::Email };
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
        bot_owner: None,
        active: true,
        joined: now,
        valid_from: now,
        email_second_factor: false,
        must_change_password: false,
        language: None,
        external_ids: ByProtocol::from([
            (ProtocolName::ZULIP, ExternalId::Number(number)),
            (ProtocolName::ROCKETCHAT, ExternalId::Text(format!("{number:08}{rocketchat}"))),
            (ProtocolName::ZETTELSTORE, ExternalId::Number(20_000_101_000_000 + number)),
        ]),
        external_roles: ByProtocol::new(),
        version: 0,
    };
    let token = Credential {
        id: credential,
        user: id,
        kind: CredentialKind::ROCKETCHAT_TOKEN,
        parent: None,
        digest: Some(opaque::digest(&format!("seed-token-{number}"))),
        sealed: None,
        clear_only: false,
        scope: Scope::default(),
        label: None,
        origin: None,
        created: now,
        expires: None,
        last_used: None,
        counter: 0,
    };
    NewUser {
        user,
        assign_ids: Vec::new(),
        password: Some(PasswordString::new(HASH)),
        credentials: vec![token],
    }
}
