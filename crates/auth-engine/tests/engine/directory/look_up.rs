//! Entries that an operator has looked up by a name, and tickets that name an entry.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auth_core::{
    Act, AuditFilter, Clock, CredentialKind, Entry, FailureReason, GrantKind, InternalErrorKind, LogPage,
    LoginAttempt, LoginError, LoginMethod, NameKind, OneTimeCode, ProtocolName, SecondStep,
};
use auth_engine::testing::result;
use auth_engine::{DirectoryConfig, LookupError, NoEntry};

use super::{THERE, USERS, code_at, directory, entry, named, with_directory, with_people};
use crate::world;

#[tokio::test]
async fn each_directory_of_a_realm_is_asked_for_the_entry_of_a_name_until_one_shows_none() {
    let mut config = with_directory(DirectoryConfig::default());
    config.directories.insert("other".into(), DirectoryConfig::default());
    let there = Entry { id: "id-there".into(), ..entry("linked") };
    let twin = |id: &str| Entry { id: id.into(), ..entry("twin") };
    let corp = directory("corp", vec![entry("linked"), twin("one"), twin("two")]);
    let other = directory("other", vec![there.clone(), entry("hamlet")]);
    let world = world::built(config, |builder| {
        builder.backend(Arc::clone(&corp) as _).backend(Arc::clone(&other) as _)
    });
    let world = world.await;
    world::import(&world, USERS).await;
    let mut realm = world.store.realms().await.unwrap().remove(0);
    realm.backends = ["other", "local", "corp"].map(str::to_owned).to_vec();
    let find = async |name: &str| world.engine.backends().find_entries(&realm, name).await;

    let at = |directory: &str, entry: Entry| (directory.to_owned(), entry);
    assert_eq!(find("linked").await.unwrap(), [at("other", there), at("corp", entry("linked"))]);
    assert_eq!(find("hamlet@zulip.com").await.unwrap(), [at("other", entry("hamlet"))]);
    assert_eq!(find("nobody").await.unwrap(), []);
    assert_eq!(find("iago").await.unwrap(), [], "an account that is in no directory");
    let Err(LookupError { directory, why: NoEntry::Refused(reason), .. }) = find("twin").await else {
        panic!("two have the name")
    };
    assert_eq!((directory.as_str(), reason), ("corp", FailureReason::AmbiguousEntry));
    corp.is_down.store(true, Ordering::SeqCst);
    let Err(LookupError { directory, why: NoEntry::Unavailable(error), .. }) = find("linked").await else {
        panic!("one is down")
    };
    assert_eq!((directory.as_str(), error.kind()), ("corp", InternalErrorKind::Unavailable));
}

#[tokio::test]
async fn a_ticket_gives_an_account_to_the_entry_that_it_names_and_changes_nothing_of_one_that_has_it() {
    let merging = DirectoryConfig { merge_existing: true, ..DirectoryConfig::default() };
    let (world, _) = with_people(with_directory(merging), vec![entry("totp"), entry("device")]).await;
    let device = r#"{"kind":"user","realm":"main","username":"device","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}"#;
    world::import(&world, device).await;
    let acts = async || -> Vec<Act> {
        let rows = world.store.audit_rows(&AuditFilter::default(), LogPage::newest(100)).await.unwrap();
        rows.into_iter().map(|row| row.record.act).collect()
    };
    for (who, written) in [("totp", None), ("device", Some(Act::AccountLinked))] {
        let asked = LoginAttempt {
            protocol: ProtocolName::WEB,
            grant: GrantKind::Token(CredentialKind::WEB_SESSION),
            ..world.attempt("main", ProtocolName::ROCKETCHAT, who, THERE).await
        };
        let refused = result(world.ask(asked.clone()).await).err();
        let Some(LoginError::SecondFactorRequired(challenge)) = refused else { panic!("{who}: {refused:?}") };
        let (before, acts_before) = (named(&world, who).await.user, acts().await.len());
        world.clock.advance(Duration::from_secs(30));
        let asked = LoginAttempt {
            method: LoginMethod::Ticket(challenge.ticket.unwrap()),
            second_step: SecondStep::Offered(Some(OneTimeCode::new(code_at(world.clock.now())))),
            ..asked
        };
        result(world.ask(asked).await).unwrap();
        let (after, acts_after) = (named(&world, who).await.user, acts().await);
        let id = after.name(NameKind::Directory).map(|name| name.exact.clone());
        assert_eq!((after.id, id), (before.id, Some(format!("id-{who}"))), "{who}");
        assert_eq!(acts_after[..acts_after.len() - acts_before], *written.as_slice(), "{who}");
        assert_eq!(after.names == before.names, written.is_none(), "{who}");
        assert_eq!(after.valid_from, before.valid_from, "{who}: no session ends");
    }
}
