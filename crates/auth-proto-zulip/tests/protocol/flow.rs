//! The flow by which an app gets a key: through the pages, in a browser that the app has opened. The apps' own reading of the
//! address at its end stands here as they do it.

use std::time::Duration;

use auth_core::ApiKey;
use auth_proto_zulip::OneTimePad;
use url::Url;

use crate::site::{Account, CODE, KEY, PAD, PASSWORD, Page, SECRET, SESSION, START, Visitor};

const FORM: &str = "/accounts/login/start/web/";

/// The address at which the flow ends for King Hamlet and the pad.
const END: &str = "zulip://login?otp_encrypted_api_key=2570fffd60629ca34846daab416ce79b7d5eff8b765c98a77f73e1b42400def4&email=Hamlet%40zulip.com&user_id=10&realm=https%3A%2F%2Fzulip.example.org";

/// Reads the address as zulip-flutter does: host and keys, the origin of the realm, and the key under the pad.
fn read_as_flutter(location: &str, realm: &str, pad: &str) -> Option<(String, u64, String)> {
    let url = Url::parse(location).ok()?;
    if url.scheme() != "zulip" || url.host_str() != Some("login") {
        return None;
    }
    let value = |wanted: &str| {
        url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    if Url::parse(&value("realm")?).ok()?.origin() != Url::parse(realm).ok()?.origin() {
        return None;
    }
    let encrypted = value("otp_encrypted_api_key")?;
    if encrypted.len() != 64 || !encrypted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let key = OneTimePad::parse(pad).ok()?.decrypt(&encrypted)?;
    Some((value("email")?, value("user_id")?.parse().ok()?, key.expose().to_owned()))
}

/// Reads the address as the retired app does: it XORs hexadecimal digits one by one.
fn read_as_the_retired_app(location: &str, realm: &str, pad: &str) -> Option<(String, String)> {
    let url = Url::parse(location).ok()?;
    let value = |wanted: &str| {
        url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let encrypted = value("otp_encrypted_api_key")?;
    let is_ours = url.host_str() == Some("login")
        && encrypted.len() == pad.len()
        && Url::parse(&value("realm")?).ok()?.origin() == Url::parse(realm).ok()?.origin();
    if !is_ours {
        return None;
    }
    let digits: Vec<u32> = encrypted
        .chars()
        .zip(pad.chars())
        .map(|(one, other)| Some(one.to_digit(16)? ^ other.to_digit(16)?))
        .collect::<Option<_>>()?;
    let key =
        digits.chunks(2).map(|pair| char::from_u32(pair[0] * 16 + pair[1])).collect::<Option<String>>()?;
    Some((value("email")?, key))
}

fn ends_at_the_app(answer: &Page) {
    answer.leads_to(END);
    assert_eq!(
        (answer.header("content-type"), answer.header("content-length")),
        ("text/html; charset=utf-8", "0")
    );
    assert_eq!(answer.header("cache-control"), "max-age=0, no-cache, no-store, must-revalidate, private");
    assert!(answer.cookies().is_empty());
    let realm = "https://zulip.example.org";
    let expected = ("Hamlet@zulip.com".to_owned(), 10, KEY.to_owned());
    let location = answer.header("location");
    assert_eq!(read_as_flutter(location, realm, PAD), Some(expected));
    assert_eq!(read_as_the_retired_app(location, realm, PAD), Some(("Hamlet@zulip.com".into(), KEY.into())));
}

async fn sign_in(visitor: &mut Visitor, page: &Page) -> Page {
    visitor.submit(page, FORM, &[("username", "hamlet@zulip.com"), ("password", PASSWORD)]).await
}

#[tokio::test]
async fn app_gets_the_key_after_sign_in_and_a_page_that_names_account_and_server() {
    let mut visitor = Visitor::at(Account::default());
    let page = visitor.get(START).await;
    page.says(200, "name=\"username\"");
    let wrong = visitor.submit(&page, FORM, &[("username", "hamlet@zulip.com"), ("password", "wrong")]).await;
    wrong.says(200, "Incorrect email or password.");
    // Another try works: the pad is there.
    let answer = sign_in(&mut visitor, &wrong).await;
    answer.leads_to(START);
    assert_eq!(answer.cookies(), [SECRET, SESSION]);
    let page = visitor.get(START).await;
    for text in
        ["Continue to the app", "King Hamlet", "Hamlet@zulip.com", "Zulip Dev", "https://zulip.example.org"]
    {
        page.says(200, text);
    }
    assert!(page.header("content-security-policy").contains("form-action 'self' zulip:;"));
    ends_at_the_app(&visitor.submit(&page, FORM, &[]).await);
}

#[tokio::test]
async fn account_with_a_second_factor_gets_into_the_app() {
    let mut visitor = Visitor::at(Account { has_totp: true, ..Account::default() });
    let page = visitor.get(START).await;
    let code = sign_in(&mut visitor, &page).await;
    code.says(200, "name=\"token-otp_token\"");
    let wrong = visitor.submit(&code, FORM, &[("token-otp_token", "000000")]).await;
    wrong.says(200, "Invalid token.");
    let backup = visitor.get(&format!("{START}&two_factor_login_view-current_step=backup")).await;
    backup.says(200, "name=\"backup-otp_token\"");
    visitor.submit(&backup, FORM, &[("backup-otp_token", "backup12")]).await.leads_to(START);
    visitor.submit(&wrong, FORM, &[("token-otp_token", CODE)]).await.says(403, "mobile_flow_otp=1234abcd");
    let page = visitor.get(START).await;
    ends_at_the_app(&visitor.submit(&page, FORM, &[]).await);
}

#[tokio::test]
async fn password_that_is_due_is_changed_on_the_way() {
    let mut visitor = Visitor::at(Account { must_change: true, ..Account::default() });
    let page = visitor.get(START).await;
    sign_in(&mut visitor, &page).await.leads_to(START);
    let here = format!(
        "/accounts/login/new-password/?next=%2Faccounts%2Flogin%2Fstart%2Fweb%2F%3Fmobile_flow_otp%3D{PAD}"
    );
    visitor.get(START).await.leads_to(&here);
    let page = visitor.get(&here).await;
    let form = "/accounts/login/new-password/";
    visitor.submit(&page, form, &[("new_password", "a better horse")]).await.leads_to(START);
    let page = visitor.get(START).await;
    ends_at_the_app(&visitor.submit(&page, FORM, &[]).await);
}

#[tokio::test]
async fn session_that_is_there_is_asked_before_a_key_leaves() {
    let mut visitor = Visitor::signed_in(Account::default()).await;
    let page = visitor.get(START).await;
    page.says(200, "King Hamlet");
    // Whoever has neither the token of the form nor its sealed text gets nothing.
    let fields = page.hidden(FORM);
    let without = |left_out: &str| -> Vec<(String, String)> {
        fields.iter().filter(|(name, _)| name != left_out).cloned().collect()
    };
    for left_out in ["csrfmiddlewaretoken", "continue"] {
        let fields = without(left_out);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = visitor.post(FORM, &fields).await;
        assert_ne!(answer.status, 302, "{left_out}");
        answer.says(answer.status, "mobile_flow_otp");
    }
    // A form is good for its pad alone.
    let zeros = "0".repeat(64);
    let mut other = fields.clone();
    other
        .iter_mut()
        .filter(|(name, _)| name == "mobile_flow_otp")
        .for_each(|(_, value)| *value = zeros.clone());
    let other: Vec<_> = other.iter().map(|(name, value)| (&**name, &**value)).collect();
    visitor.post(FORM, &other).await.says(200, "This page was out of date.");
    ends_at_the_app(&visitor.submit(&page, FORM, &[]).await);
}

#[tokio::test]
async fn form_of_one_session_is_none_of_another() {
    let mut visitor = Visitor::signed_in(Account::default()).await;
    let page = visitor.get(START).await;
    let anew = visitor.get(&format!("{START}&anew=1")).await;
    sign_in(&mut visitor, &anew).await.leads_to(START);
    assert_eq!(visitor.services.revoked().len(), 1, "the session before is ended");
    // The secret is another one too.
    visitor.submit(&page, FORM, &[]).await.says(403, "Access forbidden");
    let now = visitor.get(START).await;
    let mut fields = now.hidden(FORM);
    let sealed = page.hidden(FORM).into_iter().find(|(name, _)| name == "continue").unwrap().1;
    fields.iter_mut().filter(|(name, _)| name == "continue").for_each(|(_, value)| *value = sealed.clone());
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    visitor.post(FORM, &fields).await.says(200, "This page was out of date.");
}

#[tokio::test]
async fn session_older_than_fifteen_minutes_signs_in_anew() {
    let mut visitor = Visitor::signed_in(Account::default()).await;
    let page = visitor.get(START).await;
    visitor.wait(Duration::from_secs(15 * 60));
    let answer = visitor.submit(&page, FORM, &[]).await;
    answer.says(200, "Log in again before an app gets access.");
    answer.says(200, "value=\"Hamlet@zulip.com\"");
    sign_in(&mut visitor, &answer).await.leads_to(START);
    let page = visitor.get(START).await;
    ends_at_the_app(&visitor.submit(&page, FORM, &[]).await);
}

#[tokio::test]
async fn account_of_another_protocol_gets_its_number_by_signing_in() {
    let mut visitor = Visitor::signed_in(Account { has_no_number: true, ..Account::default() }).await;
    let page = visitor.get(START).await;
    page.says(200, "name=\"username\"");
    sign_in(&mut visitor, &page).await.leads_to(START);
    let page = visitor.get(START).await;
    ends_at_the_app(&visitor.submit(&page, FORM, &[]).await);
}

#[tokio::test]
async fn account_without_an_address_is_told_so() {
    let mut visitor = Visitor::signed_in(Account { has_no_address: true, ..Account::default() }).await;
    let page = visitor.get(START).await;
    page.says(200, "Your account has no email address");
    page.says(200, "mobile_flow_otp");
}

#[tokio::test]
async fn pads_are_judged_before_anything_else() {
    let invalid = "{\"result\":\"error\",\"msg\":\"Invalid OTP\",\"code\":\"BAD_REQUEST\"}\n";
    let both = "{\"result\":\"error\",\"msg\":\"Can't use both mobile_flow_otp and desktop_flow_otp together.\",\"code\":\"BAD_REQUEST\"}\n";
    let mut visitor = Visitor::signed_in(Account::default()).await;
    for (query, body) in [
        ("mobile_flow_otp=1234".to_owned(), invalid),
        ("mobile_flow_otp=".to_owned(), invalid),
        (format!("mobile_flow_otp={}", "invalido".repeat(8)), invalid),
        ("desktop_flow_otp=x".to_owned(), invalid),
        (format!("mobile_flow_otp={PAD}&desktop_flow_otp=x"), invalid),
        (format!("mobile_flow_otp={PAD}&mobile_flow_otp=1"), invalid),
        (format!("mobile_flow_otp={PAD}&desktop_flow_otp={PAD}"), both),
    ] {
        let answer = visitor.get(&format!("{FORM}?{query}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, body), "{query}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    // Of two pads the last one counts, and upper case is as good.
    let upper = PAD.to_uppercase();
    let page = visitor.get(&format!("{FORM}?mobile_flow_otp=1&mobile_flow_otp={upper}")).await;
    let answer = visitor.submit(&page, FORM, &[]).await;
    answer.leads_to(END);
    assert!(
        read_as_the_retired_app(answer.header("location"), "https://zulip.example.org/", &upper).is_some()
    );
}

#[tokio::test]
async fn browser_that_asks_for_itself_is_sent_to_the_log_in_page() {
    let mut visitor = Visitor::at(Account::default());
    visitor.get(FORM).await.leads_to("/login/");
    visitor.get(&format!("{FORM}?next=/x")).await.leads_to("/login/?next=%2Fx");
    let answer = visitor.get(&format!("/accounts/login/start/web?mobile_flow_otp={PAD}")).await;
    assert_eq!((answer.status, answer.header("location")), (301, START));
    let mut visitor = Visitor::at(Account { realm_is_deactivated: true, ..Account::default() });
    visitor.get(START).await.leads_to("/accounts/deactivated/");
}

#[tokio::test]
async fn way_through_the_pages_is_listed() {
    let mut visitor = Visitor::at(Account::default());
    let listed = "\"external_authentication_methods\":[{\"name\":\"web\",\"display_name\":\"Sign in on the web\",\"display_icon\":null,\"login_url\":\"/accounts/login/start/web/\",\"signup_url\":\"/accounts/register/start/web/\"}]";
    visitor.get("/api/v1/server_settings").await.says(200, listed);
    assert_eq!(OneTimePad::parse(PAD).unwrap().encrypt(&ApiKey::new(KEY)).unwrap().len(), 64);
}
