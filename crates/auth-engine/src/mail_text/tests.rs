//! Each message in each language, with what people choose made to break it.

use auth_core::ClientKey;

use super::*;

/// Names that would be lines, links or orders of reading of their own.
const HOSTILE: [&str; 6] = [
    "a\nb",
    "a\r\n\r\nhttps://evil.example/\r\n\r\n",
    "a\u{2028}\u{2029}b",
    "a\u{202e}txt.exe\u{2066}",
    "a\u{1b}[2J\0\t",
    "{} {}\u{200b}\u{feff}",
];

const URL: &str = "https://auth.example.org";

fn site(name: Option<&str>) -> Site {
    Site { name: name.map(str::to_owned), url: URL.to_owned() }
}

/// Every notice, with a name where it has one.
fn notices(name: &str) -> Vec<Notice> {
    vec![
        Notice::PasswordChanged,
        Notice::PasswordReset,
        Notice::DeviceAdded,
        Notice::DeviceRemoved,
        Notice::DeviceReset,
        Notice::DeviceRemovalHeld(Timestamp::from_secs(1_795_731_000)),
        Notice::MailedCodesOn,
        Notice::MailedCodesOff,
        Notice::AppPasswordMade(name.to_owned()),
        Notice::AddressChanged(name.to_owned()),
        Notice::NewPlace(ClientKey::of([192, 0, 2, 7].into())),
    ]
}

/// Hands each message over, with what its text must hold.
fn every_message(name: &str, check: impl Fn(&Message<'_>, &[&str])) {
    let (token, code) = (Token::new("TOKEN_-x"), OneTimeCode::new("123456"));
    check(&Message::PasswordReset(&token), &["\n\nhttps://auth.example.org/reset-password/TOKEN_-x\n\n"]);
    check(&Message::AddressProof(&token), &["\n\nhttps://auth.example.org/verify-email/TOKEN_-x\n\n"]);
    check(&Message::AddressChange(&token), &["\n\nhttps://auth.example.org/verify-email/TOKEN_-x\n\n"]);
    check(&Message::Code(&code), &["123-456"]);
    let here = "https://chat.example.org";
    let asked = |answer: &ResetAnswer, holds: &[&str]| {
        let holds: Vec<&str> = [&["\n\nhttps://chat.example.org\n\n"], holds].concat();
        check(&Message::ResetAnswer { typed: name, realm: name, url: here, answer }, &holds);
    };
    asked(&ResetAnswer::Link(format!("{here}/reset/x")), &["\n\nhttps://chat.example.org/reset/x\n\n", name]);
    asked(&ResetAnswer::Deactivated, &[]);
    asked(&ResetAnswer::NoAccount { elsewhere: Vec::new() }, &[]);
    let elsewhere = vec!["https://a.example.org".to_owned(), "https://b.example.org".to_owned()];
    asked(&ResetAnswer::NoAccount { elsewhere }, &["\n\nhttps://a.example.org\n\nhttps://b.example.org\n\n"]);
    let at = Timestamp::from_secs(1_795_731_000);
    for notice in notices(name) {
        let link = "\n\nhttps://auth.example.org/reset-password\n";
        let holds = match &notice {
            Notice::AppPasswordMade(name) | Notice::AddressChanged(name) => vec![link, "22:10 UTC", name],
            Notice::NewPlace(_) => vec![link, "22:10 UTC", "192.0.2.7"],
            _ => vec![link, "22:10 UTC"],
        };
        check(&Message::Notice(&notice, at), &holds);
    }
}

#[test]
fn each_message_has_its_subject_and_holds_what_it_is_about_in_every_language() {
    every_message("Ada's laptop", |message, holds| {
        let letters = Language::ALL.map(|language| letter(message, language, &site(None)));
        for letter in &letters {
            assert!(!letter.subject.is_empty() && letter.text.ends_with('\n'), "{letter:?}");
            assert!(!letter.text.contains("{}") && !letter.subject.contains("{}"), "{letter:?}");
            assert!(!letter.text.contains("\n\n\n"), "{letter:?}");
            for held in holds {
                assert!(letter.text.contains(held), "{held:?} in {letter:?}");
            }
        }
        let [english, german] = &letters;
        assert_ne!(english.subject, german.subject);
    });
}

#[test]
fn tables_have_the_same_places_and_no_text_is_a_copy() {
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        let places = |text: &str| text.matches("{}").count();
        for ((name, english), (_, other)) in ENGLISH.all().into_iter().zip(texts(language).all()) {
            assert_eq!(places(english.text), places(other.text), "{name}");
            assert_ne!(english.text, other.text, "{name}");
            assert_eq!(english.subject.is_empty(), other.subject.is_empty(), "{name}");
            assert!(english.subject.is_empty() || english.subject != other.subject, "{name}");
            assert_eq!(places(other.subject), 0, "{name}");
            assert_eq!(other.text.trim(), other.text, "{name}");
        }
    }
}

#[test]
fn moments_are_written_as_the_language_does() {
    let at = Timestamp::from_secs(1_795_731_000);
    for (language, written) in [
        (Language::English, "\n\nWhen: 2026-11-26, 22:10 UTC\n\n"),
        (Language::German, "\n\nWann: 26.11.2026, 22:10 UTC\n\n"),
    ] {
        let text = letter(&Message::Notice(&Notice::PasswordChanged, at), language, &site(None)).text;
        assert!(text.contains(written), "{text}");
    }
}

#[test]
fn subjects_begin_with_the_name_of_the_site_where_it_has_one() {
    let code = OneTimeCode::new("123456");
    let of = |name| letter(&Message::Code(&code), Language::English, &site(name)).subject;
    assert_eq!(of(None), "Authentication code");
    assert_eq!(of(Some("Example Ltd")), "Example Ltd: Authentication code");
    assert_eq!(of(Some("a\r\nBcc: b@c.example")), "a\u{fffd}\u{fffd}Bcc: b@c.example: Authentication code");
}

#[test]
fn hostile_names_are_neither_lines_nor_links_of_a_mail() {
    for name in HOSTILE {
        every_message(name, |message, _| {
            for language in Language::ALL {
                let kind = |name| letter(message, language, &site(name));
                let Letter { subject, text } = kind(Some(name));
                assert!(!subject.contains(auth_core::is_control), "{subject:?}");
                // Of what acts on a text only the line ends of the table are left.
                assert!(!text.replace('\n', "").contains(auth_core::is_control), "{text:?}");
                let links = text.split("\n\n").filter(|paragraph| paragraph.starts_with("https://"));
                for link in links {
                    let is_ours =
                        [URL, "https://chat.example.org", "https://a.example.org", "https://b.example.org"];
                    assert!(is_ours.iter().any(|ours| link.starts_with(ours)), "{link}");
                }
            }
        });
    }
    // The paragraphs are those of the table, whatever a name holds.
    let paragraphs = |name: &str| {
        let notice = Notice::AppPasswordMade(name.to_owned());
        let text = letter(&Message::Notice(&notice, Timestamp::default()), Language::English, &site(None));
        text.text.lines().count()
    };
    for name in HOSTILE {
        assert_eq!(paragraphs(name), paragraphs("laptop"), "{name:?}");
    }
}
