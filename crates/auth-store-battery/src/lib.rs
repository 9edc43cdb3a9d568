//! The contract of a store, as tests: an author of a store runs [`store_battery!`] against it.
//!
//! What `auth_core::Store` and its traits say in words, these tests say in behaviours: names and their case, versions,
//! revocations beside other commands, imports that are all or nothing, logs, and what is kept when a store is closed. A store
//! that passes works under `auth-engine`.
//!
//! # How to run it
//!
//! Add this crate and tokio (features `macros` and `rt-multi-thread`) to the `dev-dependencies` of the store. Write a [`Fixture`]:
//! a type that makes an empty place for a store, and opens the store there. Then a file such as `tests/battery.rs` has a test of
//! each behaviour:
//!
//! ```
//! use std::sync::Arc;
//! use auth_core::testing::MemoryStore;
//! use auth_store_battery::{Fixture, shared_store_battery, store_battery};
//!
//! /// A store that every opening shares.
//! struct Memory(Arc<MemoryStore>);
//!
//! impl Fixture for Memory {
//!     type Store = MemoryStore;
//!
//!     fn empty() -> Self {
//!         Self(Arc::default())
//!     }
//!
//!     async fn open(&self) -> Arc<MemoryStore> {
//!         Arc::clone(&self.0)
//!     }
//! }
//!
//! // What is in memory is gone when it is closed. Other stores leave `volatile` out.
//! store_battery!(Memory, volatile);
//! // For stores that several servers share.
//! shared_store_battery!(Memory);
//! # fn main() {}
//! ```
//!
//! A behaviour is a function, too, such as [`feed::versions_are_those_of_the_users_there_are`]: a test may run one by itself, in another runtime or
//! against a store that is broken on purpose. It panics when the store behaves otherwise. A store around another, which does one thing
//! otherwise, is made by [`auth_core::forward_store!`].
//!
//! # What it needs
//!
//! The battery knows no SQL and no database, only the traits of `auth-core`. Several of its tests start hundreds of tasks at a
//! time. Tests run at the same time in places of their own, so a [`Fixture`] that keeps its places in one database makes a name for
//! each.

#![expect(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests: their names say what they check, and they fail by panicking"
)]

pub mod accounts;
pub mod activity;
pub mod admin_keys;
pub mod attempts;
pub mod audit;
pub mod bots;
pub mod creation;
pub mod credentials;
pub mod durability;
pub mod external_ids;
pub mod feed;
pub mod groups;
pub mod import;
pub mod import_marks;
pub mod logs;
pub mod lookup;
pub mod merge;
pub mod meta;
pub mod model;
pub mod network_rules;
pub mod outbox;
pub mod parents;
pub mod runtime;
pub mod sealed;
pub mod shared_attempts;
pub mod spent;

use std::future::Future;
use std::sync::Arc;

use auth_core::{
    Account, ByProtocol, Conflict, Credential, CredentialId, CredentialKind, Digest, ExternalId, ImportError,
    ImportMode, Imported, LoginName, NameKind, NewRecord, NewUser, OnConflict, PasswordString, ProtocolName,
    Realm, RealmId, Rng, Role, Scope, SeededRng, Store, StoreError, Timestamp, User, UserId,
};

/// A place where a store can be kept.
pub trait Fixture: Send + Sync + 'static {
    /// The store under test.
    type Store: Store + 'static;

    /// Makes an empty place, which is removed when it is dropped.
    fn empty() -> Self;

    /// Opens the store in this place, which may be open already.
    fn open(&self) -> impl Future<Output = Arc<Self::Store>> + Send;
}

/// Makes a test of each behaviour of the battery, for the store of a [`Fixture`].
///
/// `store_battery!(Fixture)` is for stores that keep their records when they are closed, `store_battery!(Fixture,
/// volatile)` for those in memory, which keep nothing and wait for nothing. The tests need tokio with its macros and its multi-threaded runtime.
#[macro_export]
macro_rules! store_battery {
    ($fixture:ty) => {
        $crate::store_battery!($fixture, volatile);
        $crate::store_battery! { $fixture:
            durability {
                survives_reopening
                acknowledges_a_thousand_concurrent_writes
                shows_every_opening_what_another_has_written
            }
            runtime {
                an_import_leaves_the_runtime_free
            }
        }
    };
    ($fixture:ty, volatile) => {
        $crate::store_battery! { $fixture:
            lookup {
                finds_the_exact_form_else_the_only_one_that_folds_alike
                keeps_realms_apart
                finds_by_the_ids_that_protocols_show
                reads_whole_accounts_as_they_were_written
                lists_users_by_id_in_pages
            }
            accounts {
                replaces_a_hash_only_while_it_is_the_old_one
                a_new_password_revokes_the_given_credentials
                a_new_password_clears_must_change_password
                moves_the_valid_from_stamp_by_a_second_at_least
                deactivates_and_activates_users
                revokes_credentials_and_changes_nothing_else
                a_deactivation_beside_a_revocation_holds
                revokes_credentials_with_each_change_of_a_user
                switches_mailed_codes_on_and_off
                updates_a_profile_all_or_nothing
                deletes_users_with_all_that_belongs_to_them
                counts_every_change_of_a_user
            }
            bots {
                deactivates_the_bots_of_a_user_with_it
                deactivates_the_bots_of_a_user_that_is_deleted
            }
            creation {
                removes_a_realm_that_has_no_user_with_its_groups_and_keys
                creates_a_user_with_all_that_belongs_to_it
                a_new_user_that_conflicts_leaves_nothing
                takes_a_repeated_creation_for_the_one_it_repeats
                of_two_new_users_of_one_name_one_is_created
                users_that_are_created_at_once_get_different_numbers
            }
            import_marks {
                remembers_the_records_of_a_source
                changes_imported_users_or_leaves_them_as_they_are
                an_imported_deactivation_takes_the_bots_along
            }
            spent {
                of_many_uses_at_a_time_one_counts
                uses_are_forgotten_after_their_moment
            }
            external_ids {
                keeps_the_ids_and_roles_of_any_protocol
                reads_rows_of_protocols_that_do_not_exist
                keeps_ids_unique_in_a_realm
                assigns_numbers_of_any_protocol
                gives_a_user_one_id_and_keeps_it
                gives_users_without_ids_those_of_every_protocol
                gives_different_numbers_to_users_that_ask_at_once
            }
            credentials {
                finds_credentials_by_kind_and_digest
                keeps_kinds_that_no_store_knows
                counts_the_credentials_of_each_kind
                lists_what_has_ended_of_a_kind_and_purges_no_removal_that_is_to_be_carried_out
                keeps_the_newest_of_a_kind
                refuses_labels_and_digests_that_are_taken
                takes_a_repeated_command_for_the_one_it_repeats
                ensures_one_credential_under_concurrency
                removes_once_under_concurrency
                raises_counters_and_never_lowers_them
                removes_the_credentials_of_a_user_by_kind
                exchanges_credentials_in_one_step
                purges_expired_credentials
            }
            parents {
                ends_what_came_from_a_credential_with_it
                adds_nothing_that_came_from_a_credential_that_is_gone
                keeps_and_ensures_by_parent
                keeps_the_one_that_was_added_last_whatever_the_clock_says
                what_was_revoked_has_no_successor
                of_a_revocation_and_an_addition_at_once_nothing_is_left
            }
            import {
                imports_all_or_nothing_and_names_the_record_at_fault
                leaves_out_what_conflicts_and_writes_the_rest
                keeps_nothing_of_a_dry_run
                writes_nothing_when_the_records_end_early
                writes_realms_over_those_of_the_same_slug
                changes_what_is_named_of_a_realm_and_notes_each_change
                notes_names_that_fold_like_those_of_another_user
                assigns_ids_that_are_free
            }
            feed {
                the_counter_moves_with_each_change_and_with_nothing_else
                versions_are_those_of_the_users_there_are
                listeners_hear_of_a_change_before_it_is_acknowledged
            }
            outbox {
                keeps_mail_until_it_is_settled
                takes_a_mail_with_the_credential_that_it_tells_of
            }
            activity {
                a_new_user_was_seen_when_it_was_created_or_a_credential_used
                logins_and_uses_are_noted_and_are_no_change_of_the_user
                many_logins_and_uses_at_once_are_all_noted
                lists_users_that_were_not_seen_since_a_moment_in_pages
            }
            attempts {
                lists_the_newest_attempts_and_forgets_old_ones
                keeps_no_more_attempts_than_the_ceiling
                lists_the_clients_that_users_have_logged_in_from
            }
            audit {
                lists_rows_newest_first_and_forgets_by_age
                forgets_any_number_of_old_rows_and_no_other_command_forgets_one
                writes_the_row_of_each_command_that_changes_something
                writes_no_row_for_a_command_that_changes_nothing
                an_act_that_fails_takes_its_row_along
                does_no_act_whose_credential_is_gone
                of_a_revocation_and_an_act_at_once_nothing_is_left
                replaces_a_credential_with_what_came_from_it
                an_import_is_one_row_with_its_numbers_beside_those_of_its_realms
                each_of_many_acts_at_once_is_one_row
            }
            logs {
                a_user_who_is_deleted_leaves_rows_that_tell_nothing_of_the_person
                reads_the_audit_log_by_any_filter_in_both_orders
                reads_attempts_by_any_filter_in_both_orders
                a_page_goes_on_behind_a_row_that_is_gone
            }
            meta {
                sets_meta_values_once
                replaces_meta_values_only_while_they_are_the_old_ones
                lists_meta_values_by_the_beginning_of_their_names
            }
            admin_keys {
                keeps_admin_keys_by_name_and_digest_with_the_rows_of_their_acts
                writes_the_last_uses_of_admin_keys_and_never_earlier_ones
                forgets_the_admin_keys_that_ended_before_a_moment_and_no_other
            }
            groups {
                names_of_groups_are_unique_in_a_realm_whatever_their_case
                lists_groups_and_members_in_pages
                members_join_and_leave_with_rows_and_end_with_user_and_group
                sets_the_groups_of_a_user_in_one_step
            }
            merge {
                one_user_has_all_that_two_had_and_the_other_is_gone
                what_an_import_remembers_of_the_one_who_goes_is_of_the_one_who_stays
            }
            network_rules {
                keeps_one_rule_of_a_network_with_the_rows_of_its_acts
                forgets_the_rules_that_ended_before_a_moment_and_no_other
            }
            sealed {
                pages_through_sealed_credentials_by_id
                reseals_a_credential_only_while_it_is_the_old_one
                reseals_mail_in_pages_by_id
            }
            model {
                agrees_with_a_simple_model
            }
        }
    };
    ($fixture:ty: $($module:ident { $($behaviour:ident)* })*) => {
        $(
            mod $module {
                use super::*;

                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $behaviour() {
                        let fixture = <$fixture as $crate::Fixture>::empty();
                        $crate::$module::$behaviour(&fixture).await;
                    }
                )*
            }
        )*
    };
}

/// Makes a test of each behaviour of stores that several servers share: they count attempts together.
#[macro_export]
macro_rules! shared_store_battery {
    ($fixture:ty) => {
        $crate::store_battery! { $fixture:
            shared_attempts {
                attempts_are_counted_once_however_many_ask_at_once
                a_clock_that_is_set_back_by_days_prolongs_no_limit
                full_counters_are_listed_in_the_order_in_which_they_end
                counters_are_forgotten_one_by_one_and_by_account
            }
        }
    };
}

/// Sixteen bytes that look random and follow from `seed`.
fn bytes(seed: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    SeededRng::new(seed).fill(&mut bytes);
    bytes
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn password(text: &str) -> PasswordString {
    PasswordString::new(text)
}

/// A realm whose id is made from its slug, which is at most 16 bytes long.
fn realm(slug: &str) -> Realm {
    let mut id = [0; 16];
    id[..slug.len()].copy_from_slice(slug.as_bytes());
    Realm {
        subdomain: Some(slug.into()),
        name: format!("Realm {slug}"),
        icon: "/icon".into(),
        description: "<p>hello</p>".into(),
        ..Realm::new(RealmId::from_bytes(id), slug)
    }
}

fn name(kind: NameKind, exact: &str) -> LoginName {
    LoginName { kind, exact: exact.into(), verified: kind == NameKind::Email }
}

/// User `number` of a realm. Numbers are unique in a test.
fn user(realm: &Realm, number: u32) -> NewUser {
    NewUser {
        user: User {
            id: UserId::from_bytes(bytes(u64::from(number))),
            realm: realm.id,
            names: vec![
                name(NameKind::UserName, &format!("user{number}")),
                name(NameKind::Email, &format!("user{number}@example.com")),
            ],
            full_name: format!("User {number}"),
            role: Role::Member,
            bot: None,
            bot_owner: None,
            active: true,
            joined: at(0),
            valid_from: at(0),
            email_second_factor: false,
            must_change_password: false,
            language: None,
            external_ids: ByProtocol::from([
                (ProtocolName::ZULIP, ExternalId::Number(u64::from(number))),
                (ProtocolName::ROCKETCHAT, ExternalId::Text(format!("rocket{number}"))),
                (ProtocolName::ZETTELSTORE, ExternalId::Number(20_240_101_000_000 + u64::from(number))),
            ]),
            external_roles: ByProtocol::new(),
            version: 1,
        },
        assign_ids: vec![],
        password: Some(password("old")),
        credentials: vec![],
    }
}

/// Credential `number`. Numbers are unique in a test and grow with the time of creation.
fn credential(user: UserId, kind: CredentialKind, number: u32) -> Credential {
    let half = bytes(1 << 32 | u64::from(number));
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(&half);
    Credential {
        id: CredentialId::from_bytes(half),
        user,
        kind,
        parent: None,
        digest: Some(Digest::new(digest)),
        sealed: Some(vec![1, 2, 3]),
        clear_only: false,
        scope: Scope::default(),
        label: None,
        origin: None,
        created: at(i64::from(number)),
        expires: None,
        last_used: None,
        counter: 0,
    }
}

/// Writes the realm `main` with `count` users, numbered from 1.
async fn seed(store: &impl Store, count: u32) -> (Realm, Vec<UserId>) {
    let main = realm("main");
    let users: Vec<_> = (1..=count).map(|number| user(&main, number)).collect();
    let ids = users.iter().map(|new| new.user.id).collect();
    let mut records = vec![NewRecord::from(main.clone())];
    records.extend(users.into_iter().map(|new| NewRecord::User(Box::new(new))));
    write(store, records).await.expect("good records");
    (main, ids)
}

async fn write(store: &impl Store, records: Vec<NewRecord>) -> Result<Imported, ImportError> {
    store
        .import(
            Box::new(records.into_iter().map(Some)),
            ImportMode::Write,
            OnConflict::Refuse,
            Box::new(|_, _| ()),
            None,
        )
        .await
}

async fn account(store: &impl Store, id: UserId) -> Account {
    store.user(id).await.unwrap().expect("a user of that id")
}

async fn ids(store: &impl Store, user: UserId, kind: CredentialKind) -> Vec<CredentialId> {
    store.of_user(user, kind).await.unwrap().into_iter().map(|credential| credential.id).collect()
}

fn conflict<T>(what: Conflict) -> Result<T, StoreError> {
    Err(StoreError::Conflict(what))
}

/// A credential as values that can be compared: two credentials are equal when these are.
fn comparable(credential: &Credential) -> (String, Option<Digest>) {
    (format!("{credential:?}"), credential.digest)
}
