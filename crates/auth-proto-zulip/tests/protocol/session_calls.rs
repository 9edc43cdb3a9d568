//! Calls of a browser that is signed in, below `/json/`.

use crate::site::{Account, KEY, PASSWORD, Page, SECRET, SESSION, Visitor};

const FETCH: &str = "/json/fetch_api_key";
const NEVER: &str = "max-age=0, no-cache, no-store, must-revalidate, private";

/// A browser whose scripts send the secret along.
async fn signed_in(account: Account) -> Visitor {
    let mut visitor = Visitor::signed_in(account).await;
    visitor.headers.push(("x-csrftoken", "A".repeat(32)));
    visitor
}

fn is(answer: &Page, status: u16, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body));
}

#[tokio::test]
async fn key_is_given_for_the_password() {
    let mut visitor = signed_in(Account::default()).await;
    let answer = visitor.post(FETCH, &[("password", PASSWORD)]).await;
    let key =
        format!("{{\"result\":\"success\",\"msg\":\"\",\"api_key\":\"{KEY}\",\"email\":\"Hamlet@zulip.com\"");
    is(&answer, 200, &format!("{key}}}\n"));
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (NEVER, "Accept-Language, Cookie"));
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("5", "4"));
    let wrong = "{\"result\":\"error\",\"msg\":\"Password is incorrect.\",\"code\":\"BAD_REQUEST\"}\n";
    for fields in [&[("password", "wrong")][..], &[("password", "")], &[], &[("username", "iago@zulip.com")]]
    {
        let answer = visitor.post(FETCH, fields).await;
        is(&answer, 400, wrong);
        assert_eq!((answer.header("cache-control"), answer.header("x-ratelimit-limit")), ("", "5"));
    }
    // The secret as a field of the form is as good, and is reported like others that are not read.
    visitor.headers.clear();
    let secret = "A".repeat(32);
    let fields = [("password", PASSWORD), ("csrfmiddlewaretoken", secret.as_str())];
    let answer = visitor.post(FETCH, &fields).await;
    is(&answer, 200, &format!("{key},\"ignored_parameters_unsupported\":[\"csrfmiddlewaretoken\"]}}\n"));
}

#[tokio::test]
async fn realm_without_passwords_asks_for_none() {
    let mut visitor = signed_in(Account { without_passwords: true, ..Account::default() }).await;
    let answer = visitor.post(FETCH, &[]).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, "200"));
}

#[tokio::test]
async fn old_session_of_an_account_with_a_second_factor_gets_no_key_by_the_password_alone() {
    let mut visitor = signed_in(Account { has_totp: true, ..Account::default() }).await;
    assert_eq!(visitor.post(FETCH, &[("password", PASSWORD)]).await.status, 200);
    visitor.wait(std::time::Duration::from_secs(3600));
    visitor.post(FETCH, &[("password", PASSWORD)]).await.says(400, "Password is incorrect.");
    let mut visitor = signed_in(Account::default()).await;
    visitor.wait(std::time::Duration::from_secs(3600));
    assert_eq!(visitor.post(FETCH, &[("password", PASSWORD)]).await.status, 200);
}

#[tokio::test]
async fn method_is_checked_first_then_the_session_then_the_page_that_sent_a_call() {
    let mut visitor = Visitor::at(Account::default());
    let answer = visitor.post(FETCH, &[("password", PASSWORD)]).await;
    is(
        &answer,
        401,
        "{\"result\":\"error\",\"msg\":\"Not logged in: API authentication or user session required\",\"code\":\"UNAUTHORIZED\"}\n",
    );
    assert_eq!(answer.header("www-authenticate"), "Session realm=\"zulip\"");
    visitor.headers.push(("accept", "text/html".to_owned()));
    visitor.get("/json/users/me").await.leads_to("/login/?next=%2Fjson%2Fusers%2Fme");
    let mut visitor = Visitor::signed_in(Account::default()).await;
    let answer = visitor.get(FETCH).await;
    is(&answer, 405, "{\"result\":\"error\",\"msg\":\"Method Not Allowed\",\"allowed_methods\":[\"POST\"]}");
    assert_eq!(answer.header("allow"), "POST");
    let answer = visitor.send("OPTIONS", FETCH, "").await;
    assert_eq!((answer.status, answer.header("allow")), (204, "POST"));
    let answer = visitor.post(FETCH, &[("password", PASSWORD)]).await;
    is(
        &answer,
        403,
        "{\"result\":\"error\",\"msg\":\"CSRF error: CSRF token missing.\",\"reason\":\"CSRF token missing.\",\"code\":\"CSRF_FAILED\"}\n",
    );
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (NEVER, "Accept-Language, Cookie"));
    visitor.cookies.insert(SECRET.into(), "short".into());
    let answer = visitor.post(FETCH, &[("password", PASSWORD)]).await;
    answer.says(403, "\"reason\":\"CSRF cookie has incorrect length.\"");
    assert_eq!((answer.cookies(), answer.header("vary")), (vec![SECRET], "Cookie, Accept-Language"));
}

#[tokio::test]
async fn own_user_is_shown_without_a_token() {
    let mut visitor = Visitor::signed_in(Account::default()).await;
    let answer = visitor.get("/json/users/me").await;
    answer.says(200, "\"delivery_email\":\"Hamlet@zulip.com\"");
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (NEVER, "Accept-Language, Cookie"));
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("200", "199"));
    visitor.headers.push(("x-csrftoken", "A".repeat(32)));
    visitor
        .send("DELETE", "/json/users/me", "")
        .await
        .says(403, "Accounts are deactivated by the administrators");
}

#[tokio::test]
async fn password_is_changed_by_a_patch_or_by_a_post_that_says_so() {
    let mut visitor = signed_in(Account::default()).await;
    for (method, body, status, text, limit) in [
        ("PATCH", "old_password=bad&new_password=better", 400, "Wrong password!", "5"),
        ("PATCH", "new_password=better", 400, "Wrong password!", "5"),
        ("PATCH", "old_password=right+horse&new_password=weak", 400, "New password is too weak!", "5"),
        ("PATCH", "old_password=right+horse", 200, "{\"result\":\"success\",\"msg\":\"\"}\n", "200"),
        ("PATCH", "old_password=right+horse&new_password=better", 200, "\"success\"", "5"),
        ("PATCH", "old_password=right+horse&new_password=right+horse", 200, "\"success\"", "5"),
        ("POST", "old_password=right+horse&new_password=better", 405, "\"allowed_methods\":[\"PATCH\"]", ""),
        ("POST", "method=PATCH&old_password=bad&new_password=better", 400, "Wrong password!", "5"),
        ("POST", "method=PATCH&old_password=right+horse&new_password=better", 200, "\"success\"", "5"),
    ] {
        let answer = visitor.send(method, "/json/settings", body).await;
        answer.says(status, text);
        assert_eq!(answer.header("x-ratelimit-limit"), limit, "{body}");
        let is_changed = status == 200 && body.contains("new_password");
        assert_eq!(visitor.cookies[SESSION], visitor.sessions()[0], "{body}");
        assert_eq!(answer.cookies(), if is_changed { vec![SESSION] } else { vec![] }, "{body}");
    }
    visitor.headers.push(("content-type", "application/json".to_owned()));
    let answer = visitor
        .send("PATCH", "/json/settings", "{\"old_password\":\"right horse\",\"new_password\":\"x\"}")
        .await;
    answer.says(200, "\"success\"");
    assert!(answer.cookies().is_empty(), "nothing is changed");
    visitor.headers.clear();
    visitor
        .send("PATCH", "/json/settings", "old_password=right+horse&new_password=x")
        .await
        .says(403, "CSRF");
}
