//! `/account/password`.

use auth_core::testing::{ActionKind, ActionResult};
use auth_core::{ActionError, FactorMethod};

use crate::browser::Browser;
use crate::fixtures::{CODE, PASSWORD, Person, asked, challenge, iago, of_iago, services};

const PAGE: &str = "/account/password";

#[tokio::test]
async fn new_password_takes_the_present_one() {
    let mut browser = Browser::signed_in(of_iago());
    let page = browser.get(PAGE).await;
    for part in
        ["autocomplete=\"current-password\"", "autocomplete=\"new-password\"", "autocomplete=\"username\""]
    {
        page.says(200, part);
    }
    page.says(200, "All other sessions of your account end");
    let fields = [("password", PASSWORD), ("new", "a new horse")];
    let page = browser.submit(&page, PAGE, &fields).await;
    page.leads_to("/account");
    let action = browser.services.actions().pop().unwrap();
    assert_eq!(action.factor.method, Some(FactorMethod::Password));
    assert_eq!(action.factor.password.unwrap().expose(), PASSWORD);
    let ActionKind::ChangeOwnAccount { user_name: None, password: Some(new), .. } = action.kind else {
        panic!("{:?}", action.kind)
    };
    assert_eq!(new.expose(), "a new horse");
    let location = page.header("location").to_owned();
    browser.get(&location).await.says(200, "Your password is changed.");
}

#[tokio::test]
async fn what_is_wrong_with_a_change_is_told() {
    for (present, new, status, text) in [
        ("", "a new horse", 422, "id=\"password-error\""),
        (PASSWORD, "", 422, "id=\"new-error\""),
        ("wrong", "a new horse", 403, "That is not your present password."),
        (PASSWORD, "weak", 422, "<li>It needs at least 14 characters.</li>\n<li>It needs a digit.</li>"),
        (PASSWORD, "guessable", 422, "<li>It is too easy to guess, or too long."),
        (PASSWORD, PASSWORD, 422, "That is your present password. Choose another one."),
    ] {
        let mut browser = Browser::signed_in(of_iago());
        let page = browser.fill(PAGE, PAGE, &[("password", present), ("new", new)]).await;
        page.says(status, text);
        assert!(!page.body.contains("a new horse") && !page.body.contains(PASSWORD));
    }
}

#[tokio::test]
async fn code_is_asked_for_where_the_account_has_a_second_factor() {
    let mut browser = Browser::signed_in(services(Person::new(iago()).with_totp()));
    let page = browser.fill(PAGE, PAGE, &[("password", PASSWORD), ("new", "a new horse")]).await;
    page.says(403, "name=\"code\"");
    let wrong = [("password", PASSWORD), ("new", "a new horse"), ("code", "000000")];
    let page = browser.submit(&page, PAGE, &wrong).await;
    page.says(403, "id=\"code-error\"");
    let right = [("password", PASSWORD), ("new", "a new horse"), ("code", CODE)];
    browser.submit(&page, PAGE, &right).await.leads_to("/account");
    let factor = browser.services.actions().pop().unwrap().factor;
    assert_eq!((factor.method, factor.password.is_some()), (Some(FactorMethod::Totp), true));
}

#[tokio::test]
async fn code_and_present_password_are_asked_for_together_until_both_are_right() {
    for person in [Person::new(iago()).with_totp(), Person::new(iago()).with_totp().must_change()] {
        // As the engine does for a session that is no longer fresh: first the code, then the password.
        let services = services(person).on_action(|action| {
            let factor = &action.factor;
            let of = |method| ActionError::SecondFactorRequired(challenge(method));
            if factor.code.as_ref().is_none_or(|code| code.expose() != CODE) {
                return Err(of(FactorMethod::Totp));
            }
            match &factor.password {
                None => Err(of(FactorMethod::Password)),
                Some(password) if password.expose() == PASSWORD => {
                    Ok(ActionResult::Profile(Person::new(iago()).profile()))
                }
                Some(_) => Err(ActionError::SecondFactorInvalid(challenge(FactorMethod::Password))),
            }
        });
        let mut browser = Browser::signed_in(services);
        let page = browser.fill(PAGE, PAGE, &[("password", "wrong"), ("new", "a new horse")]).await;
        page.says(403, "Enter your present password and a code.");
        let wrong = [("password", "wrong"), ("code", CODE), ("new", "a new horse")];
        let page = browser.submit(&page, PAGE, &wrong).await;
        page.says(403, "That is not your present password.");
        page.says(403, "name=\"code\"");
        let right = [("password", PASSWORD), ("code", CODE), ("new", "a new horse")];
        browser.submit(&page, PAGE, &right).await.leads_to("/account");
    }
}

#[tokio::test]
async fn password_that_is_due_comes_before_every_other_page() {
    let person = Person::new(iago()).must_change();
    let mut browser = Browser::at(services(person));
    let page = browser
        .fill("/sign-in?next=/account/zulip", "/sign-in", &[("name", "iago"), ("password", PASSWORD)])
        .await;
    page.leads_to("/account/password?next=%2Faccount%2Fzulip");
    for path in
        ["/account", "/account/confirm", "/account/two-step", "/account/app-passwords", "/account/sessions"]
    {
        browser.get(path).await.leads_to(&format!("/account/password?next={}", path.replace('/', "%2F")));
    }
    for path in
        ["/account/two-step/enrol", "/account/app-passwords", "/account/sessions/end", "/account/zulip"]
    {
        browser.post(path, &[]).await.leads_to(PAGE);
    }
    assert!(asked(&browser.services).is_empty());
    let page = browser.get("/account/password?next=/account/zulip").await;
    page.says(200, "You must choose a new password");
    assert!(!page.body.contains("current-password"), "the present one was just typed");
    assert!(!page.body.contains("<nav"));
    browser.submit(&page, PAGE, &[("new", "a new horse")]).await.leads_to("/account/zulip");
}

#[tokio::test]
async fn whoever_must_change_the_password_can_sign_out() {
    let mut browser = Browser::signed_in(services(Person::new(iago()).must_change()));
    browser.fill(PAGE, "/sign-out", &[]).await.leads_to("/");
}

#[tokio::test]
async fn password_of_a_directory_is_changed_there() {
    let mut browser = Browser::signed_in(services(Person { has_password: false, ..Person::new(iago()) }));
    browser.get(PAGE).await.says(200, "kept by your organisation’s directory");
    let refusing = of_iago().on_action(|_| Err(ActionError::NotOffered));
    let fields = [("password", PASSWORD), ("new", "a new horse")];
    let page = Browser::signed_in(refusing).fill(PAGE, PAGE, &fields).await;
    page.says(403, "kept by your organisation’s directory");
}
