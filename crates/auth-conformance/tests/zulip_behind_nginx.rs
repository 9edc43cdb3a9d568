//! The configurations that docs/zulip.md shows, of nginx and of the server, run as they stand: but for the address that nginx
//! listens on, its certificate, and the ports of the servers behind it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use auth_conformance::certificates::write_certificates;
use auth_conformance::http::Response;
use auth_conformance::oracle::web_auth;
use auth_conformance::proxy::FRAME;
use auth_conformance::{Server, ServerConfig, server_binary};
use serde_json::Value;

const MANUAL: &str = include_str!("../../../docs/zulip.md");
const URL: &str = "https://zulip.example.org";
const PAD: &str = "1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd";
const SSO: &str = "/accounts/login/sso/";

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","name":"Main"}
{"kind":"user","realm":"main","id":1,"username":"ada","email":"ada@example.org","email_verified":true,"full_name":"Ada","password":"correct horse battery"}
{"kind":"user","realm":"main","id":2,"username":"bea","email":"bea@example.org","email_verified":true,"full_name":"Bea","password":"correct horse battery"}
"#;

/// The manual's blocks in a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = MANUAL.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() == format!("```{language}") {
            let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
            blocks.push(block.map(|line| format!("{line}\n")).collect());
        }
    }
    blocks
}

/// Replaces what must be there.
fn replaced(text: &str, what: &str, by: &str) -> String {
    assert!(text.contains(what), "no {what:?} in {text}");
    text.replace(what, by)
}

/// The server's configuration of the manual: how the pages are switched on, and a proxy that vouches.
fn server_config() -> ServerConfig {
    let blocks = blocks("toml");
    let [on, vouching, _tokens] = &blocks[..] else { panic!("{blocks:?}") };
    let config = replaced(&format!("{on}{vouching}"), "127.0.0.1:8080", "127.0.0.1:@PORT@");
    let config = replaced(&config, "127.0.0.1:25", "@MAIL@");
    ServerConfig::parse(&config)
        .unwrap()
        .set("store.url", "sqlite:@DIR@/auth.db")
        .set("keys.file", "@DIR@/keys.toml")
        .set("passwords.memory_kib", 64)
}

/// A server of the test's own: `answer` gives the headers and the body for the head of a request.
fn stand_in(answer: impl Fn(&str) -> (String, String) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let lines = BufReader::new(&client).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let (headers, body) = answer(&head.join("\n"));
            let length = body.len();
            // A client that goes away gets no answer.
            let _gone = write!(
                &client,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            );
        }
    });
    address
}

/// The manual's nginx before a server.
struct Site(Server);

/// How the manual's parts are put together.
#[derive(Clone, Copy)]
enum Nginx {
    InPlaceOfZulip,
    /// The address is that of Zulip.
    BeforeZulip(SocketAddr),
    /// The address is that of what knows who is there.
    Vouching(SocketAddr),
}

impl Site {
    fn start(nginx: Nginx) -> Self {
        let mut server = Server::start(&server_binary().unwrap(), &server_config(), USERS).unwrap();
        write_certificates(server.dir()).unwrap();
        let blocks = blocks("nginx");
        let [in_place, before, vouching] = &blocks[..] else { panic!("{blocks:?}") };
        let text = match nginx {
            Nginx::InPlaceOfZulip => in_place.clone(),
            Nginx::BeforeZulip(zulip) => replaced(before, "127.0.0.1:8081", &zulip.to_string()),
            Nginx::Vouching(knower) => {
                let vouching = replaced(vouching, "127.0.0.1:8082", &knower.to_string());
                let (rest, _) = in_place.rsplit_once('}').unwrap();
                format!("{rest}{vouching}}}\n")
            }
        };
        let text = replaced(&text, "listen 443 ssl;", "listen @LISTEN@ ssl;");
        let text = replaced(&text, "127.0.0.1:8080", "@SERVER@");
        let text = replaced(&text, "/etc/ssl/zulip.pem", "@DIR@/server.pem");
        let text = replaced(&text, "/etc/ssl/zulip.key", "@DIR@/server.key");
        server.start_proxy(&format!("{FRAME}{text}}}\n")).unwrap();
        Self(server)
    }

    /// A client with cookies of its own.
    fn client(&self, name: &str) -> Client<'_> {
        Client { site: self, cookies: self.0.dir().join(name) }
    }

    fn stop(mut self) {
        self.0.stop().unwrap();
    }
}

/// A browser, or a program.
struct Client<'a> {
    site: &'a Site,
    cookies: PathBuf,
}

impl Client<'_> {
    /// Asks for a path, or sends a form as a page of the site does, with further headers.
    fn ask(&self, path: &str, form: Option<&str>, headers: &[&str]) -> Response {
        let proxy = self.site.0.proxy_address().unwrap();
        let mut curl = Command::new("curl");
        curl.args([
            "-q",
            "-sS",
            "-i",
            "--http1.1",
            "--insecure",
            "--path-as-is",
            "--max-time",
            "20",
            "--noproxy",
            "*",
        ]);
        curl.args(["--connect-to", &format!("::{proxy}")]);
        curl.arg("-b").arg(&self.cookies).arg("-c").arg(&self.cookies);
        for header in headers {
            curl.args(["-H", header]);
        }
        if let Some(form) = form {
            curl.args(["-H", &format!("Origin: {URL}"), "--data-raw", form]);
        }
        let output = curl.arg(format!("{URL}{path}")).output();
        let output = output.expect("curl is needed: cargo xtask test installs it");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        Response::parse(&output.stdout)
    }

    fn get(&self, path: &str) -> Response {
        self.ask(path, None, &[])
    }

    fn json(&self, path: &str) -> Value {
        let response = self.get(path);
        response.json().unwrap_or_else(|| panic!("{path}: {}", response.text()))
    }

    /// Signs in by the form of the log-in page, and returns where that leads.
    fn log_in(&self) -> String {
        let page = self.get("/login/").text();
        assert!(page.contains("<h1>Log in to Zulip</h1>"), "{page}");
        let token = hidden(&page, "csrfmiddlewaretoken");
        let form = format!(
            "username=ada%40example.org&password=correct+horse+battery&next=%2F%3Fx&csrfmiddlewaretoken={token}"
        );
        let answer = self.ask("/accounts/login/", Some(&form), &[]);
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.header("location").unwrap().to_owned()
    }

    /// Leads an app to its key from the page that names the account.
    fn continue_to_app(&self, way: &str) {
        let path = format!("{way}?mobile_flow_otp={PAD}");
        let page = self.get(&path).text();
        let (token, sealed) = (hidden(&page, "csrfmiddlewaretoken"), hidden(&page, "continue"));
        let form = format!("mobile_flow_otp={PAD}&csrfmiddlewaretoken={token}&continue={sealed}");
        let answer = self.ask(way, Some(&form), &[]);
        let address = answer.header("location").unwrap_or_else(|| panic!("{}", answer.text()));
        let found = web_auth::flutter(address, URL).unwrap_or_else(|| panic!("{address}"));
        let key = found.api_key(PAD).unwrap();
        let form = format!("username={}&password=correct+horse+battery", found.email.replace('@', "%40"));
        let program = self.site.client("program").ask("/api/v1/fetch_api_key", Some(&form), &[]);
        assert_eq!(program.json().unwrap_or_else(|| panic!("{}", program.text()))["api_key"], key);
    }
}

/// What a hidden field of a page holds.
fn hidden<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap()
}

/// The files beside a page, by the attributes that name them.
fn files(page: &str) -> Vec<&str> {
    let named = ["href=\"/", "src=\"/"].into_iter().flat_map(|attribute| {
        page.match_indices(attribute).map(move |(at, _)| &page[at + attribute.len() - 1..])
    });
    let paths = named.map(|rest| rest.split('"').next().unwrap());
    paths.filter(|path| path.contains('.')).collect()
}

/// Shows that settings, the form and the flow of mobile apps work.
fn works(site: &Site) {
    let browser = site.client("browser");
    let settings = browser.json("/api/v1/server_settings");
    assert_eq!((&settings["realm_uri"], &settings["realm_name"]), (&URL.into(), &"Main".into()));
    let methods = settings["external_authentication_methods"].as_array().unwrap();
    let urls: Vec<_> = methods.iter().map(|method| method["login_url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["/accounts/login/start/sso/", "/accounts/login/start/web/"]);
    assert_eq!(methods[1]["display_name"], "Password and code");

    assert_eq!(browser.log_in(), "/?x");
    let page = browser.get(&format!("{}?mobile_flow_otp={PAD}", urls[1]));
    for file in files(&page.text()) {
        let answer = browser.get(file);
        assert_eq!(answer.status, 200, "{file}");
        let kept = answer.header("cache-control");
        assert_eq!(kept, Some("public, max-age=31536000, immutable"), "{file}: a file of the server");
    }
    assert_eq!(files(&page.text()).len(), 3, "the style sheet, and the picture twice: {}", page.text());
    browser.continue_to_app(urls[1]);
    assert_eq!(browser.get("/accounts/password/reset/").status, 200);
}

/// Shows that a client which names somebody itself gets nothing.
fn believes_no_client(site: &Site) {
    let liar = site.client("liar");
    for header in ["X-Remote-User: ada", "x-remote-user: ada", "X_Remote_User: ada"] {
        let spellings = [SSO, "/accounts/login/%73so/", "//accounts/login/sso/", "/x/../accounts/login/sso/"];
        for path in spellings {
            let answer = liar.ask(path, None, &[header]);
            // Dots in a path are answered with the path without them.
            let leads_on = answer.header("location").is_some_and(|location| location != SSO);
            let is_nothing = answer.status != 200 && !leads_on && answer.set_cookies.is_empty();
            assert!(is_nothing, "{header} {path}: {answer:?}");
        }
        let answer = liar.ask(&format!("{SSO}?mobile_flow_otp={PAD}"), None, &[header]);
        assert_eq!((answer.status, answer.header("location")), (500, None), "{header}");
    }
}

#[test]
fn in_place_of_a_zulip_everything_is_this_servers() {
    let site = Site::start(Nginx::InPlaceOfZulip);
    works(&site);
    believes_no_client(&site);
    site.stop();
}

#[test]
fn before_a_zulip_its_own_paths_stay_with_it() {
    let zulip = stand_in(|head| {
        assert!(!head.to_lowercase().contains("remote-user"), "{head}");
        (String::new(), format!("the chat at {head}"))
    });
    let site = Site::start(Nginx::BeforeZulip(zulip));
    works(&site);
    believes_no_client(&site);
    let browser = site.client("browser");
    for path in [
        "/",
        "/json/register",
        "/json/users/me",
        "/api/v1/messages",
        "/static/style-0.css.map",
        "/accounts/x",
    ] {
        let text = browser.ask(path, None, &["X-Remote-User: ada"]).text();
        assert!(text.starts_with(&format!("the chat at GET {path} ")), "{text}");
        assert!(
            text.contains("Host: zulip.example.org") && text.contains("X-Forwarded-Proto: https"),
            "{text}"
        );
    }
    site.stop();
}

#[test]
fn whom_the_proxy_knows_is_signed_in_whatever_the_client_says() {
    let knower = stand_in(|head| {
        let known = head.lines().find_map(|line| line.strip_prefix("X-Badge: "));
        (known.map(|name| format!("X-Auth-User: {name}\r\n")).unwrap_or_default(), String::new())
    });
    let site = Site::start(Nginx::Vouching(knower));
    works(&site);
    believes_no_client(&site);
    let known = ["X-Badge: bea", "X-Remote-User: ada"];

    let browser = site.client("known");
    let answer = browser.ask(&format!("{SSO}?next=%2Fx"), None, &known);
    assert_eq!((answer.status, answer.header("location")), (302, Some("https://zulip.example.org/x")));
    assert_eq!(browser.json("/json/users/me")["email"], "bea@example.org");
    let start = browser.ask(&format!("{SSO}?mobile_flow_otp={PAD}"), None, &known);
    let way = "/accounts/login/start/web/";
    assert_eq!(start.header("location"), Some(format!("{way}?mobile_flow_otp={PAD}").as_str()));
    browser.continue_to_app(way);

    let page = site.client("desktop").ask(&format!("{SSO}?desktop_flow_otp={PAD}"), None, &known).text();
    assert!(page.contains("<h1>Copy this into the desktop app</h1>"), "{page}");
    assert_eq!(site.client("nobody").get("/whoami").status, 404, "nobody asks the knower but nginx");
    site.stop();
}
