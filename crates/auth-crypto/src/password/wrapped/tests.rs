use auth_core::{Password, PasswordDigest, SeededRng};
use proptest::prelude::*;

use super::*;
use crate::password::{
    ImportRefusal, NameContext, Secret, Upgrade, Verdict, check_import, hash, verify, wrap,
};

const RULE: HashingRule = HashingRule { params: params(64), digest_ready: false };

const fn params(memory_kib: u32) -> Params {
    match Params::new(memory_kib, 1, 1) {
        Ok(params) => params,
        Err(_) => panic!(),
    }
}

fn secret(text: &str) -> Secret {
    Secret::Password(Password::new(text))
}

fn context() -> NameContext {
    NameContext { zettelstore_id: 20_240_101_000_200, user_name: "writer".into() }
}

fn wrapped(stored: &str) -> Option<PasswordString> {
    let old = OldHash::of(&PasswordString::new(stored), RULE.params)?;
    Some(wrap(&old, &RULE, &SeededRng::new(1), &mut Memory::new()).unwrap())
}

fn judge(stored: &PasswordString, secret: &Secret) -> Verdict {
    let stored = StoredPassword::parse(stored).unwrap();
    verify(Some(&stored), secret, &RULE, &context(), &mut Memory::new()).unwrap()
}

fn bcrypt(tag: &str, input: &str) -> String {
    format!("{tag}{}", ::bcrypt::hash_with_salt(input, 4, [7; 16]).unwrap())
}

/// Strings of `right`, with the scheme of each once it is wrapped.
fn older(right: &str) -> Vec<(String, &'static str)> {
    let digest_rule = HashingRule { params: params(8), digest_ready: true };
    let made = |rule| hash(&secret(right), &rule, &SeededRng::new(2), &mut Memory::new()).unwrap();
    let weak = made(HashingRule { digest_ready: false, ..digest_rule }).expose().to_owned();
    let mut tag = [0; 32];
    let iterations = std::num::NonZeroU32::new(10).unwrap();
    ring::pbkdf2::derive(ring::pbkdf2::PBKDF2_HMAC_SHA256, iterations, b"sa:lt", right.as_bytes(), &mut tag);
    let hex = data_encoding::HEXLOWER
        .encode(ring::digest::digest(&ring::digest::SHA256, right.as_bytes()).as_ref());
    vec![
        (format!("argon2{weak}"), "wrapped-django-argon2"),
        (weak, "wrapped-argon2"),
        (made(digest_rule).expose().to_owned(), "wrapped-sha256-hex"),
        (format!("pbkdf2_sha256$10$sa:lt${}", BASE64.encode(&tag)), "wrapped-pbkdf2_sha256"),
        (bcrypt("rocketchat$", &hex), "wrapped-rocketchat"),
        (bcrypt("zettelstore$", &format!("20240101000200 writer {right}")), "wrapped-zettelstore"),
        (bcrypt("", right), "wrapped-bcrypt"),
    ]
}

#[test]
fn each_older_scheme_verifies_when_wrapped_and_is_obsolete() {
    for (stored, scheme) in older("mypassword") {
        let text = wrapped(&stored).expect(&stored);
        let parsed = StoredPassword::parse(&text).unwrap();
        assert_eq!(parsed.scheme(), scheme);
        let right = Verdict::Match { upgrade: Upgrade::Obsolete };
        assert_eq!(judge(&text, &secret("mypassword")), right, "{}", text.expose());
        assert_eq!(judge(&text, &secret("Mypassword")), Verdict::NoMatch, "{}", text.expose());
        let old = StoredPassword::parse(&PasswordString::new(stored)).unwrap();
        assert_eq!(parsed.estimated_time(), old.estimated_time() + RULE.estimated_time());
        assert!(check_import(text.expose(), Some(&context())).is_ok());
    }
}

#[test]
fn nothing_of_the_older_tag_is_kept() {
    for (stored, _) in older("mypassword") {
        let tag = &stored[stored.len() - 31..];
        let text = wrapped(&stored).unwrap();
        assert!(!text.expose().contains(tag), "{}", text.expose());
        assert!(text.expose().starts_with("wrapped:"), "{}", text.expose());
    }
}

#[test]
fn digests_verify_against_wrapped_hashes_of_digests_alone() {
    let digest = "89e01536ac207279409d4de1e5253e01f4a1769e696db0d6062ca9b8f56767c8";
    let digest = Secret::Digest(PasswordDigest::new(digest));
    for (stored, scheme) in older("mypassword") {
        let over_digest = ["wrapped-rocketchat", "wrapped-sha256-hex"].contains(&scheme);
        let matched = judge(&wrapped(&stored).unwrap(), &digest) != Verdict::NoMatch;
        assert_eq!(matched, over_digest, "{scheme}");
    }
}

#[test]
fn what_is_current_wrapped_or_unreadable_is_not_wrapped() {
    let current = hash(&secret("x"), &RULE, &SeededRng::new(2), &mut Memory::new()).unwrap();
    let twice = wrapped(&bcrypt("", "x")).unwrap();
    for stored in [current.expose(), twice.expose(), "", "!nothing", "md5$salt$tag", "$2b$04$short"] {
        assert!(wrapped(stored).is_none(), "{stored}");
    }
}

#[test]
fn strings_that_nobody_wrapped_are_refused() {
    let good = wrapped(&bcrypt("rocketchat$", "x")).unwrap().expose().to_owned();
    let (old, outer) = good["wrapped:".len()..].split_at(good.rfind(':').unwrap() - "wrapped:".len());
    let wrapped_twice = format!("wrapped:{good}{outer}");
    for (text, refusal) in [
        ("wrapped:".to_owned(), ImportRefusal::Malformed),
        (format!("wrapped:{old}"), ImportRefusal::Malformed),
        (format!("wrapped:{outer}"), ImportRefusal::Malformed),
        (format!("wrapped:!{outer}"), ImportRefusal::Malformed),
        (format!("wrapped:md5$a$b{outer}"), ImportRefusal::UnknownScheme),
        (format!("wrapped:{}{outer}", bcrypt("", "x")), ImportRefusal::Malformed),
        (good.replace("m=64", "m=99999999"), ImportRefusal::TooCostly),
        (good.replace("$04$", "$17$"), ImportRefusal::TooCostly),
        (wrapped_twice, ImportRefusal::Malformed),
    ] {
        assert_eq!(check_import(&text, None).err(), Some(refusal), "{text}");
    }
}

#[test]
fn a_match_on_72_truncated_bytes_is_not_upgraded_when_wrapped_either() {
    let cut = "b".repeat(72);
    let text = wrapped(&bcrypt("", &cut)).unwrap();
    assert_eq!(judge(&text, &secret(&cut)), Verdict::Match { upgrade: Upgrade::Obsolete });
    assert_eq!(judge(&text, &secret(&format!("{cut}x"))), Verdict::Match { upgrade: Upgrade::None });
}

proptest! {
    #[test]
    fn a_password_matches_its_wrapped_hash_and_no_other_does(right in "\\PC{0,20}", wrong in "\\PC{0,20}") {
        for (stored, scheme) in older(&right) {
            let text = wrapped(&stored).unwrap();
            prop_assert!(judge(&text, &secret(&right)) != Verdict::NoMatch, "{}", scheme);
            prop_assert_eq!(judge(&text, &secret(&wrong)) == Verdict::NoMatch, right != wrong, "{}", scheme);
        }
    }
}
