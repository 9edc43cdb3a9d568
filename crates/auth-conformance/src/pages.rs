//! The pages: a server that has them, the people who use them, and a tour of all of them.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::browser::{Browser, Page, Scripts, Window};
use crate::http::Request;
use crate::{DevServer, Server, ServerConfig, totp};

/// The people of [`config`]'s realm: four with a password alone, one whose password is due, and one with a device.
pub const USERS: &str = r#"{"kind":"realm","realm":"club","name":"Chess Club","digest_logins":true}
{"kind":"user","realm":"club","id":1,"username":"ada","email":"ada@example.org","email_verified":true,"full_name":"Ada Lovelace","password":"correct horse battery"}
{"kind":"user","realm":"club","id":2,"username":"bea","email":"bea@example.org","email_verified":true,"full_name":"Bea Bernstein","password":"correct horse battery"}
{"kind":"user","realm":"club","id":3,"username":"cleo","email":"cleo@example.org","email_verified":true,"full_name":"Cleo","password":"correct horse battery"}
{"kind":"user","realm":"club","id":4,"username":"dora","email":"dora@example.org","email_verified":true,"full_name":"Dora","password":"correct horse battery"}
{"kind":"user","realm":"club","id":5,"username":"moved","email":"moved@example.org","email_verified":true,"full_name":"Moved","password":"correct horse battery","must_change_password":true}
{"kind":"user","realm":"club","id":6,"username":"tess","email":"tess@example.org","email_verified":true,"full_name":"Tess","password":"correct horse battery","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
"#;

/// The password of each of them.
pub const PASSWORD: &str = "correct horse battery";

/// A password that may be chosen.
pub const NEW_PASSWORD: &str = "seven lighthouses in amber fog";

/// A server with pages, every protocol and mail.
#[must_use]
pub fn config() -> ServerConfig {
    ServerConfig::for_tests()
        .without_limits()
        .realm("club")
        .set("web.url", "http://localhost:@PORT@")
        .set("web.realm", "club")
        .set("web.name", "Club account")
        .set("web.line", "Questions? Ask at the bar on Thursdays.")
        .set("passwords.failure_grid", "off")
        .set("zulip.url_scheme", "http")
        .set("rocketchat.site_url", "http://localhost:@PORT@")
        .set("rocketchat.email_2fa_auto_opt_in", false)
        .set("zettelstore.login_delay", "0s")
        .set("mail.smtp", "smtp://@MAIL@")
        .set("mail.from", "Club account <auth@example.org>")
}

/// The address of the pages of a server of [`config`].
#[must_use]
pub fn site(server: &Server) -> String {
    format!("http://localhost:{}", server.address().port())
}

/// Signs in, and returns the page to which that leads.
///
/// # Errors
/// When there is no form to sign in.
pub fn sign_in(window: &Window<'_>, name: &str, password: &str) -> Result<Page> {
    window.go("/sign-in")?;
    window.fill("User name or e-mail address", name)?;
    window.fill("Password", password)?;
    window.press("Sign in")
}

/// Asks for a link and returns the path of the one that is mailed.
///
/// # Errors
/// When no mail comes.
pub fn reset_link(server: &Server, window: &Window<'_>, address: &str, used: &[String]) -> Result<String> {
    window.go("/reset-password")?;
    window.fill("E-mail address", address)?;
    let sent = window.press("Send link")?;
    ensure!(sent.status == 200, "{sent:?}");
    let link = server.mailed_link(address, used)?;
    Ok(link.strip_prefix(&site(server)).context(link.clone())?.to_owned())
}

/// Sets up an authenticator app, up to the page of backup codes, and returns its secret and the codes.
///
/// # Errors
/// When the page shows no secret or does not take its code.
pub fn enrol(window: &Window<'_>) -> Result<(String, Vec<String>)> {
    let secret = begin_to_enrol(window)?;
    confirm_device(window, &secret)?;
    Ok((secret, window.texts(".codes li")?))
}

fn begin_to_enrol(window: &Window<'_>) -> Result<String> {
    window.go("/account/two-step")?;
    window.press("Set up an authenticator app")?;
    let secret = window.texts("code.secret")?.concat();
    Ok(secret.replace(' ', ""))
}

fn confirm_device(window: &Window<'_>, secret: &str) -> Result<()> {
    window.fill("Code that the app shows", &totp(secret, 0)?)?;
    let page = window.press("Turn on two-step sign-in")?;
    ensure!(page.heading == "Your backup codes", "{page:?}");
    Ok(())
}

/// Makes an app password, up to the page that shows it, and returns it.
///
/// # Errors
/// When the page shows none.
pub fn make_app_password(window: &Window<'_>, name: &str, protocol: Option<&str>) -> Result<String> {
    window.go("/account/app-passwords")?;
    window.fill("Name", name)?;
    if let Some(protocol) = protocol {
        window.check(protocol)?;
        window.choose("How long it is good", "90 days")?;
    }
    let page = window.press("Make app password")?;
    ensure!(page.heading == "Your new app password", "{page:?}");
    Ok(window.texts("code.secret")?.concat())
}

/// A page of the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a name and a sentence")]
pub struct Stop {
    /// A short name, in letters and hyphens.
    pub name: &'static str,
    /// What its picture shows, in a sentence; `None` where it looks like another one.
    pub about: Option<&'static str>,
}

const fn stop(name: &'static str, about: &'static str) -> Stop {
    Stop { name, about: Some(about) }
}

const fn alike(name: &'static str) -> Stop {
    Stop { name, about: None }
}

/// The pages of the tour in their order.
pub const STOPS: &[Stop] = &[
    stop("front-of-dev", "The front page of `auth-server dev` shows the demo users and what to try."),
    stop("front", "The front page says what this is and leads to sign-in."),
    stop("sign-in", "Anybody signs in with a user name or an e-mail address."),
    stop("sign-in-refused", "A wrong name and a wrong password are refused in the same words."),
    stop("code", "Whoever has a second step is asked for it."),
    stop("reset-request", "A lost password begins with the address of the account."),
    alike("reset-requested"),
    stop("reset-form", "The mailed link leads to a form for a new password."),
    stop("reset-weak", "A password that is too easy to guess is refused with the reason."),
    alike("reset-done"),
    alike("reset-over"),
    stop(
        "address-link",
        "A mailed link to confirm an address asks first: programs that scan mails open links, too.",
    ),
    stop("error", "Every error is a page like the others."),
    stop("confirm", "What adds a way into the account asks again after a quarter of an hour."),
    stop("password-due", "A user whose password must be changed sets a new one before anything else."),
    stop("account", "The overview shows what an account has."),
    stop("details", "The name is changed at once, the address once its mailbox is shown to be the owner’s."),
    stop("password", "The present password is asked for before it is changed."),
    alike("password-refused"),
    stop("two-step", "Without a second step the password alone protects an account."),
    stop("enrol", "An authenticator app reads the key from a picture or by hand."),
    stop("backup-codes", "Backup codes are shown once."),
    stop("two-step-on", "The app is removed, and backup codes are made anew, with a code."),
    alike("app-passwords-none"),
    stop("app-password-new", "A new app password is shown once."),
    stop("app-passwords", "App passwords have a name, protocols and an end."),
    stop("sessions", "Everything that the account is signed in with stands in one list."),
    alike("zulip"),
    stop("zulip-key", "Zulip's API key, and the file from which programs read it."),
];

/// Walks through all pages in windows of a browser, and calls `visit` on each.
///
/// # Errors
/// When a page does not lead to the next one, or `visit` fails.
pub fn tour(
    binary: &Path,
    browser: &Browser,
    scripts: Scripts,
    visit: &mut dyn FnMut(&'static str, &Window<'_>) -> Result<()>,
) -> Result<()> {
    let dev = DevServer::start(binary)?;
    let window = browser.open(&format!("http://localhost:{}", dev.address().port()), scripts)?;
    window.go("/")?;
    visit("front-of-dev", &window)?;
    drop(dev);

    let mut server = Server::prepare(binary, &config())?;
    server.import(USERS)?;
    server.shift_clock("-20m");
    server.serve()?;
    let open = |server: &Server| browser.open(&site(server), scripts);
    let earlier = open(&server)?;
    sign_in(&earlier, "cleo", PASSWORD)?;
    server.shift_clock("+0");
    server.restart()?;

    visitors_pages(&server, &open(&server)?, visit)?;
    earlier.go("/account/confirm?next=/account/app-passwords")?;
    visit("confirm", &earlier)?;
    let due = open(&server)?;
    sign_in(&due, "moved", PASSWORD)?;
    visit("password-due", &due)?;
    owners_pages(&server, &open(&server)?, visit)?;
    server.stop()
}

/// The pages of whoever has not signed in.
fn visitors_pages(
    server: &Server,
    window: &Window<'_>,
    visit: &mut dyn FnMut(&'static str, &Window<'_>) -> Result<()>,
) -> Result<()> {
    window.go("/")?;
    visit("front", window)?;
    window.go("/sign-in")?;
    visit("sign-in", window)?;
    sign_in(window, "ada", "wrong")?;
    visit("sign-in-refused", window)?;
    sign_in(window, "tess", PASSWORD)?;
    visit("code", window)?;
    window.go("/reset-password")?;
    visit("reset-request", window)?;
    let link = reset_link(server, window, "bea@example.org", &[])?;
    visit("reset-requested", window)?;
    window.go(&link)?;
    visit("reset-form", window)?;
    window.fill("New password", "password")?;
    window.press("Set password")?;
    visit("reset-weak", window)?;
    window.fill("New password", NEW_PASSWORD)?;
    window.press("Set password")?;
    visit("reset-done", window)?;
    window.go(&link)?;
    visit("reset-over", window)?;
    window.go("/verify-email/of-another-day")?;
    visit("address-link", window)?;
    window.go("/account/nothing")?;
    visit("error", window)
}

/// The pages of whoever has signed in.
fn owners_pages(
    server: &Server,
    window: &Window<'_>,
    visit: &mut dyn FnMut(&'static str, &Window<'_>) -> Result<()>,
) -> Result<()> {
    sign_in(window, "ada", PASSWORD)?;
    visit("account", window)?;
    window.go("/account/details")?;
    visit("details", window)?;
    window.go("/account/password")?;
    visit("password", window)?;
    window.fill("Present password", "wrong")?;
    window.fill("New password", NEW_PASSWORD)?;
    window.press("Change password")?;
    visit("password-refused", window)?;
    window.go("/account/two-step")?;
    visit("two-step", window)?;
    let secret = begin_to_enrol(window)?;
    visit("enrol", window)?;
    confirm_device(window, &secret)?;
    visit("backup-codes", window)?;
    window.go("/account/two-step")?;
    visit("two-step-on", window)?;
    window.go("/account/app-passwords")?;
    visit("app-passwords-none", window)?;
    let notes = make_app_password(window, "Notes on my laptop", Some("Zettelstore"))?;
    visit("app-password-new", window)?;
    make_app_password(window, "Chat bot", Some("Zulip"))?;
    let any = make_app_password(window, "Phone", None)?;
    window.go("/account/app-passwords")?;
    visit("app-passwords", window)?;
    let zulip = format!("username=ada%40example.org&password={any}");
    for request in [
        Request::new("POST", "/a").basic("ada", &notes),
        Request::new("POST", "/api/v1/fetch_api_key").form(&zulip),
    ] {
        let answer = server.send(&request)?;
        ensure!(answer.status == 200, "{}", answer.text());
    }
    window.go("/account/sessions")?;
    visit("sessions", window)?;
    window.go("/account/zulip")?;
    visit("zulip", window)?;
    window.press("Show API key")?;
    visit("zulip-key", window)
}
