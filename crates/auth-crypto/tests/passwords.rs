//! Stored passwords of other systems, verified against vectors. There is a file of vectors for each format.
//!
//! A vector has a stored string, the secret that was sent (`password` or `digest`), the user's `zid` and `name` where
//! the hash covers them, and the expected result: an upgrade (`none`, `obsolete`, `rewrap`), `no-match`, `readable`
//! where the string is only parsed, or the error of parsing. Those of `libraries.jsonl` were made by the libraries of
//! other languages, with every form that each of them writes: `made` says by which version and call.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::time::Duration;

use auth_core::{Password, PasswordDigest, PasswordString};
use auth_crypto::argon2::{Memory, Params};
use auth_crypto::password::{
    HashImportError, HashingRule, NameContext, SecretInput, StoredPassword, StoredPasswordError, Upgrade,
    Verdict, check_import, verify_secret,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    stored: String,
    password: Option<String>,
    digest: Option<String>,
    expect: String,
    #[serde(default)]
    zid: u64,
    #[serde(default)]
    name: String,
}

impl Vector {
    fn secret(&self) -> SecretInput {
        match (&self.password, &self.digest) {
            (Some(password), None) => SecretInput::Password(Password::new(password.as_str())),
            (None, Some(digest)) => SecretInput::Digest(PasswordDigest::new(digest.as_str())),
            _ => panic!("either a password or a digest: {}", self.stored),
        }
    }

    /// The password with another character at the end.
    fn wrong_secret(&self) -> SecretInput {
        SecretInput::Password(Password::new(format!("{}x", self.password.as_deref().unwrap_or_default())))
    }

    fn context(&self) -> NameContext {
        NameContext { zettelstore_id: self.zid, user_name: self.name.clone() }
    }

    fn verdict(&self, stored: &StoredPassword, secret: &SecretInput, memory: &mut Memory) -> &'static str {
        match verify_secret(Some(stored), secret, &RULE, &self.context(), memory).unwrap() {
            Verdict::Match { upgrade: Upgrade::None } => "none",
            Verdict::Match { upgrade: Upgrade::Obsolete } => "obsolete",
            Verdict::Match { upgrade: Upgrade::Rewrap } => "rewrap",
            Verdict::NoMatch => "no-match",
        }
    }
}

/// Django's parameters.
const RULE: HashingRule = HashingRule {
    params: match Params::new(102_400, 2, 8) {
        Ok(params) => params,
        Err(_) => panic!("Django's parameters"),
    },
    digest_ready: false,
};

fn check(vectors: &str) {
    let mut memory = Memory::new();
    for line in vectors.lines() {
        let vector: Vector = serde_json::from_str(line).expect(line);
        let imported = check_import(&vector.stored, Some(&vector.context()));
        let stored = match StoredPassword::parse(&PasswordString::new(vector.stored.as_str())) {
            Ok(stored) => stored,
            Err(error) => {
                let (name, import_error) = match error {
                    StoredPasswordError::Unusable if vector.stored.is_empty() => {
                        ("unusable", Some(HashImportError::UnknownScheme))
                    }
                    StoredPasswordError::Unusable => ("unusable", None),
                    StoredPasswordError::UnknownScheme => {
                        ("unknown-scheme", Some(HashImportError::UnknownScheme))
                    }
                    StoredPasswordError::Malformed => ("malformed", Some(HashImportError::Malformed)),
                    StoredPasswordError::TooCostly => ("too-costly", Some(HashImportError::TooCostly)),
                    StoredPasswordError::KeyNeeded => ("key-needed", Some(HashImportError::KeyNeeded)),
                    StoredPasswordError::DataTooLong => ("data-too-long", Some(HashImportError::DataTooLong)),
                    _ => panic!("{line}"),
                };
                assert_eq!(name, vector.expect, "{line}");
                assert_eq!(imported.err(), import_error, "{line}");
                continue;
            }
        };
        assert!(imported.is_ok(), "{line}");
        if vector.expect == "readable" {
            continue;
        }
        assert_eq!(vector.verdict(&stored, &vector.secret(), &mut memory), vector.expect, "{line}");
        // bcrypt ignores everything after 72 bytes. The most expensive records are verified once only.
        let truncates = vector.expect == "none" && stored.scheme() != "django-argon2";
        if !truncates && stored.estimated_time() < Duration::from_millis(100) {
            assert_eq!(vector.verdict(&stored, &vector.wrong_secret(), &mut memory), "no-match", "{line}");
        }
    }
}

macro_rules! vectors {
    ($($name:ident: $file:literal,)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("vectors/", $file)));
        })*
    };
}

vectors! {
    django_hashes_verify_as_in_django: "django.jsonl",
    rocketchat_hashes_verify_password_and_digest: "rocketchat.jsonl",
    zettelstore_hashes_verify_for_their_user: "zettelstore.jsonl",
    bcrypt_hashes_verify_passwords: "bcrypt.jsonl",
    what_libraries_of_other_languages_write_verifies: "libraries.jsonl",
    argon2_strings_are_parsed_strictly_and_within_bounds: "argon2.jsonl",
    pbkdf2_strings_are_parsed_strictly_and_within_bounds: "pbkdf2.jsonl",
}

#[test]
fn a_zettelstore_hash_is_not_imported_without_a_name() {
    let text = "zettelstore$$2a$04$pxjfY62u.dOpYbFtWPzk7OkZEPHjndRj0Pzhu2rHyDtyn4O06cCdS";
    for context in [None, Some(&NameContext::default())] {
        assert_eq!(check_import(text, context).err(), Some(HashImportError::NameMissing));
    }
}
