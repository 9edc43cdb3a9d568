//! Second factors: set up, asked for, and switched off.

use auth_conformance::browser::Browser;
use auth_conformance::pages::{PASSWORD, enrol, sign_in};
use auth_conformance::totp;

use crate::fixtures::{Earlier, address, with_and_without_scripts};

#[test]
fn device_is_set_up_by_the_picture_and_asked_for_from_then_on() {
    with_and_without_scripts(|site, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        window.go("/account/two-step").unwrap();
        window.press("Set up an authenticator app").unwrap();
        let url = window.decode("svg.qr").unwrap().unwrap();
        assert!(url.starts_with("otpauth://totp/"), "{url}");
        let secret = url.split_once("secret=").unwrap().1.split('&').next().unwrap().to_owned();
        let shown = window.texts("code.secret").unwrap().concat().replace(' ', "");
        assert_eq!(shown, secret, "the picture and the text hold the same key");

        window.fill("Code that the app shows", "000000").unwrap();
        let wrong = window.press("Turn on two-step sign-in").unwrap();
        assert_eq!((wrong.status, wrong.heading.as_str()), (403, "Set up an authenticator app"), "{wrong:?}");
        assert_eq!(window.decode("svg.qr").unwrap(), Some(url), "a wrong code leads to the same picture");
        window.fill("Code that the app shows", &totp(&secret, 0).unwrap()).unwrap();
        let done = window.press("Turn on two-step sign-in").unwrap();
        assert_eq!((done.status, done.heading.as_str()), (200, "Your backup codes"), "{done:?}");

        assert_eq!(site.log_in(name, PASSWORD), [401; 3], "the password alone is refused");
        window.press("Sign out").unwrap();
        let asked = sign_in(window, name, PASSWORD).unwrap();
        assert_eq!((asked.status, asked.heading.as_str()), (200, "Second step"), "{asked:?}");
        window.fill("Code", "000000").unwrap();
        let wrong = window.press("Continue").unwrap();
        assert_eq!(
            (wrong.status, wrong.alert.as_str()),
            (403, "That code is wrong or over. Enter a new one.")
        );
        window.fill("Code", &totp(&secret, 1).unwrap()).unwrap();
        assert_eq!(window.press("Continue").unwrap().path, "/account");
    });
}

#[test]
fn backup_code_stands_in_for_the_device_once() {
    with_and_without_scripts(|_, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        let (_, codes) = enrol(window).unwrap();
        assert_eq!(codes.len(), 12);
        window.press("Sign out").unwrap();
        sign_in(window, name, PASSWORD).unwrap();
        window.fill("Code", &codes[0]).unwrap();
        assert_eq!(window.press("Continue").unwrap().path, "/account");
        let overview = window.go("/account/two-step").unwrap();
        assert!(overview.text.contains("You have 11 left."), "{overview:?}");
        window.press("Sign out").unwrap();
        sign_in(window, name, PASSWORD).unwrap();
        window.fill("Code", &codes[0]).unwrap();
        assert_eq!(window.press("Continue").unwrap().status, 403, "a backup code is good once");
        window.fill("Code", &codes[1]).unwrap();
        assert_eq!(window.press("Continue").unwrap().path, "/account");

        window.go("/account/two-step").unwrap();
        window.fill("#renew-code", &codes[2]).unwrap();
        let renewed = window.press("Make new backup codes").unwrap();
        assert_eq!((renewed.status, renewed.heading.as_str()), (200, "Your backup codes"), "{renewed:?}");
        let new = window.texts(".codes li").unwrap();
        window.go("/account/two-step").unwrap();
        window.fill("#remove-code", &new[0]).unwrap();
        let removed = window.press("Remove the authenticator app").unwrap();
        assert_eq!(removed.notice, "The authenticator app is removed.", "{removed:?}");
        window.press("Sign out").unwrap();
        assert_eq!(sign_in(window, name, PASSWORD).unwrap().path, "/account");
    });
}

#[test]
fn mailed_code_is_asked_for_once_it_is_turned_on() {
    with_and_without_scripts(|site, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        window.go("/account/two-step").unwrap();
        let on = window.press("Turn on codes by mail").unwrap();
        assert_eq!(
            on.notice, "Codes are now mailed when you sign in. All other sessions have ended.",
            "{on:?}"
        );
        window.press("Sign out").unwrap();
        let asked = sign_in(window, name, PASSWORD).unwrap();
        assert_eq!((asked.status, asked.heading.as_str()), (200, "Second step"), "{asked:?}");
        let code = site.server.mailed_code(&address(name), &[]).unwrap();
        window.fill("Code", &code).unwrap();
        assert_eq!(window.press("Continue").unwrap().path, "/account");

        window.go("/account/two-step").unwrap();
        // The session has shown a code just now.
        let off = window.press("Turn off codes by mail").unwrap();
        assert_eq!(off.notice, "Codes are no longer mailed.", "{off:?}");
        window.press("Sign out").unwrap();
        assert_eq!(sign_in(window, name, PASSWORD).unwrap().path, "/account");
    });
}

#[test]
fn session_that_has_shown_no_code_of_late_turns_codes_off_by_a_mailed_code() {
    let browser = Browser::start().unwrap();
    let earlier = Earlier::begin(&browser, "-2h", |window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        window.go("/account/two-step").unwrap();
        window.press("Turn on codes by mail").unwrap();
    });
    for (window, name) in earlier.windows {
        window.go("/account/two-step").unwrap();
        let asked = window.press("Turn off codes by mail").unwrap();
        assert_eq!((asked.status, asked.heading.as_str()), (200, "Turn off codes by mail"), "{asked:?}");
        window.fill("Code", "000-000").unwrap();
        let wrong = window.press("Continue").unwrap();
        assert_eq!((wrong.status, wrong.alert.as_str()), (403, "That is wrong. Try again."), "{wrong:?}");
        window.fill("Code", &earlier.server.mailed_code(&address(name), &[]).unwrap()).unwrap();
        let off = window.press("Continue").unwrap();
        assert_eq!(off.notice, "Codes are no longer mailed.", "{off:?}");
    }
}
