//! What the queries of control endpoints ask for.

use std::time::Duration;

use auth_admin_api::Problem;
use http::StatusCode;

use crate::mail::KeptMail;

/// How long a request may wait for a mail.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Which mails are wanted: all that is named holds of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    to: Option<String>,
    subject: Option<String>,
    after: u64,
    /// How long the answer waits for the first of them.
    pub(super) wait: Duration,
}

/// Whose codes are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CodesOf {
    pub(super) user: String,
    pub(super) realm: Option<String>,
}

impl Wanted {
    pub(super) fn read(query: &str) -> Result<Self, Problem> {
        let mut wanted = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "to" => wanted.to = Some(value.into_owned()),
                "subject" => wanted.subject = Some(value.into_owned()),
                "after" => wanted.after = value.parse().map_err(|_| bad("after is the number of a mail"))?,
                "wait" => wanted.wait = wait(&value)?,
                _ => return Err(bad("a query for mails has to, subject, after and wait")),
            }
        }
        Ok(wanted)
    }

    /// Whether a mail is wanted: to an address, with words in its subject, later than another.
    pub(super) fn is(&self, mail: &KeptMail) -> bool {
        mail.number > self.after
            && self.to.as_ref().is_none_or(|to| mail.to.eq_ignore_ascii_case(to))
            && self.subject.as_ref().is_none_or(|words| mail.subject.contains(&**words))
    }
}

impl CodesOf {
    pub(super) fn read(query: &str) -> Result<Self, Problem> {
        let (mut user, mut realm) = (None, None);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "user" => user = Some(value.into_owned()),
                "realm" => realm = Some(value.into_owned()),
                _ => return Err(bad("a query for codes has user and realm")),
            }
        }
        let user = user.ok_or_else(|| bad("whose codes: user=NAME"))?;
        Ok(Self { user, realm })
    }
}

fn wait(seconds: &str) -> Result<Duration, Problem> {
    let wait = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    wait.filter(|wait| *wait <= LONGEST_WAIT).ok_or_else(|| bad("wait is a number of seconds, 60 at most"))
}

fn bad(title: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-query", title)
}

#[cfg(test)]
mod tests {
    use auth_core::Language;

    use super::*;

    #[test]
    fn mails_are_wanted_by_all_that_the_query_names() {
        let mail = KeptMail {
            number: 3,
            to: "Iago@zulip.com".to_owned(),
            subject: "Password reset".to_owned(),
            language: Language::English,
            text: String::new().into(),
        };
        for (query, is_wanted) in [
            ("", true),
            ("to=iago%40zulip.com&subject=reset&after=2&wait=1.5", true),
            ("to=iago", false),
            ("subject=Reset", false),
            ("after=3", false),
        ] {
            assert_eq!(Wanted::read(query).unwrap().is(&mail), is_wanted, "{query}");
        }
        assert_eq!(Wanted::read("wait=1.5").unwrap().wait, Duration::from_millis(1500));
    }

    #[test]
    fn queries_with_mistakes_are_refused_by_what_is_wrong() {
        for query in ["wait=61", "wait=-1", "wait=nan", "wait=", "after=x", "form=iago"] {
            assert_eq!(Wanted::read(query).unwrap_err().code, "bad-query", "{query}");
        }
        for query in ["", "realm=dev", "user=iago&code=1"] {
            assert_eq!(CodesOf::read(query).unwrap_err().code, "bad-query", "{query}");
        }
        let codes = CodesOf { user: "iago".to_owned(), realm: Some("dev".to_owned()) };
        assert_eq!(CodesOf::read("user=iago&realm=dev").unwrap(), codes);
    }
}
