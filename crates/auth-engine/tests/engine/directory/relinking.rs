//! Accounts of entries that were deleted and made again.

use std::sync::atomic::Ordering;

use auth_core::{
    Act, Actor, AuditFilter, Entry, FailureReason, InternalErrorKind, LogPage, LoginError, NameKind,
};
use auth_engine::{DirectoryConfig, EntryMatch};

use super::{HERE, THERE, entry, named, refusal, with_directory, with_people};

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

    // Of two directories, each may have somebody of the name.
    let mut two = with_directory(relinking);
    two.directories.insert("other".into(), DirectoryConfig::default());
    let (world, _) = with_people(two, people()).await;
    let mut realm = world.store.realms().await.unwrap().remove(0);
    realm.backends.push("other".into());
    let found = world.engine.directory_accounts().match_entry(&realm, "corp", &again).await.unwrap();
    assert!(matches!(found, EntryMatch::Refused(FailureReason::AccountOfAnother)), "{found:?}");
}
