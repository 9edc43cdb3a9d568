//! `/account/two-step`.

use auth_core::ActionError;

use crate::browser::Browser;
use crate::fixtures::{CODE, PASSWORD, Person, asked, iago, of_iago, services};

const PAGE: &str = "/account/two-step";
const ENROL: &str = "/account/two-step/enrol";
const CONFIRM: &str = "/account/two-step/confirm";

#[tokio::test]
async fn app_is_enrolled_by_picture_and_first_code() {
    let mut browser = Browser::signed_in(of_iago());
    let page = browser.fill(PAGE, ENROL, &[]).await;
    page.says(200, "<code class=\"secret\">JBSW Y3DP EHPK 3PXP</code>");
    page.says(200, "<svg class=\"qr\" role=\"img\"");
    page.says(200, "href=\"otpauth://totp/Example:iago?secret=JBSWY3DPEHPK3PXP&#38;issuer=Example\"");

    let empty = browser.submit(&page, CONFIRM, &[("code", "")]).await;
    empty.says(403, "Enter a code.");
    let wrong = browser.submit(&page, CONFIRM, &[("code", "000000")]).await;
    wrong.says(403, "That code is wrong. Check that the clock");
    wrong.says(403, "JBSW Y3DP EHPK 3PXP");
    let again = browser.submit(&page, CONFIRM, &[("code", CODE)]).await;
    again.says(403, "This form is out of date");
    let page = browser.submit(&wrong, CONFIRM, &[("code", CODE)]).await;
    page.says(200, "<li>backup-one</li>\n<li>backup-two</li>");
    page.says(200, "This is shown once.");
    browser.get(PAGE).await.says(200, "Two-step sign-in");
}

#[tokio::test]
async fn what_adds_or_weakens_a_factor_is_confirmed_first() {
    let mut browser = Browser::signed_in(services(Person::new(iago()).stale()));
    for action in [ENROL, "/account/two-step/mail"] {
        let page = browser.fill(PAGE, action, &[]).await;
        page.leads_to("/account/confirm?next=%2Faccount%2Ftwo-step");
    }
    assert!(asked(&browser.services).is_empty());
    let demanding = of_iago().on_action(|_| {
        Err(ActionError::SecondFactorRequired(crate::fixtures::challenge(auth_core::FactorMethod::Password)))
    });
    let page = Browser::signed_in(demanding).fill(PAGE, ENROL, &[]).await;
    page.leads_to("/account/confirm?next=%2Faccount%2Ftwo-step");
}

#[tokio::test]
async fn state_and_backup_codes_are_shown() {
    let mut browser = Browser::signed_in(services(Person::new(iago()).with_totp()));
    let page = browser.get(PAGE).await;
    page.says(200, "You have 7 left.");
    assert_eq!(
        page.actions(),
        ["/sign-out", "/account/two-step/codes", "/account/two-step/remove", "/account/two-step/mail"]
    );
    let wrong = browser.submit(&page, "/account/two-step/codes", &[("code", "000000")]).await;
    wrong.says(403, "id=\"renew-code-error\"");
    browser.submit(&page, "/account/two-step/codes", &[("code", "")]).await.says(403, "Enter a code.");
    let page = browser.submit(&page, "/account/two-step/codes", &[("code", CODE)]).await;
    page.says(200, "<li>backup-one</li>");
}

#[tokio::test]
async fn app_is_removed_for_one_of_its_codes() {
    let mut browser = Browser::signed_in(services(Person::new(iago()).with_totp()));
    let page = browser.get(PAGE).await;
    let wrong = browser.submit(&page, "/account/two-step/remove", &[("code", "000000")]).await;
    wrong.says(403, "id=\"remove-code-error\"");
    let done = browser.submit(&page, "/account/two-step/remove", &[("code", CODE)]).await;
    done.leads_to(PAGE);
    let location = done.header("location").to_owned();
    browser.get(&location).await.says(200, "The authenticator app is removed.");
}

#[tokio::test]
async fn a_removal_that_a_help_desk_asked_for_is_shown_and_the_app_kept() {
    const KEEP: &str = "/account/two-step/keep";
    let until = auth_core::Timestamp::from_secs(1_795_716_959);
    let held = services(Person::new(iago()).with_totp()).device_removal(until);
    let mut browser = Browser::signed_in(held);
    let page = browser.get(PAGE).await;
    page.says(200, "It will be removed after 26 Nov 2026, 18:15 UTC.");
    let done = browser.submit(&page, KEEP, &[]).await;
    done.leads_to(PAGE);
    assert_eq!(asked(&browser.services), ["BackupCodesLeft", "KeepDevice"]);
    let location = done.header("location").to_owned();
    browser.get(&location).await.says(200, "The authenticator app stays.");

    let mut browser = Browser::signed_in(services(Person::new(iago()).with_totp()));
    assert!(!browser.get(PAGE).await.actions().contains(&KEEP.to_owned()));
}

#[tokio::test]
async fn codes_by_mail_are_turned_on_and_off_for_a_code() {
    let mut browser = Browser::signed_in(of_iago());
    browser.fill(PAGE, "/account/two-step/mail", &[]).await.leads_to(PAGE);
    assert_eq!(asked(&browser.services), ["RequireMailedCodes"]);

    let mut browser = Browser::signed_in(services(Person::new(iago()).with_mailed_codes()));
    let page = browser.fill(PAGE, "/account/two-step/mail", &[]).await;
    page.says(200, "Enter the code that was mailed");
    let page = browser.submit(&page, "/account/two-step/mail", &[("code", "000000")]).await;
    page.says(403, "That is wrong.");
    browser.submit(&page, "/account/two-step/mail", &[("code", CODE)]).await.leads_to(PAGE);
}

#[tokio::test]
async fn codes_by_mail_need_a_verified_address() {
    let user = auth_core::testing::UserBuilder::new("iago").realm(crate::fixtures::realm().id);
    let mut browser = Browser::signed_in(services(Person::new(user.unverified_email("iago@example.org"))));
    let page = browser.get(PAGE).await;
    page.says(200, "This needs a verified e-mail address.");
    assert!(!page.actions().contains(&"/account/two-step/mail".to_owned()));
}

#[tokio::test]
async fn errors_of_factors_are_told() {
    let exhausted =
        || ActionError::SecondFactorExhausted(crate::fixtures::challenge(auth_core::FactorMethod::Totp));
    for (error, action, status, text) in [
        (ActionError::DeviceExists, ENROL, 409, "has an authenticator app already"),
        (ActionError::AddressUnverified, "/account/two-step/mail", 409, "needs a verified e-mail address"),
        (ActionError::NotOffered, ENROL, 403, "That is not offered here"),
        (ActionError::NotPermitted, ENROL, 403, "That can’t be done"),
        (ActionError::TooManyActs(std::time::Duration::from_secs(60)), ENROL, 429, "in one minute"),
        (exhausted(), ENROL, 429, "There were too many wrong codes."),
    ] {
        let services = of_iago().on_action(move |_| Err(error.clone()));
        let page = Browser::signed_in(services).fill(PAGE, action, &[]).await;
        page.says(status, text);
    }
}

#[tokio::test]
async fn a_realm_that_demands_a_factor_leads_everybody_through_its_set_up() {
    const OTHERS: [&str; 6] = [
        "/account",
        "/account/app-passwords",
        "/account/details",
        "/account/sessions",
        "/account/zulip",
        "/account/app-passwords?a=b",
    ];
    let lacking = || services(Person::new(iago()).demanded());
    let mut browser = Browser::at(lacking());
    let signed_in = [("name", "iago"), ("password", PASSWORD)];
    let page = browser.fill("/sign-in?next=/account/zulip", "/sign-in", &signed_in).await;
    page.leads_to("/account/two-step?next=%2Faccount%2Fzulip");
    let page = browser.get(page.header("location")).await;
    page.says(200, "Your organisation asks for a second step.");
    assert_eq!(page.actions(), ["/sign-out", ENROL, "/account/two-step/mail"], "there is no way past it");
    let page = browser.submit(&page, ENROL, &[]).await;
    let page = browser.submit(&page, CONFIRM, &[("code", "000000")]).await;
    let page = browser.submit(&page, CONFIRM, &[("code", CODE)]).await;
    page.says(200, "href=\"/account/zulip\"");

    let mut browser = Browser::signed_in(lacking());
    let page = browser.fill("/account/two-step?next=/account/zulip", "/account/two-step/mail", &[]).await;
    page.leads_to("/account/zulip");
    let page = browser.fill("/account/two-step?next=//evil.example", "/account/two-step/mail", &[]).await;
    page.leads_to(PAGE);
    for other in OTHERS {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", other).finish();
        browser.get(other).await.leads_to(&format!("{PAGE}?{query}"));
    }
    for person in [Person::new(iago()).with_totp(), Person::new(iago()).with_mailed_codes()] {
        let mut browser = Browser::signed_in(services(person.demanded()));
        for other in OTHERS.iter().take(4) {
            browser.get(other).await.says(200, "<h1");
        }
        let page = browser.get(PAGE).await;
        assert!(!page.body.contains("Your organisation asks"));
    }
    let page = Browser::signed_in(services(Person::new(iago()).demanded().must_change())).get(PAGE).await;
    page.leads_to("/account/password?next=%2Faccount%2Ftwo-step");
}
