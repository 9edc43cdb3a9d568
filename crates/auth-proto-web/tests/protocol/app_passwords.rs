//! `/account/app-passwords`.

use std::time::Duration;

use auth_core::testing::{ActionKind, ActionResult, FAKE_NOW};
use auth_core::{ActionError, CredentialId, ProtocolName, Timestamp};

use crate::browser::Browser;
use crate::fixtures::{Person, asked, credentials, iago, of_iago, services};

const PAGE: &str = "/account/app-passwords";

#[tokio::test]
async fn app_password_is_made_for_protocols_and_until_an_end() {
    let days = |days: u64| Some(FAKE_NOW + Duration::from_secs(days * 24 * 3600));
    for (fields, protocols, expires) in [
        (&[("name", " Mail "), ("ends", "")][..], &[][..], None),
        (
            &[("name", "Mail"), ("protocol", "zulip"), ("protocol", "zettelstore"), ("ends", "30")],
            &[ProtocolName::ZULIP, ProtocolName::ZETTELSTORE],
            days(30),
        ),
        (&[("name", "Mail"), ("protocol", "made-up"), ("ends", "365")], &[], days(365)),
        (&[("name", "Mail"), ("ends", "31")], &[], None),
    ] {
        let mut browser = Browser::signed_in(of_iago());
        let page = browser.fill(PAGE, PAGE, fields).await;
        page.says(200, ">app-password-1234</code>");
        page.says(200, "This is shown once.");
        let made = browser.services.actions().into_iter().find_map(|action| match action.kind {
            ActionKind::CreateAppPassword { name, protocols, expires } => Some((name, protocols, expires)),
            _ => None,
        });
        let expected: (String, Vec<ProtocolName>, Option<Timestamp>) =
            ("Mail".to_owned(), protocols.to_vec(), expires);
        assert_eq!(made, Some(expected));
    }
}

#[tokio::test]
async fn form_makes_one_app_password() {
    let mut browser = Browser::signed_in(of_iago());
    let page = browser.get(PAGE).await;
    browser.submit(&page, PAGE, &[("name", "Mail")]).await.says(200, "app-password-1234");
    browser.submit(&page, PAGE, &[("name", "Mail")]).await.says(403, "This form is out of date");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_one_is_told() {
    for (error, text) in [
        (ActionError::BadTokenName, "This name can’t be used."),
        (ActionError::TokenExists, "Choose another name."),
        (ActionError::TooManyTokens, "Revoke one first."),
    ] {
        let services = of_iago().on_action(move |action| match action.kind {
            ActionKind::OwnCredentials => Ok(ActionResult::OwnCredentials(credentials())),
            _ => Err(error.clone()),
        });
        let fields = [("name", "Mail"), ("protocol", "zulip"), ("ends", "90")];
        let page = Browser::signed_in(services).fill(PAGE, PAGE, &fields).await;
        page.says(422, text);
        for kept in ["value=\"Mail\"", "value=\"zulip\" checked", "value=\"90\" selected"] {
            page.says(422, kept);
        }
    }
    let page = Browser::signed_in(of_iago()).fill(PAGE, PAGE, &[("name", " ")]).await;
    page.says(422, "Enter a name.");
}

#[tokio::test]
async fn list_needs_no_confirmation_and_a_new_one_does() {
    let mut browser = Browser::signed_in(services(Person::new(iago()).stale()));
    let page = browser.get(PAGE).await;
    page.says(200, "Mail on my phone");
    page.says(200, "href=\"/account/confirm?next=/account/app-passwords\"");
    assert!(!page.actions().contains(&PAGE.to_owned()));
    assert_eq!(asked(&browser.services), ["OwnCredentials"]);
}

#[tokio::test]
async fn empty_list_says_so() {
    let services = of_iago().on_action(|_| Ok(ActionResult::OwnCredentials(Vec::new())));
    Browser::signed_in(services).get(PAGE).await.says(200, "You have no app passwords.");
}

#[tokio::test]
async fn app_password_is_revoked_by_its_id() {
    let id = CredentialId::from_bytes([5; 16]);
    let mut browser = Browser::signed_in(of_iago());
    let page = browser.get(PAGE).await;
    page.says(200, &format!("name=\"id\" value=\"{id}\""));
    let revoke = "/account/app-passwords/revoke";
    browser.submit(&page, revoke, &[("id", "x")]).await.says(403, "That can’t be done");
    browser.submit(&page, revoke, &[("id", &id.to_string())]).await.leads_to(PAGE);
    let ended = browser.services.actions().into_iter().find_map(|action| match action.kind {
        ActionKind::EndCredential { id } => Some(id),
        _ => None,
    });
    assert_eq!(ended, Some(id));
}
