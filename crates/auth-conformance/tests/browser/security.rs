//! What pages of other sites can't do, and what a session can't do after a while.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use auth_conformance::browser::Browser;
use auth_conformance::pages::{PASSWORD, sign_in, site};

use crate::fixtures::{BOTH, Earlier, Site, with_and_without_scripts};

/// Another site, with one page, at two addresses: `127.0.0.1` is another site than `localhost`, and another port of
/// `localhost` is another origin of the same site.
struct OtherSite {
    port: u16,
    page: Arc<Mutex<String>>,
}

impl OtherSite {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, page) = (listener.local_addr().unwrap().port(), Arc::<Mutex<String>>::default());
        let shown = Arc::clone(&page);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let page = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A browser that opens a connection in advance asks for nothing.
                thread::spawn(move || answer(&client, &page).ok());
            }
        });
        Self { port, page }
    }

    fn show(&self, page: String) {
        *self.page.lock().unwrap() = page;
    }

    fn addresses(&self) -> [String; 2] {
        ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{}/", self.port))
    }
}

fn answer(mut client: &TcpStream, page: &str) -> std::io::Result<()> {
    for line in BufReader::new(client).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let length = page.len();
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{page}"
    )
}

#[test]
fn form_of_another_origin_is_refused_even_with_a_form_text_of_the_victim() {
    let other = OtherSite::start();
    with_and_without_scripts(|pages, window, name| {
        sign_in(window, name, PASSWORD).unwrap();
        window.go("/account/sessions").unwrap();
        let form = window.value("form[action='/account/sessions/end-others'] input[name=form]").unwrap();
        let action = format!("{}/account/sessions/end-others", site(&pages.server));
        other.show(format!(
            "<!DOCTYPE html><form method=post action='{action}'><input name=form value='{form}'><button>Win</button></form>"
        ));
        for address in other.addresses() {
            window.go(&address).unwrap();
            let refused = window.press("Win").unwrap();
            assert_eq!(
                (refused.status, refused.heading.as_str()),
                (403, "This form comes from another site")
            );
        }
        // The same form from its own page is taken.
        window.go("/account/sessions").unwrap();
        assert_eq!(window.press("End all others").unwrap().notice, "All other sessions have ended.");
    });
}

#[test]
fn sign_in_from_another_origin_is_refused() {
    let other = OtherSite::start();
    with_and_without_scripts(|pages, window, name| {
        window.go("/sign-in").unwrap();
        let form = window.value("input[name=form]").unwrap();
        let action = format!("{}/sign-in", site(&pages.server));
        other.show(format!(
            "<!DOCTYPE html><form method=post action='{action}'><input name=form value='{form}'>\
             <input name=name value={name}><input name=password value='{PASSWORD}'><button>Win</button></form>"
        ));
        for address in other.addresses() {
            window.go(&address).unwrap();
            assert_eq!(window.press("Win").unwrap().status, 403);
            assert_eq!(window.go("/account").unwrap().path, "/sign-in");
        }
    });
}

#[test]
fn page_is_shown_in_no_frame_of_another_origin() {
    let (site, other) = (Site::start(), OtherSite::start());
    let base = auth_conformance::pages::site(&site.server);
    for (name, scripts) in BOTH {
        let window = site.window(scripts);
        sign_in(&window, name, PASSWORD).unwrap();
        for path in ["/", "/account", "/sign-in", "/account/nothing"] {
            other.show(format!("<!DOCTYPE html><iframe src='{base}{path}'></iframe>"));
            for address in other.addresses() {
                window.go(&address).unwrap();
                assert_eq!(window.frames().unwrap(), ["chrome-error://chromewebdata/"], "{path}");
            }
        }
    }
}

#[test]
fn what_adds_a_way_in_asks_again_after_a_quarter_of_an_hour() {
    let browser = Browser::start().unwrap();
    let earlier = Earlier::begin(&browser, "-20m", |window, name| {
        assert_eq!(sign_in(window, name, PASSWORD).unwrap().path, "/account");
    });
    for (window, _) in earlier.windows {
        let cookies = window.cookies().unwrap();
        let asked = window.go("/account/app-passwords").unwrap();
        assert!(!asked.text.contains("Make app password"), "{asked:?}");
        window.go("/account/two-step").unwrap();
        let asked = window.press("Set up an authenticator app").unwrap();
        assert_eq!(
            (asked.path.as_str(), asked.heading.as_str()),
            ("/account/confirm", "Confirm that it’s you")
        );
        window.fill("Password", "wrong").unwrap();
        assert_eq!(window.press("Continue").unwrap().status, 403);
        window.fill("Password", PASSWORD).unwrap();
        assert_eq!(window.press("Continue").unwrap().path, "/account/two-step");
        assert_ne!(window.cookies().unwrap(), cookies, "a session that rises in authority is a new one");
        let shown = window.press("Set up an authenticator app").unwrap();
        assert_eq!((shown.status, shown.heading.as_str()), (200, "Set up an authenticator app"), "{shown:?}");
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new());
    }
}
