//! Accounts of entries that were deleted and made again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_core::{
    Act, Actor, AuditFilter, BackendAnswer, Entry, FailureReason, InternalError, InternalErrorKind, LogPage,
    LoginError, NameKind, PasswordBackend, Revocation, Store, Timestamp, UserId, VerifyRequest,
};
use auth_engine::{DirectoryConfig, EntryMatch};

use super::{HERE, People, THERE, WRONG, directory, entry, named, refusal, with_directory, with_people};
use crate::world;

#[tokio::test]
async fn an_account_of_an_entry_that_was_made_again_is_relinked_only_where_the_operator_wants_it() {
    let refused = Some(LoginError::Credentials(FailureReason::AccountOfAnother));
    let again = Entry { id: "id-again".into(), ..entry("linked") };
    // Not by an address alone, and nobody whose password is here.
    let by_address =
        Entry { user_name: Some("stranger".into()), ..Entry { id: "id-x".into(), ..entry("gone") } };
    let people = || vec![again.clone(), by_address.clone(), entry("iago")];
    let relinking = DirectoryConfig { relink_by_name: true, ..DirectoryConfig::default() };

    let (world, _) = with_people(with_directory(DirectoryConfig::default()), people()).await;
    assert_eq!(refusal(&world, "linked", THERE).await, refused);

    let (world, _) = with_people(with_directory(relinking.clone()), people()).await;
    assert_eq!(refusal(&world, "stranger", THERE).await, refused);
    assert_eq!(refusal(&world, "iago", HERE).await, None, "nothing was taken away");
    let before = named(&world, "linked").await.user.id;
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    let after = named(&world, "linked").await.user;
    assert_eq!((after.id, after.name(NameKind::Directory).unwrap().exact.as_str()), (before, "id-again"));
    let row =
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(1)).await.unwrap().remove(0).record;
    assert_eq!((row.act, row.user, row.detail.as_str()), (Act::AccountRelinked, Some(before), "id-linked"));
    assert_eq!(row.actor, Actor::Directory("corp".into()));

    // A person whose entry is still there keeps the account, and so does one of whom the directory can't tell.
    let stays = Entry { user_name: Some("l.inked".into()), email: None, ..entry("linked") };
    for (entries, is_down) in [(vec![again.clone(), stays], false), (vec![again.clone()], true)] {
        let (world, people) = with_people(with_directory(relinking.clone()), entries).await;
        people.is_down.store(is_down, Ordering::SeqCst);
        let realm = world.realm("main").await;
        let found = world.engine.directory_accounts().match_entry(&realm, "corp", &again).await;
        let is_kept = match found {
            Ok(EntryMatch::Refused(FailureReason::AccountOfAnother)) => !is_down,
            Err(error) => is_down && error.kind() == InternalErrorKind::Unavailable,
            _ => false,
        };
        assert!(is_kept, "down: {is_down}");
    }

    // Nor is a robot given to a person.
    let (world, _) = with_people(with_directory(relinking.clone()), Vec::new()).await;
    let robot =
        r#"{"kind":"user","realm":"main","username":"droid","bot":"default","directory_name":"id-droid"}"#;
    world::import(&world, robot).await;
    let realm = world.realm("main").await;
    let person = Entry { id: "id-again".into(), ..entry("droid") };
    let found = world.engine.directory_accounts().match_entry(&realm, "corp", &person).await.unwrap();
    assert!(matches!(found, EntryMatch::Refused(FailureReason::AccountOfAnother)), "{found:?}");

    // Of two directories, each may have somebody of the name.
    let mut two = with_directory(relinking);
    two.directories.insert("other".into(), DirectoryConfig::default());
    let (world, _) = with_people(two, people()).await;
    let mut realm = world.store.realms().await.unwrap().remove(0);
    realm.backends.push("other".into());
    let found = world.engine.directory_accounts().match_entry(&realm, "corp", &again).await.unwrap();
    assert!(matches!(found, EntryMatch::Refused(FailureReason::AccountOfAnother)), "{found:?}");
}

/// A directory in whose answer about a former entry something happens to that entry's account.
struct Meanwhile {
    people: Arc<People>,
    store: Arc<dyn Store>,
    user: Mutex<Option<UserId>>,
    change: Change,
}

/// What happens to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    MailedCodes,
    Revocation,
}

#[async_trait]
impl PasswordBackend for Meanwhile {
    fn name(&self) -> &str {
        self.people.name()
    }

    fn is_directory(&self) -> bool {
        true
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        *self.user.lock().unwrap() = request.account.map(|account| account.user.id);
        self.people.verify(request).await
    }

    async fn has_entry(&self, id: &str) -> Result<bool, InternalError> {
        let user = self.user.lock().unwrap().unwrap();
        let revocation =
            Revocation { valid_from: Some(Timestamp::from_secs(1_800_000_000)), ..Revocation::NOTHING };
        match self.change {
            Change::Nothing => {}
            Change::MailedCodes => {
                let on = self.store.set_email_second_factor(user, true, &Revocation::NOTHING, None).await;
                assert!(on.unwrap());
            }
            Change::Revocation => {
                assert!(self.store.set_password(user, None, &revocation, None).await.unwrap());
            }
        }
        self.people.has_entry(id).await
    }
}

#[tokio::test]
async fn an_account_that_changed_since_its_factors_were_shown_is_given_to_no_entry() {
    let user = r#"{"kind":"user","realm":"main","username":"changed","email":"changed@zulip.com","email_verified":true,"directory_name":"id-changed"}"#;
    for (change, id) in [
        (Change::Nothing, "id-again"),
        (Change::MailedCodes, "id-changed"),
        (Change::Revocation, "id-changed"),
    ] {
        let relinking = DirectoryConfig { relink_by_name: true, ..DirectoryConfig::default() };
        let again = Entry { id: "id-again".into(), ..entry("changed") };
        let world = world::built(with_directory(relinking), |builder| {
            let (people, store) = (directory("corp", vec![again]), Arc::clone(builder.store()));
            builder.backend(Arc::new(Meanwhile { people, store, user: Mutex::default(), change }))
        });
        let world = world.await;
        world::import(&world, super::USERS).await;
        world::import(&world, user).await;
        let told = refusal(&world, "changed", THERE).await;
        assert_eq!(told, WRONG.filter(|_| change != Change::Nothing), "{change:?}");
        let after = named(&world, "changed").await.user;
        assert_eq!(after.name(NameKind::Directory).unwrap().exact, id, "{change:?}");
    }
}
