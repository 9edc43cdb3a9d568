//! The log-in page, the way out, and what surrounds both.

use crate::site::{Account, CODE, PASSWORD, Page, SECRET, SESSION, Visitor, config};

const FORM: &str = "/accounts/login/";
const NEVER: &str = "max-age=0, no-cache, no-store, must-revalidate, private";

async fn log_in(visitor: &mut Visitor, page: &str, name: &str, password: &str) -> Page {
    let page = visitor.get(page).await;
    visitor.submit(&page, FORM, &[("username", name), ("password", password)]).await
}

#[tokio::test]
async fn right_password_gives_a_session_and_a_new_secret() {
    let mut visitor = Visitor::at(Account::default());
    let page = visitor.get("/login/").await;
    assert_eq!(page.cookies(), [SECRET]);
    assert_eq!((page.header("vary"), page.header("cache-control")), ("Cookie, Accept-Language", NEVER));
    assert!(
        page.body.contains("<title>Log in | Zulip</title>") && page.body.contains("<h1>Log in to Zulip</h1>")
    );
    let before = visitor.cookies[SECRET].clone();
    let answer =
        visitor.submit(&page, FORM, &[("username", " hamlet@zulip.com "), ("password", PASSWORD)]).await;
    answer.leads_to("/");
    assert_eq!(answer.cookies(), [SECRET, SESSION]);
    assert_eq!((answer.header("vary"), answer.header("cache-control")), ("Cookie, Accept-Language", NEVER));
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("5", "4"));
    assert_ne!(visitor.cookies[SECRET], before);
    assert_eq!(visitor.cookies[SESSION], visitor.sessions()[0]);
    // Whoever is signed in is led on, whatever was sent.
    visitor.get("/login/?next=/%23narrow/x").await.leads_to("https://zulip.example.org/#narrow/x");
    visitor.get("/login/?next=https://evil.example/x").await.leads_to("https://zulip.example.org");
    let secret = visitor.cookies[SECRET].clone();
    let fields =
        [("username", "iago@zulip.com"), ("password", "x"), ("csrfmiddlewaretoken", secret.as_str())];
    visitor.post(FORM, &fields).await.leads_to("https://zulip.example.org/");
    assert_eq!(visitor.services.attempts().len(), 1);
    visitor.get("/login/?preview=1").await.says(200, "Log in to Zulip");
}

#[tokio::test]
async fn next_leads_to_paths_of_this_site_alone() {
    for (next, location) in [
        ("/json/x?y=1", "/json/x?y=1"),
        ("/#narrow/x", "/#narrow/x"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("", "/"),
    ] {
        let mut visitor = Visitor::at(Account::default());
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let answer = log_in(&mut visitor, &format!("/login/?{query}"), "hamlet@zulip.com", PASSWORD).await;
        answer.leads_to(location);
    }
}

#[tokio::test]
async fn refusals_have_their_texts() {
    let mut visitor = Visitor::at(Account::default());
    let wrong = "Incorrect email or password.";
    for (name, password, text) in [
        ("hamlet@zulip.com", "wrong", wrong),
        ("nobody@zulip.com", PASSWORD, wrong),
        ("hamlet", PASSWORD, wrong),
        ("", PASSWORD, "This field is required."),
        ("hamlet@zulip.com", "", "This field is required."),
    ] {
        let answer = log_in(&mut visitor, "/accounts/login/", name, password).await;
        answer.says(200, &format!("role=\"alert\" id=\"problem\">{text}<"));
        assert_eq!(answer.cookies(), [SECRET], "{name}");
        assert_eq!(answer.header("x-ratelimit-limit").is_empty(), text != wrong, "{name}");
        answer.says(200, &format!("value=\"{name}\""));
    }
    for _ in 0..2 {
        log_in(&mut visitor, "/login/", "hamlet@zulip.com", "wrong").await.says(200, wrong);
    }
    let limited = "You're making too many attempts to sign in. Try again in 1794 seconds or contact your organization administrator for help.";
    log_in(&mut visitor, "/login/", "hamlet@zulip.com", "wrong").await.says(200, limited);
    let mut visitor = Visitor::at(Account { is_deactivated: true, ..Account::default() });
    let deactivated = "Your account hamlet@zulip.com has been deactivated. Please contact your organization administrator to reactivate it.";
    log_in(&mut visitor, "/login/", "hamlet@zulip.com", PASSWORD).await.says(200, deactivated);
}

#[tokio::test]
async fn links_prefill_the_form_and_say_why() {
    let mut visitor = Visitor::at(Account::default());
    let page = visitor.get("/login/?email=a%40b.example&already_registered=1").await;
    page.says(200, "You've already registered with this email address. Please log in below.");
    page.says(200, "value=\"a@b.example\"");
    let note = "Your account hamlet@zulip.com has been deactivated.";
    visitor.get("/login/?is_deactivated=hamlet%40zulip.com").await.says(200, note);
    let page = visitor.get("/login/?is_deactivated=%3Cb%3E").await;
    assert!(!page.body.contains("deactivated") && !page.body.contains("<b>"));
    // Hostile texts stand escaped.
    let page = visitor.get("/login/?next=%22%3E%3Cscript%3E&email=%22%3E%3Cscript%3E").await;
    assert!(!page.body.contains("<script>"), "{}", page.body);
}

#[tokio::test]
async fn second_factor_is_asked_for_on_the_same_form() {
    let mut visitor = Visitor::at(Account { has_totp: true, ..Account::default() });
    let page = log_in(&mut visitor, "/login/?next=/x", "hamlet@zulip.com", PASSWORD).await;
    page.says(200, "name=\"token-otp_token\"");
    assert_eq!(page.cookies(), [SECRET, SESSION]);
    assert!(visitor.sessions().is_empty(), "nobody is signed in yet");
    visitor.get("/json/users/me").await.says(401, "Not logged in");
    let wrong = visitor.submit(&page, FORM, &[("token-otp_token", "000000")]).await;
    wrong.says(200, "Invalid token. Please make sure you have entered it correctly.");
    assert_eq!(wrong.cookies(), [SECRET, SESSION]);
    let backup = visitor.get("/accounts/login/?two_factor_login_view-current_step=backup&next=/x").await;
    backup.says(200, "name=\"backup-otp_token\"");
    let wrong = visitor.submit(&backup, FORM, &[("backup-otp_token", "nosuch")]).await;
    wrong.says(200, "name=\"backup-otp_token\"");
    let right = visitor.submit(&page, FORM, &[("token-otp_token", CODE)]).await;
    right.leads_to("/x");
    assert_eq!(visitor.cookies[SESSION], visitor.sessions()[0]);
    let mut other = Visitor::at(Account { has_totp: true, ..Account::default() });
    let page = log_in(&mut other, "/login/?next=https://evil.example", "hamlet@zulip.com", PASSWORD).await;
    let right = other.submit(&page, FORM, &[("token-otp_token", CODE)]).await;
    right.leads_to("https://zulip.example.org");
    // The ticket alone, without a browser that keeps it, is none.
    let mut other = Visitor::at(Account { has_totp: true, ..Account::default() });
    let page = other.get("/login/").await;
    let step = ("two_factor_login_view-current_step", "token");
    let answer = other.submit(&page, FORM, &[step, ("token-otp_token", CODE)]).await;
    answer.says(200, "Please log in again.");
}

#[tokio::test]
async fn password_that_is_due_is_changed_before_anything_else() {
    let mut visitor = Visitor::at(Account { must_change: true, ..Account::default() });
    let answer = log_in(&mut visitor, "/login/?next=/x", "hamlet@zulip.com", PASSWORD).await;
    let here = "/accounts/login/new-password/?next=%2Fx";
    answer.leads_to(here);
    visitor.get("/login/?next=/x").await.leads_to(here);
    let page = visitor.get(here).await;
    page.says(200, "You must choose a new password");
    let form = "/accounts/login/new-password/";
    for (new, text) in [
        ("", "This field is required."),
        ("weak", "The password is too weak."),
        (PASSWORD, "present password"),
    ] {
        visitor.submit(&page, form, &[("new_password", new)]).await.says(200, text);
    }
    visitor.submit(&page, form, &[("new_password", "a better horse")]).await.leads_to("/x");
    assert!(visitor.has_new_password());
    visitor.get(here).await.leads_to("/x");
}

#[tokio::test]
async fn old_session_signs_in_again_before_a_due_password_is_changed() {
    let mut visitor = Visitor::signed_in(Account { must_change: true, ..Account::default() }).await;
    visitor.wait(std::time::Duration::from_secs(3600));
    let answer = visitor.get("/accounts/login/new-password/?next=/x").await;
    answer.leads_to("/login/?next=%2Faccounts%2Flogin%2Fnew-password%2F%3Fnext%3D%252Fx");
    assert!(visitor.sessions().is_empty() && !visitor.cookies.contains_key(SESSION));
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("referer", "https://evil.example/")],
        &[("referer", "http://zulip.example.org/")],
    ] {
        let mut visitor = Visitor::at(Account::default());
        let page = visitor.get("/login/").await;
        visitor.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let fields = [("username", "hamlet@zulip.com"), ("password", PASSWORD)];
        let answer = visitor.submit(&page, FORM, &fields).await;
        answer.says(403, "<h1>Access forbidden (403)</h1>");
        answer.says(403, "<title>Error | Zulip</title>");
        assert_eq!((answer.header("vary"), answer.cookies()), ("Accept-Language, Cookie", vec![]));
        assert!(visitor.services.attempts().is_empty());
    }
    // Without a cookie, and with the token of another browser.
    let mut visitor = Visitor::at(Account::default());
    let page = visitor.get("/login/").await;
    let mut other = Visitor::at(Account::default());
    other.submit(&page, FORM, &[]).await.says(403, "Access forbidden");
    other.cookies.insert(SECRET.into(), "Z".repeat(32));
    other.submit(&page, FORM, &[]).await.says(403, "Access forbidden");
}

#[tokio::test]
async fn form_is_good_behind_a_proxy_that_names_another_host() {
    for (name, value, is_good) in [
        ("origin", "https://zulip.example.org", true),
        ("origin", "https://localhost", true),
        ("origin", "https://localhost:8443", false),
        ("origin", "https://zulip.example.org.evil.example", false),
        ("referer", "https://zulip.example.org/login/", true),
        ("referer", "https://zulip.example.org.evil.example/", false),
    ] {
        let mut visitor = Visitor::at(Account::default());
        visitor.headers = vec![("host", "localhost".to_owned()), (name, value.to_owned())];
        let answer = log_in(&mut visitor, "/login/", "hamlet@zulip.com", PASSWORD).await;
        assert_eq!(answer.status, if is_good { 302 } else { 403 }, "{name} {value}");
    }
}

#[tokio::test]
async fn logout_ends_the_session_where_there_is_one() {
    let mut visitor = Visitor::signed_in(Account::default()).await;
    let refused = visitor.post("/accounts/logout/", &[]).await;
    refused.says(403, "action=\"/accounts/logout/\"");
    assert_eq!((refused.cookies(), refused.header("vary")), (vec![SECRET], "Cookie, Accept-Language"));
    let page = visitor.get("/").await;
    page.says(200, "King Hamlet");
    let answer = visitor.submit(&page, "/accounts/logout/", &[]).await;
    answer.leads_to("/accounts/login/");
    assert_eq!((answer.cookies(), answer.header("vary")), (vec![SESSION], "Accept-Language, Cookie"));
    assert_eq!((visitor.services.revoked().len(), visitor.sessions().len()), (1, 0));
    let page = visitor.get("/login/").await;
    let token = page.hidden(FORM).into_iter().find(|(name, _)| name == "csrfmiddlewaretoken").unwrap().1;
    let answer = visitor.post("/accounts/logout/", &[("csrfmiddlewaretoken", &token)]).await;
    answer.leads_to("/accounts/login/");
    assert!(answer.cookies().is_empty());
    let answer = visitor.get("/accounts/logout/").await;
    answer.says(405, "<h1>Method not allowed (405)</h1>");
    assert_eq!(answer.header("allow"), "");
}

#[tokio::test]
async fn cookie_of_an_ended_session_is_taken_away() {
    let mut visitor = Visitor::signed_in(Account::default()).await;
    visitor.end_sessions();
    let answer = visitor.get("/json/users/me").await;
    answer.says(401, "Not logged in: API authentication or user session required");
    assert_eq!(answer.cookies(), [SESSION]);
    assert!(!visitor.cookies.contains_key(SESSION));
}

#[tokio::test]
async fn session_of_another_realm_is_none_here() {
    let mut visitor = Visitor::signed_in(Account::default()).await;
    visitor.move_sessions_to_another_realm();
    visitor.get("/").await.leads_to("/login/");
    visitor.get("/login/").await.says(200, "Log in to Zulip");
    visitor.get("/json/users/me").await.says(400, "Account is not associated with this subdomain");
}

#[tokio::test]
async fn pages_are_redirected_to_and_named_as_the_real_ones() {
    let mut visitor = Visitor::at(Account::default());
    visitor.get("/").await.leads_to("/login/");
    visitor.get("/?x=1").await.leads_to("/login/?next=/%3Fx%3D1");
    visitor.get("/accounts/deactivated/").await.leads_to("/login/");
    let answer = visitor.get("/login?next=/x").await;
    assert_eq!((answer.status, answer.header("location")), (301, "/login/?next=/x"));
    assert_eq!((answer.header("vary"), answer.header("content-language")), ("Cookie", ""));
    let answer = visitor.send("OPTIONS", "/login/", "").await;
    assert_eq!((answer.status, answer.header("allow")), (200, "GET, POST, PUT, HEAD, OPTIONS"));
    for path in ["/login/nosuch/", "/accounts/nosuch", "/complete/nosuch/", "/json/nosuch", "/nosuch"] {
        let answer = visitor.get(path).await;
        answer.says(404, "<h1>Page not found (404)</h1>");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    visitor.headers.push(("host", "nosuch.zulip.example.org".to_owned()));
    visitor.get("/login/").await.says(404, "<h1>No organization found</h1>");
    let mut visitor = Visitor::at(Account { realm_is_deactivated: true, ..Account::default() });
    visitor.get("/login/").await.leads_to("/accounts/deactivated/");
    visitor.get("/accounts/deactivated/").await.says(200, "<h1>Deactivated organization</h1>");
}

#[tokio::test]
async fn realm_without_passwords_has_no_form_and_gives_no_secret() {
    let mut visitor = Visitor::at(Account { without_passwords: true, ..Account::default() });
    let page = visitor.get("/login/").await;
    assert!(!page.body.contains("<form") && page.cookies().is_empty());
    assert_eq!((page.header("vary"), page.header("cache-control")), ("Accept-Language, Cookie", NEVER));
    visitor.get("/api/v1/server_settings").await.says(200, "\"external_authentication_methods\":[]");
}

#[tokio::test]
async fn pages_speak_the_language_of_the_browser() {
    let mut visitor = Visitor::at(Account::default());
    visitor.headers.push(("accept-language", "de-AT,de;q=0.9".to_owned()));
    let page = visitor.get("/login/").await;
    page.says(200, "<title>Anmelden | Zulip</title>");
    page.says(200, "<h1>Bei Zulip anmelden</h1>");
    assert_eq!(page.header("content-language"), "de");
}

#[tokio::test]
async fn without_pages_nothing_of_them_is_there() {
    let mut visitor = Visitor::with(auth_proto_zulip::Config { web: false, ..config() }, Account::default());
    for path in ["/login/", "/accounts/login/", "/", "/accounts/login/start/web/", "/json/settings"] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
    visitor.get("/api/v1/server_settings").await.says(200, "\"external_authentication_methods\":[]");
}
