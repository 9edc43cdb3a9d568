//! `/account/sessions`.

use auth_core::testing::ActionResult;
use auth_core::{ActionError, CredentialId};

use crate::browser::Browser;
use crate::fixtures::{asked, of_iago};

const PAGE: &str = "/account/sessions";

#[tokio::test]
async fn everything_is_listed_in_words() {
    let page = Browser::signed_in(of_iago()).get(PAGE).await;
    for text in [
        "Browser <span class=\"badge good\">This session</span>",
        "Zulip API key",
        "Rocket.Chat session",
        "Personal token",
        "App password <bdi>Mail on my phone</bdi>",
        "Zettelstore token",
        "Token: gitlab-token",
        "Firefox on Linux, 192.0.2.7",
        "Made <time datetime=\"2023-11-14T22:13Z\">14 Nov 2023, 22:13 UTC</time>",
        "Ends <time datetime=\"2023-12-14T22:13Z\">14 Dec 2023, 22:13 UTC</time>",
        "Never used",
    ] {
        page.says(200, text);
    }
    assert_eq!(page.body.matches("name=\"id\"").count(), 6, "all but this session can be ended");
}

#[tokio::test]
async fn one_or_all_others_are_ended() {
    let id = CredentialId::from_bytes([3; 16]).to_string();
    let mut browser = Browser::signed_in(of_iago());
    let page = browser.get(PAGE).await;
    browser.submit(&page, "/account/sessions/end", &[("id", &id)]).await.leads_to(PAGE);
    browser.submit(&page, "/account/sessions/end", &[("id", "x")]).await.says(403, "That can’t be done");
    let done = browser.submit(&page, "/account/sessions/end-others", &[]).await;
    done.leads_to(PAGE);
    assert_eq!(asked(&browser.services), ["OwnCredentials", "EndCredential", "EndOtherSessions"]);
    let location = done.header("location").to_owned();
    browser.get(&location).await.says(200, "All other sessions have ended.");
}

#[tokio::test]
async fn what_is_gone_already_has_ended() {
    let services = of_iago().on_action(|action| match action.kind {
        auth_core::testing::ActionKind::EndCredential { .. } => Err(ActionError::NoSuchToken),
        _ => Ok(ActionResult::OwnCredentials(crate::fixtures::credentials())),
    });
    let id = CredentialId::from_bytes([3; 16]).to_string();
    Browser::signed_in(services).fill(PAGE, "/account/sessions/end", &[("id", &id)]).await.leads_to(PAGE);
}
