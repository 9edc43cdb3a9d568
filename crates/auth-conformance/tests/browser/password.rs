//! Changing a password, and resetting it by mail.

use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::pages::{NEW_PASSWORD, PASSWORD, reset_link, sign_in};

use crate::fixtures::{Site, address, with_and_without_scripts};

#[test]
fn changed_password_is_that_of_every_protocol() {
    with_and_without_scripts(|site, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        window.go("/account/password").unwrap();
        window.fill("Present password", "wrong").unwrap();
        window.fill("New password", NEW_PASSWORD).unwrap();
        let wrong = window.press("Change password").unwrap();
        assert_eq!((wrong.status, wrong.alert.as_str()), (403, "That is not your present password."));

        window.fill("Present password", PASSWORD).unwrap();
        window.fill("New password", "password").unwrap();
        let weak = window.press("Change password").unwrap();
        assert!(weak.status == 422 && weak.alert.starts_with("This password can’t be used:"), "{weak:?}");
        assert_eq!(site.log_in(name, PASSWORD), [200; 3]);

        window.fill("Present password", PASSWORD).unwrap();
        window.fill("New password", NEW_PASSWORD).unwrap();
        let changed = window.press("Change password").unwrap();
        assert_eq!((changed.status, changed.path.as_str()), (200, "/account"), "{changed:?}");
        assert_eq!(changed.notice, "Your password is changed. All other sessions have ended.");
        assert_eq!(site.log_in(name, PASSWORD), [401; 3]);
        assert_eq!(site.log_in(name, NEW_PASSWORD), [200; 3]);
    });
}

/// Logs in by npm rocketchat-api.
fn real_client_logs_in(site: &Site, name: &str, password: &str) -> bool {
    let client = Client::node("rocketchat_api_client.js").unwrap();
    client.log_in(&[site.server.url().as_str(), name, password]).unwrap().0
}

#[test]
fn mailed_link_sets_the_password_with_which_a_real_client_logs_in() {
    with_and_without_scripts(|site, window, name| {
        let elsewhere = site.window(auth_conformance::browser::Scripts::On);
        sign_in(&elsewhere, name, PASSWORD).unwrap();
        let link = reset_link(&site.server, window, &address(name), &[]).unwrap();
        // A scanner of mails opens every link, and spends none.
        for _ in 0..3 {
            assert_eq!(site.status(&Request::new("GET", &link)), 200);
        }
        assert_eq!(window.go(&link).unwrap().heading, "Choose a new password");
        window.fill("New password", NEW_PASSWORD).unwrap();
        let set = window.press("Set password").unwrap();
        assert_eq!((set.status, set.heading.as_str()), (200, "Your password is set"), "{set:?}");
        assert_eq!(window.follow("Sign in").unwrap().path, "/sign-in");
        assert!(real_client_logs_in(site, name, NEW_PASSWORD) && !real_client_logs_in(site, name, PASSWORD));
        assert_eq!(elsewhere.go("/account").unwrap().path, "/sign-in", "other sessions have ended");

        let over = window.go(&link).unwrap();
        assert_eq!((over.status, over.heading.as_str()), (410, "This link is over"), "{over:?}");
    });
}

#[test]
fn form_of_a_link_that_was_used_meanwhile_sets_nothing() {
    with_and_without_scripts(|site, window, name| {
        let link = reset_link(&site.server, window, &address(name), &[]).unwrap();
        let late = site.window(auth_conformance::browser::Scripts::On);
        for window in [window, &late] {
            window.go(&link).unwrap();
        }
        window.fill("New password", NEW_PASSWORD).unwrap();
        assert_eq!(window.press("Set password").unwrap().status, 200);
        late.fill("New password", "another password of a thief").unwrap();
        let over = late.press("Set password").unwrap();
        assert_eq!((over.status, over.heading.as_str()), (410, "This link is over"), "{over:?}");
        assert_eq!(site.notes(name, NEW_PASSWORD), 200);
    });
}

#[test]
fn address_of_nobody_is_answered_like_one_of_somebody() {
    with_and_without_scripts(|_, window, name| {
        let answers = [address(name), "nobody@example.org".to_owned()].map(|address| {
            window.go("/reset-password").unwrap();
            window.fill("E-mail address", &address).unwrap();
            window.press("Send link").unwrap()
        });
        assert_eq!(answers[0], answers[1]);
    });
}
