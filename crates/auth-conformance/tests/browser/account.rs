//! Addresses, app passwords, sessions and Zulip's key.

use auth_conformance::browser::Scripts;
use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::pages::{self, PASSWORD, make_app_password, sign_in};

use crate::fixtures::{address, with_and_without_scripts};

#[test]
fn new_address_counts_once_it_is_confirmed_behind_the_mailed_link() {
    with_and_without_scripts(|site, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        let new = format!("{name}@new.example.org");
        window.go("/account/details").unwrap();
        window.fill("E-mail address", &new).unwrap();
        let sent = window.press("Save").unwrap();
        assert!(sent.notice.starts_with("A link is on its way to the new address."), "{sent:?}");
        let link = site.server.mailed_link(&new, &[]).unwrap();
        let link = link.strip_prefix(&pages::site(&site.server)).unwrap();
        // A scanner of mails opens every link, and confirms nothing.
        assert_eq!(site.status(&Request::new("GET", link)), 200);
        assert!(!window.go("/account").unwrap().text.contains(&new));
        assert_eq!(window.go(link).unwrap().heading, "Confirm your address");
        let confirmed = window.press("Confirm address").unwrap();
        assert_eq!((confirmed.status, confirmed.heading.as_str()), (200, "Your address is confirmed"));
        let account = window.follow("To your account").unwrap();
        assert!(account.text.contains(&new) && !account.text.contains(&address(name)), "{account:?}");
    });
}

#[test]
fn app_password_logs_in_at_its_protocol_until_it_is_revoked() {
    with_and_without_scripts(|site, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        let password = make_app_password(window, "Notes", Some("Zettelstore")).unwrap();
        assert_eq!(site.log_in(name, &password), [401, 401, 200], "it is good at Zettelstore alone");
        let list = window.go("/account/app-passwords").unwrap();
        assert!(list.text.contains("Notes") && !list.text.contains(&password), "{list:?}");
        let revoked = window.press("Revoke").unwrap();
        assert_eq!((revoked.status, revoked.notice.as_str()), (200, "The app password is revoked."));
        assert!(revoked.text.contains("You have no app passwords."), "{revoked:?}");
        assert_eq!(site.notes(name, &password), 401);
    });
}

#[test]
fn session_that_is_ended_in_the_list_is_signed_out_in_its_browser() {
    with_and_without_scripts(|site, window, name| {
        let other = site.window(Scripts::On);
        for window in [window, &other] {
            sign_in(window, name, PASSWORD).unwrap();
        }
        window.go("/account/sessions").unwrap();
        let listed = window.texts(".list .title").unwrap();
        assert!(listed.len() == 2 && listed[0].contains("This session"), "{listed:?}");
        let ended = window.press("End").unwrap();
        assert_eq!((ended.status, ended.notice.as_str()), (200, "It has ended."), "{ended:?}");
        assert_eq!(other.go("/account").unwrap().path, "/sign-in");
        assert_eq!(window.go("/account").unwrap().path, "/account", "this session stays");
    });
}

#[test]
fn all_other_sessions_end_at_once() {
    with_and_without_scripts(|site, window, name| {
        let others = [Scripts::On, Scripts::Off].map(|scripts| site.window(scripts));
        for window in others.iter().chain([window]) {
            sign_in(window, name, PASSWORD).unwrap();
        }
        let app_password = make_app_password(window, "Notes", None).unwrap();
        window.go("/account/sessions").unwrap();
        let ended = window.press("End all others").unwrap();
        assert_eq!(
            (ended.status, ended.notice.as_str()),
            (200, "All other sessions have ended."),
            "{ended:?}"
        );
        for other in &others {
            assert_eq!(other.go("/account").unwrap().path, "/sign-in");
        }
        assert_eq!(window.go("/account").unwrap().path, "/account", "this session stays");
        assert_eq!(site.notes(name, &app_password), 200, "app passwords stay");
    });
}

#[test]
fn zuliprc_holds_the_key_that_zulip_takes_until_a_new_one_is_made() {
    with_and_without_scripts(|site, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        window.go("/account/zulip").unwrap();
        let file = window.download("Download zuliprc").unwrap();
        let base = pages::site(&site.server);
        let key = file.text.lines().find_map(|line| line.strip_prefix("key=")).unwrap();
        let expected = format!("[api]\nemail={}\nkey={key}\nsite={base}\n", address(name));
        assert_eq!((file.name.as_str(), file.text.as_str()), ("zuliprc", expected.as_str()));
        let call =
            |key: &str| site.status(&Request::new("GET", "/api/v1/users/me").basic(&address(name), key));
        assert_eq!(call(key), 200);
        let client = Client::python("zulip_key_client.py").unwrap();
        let kept = client.home().join("zuliprc");
        std::fs::write(&kept, &file.text).unwrap();
        let (works, profile) = client.log_in(&[kept]).unwrap();
        assert_eq!((works, &profile["delivery_email"]), (true, &address(name).into()), "{profile}");
        window.press("Show API key").unwrap();
        assert_eq!(window.texts("code.secret").unwrap(), [key]);
        window.press("Make a new API key").unwrap();
        let new = window.texts("code.secret").unwrap().concat();
        assert_eq!((call(key), call(&new)), (401, 200));
    });
}
