//! `/account` and `/account/confirm`.

use auth_core::testing::UserBuilder;

use crate::browser::{Browser, SESSION};
use crate::fixtures::{CODE, NEW_SESSION, PASSWORD, Person, asked, iago, of_iago, realm, services};

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
                "signed in at 5 places",
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
