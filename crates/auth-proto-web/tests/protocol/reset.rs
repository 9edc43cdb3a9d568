//! `/reset-password`.

use auth_core::testing::ActionKind;
use auth_proto_web::Config;

use crate::browser::Browser;
use crate::fixtures::{LINK, NOT_BEFORE, asked, config, of_iago};

const PAGE: &str = "/reset-password";
const SET: &str = "/reset-password/new";

#[tokio::test]
async fn link_is_mailed_and_the_answer_is_the_same_for_every_address() {
    let mut pages = Vec::new();
    for address in [" iago@example.org ", "nobody@example.org"] {
        let mut browser = Browser::at(of_iago());
        let page = browser.fill(PAGE, PAGE, &[("address", address)]).await;
        page.says(200, "If an account has this address, a link is on its way.");
        assert_eq!(page.answer.not_before, Some(NOT_BEFORE));
        let action = browser.services.actions().pop().unwrap();
        assert!(
            matches!(action.kind, ActionKind::ForgotPassword { address: asked, language: None, .. } if asked == address.trim())
        );
        pages.push(page.body);
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
    let page = Browser::at(of_iago()).fill(PAGE, PAGE, &[("address", "iago")]).await;
    page.says(422, "id=\"address-error\"");
}

#[tokio::test]
async fn password_is_set_by_the_form_behind_the_link() {
    let mut browser = Browser::at(of_iago());
    let link = format!("{PAGE}/{LINK}");
    let page = browser.get(&link).await;
    page.says(200, "Your second step stays as it is.");
    assert_eq!(page.hidden(SET).last().unwrap(), &("token".to_owned(), LINK.to_owned()));
    browser.submit(&page, SET, &[("new", "")]).await.says(422, "Enter a new password.");
    let page = browser.submit(&page, SET, &[("new", "weak")]).await;
    page.says(422, "<li>It needs at least 14 characters.</li>");
    let page = browser.submit(&page, SET, &[("new", "a new horse")]).await;
    page.says(200, "Your password is set");
    page.says(200, "href=\"/sign-in\"");
    assert!(!page.body.contains("a new horse"));
}

#[tokio::test]
async fn link_that_is_over_says_so() {
    let long = "a".repeat(300);
    for token in ["used-link", "%3Cscript%3E", "a%2Fb", "a.b", &long] {
        let mut browser = Browser::at(of_iago());
        let page = browser.get(&format!("{PAGE}/{token}")).await;
        page.says(410, "This link is over");
        assert!(!page.body.contains("script"));
    }
    let mut browser = Browser::at(of_iago());
    let page = browser.get(&format!("{PAGE}/{LINK}")).await;
    let form = page.hidden(SET)[0].1.clone();
    let page = browser.post(SET, &[("form", &form), ("token", "used-link"), ("new", "a new horse")]).await;
    page.says(410, "This link is over");
}

#[tokio::test]
async fn links_are_good_where_resets_by_mail_are_not_offered() {
    let mut browser = Browser::with(Config { password_reset: false, ..config() }, of_iago());
    browser.get(PAGE).await.says(404, "Page not found");
    browser.post(PAGE, &[("address", "iago@example.org")]).await.says(404, "Page not found");
    assert!(!browser.get("/sign-in").await.body.contains(PAGE));
    browser.get(&format!("{PAGE}/{LINK}")).await.says(200, "Choose a new password");
    let page = browser.get(&format!("{PAGE}/used-link")).await;
    page.says(410, "href=\"/sign-in\"");
    assert_eq!(asked(&browser.services), ["IsResetLinkGood", "IsResetLinkGood"]);
}
