//! `auth-server user add`: adds a user.

use anyhow::bail;
use auth_admin::Accounts;
use auth_core::ImportMode;
use auth_transfer::{ImportError, import, unwatched};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::assemble::Assembled;
use crate::command::config_file::ConfigFile;
use crate::command::input::read_new_password;
use crate::command::output::{print_line, print_remark};
use crate::command::realm::new_realm_line;

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Add {
    #[command(flatten)]
    pub(super) file: ConfigFile,
    /// The realm's slug. The first realm of a store is created; for a further one see --create-realm.
    #[arg(long, default_value = "main")]
    pub(super) realm: String,
    /// Create the realm if it doesn't exist.
    #[arg(long)]
    pub(super) create_realm: bool,
    /// The user name. One that is an address is the e-mail address too, unless --email gives another.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The e-mail address, which counts as verified.
    #[arg(long)]
    pub(super) email: Option<String>,
    /// The full name.
    #[arg(long, default_value = "")]
    pub(super) full_name: String,
    /// The role: owner, admin, moderator, member or guest.
    #[arg(long, default_value = "member")]
    pub(super) role: String,
    /// The language of the user's mails: en or de.
    #[arg(long)]
    pub(super) language: Option<String>,
    /// Make the user a bot of this kind: default, incoming-webhook, outgoing-webhook, embedded or app.
    #[arg(long)]
    pub(super) bot: Option<String>,
    /// Add the user without a password.
    #[arg(long)]
    pub(super) no_password: bool,
    /// Accept a weak password.
    #[arg(long)]
    pub(super) allow_weak: bool,
}

impl Add {
    /// Adds the user by an import of one line.
    pub(super) async fn run(self) -> anyhow::Result<Assembled> {
        let assembled = self.file.open().await?;
        let accounts = Accounts::new(assembled.engine());
        let mut lines = Zeroizing::new(String::new());
        lines.extend(new_realm_line(&accounts, &self.realm, false, self.create_realm).await?);
        let password = if self.no_password { None } else { Some(read_new_password()?) };
        if let (Some(password), false) = (&password, self.allow_weak) {
            let realm = accounts.realm(&self.realm).await.ok();
            let names: Vec<&str> =
                [&self.name, &self.email].into_iter().flatten().map(String::as_str).collect();
            accounts.check_strength(realm.as_ref(), password, &names)?;
        }
        let mut user = Map::new();
        let mut put = |key: &str, value: Option<Value>| value.map(|value| user.insert(key.to_owned(), value));
        put("kind", Some("user".into()));
        put("realm", Some(self.realm.into()));
        // Of the address, which the name may be as well.
        put("email_verified", Some(true.into()));
        put("username", self.name.map(Value::from));
        put("email", self.email.map(Value::from));
        put("full_name", Some(self.full_name.into()));
        put("role", Some(self.role.into()));
        put("language", self.language.map(Value::from));
        put("bot", self.bot.map(Value::from));
        put("password", password.map(|password| password.expose().into()));
        lines.push_str(&Zeroizing::new(Value::Object(user).to_string()));
        match import(assembled.engine(), lines.as_bytes(), ImportMode::Write, &mut unwatched).await {
            Ok(mut report) => {
                for (_, note) in report.notes.all()? {
                    print_remark(note)?;
                }
                print_line("added")?;
            }
            Err(ImportError::Lines { named, .. }) => {
                let reasons: Vec<&str> = named.iter().map(|(_, reason)| reason.as_str()).collect();
                bail!("the user was not added: {}", reasons.join("; "));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(assembled)
    }
}
