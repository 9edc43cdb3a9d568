//! One server of the recording: its accounts, the values that carry over, and what people do there.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail};
use regex::Regex;
use serde_json::Value;

use super::accounts::{Account, Accounts};
use super::rules::Rules;
use crate::carried::{Carried, session_id};
use crate::html::Page;
use crate::http::{Request, Response};
use crate::options::Options;
use crate::oracle::desktop;
use crate::server::Server;
use crate::setup::Setup;

/// The pad of the steps that need one.
const PAD: &str = "1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd";

/// A server of the recording.
pub(crate) struct Front<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) server: Server,
    pub(crate) accounts: Accounts,
    pub(crate) carried: Carried,
    /// The number of the account that is signed in with a recorded session id.
    pub(crate) browsers: HashMap<String, u64>,
    /// Recorded session ids whose sessions have ended here, but not in the recording.
    pub(crate) stale: HashSet<String>,
    /// The host of the realm without a subdomain, and the scheme of the server's URLs.
    pub(crate) host: String,
    pub(crate) scheme: String,
    /// The header in which the front names the user, and the domain that the server appends.
    remote_user: Option<(String, Option<String>)>,
}

impl<'a> Front<'a> {
    /// Starts the server of a setup.
    pub(crate) fn start(options: &Options, setup: &Setup, rules: &'a Rules) -> Result<Self> {
        let (config, users) = (options.configuration(setup)?, options.users(setup, "zulip-web-live")?);
        let mut server = Server::start(&options.binary, &config, &users)?;
        if let Some(name) = &setup.proxy {
            server.start_proxy(&options.read(&format!("setups/{name}"))?)?;
        }
        let config: Value = toml::from_str(&config)?;
        let text = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let header = text("/zulip/remote_user/header");
        Ok(Self {
            rules,
            server,
            accounts: Accounts::of_import(&users),
            carried: Carried::default(),
            browsers: HashMap::new(),
            stale: HashSet::new(),
            host: text("/zulip/external_host").unwrap_or_default(),
            scheme: text("/zulip/url_scheme").unwrap_or_default(),
            remote_user: header.map(|header| (header, text("/zulip/remote_user/append_domain"))),
        })
    }

    /// The subdomain that a request's host names.
    pub(crate) fn subdomain<'h>(&self, host: &'h str) -> &'h str {
        host.strip_suffix(&self.host).map_or("", |rest| rest.trim_end_matches('.'))
    }

    /// A request to the host of an account's realm.
    fn request(&self, account: &Account, method: &str, path: &str) -> Request {
        let host = match account.subdomain.as_str() {
            "" => self.host.clone(),
            subdomain => format!("{subdomain}.{}", self.host),
        };
        let request = Request::new(method, path).header("Host", &host);
        request
            .header("X-Forwarded-Proto", &self.scheme)
            .header("Referer", &format!("{}://{host}/", self.scheme))
    }

    /// Opens a page and sends its form, in a browser without cookies.
    pub(crate) fn submit(&self, account: &Account, page: &str, fields: &[(&str, &str)]) -> Result<Response> {
        let shown = self.server.send(&self.request(account, "GET", page))?;
        let token = Page::parse(&shown.text()).field("csrfmiddlewaretoken").map(str::to_owned);
        let token = token.with_context(|| format!("{page} has no form: {}", shown.status))?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrfmiddlewaretoken", &token).extend_pairs(fields);
        let cookies = cookies_of(&shown);
        self.server.send(&self.request(account, "POST", page).header("Cookie", &cookies).form(&form.finish()))
    }

    /// The request of a browser whose front names the user of an account; `None` where no front does.
    fn named(&self, account: &Account, path: &str) -> Option<Request> {
        let (header, domain) = self.remote_user.as_ref()?;
        let name = match domain {
            Some(domain) => account.email.strip_suffix(domain).and_then(|name| name.strip_suffix('@'))?,
            None => account.email.as_str(),
        };
        Some(self.request(account, "GET", path).header(header, name))
    }

    /// Signs an account in, in a browser of its own, and returns the id of the session.
    ///
    /// # Errors
    /// When neither the front nor the password gets it in.
    pub(crate) fn sign_in(&self, account: &Account) -> Result<String> {
        let mut answers = Vec::new();
        if let Some(request) = self.named(account, "/accounts/login/sso/") {
            answers.push(self.server.send(&request)?);
        }
        if let Some(password) = &account.password
            && answers.iter().all(|response| response.status != 302)
        {
            let fields = [("username", account.email.as_str()), ("password", password)];
            answers.push(self.submit(account, "/accounts/login/", &fields)?);
        }
        let found = answers
            .iter()
            .filter(|response| response.status == 302)
            .find_map(|response| session_id(response.set_cookies.iter().map(String::as_str)));
        let statuses: Vec<u16> = answers.iter().map(|response| response.status).collect();
        found.with_context(|| format!("{} does not get in: {statuses:?}", account.email))
    }

    /// Has the link to a new password mailed, and returns its path. An account that is deactivated gets its link before that.
    pub(crate) fn mail_link(&mut self, account: &Account) -> Result<String> {
        // The limits on such mails are not what is looked at here.
        self.server.restart()?;
        if !account.is_active {
            self.run("activate", account, "")?;
        }
        let before = self.server.mail_count();
        let response = self.submit(account, "/accounts/password/reset/", &[("email", &account.email)])?;
        if response.status != 302 {
            bail!("no link is mailed: {}", response.status);
        }
        let link = Regex::new(r"/accounts/password/reset/[^/\s]+/[^/\s]+/")?;
        let is_link = |(to, text): &(String, String)| {
            to.eq_ignore_ascii_case(&account.email)
                .then(|| link.find(text).map(|found| found.as_str().to_owned()))?
        };
        let path = self.server.wait_for_mail(before, |mail| is_link(mail))?;
        if !account.is_active {
            self.run("deactivate", account, "")?;
        }
        Ok(path)
    }

    /// Opens a link to a new password, and returns the id of the session that it makes.
    pub(crate) fn open_link(&mut self, account: &Account) -> Result<String> {
        let path = self.mail_link(account)?;
        let response = self.server.send(&self.request(account, "GET", &path))?;
        session_id(response.set_cookies.iter().map(String::as_str)).context("the link makes no session")
    }

    /// Makes a token for a session of an account, as Zulip's desktop program gets one.
    pub(crate) fn desktop_token(&self, account: &Account) -> Result<String> {
        let path = format!("/accounts/login/sso/?desktop_flow_otp={PAD}");
        let response = self.server.send(&self.named(account, &path).context("no front names users")?)?;
        let data = Page::parse(&response.text()).desktop_data.context("no sealed token")?;
        desktop::open(&data, PAD).context("the sealed token does not open")
    }

    /// Logs out in the browser that has a session of an account.
    pub(crate) fn log_out(&self, account: &Account, session: &str) -> Result<()> {
        let secret = "a".repeat(32);
        let prefix = if self.scheme == "https" { "__Host-" } else { "" };
        let cookies = format!("{prefix}csrftoken={secret}; {prefix}sessionid={session}");
        let request = self.request(account, "POST", "/accounts/logout/").header("Cookie", &cookies);
        self.server.send(&request.header("X-CSRFToken", &secret)).map(drop)
    }

    /// Makes a new API key for an account that has the one of the fixture, and returns it.
    pub(crate) fn new_key(&self, account: &Account) -> Result<String> {
        let request = self.request(account, "POST", "/api/v1/users/me/api_key/regenerate");
        let response = self.server.send(&request.basic(&account.email, &account.api_key))?;
        let json = response.json().unwrap_or_default();
        json.get("api_key").and_then(Value::as_str).map(str::to_owned).context("no new key")
    }

    /// Fetches the API key of an account.
    pub(crate) fn fetch_api_key(&self, account: &Account, name: &str, password: &str) -> Result<Response> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("username", name).append_pair("password", password);
        self.server.send(&self.request(account, "POST", "/api/v1/fetch_api_key").form(&form.finish()))
    }

    /// Sets the password of an account from outside. Its sessions end.
    pub(crate) fn set_password(&mut self, account: &Account, password: &str) -> Result<()> {
        self.run("set-password", account, &format!("{password}\n"))?;
        self.accounts.set_password(account.id, password);
        let ended =
            self.browsers.iter().filter(|(_, id)| **id == account.id).map(|(cookie, _)| cookie.clone());
        self.stale.extend(ended);
        Ok(())
    }

    fn run(&self, command: &str, account: &Account, stdin: &str) -> Result<String> {
        let args = ["user", command, "--config", "@CONFIG@", "--realm", &account.realm, &account.name];
        self.server.run(&args, stdin)
    }
}

/// The `Cookie` header of a browser that got this response.
pub(crate) fn cookies_of(response: &Response) -> String {
    let pairs = response.set_cookies.iter().filter_map(|cookie| cookie.split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}
