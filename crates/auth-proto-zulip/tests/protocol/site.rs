//! A site with Zulip's pages in front of one account, and a browser without scripts that visits it: the browser keeps
//! cookies, and sends forms as they stand on a page.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use auth_core::testing::{
    Action, ActionKind, ActionResult, FAKE_NOW, FakeServices, RealmBuilder, UserBuilder,
};
use auth_core::*;
use auth_proto_zulip::{Config, WebMethod, ZulipProtocol};
use bytes::Bytes;

pub(crate) const SITE: &str = "https://zulip.example.org";
pub(crate) const PASSWORD: &str = "right horse";
pub(crate) const CODE: &str = "123456";
pub(crate) const KEY: &str = "7DT0rV7nZrqfSXLVojTFdh3jmGJy64u9";
pub(crate) const PAD: &str = "1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd";
pub(crate) const START: &str = "/accounts/login/start/web/?mobile_flow_otp=1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd";

/// What the engine seals is longer than any session.
const TICKET: &str = "ticket-000000000000000000000000000000000000000000000000000000000000000000000000";

/// The names of the cookies.
pub(crate) const SESSION: &str = "__Host-sessionid";
pub(crate) const SECRET: &str = "__Host-csrftoken";

/// How the account stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) has_totp: bool,
    pub(crate) must_change: bool,
    pub(crate) is_deactivated: bool,
    /// The address is missing.
    pub(crate) has_no_address: bool,
    /// The number at Zulip is missing, as of an account that another protocol made.
    pub(crate) has_no_number: bool,
    /// The realm takes no passwords.
    pub(crate) without_passwords: bool,
    pub(crate) realm_is_deactivated: bool,
    /// How long ago its sessions signed in.
    pub(crate) age: Duration,
}

/// The sessions that are good, by token, and those of another realm.
#[derive(Debug, Default)]
struct State {
    account: Account,
    sessions: Vec<String>,
    elsewhere: Vec<String>,
    wrong_passwords: u32,
}

/// A browser at a site.
pub(crate) struct Visitor {
    pub(crate) services: Arc<FakeServices>,
    site: ZulipProtocol,
    state: Arc<Mutex<State>>,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Sent with every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// An answer as a browser sees it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: Vec<(String, String)>,
}

pub(crate) fn config() -> Config {
    Config {
        external_host: "zulip.example.org".into(),
        web: true,
        web_method: Some(WebMethod::default()),
        ..Config::default()
    }
}

impl Visitor {
    pub(crate) fn at(account: Account) -> Self {
        Self::with(config(), account)
    }

    pub(crate) fn with(config: Config, account: Account) -> Self {
        let state = Arc::new(Mutex::new(State { account: account.clone(), ..State::default() }));
        let mut realm = realm();
        realm.password_login = !account.without_passwords;
        realm.active = !account.realm_is_deactivated;
        let (logins, checks, actions, revoked) =
            (Arc::clone(&state), Arc::clone(&state), Arc::clone(&state), Arc::clone(&state));
        let services = FakeServices::new()
            .realm(realm)
            .on_log_in(move |attempt| logins.lock().unwrap().log_in(attempt))
            .on_check(move |check| checks.lock().unwrap().check(check))
            .on_action(move |action| actions.lock().unwrap().act(action))
            .on_admit_user(|_, _| Some(status(200, 199)))
            .on_revoke(move |_| {
                // All sessions are the one account's, and the oldest is the one that was presented.
                revoked.lock().unwrap().sessions.remove(0);
                Ok(())
            });
        let services = Arc::new(services);
        let site = ZulipProtocol::new(config, services.clone(), Arc::new(ManualClock::default()));
        Self { services, site, state, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// A browser that has signed in.
    pub(crate) async fn signed_in(account: Account) -> Self {
        let mut visitor = Self::at(account);
        visitor.state().sessions.push("s0".repeat(16));
        visitor.cookies.insert(SESSION.into(), "s0".repeat(16));
        visitor.cookies.insert(SECRET.into(), "A".repeat(32));
        visitor
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes the sessions older.
    pub(crate) fn wait(&self, time: Duration) {
        self.state().account.age += time;
    }

    /// Makes a session one of another realm.
    pub(crate) fn move_sessions_to_another_realm(&self) {
        let mut state = self.state();
        let sessions = std::mem::take(&mut state.sessions);
        state.elsewhere.extend(sessions);
    }

    pub(crate) fn sessions(&self) -> Vec<String> {
        self.state().sessions.clone()
    }

    pub(crate) fn end_sessions(&self) {
        self.state().sessions.clear();
    }

    pub(crate) fn has_new_password(&self) -> bool {
        !self.state().account.must_change
    }

    pub(crate) async fn get(&mut self, target: &str) -> Page {
        self.send("GET", target, "").await
    }

    /// Sends fields to a path.
    pub(crate) async fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", target, &body).await
    }

    /// Fills the form of a page that is sent to `action`, and sends it.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let hidden = page.hidden(action);
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
        all.extend(fields);
        self.post(action, &all).await
    }

    /// Sends a request as a browser does, and keeps the cookies of the answer.
    pub(crate) async fn send(&mut self, method: &str, target: &str, body: &str) -> Page {
        let mut request = http::Request::builder().method(method).uri(target);
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| *name == wanted);
        for (name, value) in
            [("host", "zulip.example.org"), ("content-type", "application/x-www-form-urlencoded")]
        {
            if !has(name) {
                request = request.header(name, value);
            }
        }
        if method != "GET" && !has("origin") && !has("referer") {
            request = request.header("origin", SITE);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value.as_bytes());
        }
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let answer = self.site.handle(request, &Peer::new([192, 0, 2, 7].into())).await;
        for cookie in answer.response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, attributes) = rest.split_once("; ").unwrap();
            assert!(attributes.ends_with("Path=/; SameSite=Lax; Secure"), "{attributes}");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                assert!(attributes.contains("HttpOnly"), "{attributes}");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let headers = answer.response.headers().iter();
        Page {
            status: answer.response.status().as_u16(),
            body: String::from_utf8(answer.response.body().to_vec()).unwrap(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
        }
    }
}

fn realm() -> Realm {
    Realm { name: "Zulip Dev".into(), ..RealmBuilder::new("main").subdomain("").build() }
}

fn status(limit: u32, remaining: u32) -> RateLimitStatus {
    RateLimitStatus { limit, remaining, reset: Timestamp::from_secs(1_795_662_013), retry_after: None }
}

impl State {
    fn profile(&self) -> Profile {
        let mut user = UserBuilder::new("hamlet").realm(realm().id).full_name("King Hamlet");
        if !self.account.has_no_address {
            user = user.email("Hamlet@zulip.com");
        }
        if !self.account.has_no_number {
            user = user.external_id(ProtocolName::ZULIP, 10);
        }
        let mut user = user.build();
        if self.account.has_no_number {
            user.external_ids = ByProtocol::new();
        }
        user.must_change_password = self.account.must_change;
        Profile {
            user: Arc::new(user),
            realm: Arc::new(Realm { password_login: !self.account.without_passwords, ..realm() }),
            has_password: true,
            totp: self.account.has_totp,
        }
    }

    fn log_in(&mut self, attempt: &LoginAttempt) -> LoginReply {
        assert_eq!(attempt.protocol, ProtocolName::ZULIP);
        assert_eq!(attempt.grant, GrantKind::Token(CredentialKind::WEB_SESSION));
        let SecondStep::Offered(code) = &attempt.second_step else { panic!("{attempt:?}") };
        let challenge = || Challenge {
            method: FactorMethod::Totp,
            available: vec![FactorMethod::Totp],
            mailed: None,
            ticket: Some(Token::new(TICKET)),
        };
        let (result, rate_limit) = match &attempt.method {
            LoginMethod::Password { who, secret: SecretInput::Password(password) } => {
                let is_right = who.typed() == "hamlet@zulip.com" && password.expose() == PASSWORD;
                self.wrong_passwords += u32::from(!is_right);
                let rate_limit = Some(status(5, 5_u32.saturating_sub(self.wrong_passwords.max(1))));
                let result = if self.wrong_passwords > 5 {
                    let retry_after = Duration::from_millis(1_794_900);
                    Err(LoginError::AccountLimited { retry_after })
                } else if !is_right {
                    Err(LoginError::Credentials(FailureReason::WrongPassword))
                } else if self.account.is_deactivated {
                    Err(LoginError::UserInactive)
                } else if self.account.has_totp {
                    Err(LoginError::SecondFactorRequired(challenge()))
                } else {
                    Ok(())
                };
                (result, rate_limit)
            }
            LoginMethod::Ticket(ticket) if ticket.expose() == TICKET => {
                let is_right =
                    code.as_ref().is_some_and(|code| code.expose() == CODE || code.expose() == "backup12");
                (if is_right { Ok(()) } else { Err(LoginError::SecondFactorInvalid(challenge())) }, None)
            }
            LoginMethod::Ticket(_) => (Err(LoginError::Credentials(FailureReason::UnknownToken)), None),
            other => panic!("{other:?}"),
        };
        let result = result.map(|()| {
            let token = format!("{:032}", self.sessions.len() + 1);
            self.sessions.push(token.clone());
            self.account.age = Duration::ZERO;
            self.account.has_no_number = false;
            let grant = Grant::Token { token: Token::new(token), expires: None };
            Box::new(Login { profile: self.profile(), grant })
        });
        LoginReply { result, rate_limit, not_before: Some(FAKE_NOW) }
    }

    fn check(&self, check: &CredentialCheck) -> CheckReply {
        let PresentedCredential::Token { kinds: [CredentialKind::WEB_SESSION], owner: None, token } =
            &check.credential
        else {
            panic!("{check:?}")
        };
        let is = |sessions: &[String]| sessions.iter().any(|session| session == token.expose());
        if is(&self.elsewhere) {
            return CheckReply::refused(TokenError::OtherRealm);
        }
        if !is(&self.sessions) {
            return CheckReply::refused(TokenError::Invalid);
        }
        let age = i64::try_from(self.account.age.as_secs()).unwrap();
        let principal = Principal {
            profile: self.profile(),
            credential: None,
            kind: Some(CredentialKind::WEB_SESSION),
            parent: None,
            issued: Timestamp::from_secs(FAKE_NOW.as_secs() - age),
            expires: None,
            bypass_second_factor: false,
        };
        CheckReply { result: Ok(Box::new(principal)), rate_limit: None }
    }

    fn act(&mut self, action: &Action) -> Result<ActionResult, ActionError> {
        let challenge = || Challenge {
            method: FactorMethod::Password,
            available: Vec::new(),
            mailed: None,
            ticket: None,
        };
        let is_fresh = self.account.age < Duration::from_secs(15 * 60);
        match &action.kind {
            ActionKind::ApiKey if is_fresh || action.factor.password.is_some() && !self.account.has_totp => {
                Ok(ActionResult::ApiKey(ApiKey::new(KEY)))
            }
            ActionKind::ApiKey => Err(ActionError::SecondFactorRequired(challenge())),
            ActionKind::ShowPassword { password } => {
                let result = if password.expose() == PASSWORD {
                    Ok(())
                } else {
                    Err(ActionError::SecondFactorInvalid(challenge()))
                };
                Ok(ActionResult::PasswordReply(PasswordReply { result, rate_limit: Some(status(5, 4)) }))
            }
            ActionKind::ChangeOwnAccount { password: Some(new), .. } => match new.expose() {
                "weak" => Err(ActionError::WeakPassword(Vec::new())),
                PASSWORD => Err(ActionError::SamePassword),
                _ => {
                    self.account.must_change = false;
                    Ok(ActionResult::Profile(self.profile()))
                }
            },
            ActionKind::OwnerOfResetLink { .. } => Ok(ActionResult::OptionalProfile(None)),
            ActionKind::RotateWebSession => {
                let token = "r0".repeat(16);
                self.sessions = vec![token.clone()];
                Ok(ActionResult::Grant(Grant::Token { token: Token::new(token), expires: None }))
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Page {
    /// The value of a header; `""` where it is missing.
    pub(crate) fn header(&self, wanted: &str) -> &str {
        self.headers.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value)
    }

    /// The names of the cookies that are set, in order.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.map(|(_, value)| value.split('=').next().unwrap()).collect()
    }

    /// Demands a status and a text in the body, in which quotes are escaped.
    pub(crate) fn says(&self, status: u16, text: &str) {
        let text = text.replace('\'', "&#39;");
        assert!(self.status == status && self.body.contains(&text), "{text}: {} {}", self.status, self.body);
    }

    /// Demands a redirect.
    pub(crate) fn leads_to(&self, location: &str) {
        assert_eq!((self.status, self.header("location")), (302, location), "{}", self.body);
        assert_eq!(self.body, "");
    }

    /// The hidden fields of the form that is sent to `action`.
    pub(crate) fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let start =
            self.body.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("{}", self.body));
        let form = self.body[start..].split("</form>").next().unwrap();
        let inputs = form.split("<input ").skip(1).map(|tag| tag.split('>').next().unwrap());
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!("{name}=\""))?;
            rest.split('"').next().map(str::to_owned)
        };
        inputs
            .filter(|tag| tag.contains("type=\"hidden\""))
            .map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap()))
            .collect()
    }
}
