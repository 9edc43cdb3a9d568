//! Who may go where.

use auth_core::{User, fold};

use crate::config::Rule;
use crate::decode::path::normalised;
use crate::decode::question::Question;

/// The path of a question can't be told with certainty, and a rule depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DoubtfulPath;

/// The rule that decides about a question; `None` where every account of the realm may go there.
///
/// The path is looked at only where a rule for the host has one: applications may have paths of any form, as long as nothing
/// depends on them.
pub(crate) fn decisive<'a>(rules: &'a [Rule], question: &Question) -> Result<Option<&'a Rule>, DoubtfulPath> {
    for rule in rules {
        if rule.host.as_ref().is_some_and(|host| *host != question.host) {
            continue;
        }
        let Some(prefix) = &rule.path else { return Ok(Some(rule)) };
        let path = normalised(question.path()).ok_or(DoubtfulPath)?;
        if is_below(&path, prefix) {
            return Ok(Some(rule));
        }
        // Some applications take it for the same path.
        if is_below(&fold(&path), &fold(prefix)) {
            return Err(DoubtfulPath);
        }
    }
    Ok(None)
}

/// Whether a path is another one or lies below it, both normalised.
fn is_below(path: &str, prefix: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || prefix == "/",
        None => false,
    }
}

impl Rule {
    /// Whether a user in these groups may go there.
    pub(crate) fn admits(&self, user: &User, groups: &[String]) -> bool {
        let is_wanted = |group: &String| self.groups.iter().any(|wanted| fold(wanted) == fold(group));
        (self.roles.is_empty() && self.groups.is_empty())
            || self.roles.contains(&user.role)
            || groups.iter().any(is_wanted)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Role;
    use auth_core::testing::UserBuilder;
    use http::Method;

    use super::*;

    fn question(host: &str, target: &str) -> Question {
        Question { method: Method::GET, host: host.to_owned(), target: target.to_owned() }
    }

    fn rule(host: Option<&str>, path: Option<&str>) -> Rule {
        Rule { host: host.map(str::to_owned), path: path.map(str::to_owned), ..Rule::default() }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = [
            rule(Some("wiki.example.org"), Some("/admin")),
            rule(Some("wiki.example.org"), None),
            rule(None, Some("/status")),
        ];
        for (host, target, expected) in [
            ("wiki.example.org", "/admin", Ok(Some(0))),
            ("wiki.example.org", "/admin/", Ok(Some(0))),
            ("wiki.example.org", "/admin/users?x=/y", Ok(Some(0))),
            ("wiki.example.org", "/x/../admin", Ok(Some(0))),
            ("wiki.example.org", "//admin//x", Ok(Some(0))),
            ("wiki.example.org", "/%61dmin", Ok(Some(0))),
            ("wiki.example.org", "/administrator", Ok(Some(1))),
            ("wiki.example.org", "/Admin", Err(DoubtfulPath)),
            ("wiki.example.org", "/ADMIN/users", Err(DoubtfulPath)),
            ("wiki.example.org", "/Administrator", Ok(Some(1))),
            ("wiki.example.org", "/", Ok(Some(1))),
            ("wiki.example.org", "/admin%2Fx", Err(DoubtfulPath)),
            ("wiki.example.org", "/admin;x", Err(DoubtfulPath)),
            ("git.example.org", "/admin", Ok(None)),
            ("git.example.org", "/status?x", Ok(Some(2))),
            ("git.example.org", "/a%2Fb", Err(DoubtfulPath)),
        ] {
            let found = decisive(&rules, &question(host, target));
            let found =
                found.map(|found| found.and_then(|found| rules.iter().position(|rule| rule == found)));
            assert_eq!(found, expected, "{host}{target}");
        }
        let by_host = [rule(Some("wiki.example.org"), None), rule(Some("git.example.org"), Some("/x"))];
        let doubtful = question("wiki.example.org", "/a%2Fb");
        assert_eq!(decisive(&by_host, &doubtful), Ok(Some(&by_host[0])), "nothing depends on the path");
        let root = [rule(None, Some("/"))];
        assert_eq!(decisive(&root, &question("a", "/x")), Ok(Some(&root[0])));
    }

    #[test]
    fn a_role_or_a_group_is_enough() {
        let groups = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rule = |roles: &[Role], names: &[&str]| Rule {
            roles: roles.to_vec(),
            groups: groups(names),
            ..Rule::default()
        };
        let user = |role| User { role, ..UserBuilder::new("ada").build() };
        for (rule, role, of, expected) in [
            (rule(&[], &[]), Role::Guest, groups(&[]), true),
            (rule(&[Role::Admin], &[]), Role::Admin, groups(&[]), true),
            (rule(&[Role::Admin], &[]), Role::Owner, groups(&["staff"]), false),
            (rule(&[], &["Staff"]), Role::Member, groups(&["a", "sTAFF"]), true),
            (rule(&[], &["staff"]), Role::Owner, groups(&["staff2"]), false),
            (rule(&[Role::Admin], &["staff"]), Role::Member, groups(&["staff"]), true),
        ] {
            assert_eq!(rule.admits(&user(role), &of), expected, "{rule:?} {role:?} {of:?}");
        }
    }
}
