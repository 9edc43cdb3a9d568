//! What came before a transcript and is no transcript itself: logins, mailed links, tokens, attempts that count.
//!
//! A file holds a part of a recording, so any step may be missing. Each is brought about by what the transcript itself says:
//! the values that it sends, the answer that it got, and the words under `given`.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use data_encoding::BASE64;
use serde_json::Value;

use super::accounts::Account;
use super::front::Front;
use crate::carried::{reset_link, session_cookie, session_id, value_in_form};
use crate::http::{Request, Response};
use crate::recorded::Transcript;
use crate::totp::totp;

/// A password that no account of the fixture has.
const OTHER_PASSWORD: &str = "between-Pass-4713";

/// The attempts that the log-in limiter and the limiter of reset mails by client allow; and calls of the API.
const FEW: u32 = 5;
const MANY: u32 = 200;

impl Front<'_> {
    /// Brings about the state that the transcript was recorded in. `series` are the transcripts of its series, in order; they
    /// tell who is signed in where.
    pub(crate) fn prepare(&mut self, transcript: &Transcript, series: &[&Transcript]) -> Result<()> {
        // Whoever is signed in later was so from the beginning: a change of the password ends that session, too.
        for other in series {
            if let Some(cookie) = cookie(other) {
                let opened = self.open_browser(&cookie, series);
                if other.id == transcript.id {
                    opened?;
                }
            }
        }
        if let Some(cookie) = cookie(transcript) {
            self.open_earlier_page(&cookie, transcript)?;
            if transcript.response.status == 401 && ends_session(transcript) {
                self.end_session(&cookie)?;
            }
        }
        self.renew_key_for(transcript)?;
        let history = self.rules.history(&transcript.given);
        self.mail_link_for(transcript, history.is_some_and(|history| history.link))?;
        self.make_token_for(transcript, history.is_some_and(|history| history.token))?;
        if let Some(account) = self.account(transcript) {
            if history.is_some_and(|history| history.log_in) {
                self.sign_in(&account)?;
            }
            if let (true, Some(password)) =
                (history.is_some_and(|history| history.fetch_api_key), &account.password)
            {
                self.fetch_api_key(&account, &account.email, password)?;
            }
            self.set_the_right_password(
                transcript,
                &account,
                history.is_some_and(|history| history.new_password),
            )?;
        }
        if let Some(ms) = history.and_then(|history| history.wait_ms) {
            thread::sleep(Duration::from_millis(ms));
        }
        if let Some(by) = history.and_then(|history| history.clock.as_deref()) {
            self.server.shift_clock(by);
            self.server.restart()?;
        }
        self.count_attempts(transcript)
    }

    /// Undoes what concerns this transcript alone, and notes what it changed.
    pub(crate) fn finish(&mut self, transcript: &Transcript, response: &Response) -> Result<()> {
        self.carried.learn(transcript, response);
        let account = self.account(transcript);
        let form = &transcript.request.body;
        if let Some(account) = &account {
            if let Some(recorded) = session_id(transcript.response.values("set-cookie")) {
                self.browsers.insert(recorded, account.id);
            }
            let new = value_in_form(form, "new_password").or_else(|| value_in_form(form, "new_password1"));
            if let Some(password) = new.filter(|_| is_success(transcript)) {
                self.accounts.set_password(account.id, &password);
            }
        }
        if self.rules.history(&transcript.given).is_some_and(|history| history.clock.is_some()) {
            self.server.shift_clock("+0");
            self.server.restart()?;
        }
        Ok(())
    }

    /// The request of the transcript with the values of this run.
    pub(crate) fn request_of(&self, transcript: &Transcript) -> Result<Request> {
        let mut request = self.carried.apply(transcript.request.request());
        let form = &transcript.request.body;
        if let (Some(code), true) = (value_in_form(form, "token-otp_token"), is_success(transcript)) {
            let account = self.account(transcript).context("whose code is it?")?;
            let now = totp(account.totp_secret.as_deref().context("the account has no device")?, 0)?;
            request.body = String::from_utf8_lossy(&request.body).replace(&code, &now).into_bytes();
        }
        Ok(request)
    }

    /// The account that a request is about: by its form, its credentials, its browser, the link that it opens, the user whom
    /// the front names.
    pub(crate) fn account(&self, transcript: &Transcript) -> Option<Account> {
        let request = &transcript.request;
        let headers = request.request();
        let header = |name: &str| headers.header_value(name).map(str::to_owned);
        let subdomain = header("host").map(|host| self.subdomain(&host).to_owned());
        let find = |name: &str| self.accounts.find(name, subdomain.as_deref());
        let basic = header("authorization").and_then(|value| {
            let decoded = BASE64.decode(value.strip_prefix("Basic ")?.as_bytes()).ok()?;
            String::from_utf8(decoded).ok()?.split_once(':').map(|(name, _)| name.to_owned())
        });
        let named = value_in_form(&request.body, "username").or(basic);
        let account = named.as_deref().and_then(find);
        let account = account.or_else(|| self.accounts.by_id(reset_link(&request.path)?.0));
        let account = account.or_else(|| find(&header("x-test-remote-user")?));
        let account = account.or_else(|| self.accounts.by_id(*self.browsers.get(&cookie(transcript)?)?));
        account.or_else(|| find(&value_in_form(&request.body, "email")?)).cloned()
    }

    /// Whoever it was, where nothing tells.
    fn somebody(&self) -> Option<&Account> {
        self.accounts.find(&self.rules.browsers.somebody, None)
    }

    /// Signs somebody in with a session id that no transcript before made, if somebody was signed in with it.
    fn open_browser(&mut self, cookie: &str, series: &[&Transcript]) -> Result<()> {
        if self.carried.get(cookie).is_some() && !self.stale.remove(cookie) {
            return Ok(());
        }
        let Some(account) = self.user_of(cookie, series) else { return Ok(()) };
        let session = self.sign_in(&account)?;
        self.carried.set(cookie, &session);
        self.browsers.insert(cookie.to_owned(), account.id);
        Ok(())
    }

    /// The account that was signed in with a session id: by the words of a transcript that sends it, by an answer that names
    /// the account, or by the words of the series. Pages of a password to set and of a code to type are others' sessions.
    fn user_of(&self, cookie: &str, series: &[&Transcript]) -> Option<Account> {
        if let Some(id) = self.browsers.get(cookie) {
            return self.accounts.by_id(*id).cloned();
        }
        let theirs: Vec<&&Transcript> =
            series.iter().filter(|transcript| self::cookie(transcript).as_deref() == Some(cookie)).collect();
        let is_earlier_page = |transcript: &Transcript| {
            let path = &transcript.request.path;
            path.contains("/set-password/")
                || path.starts_with("/complete/")
                || path.contains("/login/subdomain/")
                || (path.ends_with("/login/")
                    && transcript.request.method == "POST"
                    && self.accounts.with_device().is_some())
        };
        let made = series.iter().position(|transcript| {
            session_id(transcript.response.values("set-cookie")).as_deref() == Some(cookie)
        });
        let used = series.iter().position(|transcript| self::cookie(transcript).as_deref() == Some(cookie));
        if made.is_some_and(|made| Some(made) < used)
            || theirs.iter().any(|transcript| is_earlier_page(transcript))
        {
            return None;
        }
        let subdomain = |transcript: &Transcript| {
            let request = transcript.request.request();
            request.header_value("host").map(|host| self.subdomain(host).to_owned())
        };
        let by_words = |transcript: &Transcript| {
            let name = self.rules.user(&transcript.given)?;
            self.accounts.find(name, subdomain(transcript).as_deref())
        };
        let by_answer = |transcript: &Transcript| {
            let json: Value = serde_json::from_str(transcript.response.body.as_deref()?).ok()?;
            self.accounts.find(
                json.get("delivery_email").or_else(|| json.get("email"))?.as_str()?,
                subdomain(transcript).as_deref(),
            )
        };
        // Whoever signs in and keeps the session was signed in already.
        let by_same_session = |transcript: &Transcript| {
            let kept = session_id(transcript.response.values("set-cookie"))? == cookie;
            let request = transcript.request.request();
            let user = request.header_value("x-test-remote-user").filter(|_| kept)?;
            self.accounts.find(user, subdomain(transcript).as_deref())
        };
        let shows_anonymous = theirs.iter().all(|transcript| transcript.response.status == 401);
        let found = theirs.iter().find_map(|transcript| by_words(transcript));
        let found = found.or_else(|| theirs.iter().find_map(|transcript| by_answer(transcript)));
        let found = found.or_else(|| theirs.iter().find_map(|transcript| by_same_session(transcript)));
        let found = found.or_else(|| {
            let first = theirs.first()?;
            if shows_anonymous && !ends_session(first) {
                return None;
            }
            let front = &first.front;
            series
                .iter()
                .filter(|transcript| transcript.front == *front)
                .find_map(|transcript| by_words(transcript))
        });
        found.or_else(|| if shows_anonymous { None } else { self.somebody() }).cloned()
    }

    /// Opens the page whose session a transcript goes on with: the one of a password to set, or of a code to type.
    fn open_earlier_page(&mut self, cookie: &str, transcript: &Transcript) -> Result<()> {
        if self.carried.get(cookie).is_some() {
            return Ok(());
        }
        let path = &transcript.request.path;
        let form = &transcript.request.body;
        let has_form = transcript.response.page.as_ref().is_some_and(|page| !page.forms.is_empty());
        let session = if let Some((id, "set-password")) = reset_link(path) {
            if !has_form && transcript.response.status != 302 {
                return Ok(());
            }
            let account = self.accounts.by_id(id).context("no such account")?.clone();
            self.open_link(&account)?
        } else if transcript.response.status == 401 && !ends_session(transcript) && path.starts_with("/json/")
        {
            // A session in which nobody is signed in.
            let account = self.somebody().context("no such account")?.clone();
            self.open_link(&account)?
        } else if self.accounts.with_device().is_some() && path.ends_with("/login/") {
            let account = self.accounts.with_device().context("nobody has a device")?.clone();
            self.browsers.insert(cookie.to_owned(), account.id);
            // The visit of the page needs no session here; the first step makes one.
            if value_in_form(form, "two_factor_login_view-current_step").as_deref() != Some("token") {
                return Ok(());
            }
            self.give_password(&account)?
        } else {
            return Ok(());
        };
        self.carried.set(cookie, &session);
        Ok(())
    }

    /// Sends the password of an account, the first of two steps, and returns the session that it makes.
    fn give_password(&self, account: &Account) -> Result<String> {
        let password = account.password.as_deref().unwrap_or_default();
        let step = ("two_factor_login_view-current_step", "auth");
        let fields = [step, ("username", account.email.as_str()), ("password", password)];
        let response = self.submit(account, "/accounts/login/", &fields)?;
        session_id(response.set_cookies.iter().map(String::as_str)).context("the first step makes no session")
    }

    /// Ends a session that had ended in the recording, if it has not here.
    fn end_session(&self, cookie: &str) -> Result<()> {
        let Some(session) = self.carried.get(cookie) else { return Ok(()) };
        let account = self
            .browsers
            .get(cookie)
            .and_then(|id| self.accounts.by_id(*id))
            .context("whose session is it?")?;
        self.log_out(account, session)
    }

    /// Makes a new API key in place of one that the fixture does not have and that was good.
    fn renew_key_for(&mut self, transcript: &Transcript) -> Result<()> {
        let request = transcript.request.request();
        let basic = request.header_value("authorization").and_then(|value| {
            let decoded = BASE64.decode(value.strip_prefix("Basic ")?.as_bytes()).ok()?;
            String::from_utf8(decoded).ok()?.split_once(':').map(|(_, key)| key.to_owned())
        });
        let (Some(key), Some(account)) = (basic, self.account(transcript)) else { return Ok(()) };
        if transcript.response.status != 200 || key == account.api_key || self.carried.get(&key).is_some() {
            return Ok(());
        }
        let new = self.new_key(&account)?;
        self.carried.set(&key, &new);
        Ok(())
    }

    /// Has a link mailed in place of one that was good, or is said to have been.
    fn mail_link_for(&mut self, transcript: &Transcript, was_good: bool) -> Result<()> {
        let Some((id, token)) = reset_link(&transcript.request.path) else { return Ok(()) };
        let is_known = token == "set-password" || self.carried.get(token).is_some();
        if is_known || !(was_good || transcript.response.status == 302) {
            return Ok(());
        }
        let Some(account) = self.accounts.by_id(id).cloned() else { return Ok(()) };
        let path = self.mail_link(&account)?;
        let (_, made) = reset_link(&path).context("the mailed link has another form")?;
        self.carried.set(token, made);
        Ok(())
    }

    /// Makes a token for a session in place of one that was good, or is said to have been.
    fn make_token_for(&mut self, transcript: &Transcript, was_good: bool) -> Result<()> {
        let Some((_, token)) = transcript.request.path.split_once("/accounts/login/subdomain/") else {
            return Ok(());
        };
        // A token of another realm is good too; its refusal is no page.
        let is_good = transcript.response.status == 302
            || transcript.response.header("content-type") == Some("application/json");
        if self.carried.get(token).is_some() || !(was_good || is_good) {
            return Ok(());
        }
        let account = self.somebody().context("no such account")?.clone();
        let made = self.desktop_token(&account)?;
        self.carried.set(token, &made);
        Ok(())
    }

    /// Gives an account the password that the transcript takes for right, or another than one that it takes for wrong.
    fn set_the_right_password(
        &mut self,
        transcript: &Transcript,
        account: &Account,
        is_other: bool,
    ) -> Result<()> {
        let form = &transcript.request.body;
        let sent = value_in_form(form, "old_password").or_else(|| value_in_form(form, "password"));
        let Some(sent) = sent else { return Ok(()) };
        let is_right = account.password.as_deref() == Some(sent.as_str());
        match (is_success(transcript), is_right) {
            (true, false) if !sent.is_empty() && !form.starts_with('{') => self.set_password(account, &sent),
            (false, true) if is_other => self.set_password(account, OTHER_PASSWORD),
            _ => Ok(()),
        }
    }

    /// Brings the limiters into the state that the answer shows: as many attempts and calls as it says have been made.
    fn count_attempts(&mut self, transcript: &Transcript) -> Result<()> {
        let number = |name: &str| transcript.response.header(name)?.parse::<u32>().ok();
        let is_mail = transcript.request.path == "/accounts/password/reset/";
        let limits = (number("x-ratelimit-limit"), number("x-ratelimit-remaining"));
        let made = match limits {
            _ if is_refused(transcript) && is_mail => 2,
            _ if is_refused(transcript) => FEW,
            (Some(limit @ (FEW | MANY)), Some(remaining)) => limit.saturating_sub(remaining + 1),
            _ => return Ok(()),
        };
        self.server.restart()?;
        let request = self.request_of(transcript)?;
        let host = request.header_value("host").unwrap_or_default().to_owned();
        for number in 0..made {
            if is_mail {
                // Another address each time counts for the client alone.
                let email = value_in_form(&transcript.request.body, "email").unwrap_or_default();
                let other = format!("nobody{number}@zulip.com");
                let address = if is_refused(transcript) { &email } else { &other };
                let mut form = form_urlencoded::Serializer::new(String::new());
                let token =
                    value_in_form(&transcript.request.body, "csrfmiddlewaretoken").unwrap_or_default();
                form.append_pair("csrfmiddlewaretoken", &token).append_pair("email", address);
                let body = form.finish().into_bytes();
                self.server.send(&Request { body, ..request.clone() })?;
            } else if limits.0 == Some(MANY) {
                let mut call = Request::new("GET", "/json/users/me").header("Host", &host);
                if let Some(value) = request.header_value("authorization") {
                    call = Request::new("GET", "/api/v1/users/me")
                        .header("Host", &host)
                        .header("Authorization", value);
                } else if let Some(value) = request.header_value("cookie") {
                    call = call.header("Cookie", value);
                }
                self.server.send(&call.header("X-Forwarded-Proto", &self.scheme))?;
            } else {
                let account = self.account(transcript).unwrap_or_default();
                let typed = value_in_form(&transcript.request.body, "username");
                let name = typed.as_deref().map_or(account.email.as_str(), str::trim);
                self.fetch_api_key(&account, name, "not the password")?;
            }
        }
        Ok(())
    }
}

/// The session id that a transcript sends.
pub(crate) fn cookie(transcript: &Transcript) -> Option<String> {
    session_cookie(transcript.request.request().header_value("cookie")?)
}

/// Whether the answer says that the session is no more.
fn ends_session(transcript: &Transcript) -> bool {
    transcript.response.values("set-cookie").any(|cookie| cookie.contains("sessionid=\"\""))
}

/// Whether the answer says that too much was asked.
fn is_refused(transcript: &Transcript) -> bool {
    let alerts = transcript.response.page.as_ref().map(|page| page.alerts.as_slice()).unwrap_or_default();
    let body = transcript.response.body.as_deref().unwrap_or_default();
    transcript.response.status == 429
        || alerts.iter().any(|alert| alert.contains("too many attempts"))
        || body.contains("too many attempts")
}

/// Whether what the request asks for was done.
fn is_success(transcript: &Transcript) -> bool {
    let body = transcript.response.body.as_deref().unwrap_or_default();
    let is_json = body.starts_with("{\"result\":\"success\"");
    let location = transcript.response.header("location");
    is_json
        || (transcript.response.status == 302
            && transcript.request.method == "POST"
            && location != Some("/accounts/deactivated/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(response: &str) -> Transcript {
        let request = r#"{"method":"POST","path":"/accounts/login/","http_version":"HTTP/1.1","headers":[["Cookie","a=b; __Host-sessionid=s1"]]}"#;
        serde_json::from_str(&format!(
            r#"{{"id":"x-1","front":"app","request":{request},"response":{response}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn answers_tell_what_came_before() {
        let refused = transcript(
            r#"{"status":200,"headers":[],"body_html_page":{"alerts":["You're making too many attempts"]}}"#,
        );
        assert!(is_refused(&refused) && !is_success(&refused) && !ends_session(&refused));
        let done = transcript(r#"{"status":302,"headers":[["Location","/"]]}"#);
        assert!(is_success(&done) && !is_refused(&done));
        let ended =
            transcript(r#"{"status":401,"headers":[["Set-Cookie","__Host-sessionid=\"\"; Max-Age=0"]]}"#);
        assert!(ends_session(&ended) && !is_success(&ended));
        assert_eq!(cookie(&ended).as_deref(), Some("s1"));
    }
}
