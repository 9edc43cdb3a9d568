//! Languages, and names that are made to break pages.

use auth_core::testing::{ActionResult, UserBuilder};
use auth_core::{ClientKey, Origin, OwnCredential};

use crate::browser::{Browser, tags};
use crate::fixtures::{PASSWORD, Person, act, credentials, realm, services};

/// The pages that somebody who is signed in can open.
const PAGES: [&str; 9] = [
    "/",
    "/account",
    "/account/details",
    "/account/password",
    "/account/two-step",
    "/account/app-passwords",
    "/account/sessions",
    "/account/zulip",
    "/account/confirm",
];

/// Names that are made to break pages. All are escaped, and change the direction of no other text.
fn hostile_names() -> Vec<String> {
    [
        "<script>alert(1)</script>",
        "</title><svg onload=alert(1)>",
        "\" onfocus=\"alert(1)\" autofocus=\"",
        "' style='position:fixed",
        "{{ t.code }}{% raw %}",
        "&lt;b&gt;&amp;",
        "javascript:alert(1)",
        "\u{202e}nimda",
        "אבג",
        "{}",
        "\0\r\n\t",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!("{}<b", "x".repeat(500))])
    .collect()
}

/// Demands that a page has the elements of templates alone.
fn has_no_other_elements(html: &str, name: &str) {
    const KNOWN: &str = " html head meta title link body a header div img span bdi form input button nav ul ol li main section \
                         h1 h2 h3 p dl dt dd code pre strong svg rect path label fieldset legend select option table thead \
                         tbody tr th td time footer !doctype ";
    for tag in tags(html) {
        let element =
            tag.trim_start_matches(['<', '/']).split([' ', '>', '/', '\n']).next().unwrap_or_default();
        assert!(KNOWN.contains(&format!(" {} ", element.to_ascii_lowercase())), "{tag} by {name:?}");
    }
}

#[tokio::test]
async fn hostile_names_break_no_page() {
    for name in hostile_names() {
        let user =
            UserBuilder::new(&name).realm(realm().id).full_name(&name).email(&format!("{name}@example.org"));
        for person in [Person::new(user.clone()), Person::new(user.clone()).with_totp().stale()] {
            let (listed, owner) = (name.clone(), person.clone());
            let services = services(person).on_action(move |action| match act(&owner, action) {
                Ok(ActionResult::OwnCredentials(list)) => {
                    let hostile = |credential: OwnCredential| OwnCredential {
                        name: Some(listed.clone()),
                        origin: Some(Origin {
                            client: ClientKey::default(),
                            agent: Some(listed.as_str().into()),
                        }),
                        ..credential
                    };
                    Ok(ActionResult::OwnCredentials(list.into_iter().map(hostile).collect()))
                }
                other => other,
            });
            let mut browser = Browser::signed_in(services);
            for page in PAGES {
                // The browser holds every page against the rules of markup.
                let page = browser.get(page).await;
                has_no_other_elements(&page.body, &name);
            }
        }
        let typed = [("name", &*name), ("password", "wrong")];
        let page = Browser::at(services(Person::new(user))).fill("/sign-in", "/sign-in", &typed).await;
        has_no_other_elements(&page.body, &name);
    }
}

#[tokio::test]
async fn pages_speak_the_language_that_is_asked_for() {
    for (asked, code, text) in [
        ("de-DE,de;q=0.9,en;q=0.8", "de", "Benutzername"),
        ("en-GB", "en", "User name or e-mail address"),
        ("fr", "en", "User name or e-mail address"),
    ] {
        let services = services(Person::new(crate::fixtures::iago()));
        let page = Browser::at(services).header("accept-language", asked).get("/sign-in").await;
        page.says(200, &format!("<html lang=\"{code}\">"));
        page.says(200, text);
    }
}

#[tokio::test]
async fn every_page_is_whole_in_german() {
    let english = ["Sign ", "Your ", "Password", "Change", " the ", " your ", "Enter "];
    let mut browser = Browser::signed_in(services(Person::new(crate::fixtures::iago()).with_totp()))
        .header("accept-language", "de");
    let mut pages = Vec::new();
    for path in PAGES {
        pages.push(browser.get(path).await);
    }
    let fields = [("password", "wrong"), ("new", "weak")];
    pages.push(browser.fill("/account/password", "/account/password", &fields).await);
    pages.push(browser.fill("/account/two-step", "/account/two-step/codes", &[("code", "0")]).await);
    pages.push(browser.get("/nothing").await);
    browser.cookies.clear();
    pages.push(browser.get("/reset-password").await);
    pages.push(browser.get("/reset-password/used").await);
    pages.push(browser.get("/reset-password/good-link").await);
    pages.push(browser.get("/verify-email/a.b").await);
    pages.push(browser.get("/verify-email/good-link").await);
    pages.push(browser.fill("/sign-in", "/sign-in", &[("name", "iago"), ("password", PASSWORD)]).await);
    assert_eq!(credentials().len(), 7);
    for page in pages.iter().filter(|page| page.status != 303) {
        page.says(page.status, "<html lang=\"de\">");
        let shown: String = page.body.split('>').filter_map(|part| part.split('<').next()).collect();
        // What the operator wrote is in the operator's language.
        let shown = shown.replace("Run by the chess club", "").replace("Mail on my phone", "");
        for word in english {
            assert!(!shown.contains(word), "{word} in {shown}");
        }
    }
}
