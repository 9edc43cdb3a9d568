use auth_argon2::Params;
use auth_core::{Password, PasswordDigest, SeededRng};
use proptest::prelude::*;

use super::*;

mod wrapped;

const RULE: HashingRule = HashingRule { params: params(64, 2), digest_ready: false };
const DIGEST_RULE: HashingRule = HashingRule { digest_ready: true, ..RULE };

const fn params(memory_kib: u32, iterations: u32) -> Params {
    match Params::new(memory_kib, iterations, 1) {
        Ok(params) => params,
        Err(_) => panic!(),
    }
}

fn secret(text: &str) -> SecretInput {
    SecretInput::Password(Password::new(text))
}

/// SHA-256 of `mypassword`.
fn digest() -> SecretInput {
    SecretInput::Digest(PasswordDigest::new(
        "89e01536ac207279409d4de1e5253e01f4a1769e696db0d6062ca9b8f56767c8",
    ))
}

fn hashed(secret: &SecretInput, rule: &HashingRule) -> PasswordString {
    hash_secret(secret, rule, &SeededRng::new(1), &mut Memory::new()).unwrap()
}

fn verdict_of(stored: &PasswordString, secret: &SecretInput, rule: &HashingRule) -> Verdict {
    let stored = StoredPassword::parse(stored).unwrap();
    verify_secret(Some(&stored), secret, rule, &NameContext::default(), &mut Memory::new()).unwrap()
}

const fn matches(upgrade: Upgrade) -> Verdict {
    Verdict::Match { upgrade }
}

#[test]
fn new_hashes_are_current_under_their_rule_only() {
    for (rule, tag) in
        [(RULE, "$argon2id$v=19$m=64,t=2,p=1$"), (DIGEST_RULE, "sha256-hex:$argon2id$v=19$m=64,")]
    {
        let stored = hashed(&secret("mypassword"), &rule);
        assert!(stored.expose().starts_with(tag), "{}", stored.expose());
        assert!(StoredPassword::parse(&stored).unwrap().is_current(&rule));
        for other in [
            HashingRule { digest_ready: !rule.digest_ready, ..rule },
            HashingRule { params: params(65, 2), ..rule },
            HashingRule { params: params(64, 3), ..rule },
        ] {
            assert!(!StoredPassword::parse(&stored).unwrap().is_current(&other));
        }
    }
}

#[test]
fn the_upgrade_depends_on_the_record_the_rule_and_the_secret() {
    let plain = hashed(&secret("mypassword"), &RULE);
    let over_digest = hashed(&secret("mypassword"), &DIGEST_RULE);
    let costlier = HashingRule { params: params(128, 2), ..RULE };
    let costlier_digest = HashingRule { digest_ready: true, ..costlier };
    let sent = secret("mypassword");
    for (stored, secret, rule, expected) in [
        (&plain, &sent, RULE, matches(Upgrade::None)),
        (&plain, &sent, DIGEST_RULE, matches(Upgrade::Rewrap)),
        (&plain, &sent, costlier, matches(Upgrade::Obsolete)),
        (&plain, &sent, costlier_digest, matches(Upgrade::Obsolete)),
        (&over_digest, &sent, DIGEST_RULE, matches(Upgrade::None)),
        (&over_digest, &sent, RULE, matches(Upgrade::Rewrap)),
        (&over_digest, &sent, costlier, matches(Upgrade::Obsolete)),
        (&over_digest, &digest(), DIGEST_RULE, matches(Upgrade::None)),
        (&over_digest, &digest(), costlier_digest, matches(Upgrade::Obsolete)),
        // A digest makes no hash over the password.
        (&over_digest, &digest(), RULE, matches(Upgrade::None)),
        (&over_digest, &digest(), costlier, matches(Upgrade::None)),
        // Only a record over the digest verifies one.
        (&plain, &digest(), RULE, Verdict::NoMatch),
        (&plain, &digest(), DIGEST_RULE, Verdict::NoMatch),
        (&plain, &secret("Mypassword"), RULE, Verdict::NoMatch),
        (&over_digest, &secret("Mypassword"), DIGEST_RULE, Verdict::NoMatch),
    ] {
        assert_eq!(verdict_of(stored, secret, &rule), expected, "{} {secret:?} {rule:?}", stored.expose());
    }
}

#[test]
fn the_text_of_a_digest_does_not_match_as_a_password() {
    let SecretInput::Digest(text) = digest() else { panic!("a digest") };
    let stored = hashed(&secret("mypassword"), &DIGEST_RULE);
    assert_eq!(verdict_of(&stored, &secret(text.expose()), &DIGEST_RULE), Verdict::NoMatch);
}

#[test]
fn a_hash_of_a_digest_verifies_the_password() {
    for rule in [RULE, DIGEST_RULE] {
        let stored = hashed(&digest(), &rule);
        assert!(stored.expose().starts_with("sha256-hex:"));
        assert!(matches!(verdict_of(&stored, &secret("mypassword"), &rule), Verdict::Match { .. }));
        assert!(matches!(verdict_of(&stored, &digest(), &rule), Verdict::Match { .. }));
    }
}

#[test]
fn digests_that_are_not_64_lower_case_digits_never_match() {
    let SecretInput::Digest(text) = digest() else { panic!("a digest") };
    let text = text.expose();
    let stored = hashed(&digest(), &DIGEST_RULE);
    for wrong in [text.to_uppercase(), text[..63].to_owned(), format!("{text}0"), String::new()] {
        let secret = SecretInput::Digest(PasswordDigest::new(wrong));
        assert_eq!(verdict_of(&stored, &secret, &DIGEST_RULE), Verdict::NoMatch);
    }
}

#[test]
fn passwords_longer_than_the_limit_never_match() {
    let longest = secret(&"x".repeat(Password::MAX_BYTES));
    let longer = secret(&"x".repeat(Password::MAX_BYTES + 1));
    for rule in [RULE, DIGEST_RULE] {
        assert_eq!(verdict_of(&hashed(&longest, &rule), &longest, &rule), matches(Upgrade::None));
        assert_eq!(verdict_of(&hashed(&longer, &rule), &longer, &rule), Verdict::NoMatch);
        assert_eq!(verdict_of(&hashed(&secret(""), &rule), &longer, &rule), Verdict::NoMatch);
    }
}

#[test]
fn a_secret_that_cannot_match_gives_a_hash_that_nothing_matches() {
    let longer = secret(&"x".repeat(Password::MAX_BYTES + 1));
    let no_digest = SecretInput::Digest(PasswordDigest::new(""));
    for (unusable, rule) in [(&longer, RULE), (&longer, DIGEST_RULE), (&no_digest, DIGEST_RULE)] {
        let stored = hashed(unusable, &rule);
        for sent in [unusable, &secret(""), &secret("x")] {
            assert_eq!(verdict_of(&stored, sent, &rule), Verdict::NoMatch, "{sent:?}");
        }
    }
}

#[test]
fn every_failure_does_the_work_of_a_wrong_password() {
    let current = StoredPassword::parse(&hashed(&secret("mypassword"), &RULE)).unwrap();
    for (stored, secret) in [
        (Some(&current), secret("wrong")),
        (None, secret("wrong")),
        (None, digest()),
        (Some(&current), digest()),
        (Some(&current), secret(&"x".repeat(Password::MAX_BYTES + 1))),
    ] {
        let mut memory = Memory::new();
        let verdict = verify_secret(stored, &secret, &RULE, &NameContext::default(), &mut memory);
        assert_eq!(verdict, Ok(Verdict::NoMatch));
        // The memory was used: a hash of the rule's size was hashed.
        assert_eq!(memory.capacity_kib(), 64);
    }
}

#[test]
fn a_match_on_72_truncated_bytes_is_never_upgraded() {
    let cut = "b".repeat(72);
    let text = ::bcrypt::hash_with_salt(&cut, 4, [7; 16]).unwrap().to_string();
    let stored = PasswordString::new(text);
    assert_eq!(verdict_of(&stored, &secret(&cut), &RULE), matches(Upgrade::Obsolete));
    assert_eq!(verdict_of(&stored, &secret(&format!("{cut}anything")), &RULE), matches(Upgrade::None));
    assert_eq!(verdict_of(&stored, &secret(&cut[1..]), &RULE), Verdict::NoMatch);
}

#[test]
fn a_zettelstore_hash_with_a_long_user_name_never_matches() {
    let context =
        NameContext { zettelstore_id: 20_240_101_000_100, user_name: "n".repeat(MAX_ZETTELSTORE_NAME) };
    let longer = NameContext { user_name: "n".repeat(56), ..context.clone() };
    let check = |context: &NameContext, import: Result<(), HashImportError>, expected: Verdict| {
        let input = format!("{:014} {} secret", context.zettelstore_id, context.user_name);
        let text = format!("zettelstore${}", ::bcrypt::hash_with_salt(input, 4, [7; 16]).unwrap());
        assert_eq!(check_import(&text, Some(context)).map(|_| ()), import);
        let stored = StoredPassword::parse(&PasswordString::new(text)).unwrap();
        let verdict = verify_secret(Some(&stored), &secret("secret"), &RULE, context, &mut Memory::new());
        assert_eq!(verdict, Ok(expected));
    };
    check(&context, Ok(()), matches(Upgrade::Obsolete));
    check(&longer, Err(HashImportError::NameTooLong), Verdict::NoMatch);
}

#[test]
fn a_zettelstore_hash_goes_on_matching_after_its_user_got_another_name() {
    let made = NameContext { zettelstore_id: 20_240_101_000_100, user_name: "désirée @home".into() };
    let renamed = NameContext { zettelstore_id: 20_250_101_000_100, user_name: "other".into() };
    let input = format!("{:014} {} secret", made.zettelstore_id, made.user_name);
    let text = format!("zettelstore${}", ::bcrypt::hash_with_salt(input, 4, [7; 16]).unwrap());
    let stored = PasswordString::new(text);
    let old = OldHash::of(&stored, RULE.params).unwrap();
    let wrapped = wrap(&old, &RULE, &SeededRng::new(7), &mut Memory::new()).unwrap();
    for stored in [stored, wrapped] {
        let named = StoredPassword::before_renaming(&stored, &made).unwrap();
        assert_eq!(StoredPassword::before_renaming(&named, &renamed), None, "it is named already");
        for (stored, context, expected) in [
            (&stored, &made, true),
            (&stored, &renamed, false),
            (&named, &made, true),
            (&named, &renamed, true),
        ] {
            let stored = StoredPassword::parse(stored).unwrap();
            let verdict = verify_secret(Some(&stored), &secret("secret"), &RULE, context, &mut Memory::new());
            assert_eq!(matches!(verdict, Ok(Verdict::Match { .. })), expected, "{stored:?} {context:?}");
            let wrong = verify_secret(Some(&stored), &secret("wrong"), &RULE, context, &mut Memory::new());
            assert_eq!(wrong, Ok(Verdict::NoMatch));
        }
        assert!(check_import(named.expose(), None).is_ok(), "it needs nobody's name");
    }
    let other = hashed(&secret("mypassword"), &RULE);
    assert_eq!(StoredPassword::before_renaming(&other, &made), None);
    for broken in ["@", "@1@", "@1@YQ", "@x@YQ@", "@1@?@", "@-1@YQ@", "@1@/w@"] {
        let text = format!("zettelstore${broken}$2a$04$BwcHBwcHBwcHBwcHBwcHBu");
        assert!(StoredPassword::parse(&PasswordString::new(text)).is_err(), "{broken}");
    }
}

#[test]
fn debug_shows_no_hash() {
    let stored = StoredPassword::parse(&hashed(&secret("mypassword"), &RULE)).unwrap();
    assert_eq!(format!("{stored:?}"), "StoredPassword(argon2, …)");
}

proptest! {
    #[test]
    fn a_hash_matches_its_password_and_no_other(
        right in "\\PC{0,20}",
        wrong in "\\PC{0,20}",
        digest_ready: bool,
    ) {
        let rule = HashingRule { params: params(8, 1), digest_ready };
        let stored = hashed(&secret(&right), &rule);
        prop_assert_eq!(verdict_of(&stored, &secret(&right), &rule), matches(Upgrade::None));
        let other = verdict_of(&stored, &secret(&wrong), &rule);
        prop_assert_eq!(other == Verdict::NoMatch, right != wrong);
    }

    #[test]
    fn no_text_makes_parsing_panic(
        tag in prop::sample::select(vec![
            "", "$argon2id$", "sha256-hex:$argon2id$", "argon2$argon2i$", "pbkdf2_sha256$", "rocketchat$",
            "zettelstore$$2a$", "$2b$", "$2y$04$", "!", "wrapped:", "wrapped:$2b$04$", "wrapped:pbkdf2_sha256$1$s$",
        ]),
        rest in "\\PC{0,80}|(v=[0-9]{1,2}\\$)?m=[0-9]{1,10},t=[0-9]{1,10},p=[0-9]{1,10}\\$[A-Za-z0-9+/=]{0,40}\\$[A-Za-z0-9+/=]{0,60}|[./A-Za-z0-9]{50,60}",
    ) {
        let text = format!("{tag}{rest}");
        let parsed = StoredPassword::parse(&PasswordString::new(text.as_str()));
        let context = NameContext { zettelstore_id: 1, user_name: "abc".into() };
        let imported = check_import(&text, Some(&context)).is_ok();
        prop_assert_eq!(imported, parsed.is_ok() || text.starts_with('!'));
    }
}
