//! Tokens and keys of an account: listed and revoked.

use std::time::Duration;

use auth_admin::{Accounts, AdminError, Tokens};
use auth_core::{
    CredentialCheck, CredentialId, CredentialKind, ProtocolName, Token, TokenForm, TokenRenewal,
};
use auth_engine::testing::{IAGO_KEY, PASSWORD, api_key, header, peer, rocketchat_token, token};

use crate::world;

#[tokio::test]
async fn a_token_is_revoked_by_its_id_and_only_for_its_owner() {
    let world = world::new().await;
    let (tokens, iago) = (Tokens::new(&world.engine), world.account("iago").await);
    let granted = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let listed = tokens.list(&iago).await.unwrap();
    let kinds: Vec<CredentialKind> = listed.iter().map(|token| token.kind).collect();
    assert_eq!(kinds, [CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::ZULIP_KEY]);
    let presented = rocketchat_token(&world.rocketchat_id("iago").await, granted);

    let othello = world.account("othello").await;
    assert!(!tokens.revoke(&othello, listed[0].id).await.unwrap(), "another's token");
    assert!(!tokens.revoke(&iago, CredentialId::from_bytes([9; 16])).await.unwrap(), "no token");
    assert!(world.check("main", ProtocolName::ROCKETCHAT, presented.clone()).await.result.is_ok());
    assert!(tokens.revoke(&iago, listed[0].id).await.unwrap());
    assert!(world.check("main", ProtocolName::ROCKETCHAT, presented).await.result.is_err());
    assert_eq!(tokens.list(&iago).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_zettelstore_token_is_revoked_with_all_that_go_back_to_its_login_and_no_other() {
    let world = world::new().await;
    let (tokens, iago) = (Tokens::new(&world.engine), world.account("iago").await);
    let log_in = async || token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let renew = async |token: &Token| {
        let (protocol, realm) = (ProtocolName::ZETTELSTORE, Some(world.realm("main").await));
        let check =
            CredentialCheck { protocol, realm, credential: header(token.clone()), peer: peer("192.0.2.1") };
        world.engine.renew(check, TokenForm::Jwt).await
    };
    let first = log_in().await;
    world.clock.advance(Duration::from_secs(150));
    let renewed = renew(&first).await.unwrap();
    let renewed = token(&renewed);
    let other = log_in().await;
    let id_of = async |token: &Token| {
        let presented = header(token.clone());
        world.check("main", ProtocolName::ZETTELSTORE, presented).await.result.unwrap().credential.unwrap()
    };
    let (of_renewed, of_other) = (id_of(&renewed).await, id_of(&other).await);
    assert!(tokens.revoke(&iago, of_renewed).await.unwrap());
    for revoked in [&first, &renewed] {
        assert!(renew(revoked).await.is_err());
    }
    let left = tokens.list(&iago).await.unwrap();
    assert_eq!(left.iter().map(|token| token.id).filter(|id| *id == of_other).count(), 1);
    assert!(!tokens.revoke(&iago, of_renewed).await.unwrap(), "it is gone");
    assert_eq!(id_of(&other).await, of_other);
}

#[tokio::test]
async fn all_tokens_are_revoked_together_and_the_password_stays() {
    let world = world::new().await;
    let (tokens, iago) = (Tokens::new(&world.engine), world.account("iago").await);
    let rocket = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let zettel = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    tokens.revoke_all(&iago).await.unwrap();
    assert!(tokens.list(&iago).await.unwrap().is_empty());
    let rocket = rocketchat_token(&world.rocketchat_id("iago").await, rocket);
    for (protocol, presented) in [
        (ProtocolName::ROCKETCHAT, rocket),
        (ProtocolName::ZETTELSTORE, header(zettel)),
        (ProtocolName::ZULIP, api_key("iago@zulip.com", IAGO_KEY)),
    ] {
        assert!(world.check("main", protocol, presented).await.result.is_err(), "{protocol}");
    }
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn revoking_all_tokens_leaves_an_account_as_active_as_it_is() {
    let world = world::new().await;
    let (tokens, accounts) = (Tokens::new(&world.engine), Accounts::new(&world.engine));
    // Read before another operator deactivates the account.
    let iago = world.account("iago").await;
    accounts.set_active(&iago, false).await.unwrap();
    tokens.revoke_all(&iago).await.unwrap();
    assert!(!world.account("iago").await.user.active);
    accounts.delete(&iago).await.unwrap();
    assert!(matches!(tokens.revoke_all(&iago).await, Err(AdminError::NoUser)));
}
