//! Stored passwords of other systems: what they verify, and what is refused. A file of vectors for each format.
//!
//! A vector has a stored string and what was sent (`password` or `digest`), the user's `zid` and `name` where the
//! hash covers them, and what comes of it: an upgrade (`none`, `obsolete`, `rewrap`), `no-match`, `readable` where
//! only reading is tried, or why the string can't be read.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::time::Duration;

use auth_core::{Password, PasswordDigest, PasswordString};
use auth_crypto::argon2::{Memory, Params};
use auth_crypto::password::{
    HashingRule, ImportRefusal, NameContext, Secret, StoredPassword, Unreadable, Upgrade, Verdict,
    check_import, verify,
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
    fn secret(&self) -> Secret {
        match (&self.password, &self.digest) {
            (Some(password), None) => Secret::Password(Password::new(password.as_str())),
            (None, Some(digest)) => Secret::Digest(PasswordDigest::new(digest.as_str())),
            _ => panic!("either a password or a digest: {}", self.stored),
        }
    }

    /// The same with something more at the end.
    fn wrong_secret(&self) -> Secret {
        Secret::Password(Password::new(format!("{}x", self.password.as_deref().unwrap_or_default())))
    }

    fn context(&self) -> NameContext {
        NameContext { zettelstore_id: self.zid, user_name: self.name.clone() }
    }

    fn judge(&self, stored: &StoredPassword, secret: &Secret, memory: &mut Memory) -> &'static str {
        match verify(Some(stored), secret, &RULE, &self.context(), memory).unwrap() {
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
            Err(why) => {
                let (why, refusal) = match why {
                    Unreadable::Unusable if vector.stored.is_empty() => {
                        ("unusable", Some(ImportRefusal::UnknownScheme))
                    }
                    Unreadable::Unusable => ("unusable", None),
                    Unreadable::UnknownScheme => ("unknown-scheme", Some(ImportRefusal::UnknownScheme)),
                    Unreadable::Malformed => ("malformed", Some(ImportRefusal::Malformed)),
                    Unreadable::TooCostly => ("too-costly", Some(ImportRefusal::TooCostly)),
                    _ => panic!("{line}"),
                };
                assert_eq!(why, vector.expect, "{line}");
                assert_eq!(imported.err(), refusal, "{line}");
                continue;
            }
        };
        assert!(imported.is_ok(), "{line}");
        if vector.expect == "readable" {
            continue;
        }
        assert_eq!(vector.judge(&stored, &vector.secret(), &mut memory), vector.expect, "{line}");
        // bcrypt doesn't see what comes after 72 bytes, and the costliest records are tried once.
        let truncates = vector.expect == "none" && stored.scheme() != "django-argon2";
        if !truncates && stored.estimated_time() < Duration::from_millis(100) {
            assert_eq!(vector.judge(&stored, &vector.wrong_secret(), &mut memory), "no-match", "{line}");
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
    django_hashes_are_judged_as_by_django: "django.jsonl",
    rocketchat_hashes_verify_password_and_digest: "rocketchat.jsonl",
    zettelstore_hashes_verify_for_their_user: "zettelstore.jsonl",
    bcrypt_hashes_verify_passwords: "bcrypt.jsonl",
    argon2_strings_are_read_strictly_and_within_bounds: "argon2.jsonl",
    pbkdf2_strings_are_read_strictly_and_within_bounds: "pbkdf2.jsonl",
}

#[test]
fn a_zettelstore_hash_is_not_imported_without_a_name() {
    let text = "zettelstore$$2a$04$pxjfY62u.dOpYbFtWPzk7OkZEPHjndRj0Pzhu2rHyDtyn4O06cCdS";
    for context in [None, Some(&NameContext::default())] {
        assert_eq!(check_import(text, context).err(), Some(ImportRefusal::NameMissing));
    }
}
