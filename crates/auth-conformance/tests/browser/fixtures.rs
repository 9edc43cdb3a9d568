//! A server with pages, and a browser in front of it.

use auth_conformance::browser::{Browser, Scripts, Window};
use auth_conformance::http::Request;
use auth_conformance::pages::{USERS, config, site};
use auth_conformance::{Server, server_binary};

/// A person with a password alone for each kind of browser, so that neither meets what the other has changed.
pub(crate) const BOTH: [(&str, Scripts); 2] = [("ada", Scripts::On), ("bea", Scripts::Off)];

/// A server with pages, and a browser.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) browser: Browser,
}

impl Site {
    pub(crate) fn start() -> Self {
        let server = Server::start(&server_binary().unwrap(), &config(), USERS).unwrap();
        Self { server, browser: Browser::start().unwrap() }
    }

    pub(crate) fn window(&self, scripts: Scripts) -> Window<'_> {
        self.browser.open(&site(&self.server), scripts).unwrap()
    }

    /// The status of a request.
    pub(crate) fn status(&self, request: &Request) -> u16 {
        self.server.send(request).unwrap().status
    }

    /// The status of a login at Zulip, Rocket.Chat and Zettelstore.
    pub(crate) fn log_in(&self, name: &str, password: &str) -> [u16; 3] {
        let form = |key: &str, name: &str| format!("{key}={name}&password={}", password.replace(' ', "+"));
        [
            self.status(
                &Request::new("POST", "/api/v1/fetch_api_key")
                    .form(&form("username", &format!("{name}%40example.org"))),
            ),
            self.status(&Request::new("POST", "/api/v1/login").form(&form("user", name))),
            self.notes(name, password),
        ]
    }

    /// The status of a login at Zettelstore.
    pub(crate) fn notes(&self, name: &str, password: &str) -> u16 {
        self.status(&Request::new("POST", "/a").basic(name, password))
    }
}

/// Runs a test for a person in a browser with scripts and for another in one without. Neither browser may complain of a
/// page, such as of its content security policy.
pub(crate) fn with_and_without_scripts(test: impl Fn(&Site, &Window<'_>, &str)) {
    let site = Site::start();
    for (name, scripts) in BOTH {
        let window = site.window(scripts);
        test(&site, &window, name);
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new(), "{scripts:?}");
    }
}

/// A server, and windows in which something was done a while ago.
pub(crate) struct Earlier<'a> {
    pub(crate) server: Server,
    pub(crate) windows: [(Window<'a>, &'static str); 2],
}

impl<'a> Earlier<'a> {
    /// Starts a server whose clock is behind, does something for each person, and brings the clock to where it is.
    pub(crate) fn begin(browser: &'a Browser, clock: &str, act: impl Fn(&Window<'_>, &str)) -> Self {
        let mut server = Server::prepare(&server_binary().unwrap(), &config()).unwrap();
        server.import(USERS).unwrap();
        server.shift_clock(clock);
        server.serve().unwrap();
        let windows = BOTH.map(|(name, scripts)| {
            let window = browser.open(&site(&server), scripts).unwrap();
            act(&window, name);
            (window, name)
        });
        server.shift_clock("+0");
        server.restart().unwrap();
        Self { server, windows }
    }
}

/// The address of a person.
pub(crate) fn address(name: &str) -> String {
    format!("{name}@example.org")
}
