//! `/verify-email`.

use auth_core::testing::ActionKind;

use crate::browser::Browser;
use crate::fixtures::{LINK, asked, of_iago};

const CONFIRM: &str = "/verify-email";

#[tokio::test]
async fn address_is_confirmed_by_the_form_behind_the_link_also_when_the_form_is_sent_twice() {
    let mut browser = Browser::at(of_iago());
    let page = browser.get(&format!("{CONFIRM}/{LINK}")).await;
    page.says(200, "Confirm address");
    assert!(asked(&browser.services).is_empty());
    for _ in 0..2 {
        let answer = browser.submit(&page, CONFIRM, &[]).await;
        answer.says(200, "Your address is confirmed");
        let action = browser.services.actions().pop().unwrap();
        assert!(matches!(action.kind, ActionKind::VerifyAddress { token, .. } if token.expose() == LINK));
    }
}

#[tokio::test]
async fn link_that_is_over_says_so() {
    let mut browser = Browser::at(of_iago());
    let page = browser.get(&format!("{CONFIRM}/used-link")).await;
    browser.submit(&page, CONFIRM, &[]).await.says(410, "This link is over");
    for token in ["%3Cscript%3E", "a.b", &"a".repeat(300)] {
        let page = browser.get(&format!("{CONFIRM}/{token}")).await;
        page.says(410, "This link is over");
        assert!(!page.body.contains("script"), "{token}");
    }
}
