//! Wrapped hashes: each older scheme inside Argon2id.

use auth_argon2::Memory;
use auth_core::{PasswordString, SeededRng};
use data_encoding::BASE64;
use proptest::prelude::*;

use super::{digest, params, secret};
use crate::password::{
    HashImportError, HashingRule, NameContext, OldHash, SecretInput, StoredPassword, Upgrade, Verdict,
    check_import, hash_secret, verify_secret, wrap,
};

const RULE: HashingRule = HashingRule { params: params(64, 1), digest_ready: false };

fn context() -> NameContext {
    NameContext { zettelstore_id: 20_240_101_000_200, user_name: "writer".into() }
}

fn wrapped(stored: &str) -> Option<PasswordString> {
    let old = OldHash::of(&PasswordString::new(stored), RULE.params)?;
    Some(wrap(&old, &RULE, &SeededRng::new(1), &mut Memory::new()).unwrap())
}

fn verdict_of(stored: &PasswordString, secret: &SecretInput) -> Verdict {
    let stored = StoredPassword::parse(stored).unwrap();
    verify_secret(Some(&stored), secret, &RULE, &context(), &mut Memory::new()).unwrap()
}

fn bcrypt(tag: &str, input: &str) -> String {
    format!("{tag}{}", ::bcrypt::hash_with_salt(input, 4, [7; 16]).unwrap())
}

/// Older hashes of `right`, each with the scheme that it has when it is wrapped.
fn older_hashes(right: &str) -> Vec<(String, &'static str)> {
    let digest_rule = HashingRule { params: params(8, 1), digest_ready: true };
    let made = |rule| hash_secret(&secret(right), &rule, &SeededRng::new(2), &mut Memory::new()).unwrap();
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
        (bcrypt("bcrypt_sha256$", &hex), "wrapped-django-bcrypt_sha256"),
        (bcrypt("bcrypt$", right), "wrapped-django-bcrypt"),
        (bcrypt("zettelstore$", &format!("20240101000200 writer {right}")), "wrapped-zettelstore"),
        (bcrypt("", right), "wrapped-bcrypt"),
    ]
}

#[test]
fn each_older_scheme_verifies_when_wrapped_and_is_obsolete() {
    for (stored, scheme) in older_hashes("mypassword") {
        let text = wrapped(&stored).expect(&stored);
        let parsed = StoredPassword::parse(&text).unwrap();
        assert_eq!(parsed.scheme(), scheme);
        let right = Verdict::Match { upgrade: Upgrade::Obsolete };
        assert_eq!(verdict_of(&text, &secret("mypassword")), right, "{}", text.expose());
        assert_eq!(verdict_of(&text, &secret("Mypassword")), Verdict::NoMatch, "{}", text.expose());
        let old = StoredPassword::parse(&PasswordString::new(stored)).unwrap();
        assert_eq!(parsed.estimated_time(), old.estimated_time() + RULE.estimated_time());
        assert!(check_import(text.expose(), Some(&context())).is_ok());
    }
}

#[test]
fn the_older_tag_is_not_in_the_wrapped_string() {
    for (stored, _) in older_hashes("mypassword") {
        let tag = &stored[stored.len() - 31..];
        let text = wrapped(&stored).unwrap();
        assert!(!text.expose().contains(tag), "{}", text.expose());
        assert!(text.expose().starts_with("wrapped:"), "{}", text.expose());
    }
}

#[test]
fn digests_verify_against_wrapped_hashes_of_digests_only() {
    for (stored, scheme) in older_hashes("mypassword") {
        let hashes_digest = ["wrapped-rocketchat", "wrapped-sha256-hex"].contains(&scheme);
        let matched = verdict_of(&wrapped(&stored).unwrap(), &digest()) != Verdict::NoMatch;
        assert_eq!(matched, hashes_digest, "{scheme}");
    }
}

#[test]
fn current_wrapped_and_malformed_strings_are_not_wrapped() {
    let current = hash_secret(&secret("x"), &RULE, &SeededRng::new(2), &mut Memory::new()).unwrap();
    let twice = wrapped(&bcrypt("", "x")).unwrap();
    for stored in [current.expose(), twice.expose(), "", "!nothing", "md5$salt$tag", "$2b$04$short"] {
        assert!(wrapped(stored).is_none(), "{stored}");
    }
}

#[test]
fn malformed_wrapped_strings_are_refused() {
    let good = wrapped(&bcrypt("rocketchat$", "x")).unwrap().expose().to_owned();
    let (old, outer) = good["wrapped:".len()..].split_at(good.rfind(':').unwrap() - "wrapped:".len());
    let wrapped_twice = format!("wrapped:{good}{outer}");
    for (text, error) in [
        ("wrapped:".to_owned(), HashImportError::Malformed),
        (format!("wrapped:{old}"), HashImportError::Malformed),
        (format!("wrapped:{outer}"), HashImportError::Malformed),
        (format!("wrapped:!{outer}"), HashImportError::Malformed),
        (format!("wrapped:md5$a$b{outer}"), HashImportError::UnknownScheme),
        (format!("wrapped:{}{outer}", bcrypt("", "x")), HashImportError::Malformed),
        (good.replace("m=64", "m=99999999"), HashImportError::TooCostly),
        (good.replace("$04$", "$17$"), HashImportError::TooCostly),
        (wrapped_twice, HashImportError::Malformed),
    ] {
        assert_eq!(check_import(&text, None).err(), Some(error), "{text}");
    }
}

#[test]
fn a_match_on_72_truncated_bytes_is_not_upgraded_when_wrapped_either() {
    let cut = "b".repeat(72);
    let text = wrapped(&bcrypt("", &cut)).unwrap();
    assert_eq!(verdict_of(&text, &secret(&cut)), Verdict::Match { upgrade: Upgrade::Obsolete });
    assert_eq!(verdict_of(&text, &secret(&format!("{cut}x"))), Verdict::Match { upgrade: Upgrade::None });
}

proptest! {
    #[test]
    fn a_wrapped_hash_matches_its_password_and_no_other(right in "\\PC{0,20}", wrong in "\\PC{0,20}") {
        for (stored, scheme) in older_hashes(&right) {
            let text = wrapped(&stored).unwrap();
            prop_assert!(verdict_of(&text, &secret(&right)) != Verdict::NoMatch, "{}", scheme);
            prop_assert_eq!(verdict_of(&text, &secret(&wrong)) == Verdict::NoMatch, right != wrong, "{}", scheme);
        }
    }
}
