//! The operator's configuration of the pages.

use auth_core::ProtocolName;
use auth_pages::Brand;

/// The configuration of the pages.
///
/// ```
/// use auth_proto_web::{Brand, Colour, Config};
///
/// let brand = Brand { accent: Colour::parse("#0b6e4f").unwrap(), ..Brand::new("Example") };
/// let config = Config { brand, ..Config::new("https://auth.example.org", "main") };
/// assert!(!config.password_reset);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct Config {
    /// The origin of the pages, without a slash at its end. No link is made of what a request says of its host.
    pub url: String,
    /// The slug of the realm of a page whose host names none.
    pub realm: String,
    /// The host below which a subdomain names a realm.
    pub external_host: Option<String>,
    /// What the pages look like.
    pub brand: Brand,
    /// The address of Zulip's API, without a slash at its end, where it is served.
    pub zulip_url: Option<String>,
    /// The address of Rocket.Chat's API, without a slash at its end, where it is served.
    pub rocketchat_url: Option<String>,
    /// The protocols that take app passwords, for people to choose from.
    pub app_password_protocols: Vec<ProtocolName>,
    /// Whether lost passwords are reset by mail.
    pub password_reset: bool,
    /// What the front page of a demonstration shows.
    pub demo: Option<Demo>,
}

impl Config {
    /// Pages at `url` for the users of one realm, in the standard look, with nothing beside them.
    #[must_use]
    pub fn new(url: impl Into<String>, realm: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            realm: realm.into(),
            external_host: None,
            brand: Brand::new("auth-server"),
            zulip_url: None,
            rocketchat_url: None,
            app_password_protocols: Vec::new(),
            password_reset: false,
            demo: None,
        }
    }
}

/// What the front page of a demonstration shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct Demo {
    /// The users that anybody may log in as.
    pub users: Vec<DemoUser>,
    /// The path of the page that shows the mails.
    pub mails: String,
    /// What can be tried at a command line.
    pub commands: Vec<DemoCommand>,
}

/// A user of a demonstration. Its password is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct DemoUser {
    /// The login name.
    pub name: String,
    /// The password.
    pub password: String,
    /// What the user may do, in a few words.
    pub what: String,
}

/// A command of a demonstration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct DemoCommand {
    /// What the command shows.
    pub title: String,
    /// The command.
    pub command: String,
}
