//! `/account` and `/account/confirm`.

use std::time::Duration;

use auth_core::testing::{ActionKind, UserBuilder};
use auth_core::{ActionError, FactorMethod, Language};

use crate::browser::{Browser, SESSION};
use crate::fixtures::{
    CODE, NEW_SESSION, PASSWORD, Person, asked, challenge, iago, of_iago, realm, services,
};

#[tokio::test]
async fn overview_shows_what_the_account_is_and_has() {
    let unverified = || UserBuilder::new("iago").realm(realm().id).unverified_email("iago@example.org");
    let nameless = || UserBuilder::new("iago").realm(realm().id);
    for (person, texts) in [
        (
            Person::new(iago()),
            &[
                "<h1><bdi>Iago</bdi></h1>",
                "<bdi>iago@example.org</bdi> <span class=\"badge good\">Verified",
                "You sign in with a password.",
                "Your password alone protects this account.",
                "See where your account is signed in",
                "<code>https://zulip.example.org</code>",
                "href=\"rocketchat://auth?host=https%3A%2F%2Fchat.example.org\"",
            ][..],
        ),
        (Person::new(iago()).with_totp(), &["Codes from your authenticator app"]),
        (Person::new(iago()).with_mailed_codes(), &["Codes by mail"]),
        (Person::new(unverified()), &["Not verified"]),
        (Person::new(nameless()), &["<dd class=\"quiet\">None</dd>"]),
        (Person { has_password: false, ..Person::new(iago()) }, &["No password is kept here."]),
    ] {
        let page = Browser::signed_in(services(person)).get("/account").await;
        for text in texts {
            page.says(200, text);
        }
        page.says(200, "aria-current=\"page\">Overview");
    }
}

#[tokio::test]
async fn the_overview_reads_nothing_beside_the_session() {
    let mut browser = Browser::signed_in(of_iago());
    browser.get("/account").await.says(200, "Iago");
    assert!(asked(&browser.services).is_empty());
}

#[tokio::test]
async fn whoever_is_fresh_need_not_confirm() {
    let mut browser = Browser::signed_in(of_iago());
    browser.get("/account/confirm?next=/account/zulip").await.leads_to("/account/zulip");
    browser.get("/account/confirm?next=//evil.example").await.leads_to("/account");
    assert!(asked(&browser.services).is_empty());
}

#[tokio::test]
async fn what_the_account_has_is_asked_for_anew() {
    let person = || Person::new(iago()).stale();
    for (person, field, wrong, right) in [
        (person(), "password", "wrong", PASSWORD),
        (person().with_totp(), "code", "000000", CODE),
        (person().with_mailed_codes(), "code", "000000", CODE),
    ] {
        let mut browser = Browser::signed_in(services(person));
        let page = browser.get("/account/confirm?next=/account/app-passwords").await;
        page.says(200, &format!("name=\"{field}\""));
        let page = browser.submit(&page, "/account/confirm", &[(field, wrong)]).await;
        page.says(403, "That is wrong. Try again.");
        let page = browser.submit(&page, "/account/confirm", &[(field, "")]).await;
        page.says(403, "That is wrong. Try again.");
        let page = browser.submit(&page, "/account/confirm", &[(field, right)]).await;
        page.leads_to("/account/app-passwords");
        assert_eq!(
            browser.cookies.get(SESSION).map(String::as_str),
            Some(NEW_SESSION),
            "a new token at each rise"
        );
    }
}

#[tokio::test]
async fn name_and_address_are_changed_where_they_differ() {
    let page = "/account/details";
    for (name, address, changed, told) in [
        ("Iago", "iago@example.org", None, ""),
        (" Iago II ", "iago@example.org", Some((Some("Iago II"), None)), "Your changes are saved."),
        ("Iago", "new@example.org", Some((None, Some("new@example.org"))), "A link is on its way"),
        (
            "Iago II",
            "new@example.org",
            Some((Some("Iago II"), Some("new@example.org"))),
            "A link is on its way",
        ),
    ] {
        let mut browser = Browser::signed_in(of_iago());
        let done = browser.fill(page, page, &[("full-name", name), ("address", address)]).await;
        done.leads_to("/account");
        let asked = browser.services.actions().into_iter().find_map(|action| match action.kind {
            ActionKind::ChangeOwnAccount {
                user_name: None,
                full_name,
                address,
                password: None,
                language: None,
            } => Some((full_name, address)),
            _ => None,
        });
        let owned = |text: Option<&str>| text.map(str::to_owned);
        assert_eq!(asked, changed.map(|(name, address)| (owned(name), owned(address))));
        let location = done.header("location").to_owned();
        browser.get(&location).await.says(200, told);
    }
}

#[tokio::test]
async fn the_language_of_mails_is_chosen_and_left_to_the_browser_again() {
    let page = "/account/details";
    for (had, sent, asked) in [
        (None, "de", Some(Some(Language::German))),
        (None, "auto", None),
        (Some(Language::German), "auto", Some(None)),
        (Some(Language::German), "en", Some(Some(Language::English))),
        (Some(Language::German), "de", None),
        (Some(Language::German), "tlh", None),
    ] {
        let mut person = Person::new(iago());
        person.user.language = had;
        let mut browser = Browser::signed_in(services(person));
        let shown = browser.get(page).await;
        let tag = had.map_or("auto", Language::tag);
        shown.says(200, &format!("<option value=\"{tag}\" selected>"));
        let fields = [("full-name", "Iago"), ("address", "iago@example.org"), ("language", sent)];
        browser.fill(page, page, &fields).await.leads_to("/account");
        let chosen = browser.services.actions().into_iter().find_map(|action| match action.kind {
            ActionKind::ChangeOwnAccount { full_name: None, address: None, language, .. } => language,
            _ => None,
        });
        assert_eq!(chosen, asked, "{had:?} {sent}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_name_or_an_address_is_told() {
    let page = "/account/details";
    for (name, address, error) in [
        ("", "iago@example.org", "full-name-error"),
        ("Iago", "nowhere", "address-error"),
        ("Iago", "", "address-error"),
    ] {
        let fields = [("full-name", name), ("address", address)];
        let page = Browser::signed_in(of_iago()).fill(page, page, &fields).await;
        page.says(422, &format!("id=\"{error}\""));
    }
    let required = || ActionError::SecondFactorRequired(challenge(FactorMethod::Password));
    for (error, status, text) in [
        (ActionError::NotOffered, 422, "This can’t be changed here."),
        (required(), 303, ""),
        (ActionError::TooManyActs(Duration::from_secs(90)), 429, "in 2 minutes"),
    ] {
        let services = of_iago().on_action(move |_| Err(error.clone()));
        let fields = [("full-name", "Iago"), ("address", "new@example.org")];
        let answer = Browser::signed_in(services).fill(page, page, &fields).await;
        answer.says(status, text);
        if status == 303 {
            answer.leads_to("/account/confirm?next=%2Faccount%2Fdetails");
        }
    }
}
