//! A server, a proxy that asks it, an application behind the proxy, and what clients send.

use std::net::SocketAddr;
use std::process::Command;

use auth_conformance::forward_proxy::{Application, ForwardProxy, ProxyKind};
use auth_conformance::http::{Request, Response};
use auth_conformance::{Server, ServerConfig, server_binary};
use serde_json::json;

/// The host of the application.
pub(crate) const HOST: &str = "wiki.example.org";

/// The host of the pages.
pub(crate) const PAGES: &str = "auth.example.org";

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The address of clients. The proxies are at 127.0.0.1 and 127.0.0.2, which alone are trusted.
pub(crate) const CLIENT: &str = "127.0.0.66";

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","name":"Main"}
{"kind":"user","realm":"main","username":"ada","email":"ada@example.org","email_verified":true,"full_name":"Ada Lovelace","role":"admin","password":"correct horse battery"}
{"kind":"user","realm":"main","username":"bea","email":"bea@example.org","full_name":"Béa","password":"correct horse battery"}
{"kind":"user","realm":"main","username":"eve","email":"eve@example.org","full_name":"Eve","password":"correct horse battery"}
"#;

/// The headers that tell who is there, in lower case.
pub(crate) const IDENTITY: [&str; 5] =
    ["remote-user", "remote-email", "remote-name", "remote-groups", "remote-subject"];

/// A server, a proxy and an application.
pub(crate) struct Site {
    pub(crate) kind: ProxyKind,
    pub(crate) server: Server,
    pub(crate) proxy: ForwardProxy,
    pub(crate) application: Application,
}

impl Site {
    /// A site whose proxy names clients in X-Forwarded-For.
    pub(crate) fn start(kind: ProxyKind) -> Self {
        Self::naming_clients_in("X-Forwarded-For", kind)
    }

    /// A site whose proxy names clients in a header.
    pub(crate) fn naming_clients_in(header: &str, kind: ProxyKind) -> Self {
        let config = ServerConfig::for_tests()
            .set("server.trusted_proxies", vec!["127.0.0.1", "127.0.0.2"])
            .set("server.client_header", header)
            .set("admin.socket", "@DIR@/admin.sock")
            .set("zettelstore.login_delay", "0s")
            .set("web.url", format!("https://{PAGES}"))
            .set("forward.hosts", vec![HOST])
            .set("forward.dialect", kind.dialect())
            .set("forward.passwords", true)
            .set("forward.cookie_domain", "example.org")
            .set(
                "forward.rules",
                json!([{"host": HOST, "path": "/admin", "roles": ["admin"], "groups": ["staff"]}]),
            );
        let mut server = Server::prepare(&server_binary().unwrap(), &config).unwrap();
        server.import(USERS).unwrap();
        server.serve().unwrap();
        for arguments in
            [&["group", "add", "staff", "--realm", "main"][..], &["group", "join", "ada", "--group", "staff"]]
        {
            server.run(&[arguments, &["--config", "@CONFIG@"]].concat(), "").unwrap();
        }
        let application = Application::start().unwrap();
        let proxy = ForwardProxy::start(kind, &server, application.address()).unwrap();
        Self { kind, server, proxy, application }
    }

    /// Runs a command on the running server.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        self.server.run(&[arguments, &["--config", "@CONFIG@"]].concat(), "").unwrap()
    }

    /// Sends a request to the server itself.
    pub(crate) fn server(&self, request: &Request) -> Response {
        self.server.send(request).unwrap()
    }

    /// Asks the application for a path, through the proxy.
    pub(crate) fn get(&self, path: &str, headers: &[&str]) -> Response {
        self.ask(self.proxy.address(), &["--request", "GET"], path, headers)
    }

    /// Sends a request by curl to a proxy.
    pub(crate) fn ask(&self, proxy: SocketAddr, options: &[&str], path: &str, headers: &[&str]) -> Response {
        let mut curl = Command::new("curl");
        curl.args(["-q", "-sS", "-i", "--http1.1", "--path-as-is", "--max-time", "20", "--noproxy", "*"]);
        curl.args(["--interface", CLIENT, "-H", "Accept:"]);
        // curl sends the first.
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            curl.args(["-H", &format!("Host: {HOST}")]);
        }
        for header in headers {
            curl.args(["-H", header]);
        }
        let output = curl.args(options).arg(format!("http://{proxy}{path}")).output();
        let output = output.expect("curl is needed: cargo xtask test installs it");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} {path}: {error}{}", self.kind, self.proxy.log());
        Response::parse(&output.stdout)
    }

    /// Checks that a request reaches the application, and returns what that is sent.
    pub(crate) fn reached(&self, response: &Response) -> Head {
        assert_eq!(response.status, 200, "{:?}: {}{}", self.kind, response.text(), self.proxy.log());
        Head(response.text())
    }

    /// Checks that a request gets this status and does not reach the application.
    pub(crate) fn refused(&self, expected: u16, what: &str, ask: impl FnOnce() -> Response) -> Response {
        let before = self.application.count();
        let response = ask();
        let text = response.text();
        assert_eq!(response.status, expected, "{:?}, {what}: {text}{}", self.kind, self.proxy.log());
        assert_eq!(self.application.count(), before, "{:?}, {what}: the application was reached", self.kind);
        response
    }
}

/// The head of a request as the application got it, and its body.
#[derive(Debug)]
pub(crate) struct Head(pub(crate) String);

impl Head {
    /// The values of a header, by its name in lower case, to the letter.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let lines = self.0.lines().skip(1).take_while(|line| !line.is_empty());
        let headers = lines.filter_map(|line| line.split_once(':'));
        headers.filter(|(known, _)| known.to_lowercase() == name).map(|(_, value)| value.trim()).collect()
    }

    /// Checks who is there, and that nothing else says so and no credential is left.
    pub(crate) fn is_of(&self, user: &str, kind: ProxyKind) {
        assert_eq!(self.values("remote-user"), [user], "{kind:?}: {}", self.0);
        for name in IDENTITY {
            assert!(self.values(name).len() <= 1, "{kind:?}: {}", self.0);
            assert!(self.values(&name.replace('-', "_")).is_empty(), "{kind:?}: {}", self.0);
        }
        for name in ["authorization", "x-auth-token", "x-user-id"] {
            let sent = self.values(name);
            assert!(sent.iter().all(|value| value.is_empty()), "{kind:?}: {}", self.0);
        }
        assert!(!self.0.contains("__Secure-auth-forward"), "{kind:?}: {}", self.0);
    }
}

/// Basic authentication as a header.
pub(crate) fn basic(name: &str, secret: &str) -> String {
    let request = Request::new("GET", "/").basic(name, secret);
    format!("Authorization: {}", request.header_value("authorization").unwrap())
}

/// What a hidden field of a page holds.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// The first pair of a cookie that an answer sets.
pub(crate) fn cookie(response: &Response, name: &str) -> String {
    let set = response.set_cookies.iter().find(|set| set.starts_with(&format!("{name}=")));
    set.unwrap_or_else(|| panic!("{response:?}")).split(';').next().unwrap().to_owned()
}

impl Site {
    /// A page of the server, as a browser asks for it.
    pub(crate) fn page(&self, path: &str, cookies: &str) -> Response {
        self.server(&Request::new("GET", path).header("Host", PAGES).header("Cookie", cookies))
    }

    /// Signs in at the pages and goes on to `next`; returns the cookie of the session.
    pub(crate) fn sign_in(&self, name: &str, path: &str) -> (String, Response) {
        let page = self.page(path, "");
        let form = hidden(&page.text(), "form");
        let body = format!("name={name}&password=correct+horse+battery&form={form}");
        let request = Request::new("POST", "/sign-in")
            .header("Host", PAGES)
            .header("Origin", &format!("https://{PAGES}"))
            .header("Cookie", &cookie(&page, "__Host-auth-pre"))
            .form(&body);
        let answer = self.server(&request);
        assert_eq!(answer.status, 303, "{}", answer.text());
        (cookie(&answer, "__Host-auth-session"), answer)
    }
}
