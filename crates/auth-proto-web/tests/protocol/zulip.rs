//! `/account/zulip`.

use auth_core::testing::UserBuilder;
use auth_proto_web::Config;

use crate::browser::{Browser, SESSION};
use crate::fixtures::{GOOD_SESSION, Person, asked, config, iago, of_iago, realm, services};

const PAGE: &str = "/account/zulip";

#[tokio::test]
async fn key_is_shown_after_it_was_asked_for() {
    let mut browser = Browser::signed_in(of_iago());
    let page = browser.get(PAGE).await;
    page.says(200, "https://zulip.example.org");
    assert!(!page.body.contains("the-api-key"));
    assert!(asked(&browser.services).is_empty());
    browser.submit(&page, PAGE, &[]).await.says(200, ">the-api-key</code>");
    let page = browser.submit(&page, "/account/zulip/regenerate", &[]).await;
    page.says(200, ">the-new-key</code>");
    page.says(200, "The former one no longer works.");
}

#[tokio::test]
async fn zuliprc_has_the_lines_that_zulips_programs_read() {
    let mut browser = Browser::signed_in(of_iago());
    let page = browser.fill(PAGE, "/account/zulip/zuliprc", &[]).await;
    assert_eq!(page.body, "[api]\nemail=iago@example.org\nkey=the-api-key\nsite=https://zulip.example.org\n");
    assert_eq!(page.header("content-type"), "application/octet-stream");
    assert_eq!(page.header("content-disposition"), "attachment; filename=\"zuliprc\"");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn key_leaves_only_after_a_confirmation() {
    let mut browser = Browser::signed_in(services(Person::new(iago()).stale()));
    for action in [PAGE, "/account/zulip/regenerate", "/account/zulip/zuliprc"] {
        browser.fill(PAGE, action, &[]).await.leads_to("/account/confirm?next=%2Faccount%2Fzulip");
    }
    assert!(asked(&browser.services).is_empty());
}

#[tokio::test]
async fn without_an_address_there_is_no_file() {
    let mut browser = Browser::signed_in(services(Person::new(UserBuilder::new("iago").realm(realm().id))));
    let page = browser.get(PAGE).await;
    page.says(200, "Zulip’s programs need an e-mail address.");
    assert!(!page.actions().contains(&"/account/zulip/zuliprc".to_owned()));
}

#[tokio::test]
async fn where_zulip_is_not_served_there_is_no_page() {
    let mut browser = Browser::with(Config { zulip_url: None, ..config() }, of_iago());
    browser.cookies.insert(SESSION.to_owned(), GOOD_SESSION.to_owned());
    browser.get(PAGE).await.says(404, "Page not found");
    browser.post(PAGE, &[]).await.says(404, "Page not found");
    assert!(!browser.get("/account").await.body.contains("href=\"/account/zulip\""));
}
