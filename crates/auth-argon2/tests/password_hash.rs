//! The interface of the `argon2` crate: it and this crate read each other's strings.
#![expect(clippy::unwrap_used, reason = "a test")]

use auth_argon2::argon2::password_hash::Error;
use auth_argon2::argon2::{
    Algorithm, Argon2, AssociatedData, Block, Params, ParamsBuilder, PasswordHash, PasswordHasher,
    PasswordVerifier, Version,
};

const SALT: &[u8] = b"0123456789abcdef";

fn params(memory: u32, iterations: u32, lanes: u32) -> Params {
    Params::new(memory, iterations, lanes, Some(32)).unwrap()
}

#[test]
fn strings_are_those_of_the_argon2_crate_for_every_variant_and_version() {
    for algorithm in [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id] {
        for version in [Version::V0x10, Version::V0x13] {
            let data = AssociatedData::new(b"data").unwrap();
            let params = ParamsBuilder::new().m_cost(64).t_cost(2).p_cost(2).data(data).build().unwrap();
            let ours = Argon2::new_with_secret(b"secret", algorithm, version, params.clone()).unwrap();
            let other = argon2::Argon2::new_with_secret(b"secret", algorithm, version, params).unwrap();
            let string = ours.hash_password_with_salt(b"password", SALT).unwrap().to_string();
            assert_eq!(string, other.hash_password_with_salt(b"password", SALT).unwrap().to_string());
            ours.verify_password(b"password", string.as_str()).unwrap();
            other.verify_password(b"password", string.as_str()).unwrap();
            assert_eq!(ours.verify_password(b"passwort", string.as_str()), Err(Error::PasswordInvalid));
        }
    }
}

#[test]
fn lengths_and_errors_are_those_of_the_argon2_crate() {
    let fixed = params(64, 1, 1);
    let free = Params::new(64, 1, 1, None).unwrap();
    for params in [fixed, free] {
        let (ours, other) = (Argon2::from(&params), argon2::Argon2::from(&params));
        for (salt, length) in [(SALT, 3), (SALT, 31), (SALT, 32), (SALT, 33), (b"seven77", 32)] {
            for blocks in [63, 64, 100] {
                let (mut first, mut second) = (vec![0; length], vec![0; length]);
                let mut memory = vec![Block::new(); blocks];
                let one = ours.hash_password_into_with_memory(b"pass", salt, &mut first, &mut memory);
                let two = other.hash_password_into_with_memory(b"pass", salt, &mut second, &mut memory);
                assert_eq!((one.is_ok(), first), (two.is_ok(), second), "{params:?} {length} {blocks}");
            }
            let (mut first, mut second) = (vec![0; length], vec![0; length]);
            let one = ours.hash_password_into(b"pass", salt, &mut first);
            let two = other.hash_password_into(b"pass", salt, &mut second);
            assert_eq!((one, first), (two, second), "{params:?} {length}");
        }
    }
}

#[test]
fn strings_that_ask_for_more_than_the_limit_are_refused_before_any_work() {
    let string = |m: u32, t: u32, p: u32| {
        format!(
            "$argon2id$v=19$m={m},t={t},p={p}$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        )
    };
    let limit = auth_argon2::Params::new(128, 2, 4).unwrap();
    let hasher = Argon2::default().with_limit(limit);
    for (m, t, p, expected) in [
        (128, 2, 4, Error::PasswordInvalid),
        (64, 4, 1, Error::PasswordInvalid),
        (129, 1, 1, Error::ParamsInvalid),
        (64, 5, 1, Error::ParamsInvalid),
        (64, 1, 5, Error::ParamsInvalid),
    ] {
        assert_eq!(
            hasher.verify_password(b"password", string(m, t, p).as_str()),
            Err(expected),
            "{m} {t} {p}"
        );
    }
    for (m, t, p) in
        [(u32::MAX, 1, 1), ((1 << 20) + 1, 1, 1), (8, u32::MAX, 1), (1 << 20, 5, 1), (1024, 1, 65)]
    {
        let refused = Argon2::default().verify_password(b"password", string(m, t, p).as_str());
        assert_eq!(refused, Err(Error::ParamsInvalid), "{m} {t} {p}");
    }
    // The hasher's own parameters are its owner's choice.
    let own = Argon2::from(params(256, 1, 1)).with_limit(limit);
    assert!(own.hash_password_with_salt(b"password", SALT).is_ok());
}

#[test]
fn debug_hides_the_secret() {
    let hasher =
        Argon2::new_with_secret(b"pepper", Algorithm::Argon2id, Version::V0x13, params(64, 1, 1)).unwrap();
    let shown = format!("{hasher:?}");
    assert!(
        shown.contains("m_cost: 64") && !shown.contains("pepper") && !shown.contains("112, 101"),
        "{shown}"
    );
}

#[test]
fn the_default_makes_the_string_that_the_argon2_crate_makes() {
    let string = Argon2::default().hash_password_with_salt(b"password", SALT).unwrap().to_string();
    assert!(string.starts_with("$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"), "{string}");
    argon2::Argon2::default().verify_password(b"password", &PasswordHash::new(&string).unwrap()).unwrap();
}
