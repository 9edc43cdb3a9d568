//! Mails that a request made the server send, beside the recorded ones.

use anyhow::Result;
use regex::Regex;

use super::rules::MailRules;
use crate::recorded::RecordedMail;
use crate::server::Server;

/// The headers that are compared.
const HEADERS: &[&str] = &[
    "Subject",
    "From",
    "To",
    "Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "X-Auto-Response-Suppress",
];

/// Values that differ from mail to mail, and the quotes around a name, which mean nothing (RFC 5322, section 3.2.5).
const MASKS: &[(&str, &str)] = &[
    (r#"^"([^"]*)" <"#, "$1 <"),
    (r"noreply-[a-z0-9]{24}@", "noreply-TOKEN@"),
    (r"/accounts/unsubscribe/login/[a-z0-9]+", "/accounts/unsubscribe/login/KEY"),
    (r"(/accounts/password/reset/[^/]+/)[^/]+/", "${1}TOKEN/"),
];

/// The differences of the mails after the first `count` from the recorded ones. With `complete`, no other mail may come.
pub(crate) fn differences(
    recorded: &[RecordedMail],
    complete: bool,
    count: usize,
    server: &Server,
    rules: &MailRules,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for mail in recorded {
        let subject = mail.headers.get("Subject").map(String::as_str).unwrap_or_default();
        if rules.others.iter().any(|pattern| pattern.0.is_match(subject)) {
            continue;
        }
        let to = mail.headers.get("To").map(|to| bare(to)).unwrap_or_default();
        let is_it = |(recipient, text): &(String, String)| {
            let is_it =
                recipient.eq_ignore_ascii_case(to) && header(text, "Subject").as_deref() == Some(subject);
            is_it.then(|| text.clone())
        };
        match server.wait_for_mail(count, is_it) {
            Ok(text) => found.extend(mail_differences(mail, &text)?),
            Err(_) => {
                let subjects =
                    server.mails_after(count).into_iter().filter_map(|(_, text)| header(&text, "Subject"));
                found.push(format!("no mail {subject:?} to {to}, but {:?}", subjects.collect::<Vec<_>>()));
            }
        }
    }
    if complete && recorded.is_empty() {
        // Mails of what came before may come late.
        let subjects = server.mails_after(count).into_iter().filter_map(|(_, text)| header(&text, "Subject"));
        let sent: Vec<String> = subjects.filter(|subject| rules.of_reset.0.is_match(subject)).collect();
        if !sent.is_empty() {
            found.push(format!("mails {sent:?} instead of none"));
        }
    }
    Ok(found)
}

fn mail_differences(recorded: &RecordedMail, text: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in HEADERS {
        let expected = recorded.headers.get(*name).map(|value| masked(value.trim())).transpose()?;
        let actual = header(text, name).map(|value| masked(&value)).transpose()?;
        if expected != actual {
            found.push(format!("mail {name}: {actual:?} instead of {expected:?}"));
        }
    }
    for link in &recorded.links {
        // Zulip's own manual is no part of this server.
        let link = masked(link)?;
        if !masked(text)?.contains(&link) && !link.contains("/help/") {
            found.push(format!("the mail has no link {link}"));
        }
    }
    Ok(found)
}

fn masked(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (pattern, replacement) in MASKS {
        text = Regex::new(pattern)?.replace_all(&text, *replacement).into_owned();
    }
    Ok(text)
}

/// The address in `Name <address>`.
fn bare(mailbox: &str) -> &str {
    mailbox.split(['<', '>']).nth(1).unwrap_or(mailbox)
}

/// The value of a header of a mail, its lines joined.
fn header(text: &str, name: &str) -> Option<String> {
    let head = text.split("\n\n").next()?;
    let mut lines = head
        .lines()
        .skip_while(|line| line.split_once(':').is_none_or(|(known, _)| !known.eq_ignore_ascii_case(name)));
    let (_, first) = lines.next()?.split_once(':')?;
    let more = lines.take_while(|line| line.starts_with([' ', '\t']));
    let value = more.fold(first.trim().to_owned(), |value, line| format!("{value} {}", line.trim()));
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: \"zulip.example.org account security\"\n <noreply-ru26swypq6w6sywj7vln2f4t@zulip.example.org>\n\
        To: reset2@zulip.com\nSubject: Password reset request for Zulip Dev\n\n\
        https://zulip.example.org/accounts/password/reset/MTc/abc-def/\n";

    #[test]
    fn headers_and_links_are_compared_without_what_differs_from_mail_to_mail() {
        let recorded: RecordedMail = serde_json::from_value(serde_json::json!({
            "headers": {
                "From": "\"zulip.example.org account security\" <noreply-aaaaaaaaaaaaaaaaaaaaaaaa@zulip.example.org>",
                "To": "reset2@zulip.com", "Subject": "Password reset request for Zulip Dev", "MIME-Version": "1.0",
            },
            "links_in_text": ["https://zulip.example.org/accounts/password/reset/MTc/other-token/", "https://z.org/help/x"],
        }))
        .unwrap();
        assert_eq!(mail_differences(&recorded, MAIL).unwrap(), Vec::<String>::new());
        let other = MAIL.replace("MTc", "MTY").replace("reset2@", "reset1@").replace("Subject", "List-Id");
        assert_eq!(mail_differences(&recorded, &other).unwrap().len(), 4);
        assert_eq!((bare("A B <a@b.example>"), bare("a@b.example")), ("a@b.example", "a@b.example"));
    }
}
