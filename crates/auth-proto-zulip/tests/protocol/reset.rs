//! Lost passwords.

use auth_core::testing::ActionKind;
use auth_proto_zulip::exact;

use crate::vouching::{RESET, SECRET, Site};

#[tokio::test]
async fn a_link_is_mailed_to_whatever_address_is_one() {
    let site = Site::new(&[], false);
    let page = site.get(RESET).await;
    page.says(200, "<title>Reset your password | Zulip</title>");
    page.says(200, "<form method=\"post\" action=\"/accounts/password/reset/\">");
    assert_eq!((page.cookies().len(), page.header("expires")), (1, ""));
    for (fields, texts) in [
        ("email=not-an-email", &["Enter a valid email address."][..]),
        ("email=", &["This field is required."]),
        ("email=+", &["This field is required."]),
        ("", &["This field is required."]),
        (
            &*format!("email={}%40zulip.com", "a".repeat(320)),
            &["Enter a valid email address.", "Ensure this value has at most 254 characters (it has 330)."],
        ),
    ] {
        let answer = site.submit(RESET, "", fields).await;
        for text in texts {
            answer.says(200, text);
        }
        assert_eq!(answer.cookies(), [format!("__Host-csrftoken={SECRET}")]);
    }
    assert!(site.services.actions().is_empty());

    let answer = site.submit(RESET, "", "email=+hamlet%40zulip.com+").await;
    answer.leads_to("/accounts/password/reset/done/");
    let limit =
        ["limit", "remaining", "reset"].map(|name| answer.header(&format!("x-ratelimit-{name}")).to_owned());
    assert_eq!(limit, ["5", "4", "1795746675"]);
    let asked = site.services.actions().remove(0).kind;
    assert!(matches!(asked, ActionKind::MailResetLink { address, .. } if address == "hamlet@zulip.com"));
    site.submit(RESET, "", "email=off%40zulip.com").await.leads_to("/accounts/password/reset/done/");
    site.get("/accounts/password/reset/done/")
        .await
        .says(200, "<title>Password reset email sent | Zulip</title>");
    let without = site.send("POST", RESET, &[], "email=hamlet%40zulip.com").await;
    without.says(403, "Access forbidden (403)");
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    for (points, retry_after) in [(&[][..], "1800"), (&[exact::LIMIT_WITHOUT_RETRY_AFTER], "")] {
        let answer = Site::new(points, false).submit(RESET, "", "email=often%40zulip.com").await;
        answer.says(429, "<title>Rate limit exceeded | Zulip</title>");
        answer.says(429, "Try again in 1800 seconds.");
        assert_eq!((answer.header("retry-after"), answer.header("x-ratelimit-limit")), (retry_after, ""));
    }
}

#[tokio::test]
async fn a_link_leads_to_a_form_whose_address_is_no_secret() {
    let site = Site::new(&[], false);
    let opened = site.get("/accounts/password/reset/MTA/good-token/").await;
    opened.leads_to("/accounts/password/reset/MTA/set-password/");
    assert_eq!(opened.cookies(), ["__Host-sessionid=visit2y0mfhbjcb8tlekla408532rt3d"]);
    assert_eq!(opened.header("vary"), "Accept-Language, Cookie");
    assert!(opened.header("cache-control").contains("no-store"));

    let form = "/accounts/password/reset/MTA/set-password/";
    let visit = "; __Host-sessionid=visit2y0mfhbjcb8tlekla408532rt3d";
    let cookie = [("cookie", &visit[2..])];
    let page = site.send("GET", form, &cookie, "").await;
    page.says(200, "<title>Set a new password | Zulip</title>");
    page.says(200, "value=\"Hamlet@zulip.com\"");
    assert_eq!(page.cookies().len(), 1, "the cookie of the visit stays");

    let long = "q".repeat(101);
    for (one, other, texts) in [
        ("", "", &["This field is required."][..]),
        (&*long, &*long, &["Ensure this value has at most 100 characters (it has 101)."]),
        ("one", "other", &["The two password fields didn’t match."]),
        ("weak", "weak", &["The password is too weak."]),
        ("weak", "other", &["The password is too weak."]),
    ] {
        let answer = site.submit(form, visit, &format!("new_password1={one}&new_password2={other}")).await;
        assert!(
            !answer.body().contains("too weak") || !answer.body().contains("didn’t match"),
            "{one} {other}"
        );
        for text in texts {
            answer.says(200, text);
        }
    }
    let set = site.submit(form, visit, "new_password1=a-better-one&new_password2=a-better-one").await;
    set.leads_to("/accounts/password/done/");
    let ActionKind::ResetPassword { token, .. } = site.services.actions().pop().unwrap().kind else {
        panic!()
    };
    assert_eq!(token.expose(), "visit2y0mfhbjcb8tlekla408532rt3d");
    site.get("/accounts/password/done/").await.says(200, "<title>Password set | Zulip</title>");
}

#[tokio::test]
async fn a_link_that_is_not_good_or_not_its_owners_says_so() {
    let site = Site::new(&[], false);
    for path in
        ["MTA/bad-token/", "MTE/good-token/", "!!!/good-token/", "MTA/set-password/", "%2e%2e/good-token/"]
    {
        let answer = site.get(&format!("/accounts/password/reset/{path}")).await;
        answer.says(200, "Sorry, the link you provided is invalid or has already been used.");
        answer.says(200, "<title>Set a new password | Zulip</title>");
        assert_eq!(answer.cookies().len(), 0, "{path}");
        assert!(answer.header("cache-control").contains("no-store"));
    }
    let visit = [("cookie", "__Host-sessionid=visit2y0mfhbjcb8tlekla408532rt3d")];
    let answer = site.send("GET", "/accounts/password/reset/MTE/set-password/", &visit, "").await;
    answer.says(200, "Sorry, the link you provided is invalid or has already been used.");
}
