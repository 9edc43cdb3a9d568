//! The accounts of a fixture, as the requests of transcripts name them.

use std::collections::BTreeMap;

use serde_json::Value;

/// An account.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) email: String,
    /// The subdomain of its realm; empty for the realm at the host itself.
    pub(crate) subdomain: String,
    pub(crate) realm: String,
    pub(crate) is_active: bool,
    /// The password that it has now, if it has one.
    pub(crate) password: Option<String>,
    pub(crate) api_key: String,
    pub(crate) totp_secret: Option<String>,
}

/// The accounts of a server.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Vec<Account>);

impl Accounts {
    /// Reads the lines of an import.
    pub(crate) fn of_import(import: &str) -> Self {
        let lines: Vec<Value> = import.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let text =
            |line: &Value, name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let realms: BTreeMap<String, String> = lines
            .iter()
            .filter(|line| text(line, "kind") == "realm")
            .map(|line| (text(line, "realm"), text(line, "subdomain")))
            .collect();
        let accounts = lines.iter().filter(|line| text(line, "kind") == "user").map(|line| Account {
            id: line.get("id").and_then(Value::as_u64).unwrap_or_default(),
            name: text(line, "username"),
            email: text(line, "email"),
            subdomain: realms.get(&text(line, "realm")).cloned().unwrap_or_default(),
            realm: text(line, "realm"),
            is_active: line.get("active") != Some(&Value::Bool(false)),
            password: line.get("password").and_then(Value::as_str).map(str::to_owned),
            api_key: text(line, "zulip_api_key"),
            totp_secret: line.get("totp_secret").and_then(Value::as_str).map(str::to_owned),
        });
        Self(accounts.collect())
    }

    /// The account of a user name or an address, in the realm of this subdomain if it is there, else in any.
    pub(crate) fn find(&self, name: &str, subdomain: Option<&str>) -> Option<&Account> {
        let name = name.trim();
        let named = |account: &&Account| {
            account.name == name.to_lowercase() || account.email.eq_ignore_ascii_case(name)
        };
        let mut found = self.0.iter().filter(named);
        let first = found.next()?;
        let here =
            std::iter::once(first).chain(found).find(|account| Some(account.subdomain.as_str()) == subdomain);
        Some(here.unwrap_or(first))
    }

    /// The account of a number.
    pub(crate) fn by_id(&self, id: u64) -> Option<&Account> {
        self.0.iter().find(|account| account.id == id)
    }

    /// The account whose second factor is a device, if there is one.
    pub(crate) fn with_device(&self) -> Option<&Account> {
        self.0.iter().find(|account| account.totp_secret.is_some())
    }

    /// Notes the password that an account has now.
    pub(crate) fn set_password(&mut self, id: u64, password: &str) {
        if let Some(account) = self.0.iter_mut().find(|account| account.id == id) {
            account.password = Some(password.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_means_the_account_of_the_realm_if_there_is_one() {
        let accounts = Accounts::of_import(
            "{\"kind\":\"realm\",\"realm\":\"main\",\"subdomain\":\"\"}\n\
             {\"kind\":\"realm\",\"realm\":\"lear\",\"subdomain\":\"lear\"}\n\
             {\"kind\":\"user\",\"realm\":\"main\",\"id\":9,\"username\":\"iago\",\"email\":\"Iago@z.com\",\"password\":\"p\"}\n\
             {\"kind\":\"user\",\"realm\":\"lear\",\"id\":20,\"username\":\"iago\",\"email\":\"iago@z.com\",\"active\":false}\n",
        );
        let id = |name: &str, subdomain| accounts.find(name, subdomain).map(|account| account.id);
        assert_eq!(id("iago", Some("")), Some(9));
        assert_eq!(id(" IAGO@z.com ", Some("lear")), Some(20));
        assert_eq!(
            (id("iago", Some("dead")), id("iago", None), id("nobody", None)),
            (Some(9), Some(9), None)
        );
        assert!(accounts.by_id(9).unwrap().is_active && !accounts.by_id(20).unwrap().is_active);
    }
}
