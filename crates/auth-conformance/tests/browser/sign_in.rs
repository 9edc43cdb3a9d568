//! Signing in and out.

use auth_conformance::pages::{NEW_PASSWORD, PASSWORD, sign_in};

use crate::fixtures::{BOTH, Site, address, with_and_without_scripts};

#[test]
fn front_page_leads_to_sign_in_and_sign_out_ends_the_session() {
    with_and_without_scripts(|site, window, name| {
        let front = window.go("/").unwrap();
        assert_eq!((front.status, front.heading.as_str()), (200, "One account for Chess Club"), "{front:?}");
        assert_eq!(window.follow("Sign in").unwrap().path, "/sign-in");
        window.fill("User name or e-mail address", &address(name)).unwrap();
        window.fill("Password", PASSWORD).unwrap();
        let account = window.press("Sign in").unwrap();
        assert_eq!((account.status, account.path.as_str()), (200, "/account"), "{account:?}");
        assert!(account.text.contains(&address(name)), "{account:?}");
        assert!(window.go("/").unwrap().text.contains("Go to your account"));

        let cookies = window.cookies().unwrap();
        window.press("Sign out").unwrap();
        let turned_away = window.go("/account").unwrap();
        assert_eq!((turned_away.path.as_str(), turned_away.query.as_str()), ("/sign-in", "?next=%2Faccount"));
        let request = auth_conformance::http::Request::new("GET", "/account").header("Cookie", &cookies);
        assert_eq!(site.status(&request), 303, "a session that was kept elsewhere has ended too");
    });
}

#[test]
fn wrong_password_and_unknown_name_are_refused_in_the_same_words() {
    with_and_without_scripts(|_, window, name| {
        let wrong = sign_in(window, name, "wrong").unwrap();
        assert_eq!((wrong.status, wrong.path.as_str()), (403, "/sign-in"), "{wrong:?}");
        assert!(wrong.title.starts_with("Error: ") && !wrong.alert.is_empty(), "{wrong:?}");
        assert_eq!(window.value("#name").unwrap(), name, "the name need not be typed again");
        let unknown = sign_in(window, "nobody", "wrong").unwrap();
        assert_eq!((unknown.status, unknown.alert), (wrong.status, wrong.alert));
        assert_eq!(window.go("/account").unwrap().path, "/sign-in");
    });
}

#[test]
fn whoever_signs_in_is_led_to_the_page_that_was_asked_for() {
    with_and_without_scripts(|_, window, name| {
        assert_eq!(window.go("/account/sessions").unwrap().path, "/sign-in");
        window.fill("User name or e-mail address", name).unwrap();
        window.fill("Password", PASSWORD).unwrap();
        assert_eq!(window.press("Sign in").unwrap().path, "/account/sessions");
    });
}

#[test]
fn password_that_is_due_is_changed_before_anything_else() {
    for (_, scripts) in BOTH {
        let site = Site::start();
        let window = site.window(scripts);
        let due = sign_in(&window, "moved", PASSWORD).unwrap();
        assert_eq!((due.status, due.path.as_str()), (200, "/account/password"), "{due:?}");
        assert_eq!(window.go("/account/app-passwords").unwrap().path, "/account/password");
        window.fill("New password", NEW_PASSWORD).unwrap();
        let next = window.press("Change password").unwrap();
        assert_eq!((next.status, next.path.as_str()), (200, "/account/app-passwords"), "{next:?}");
        assert_eq!(window.go("/account").unwrap().path, "/account");
        assert_eq!(site.log_in("moved", NEW_PASSWORD), [200; 3]);
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new());
    }
}
