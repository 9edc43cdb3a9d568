//! Hashes of every algorithm, compared with published vectors and with the `argon2` crate.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use auth_argon2::{Algorithm, Error, Input, Memory, Params, Variant, Version, hash_into};
use data_encoding::HEXLOWER;
use proptest::prelude::*;

#[test]
fn matches_the_published_vectors() {
    let mut checked = 0;
    for line in include_str!("vectors/argon2.txt").lines().filter(|line| !line.starts_with('#')) {
        let [variant, version, tag] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not a vector: {line}");
        };
        let algorithm = Algorithm {
            variant: Variant::from_name(variant).unwrap(),
            version: Version::from_number(version.parse().unwrap()).unwrap(),
        };
        let input = Input { password: &[1; 32], salt: &[2; 16], secret: &[3; 8], associated_data: &[4; 12] };
        let mut out = [0; 32];
        hash_into(algorithm, Params::new(32, 3, 4).unwrap(), input, &mut Memory::new(), &mut out).unwrap();
        assert_eq!(HEXLOWER.encode(&out), tag, "{variant} {version}");
        checked += 1;
    }
    assert_eq!(checked, 6);
}

#[test]
fn rejects_lengths_outside_the_bounds_and_leaves_the_output_unchanged() {
    let params = Params::new(8, 1, 1).unwrap();
    let good = Input::new(b"password", b"saltsalt");
    for (input, out_length, expected) in [
        (Input { salt: b"seven77", ..good }, 32, Error::SaltTooShort),
        (good, 3, Error::OutputTooShort),
        (Input { associated_data: &[0; 33], ..good }, 32, Error::AssociatedDataTooLong),
    ] {
        let mut out = vec![7; out_length];
        let result = hash_into(Algorithm::default(), params, input, &mut Memory::new(), &mut out);
        assert_eq!(result, Err(expected));
        assert!(out.iter().all(|byte| *byte == 7));
    }
}

fn argon2_crate_hash(algorithm: Algorithm, params: Params, input: Input<'_>, length: usize) -> Vec<u8> {
    let variant = match algorithm.variant {
        Variant::Argon2d => argon2::Algorithm::Argon2d,
        Variant::Argon2i => argon2::Algorithm::Argon2i,
        Variant::Argon2id => argon2::Algorithm::Argon2id,
    };
    let version = match algorithm.version {
        Version::V16 => argon2::Version::V0x10,
        Version::V19 => argon2::Version::V0x13,
    };
    let params =
        argon2::Params::new(params.memory_kib(), params.iterations(), params.lanes(), Some(length)).unwrap();
    let mut out = vec![0; length];
    argon2::Argon2::new_with_secret(input.secret, variant, version, params)
        .unwrap()
        .hash_password_into(input.password, input.salt, &mut out)
        .unwrap();
    out
}

prop_compose! {
    fn algorithms()(variant in 0..3_usize, version in prop::bool::ANY) -> Algorithm {
        let (variant, _) = Variant::ALL[variant];
        Algorithm { variant, version: if version { Version::V19 } else { Version::V16 } }
    }
}

prop_compose! {
    fn parameters()(lanes in 1..5_u32)(lanes in Just(lanes), memory in 8 * lanes..100 * lanes, iterations in 1..4_u32)
        -> Params {
        Params::new(memory, iterations, lanes).unwrap()
    }
}

proptest! {
    #[test]
    fn agrees_with_the_argon2_crate_on_reused_memory(
        algorithm in algorithms(),
        params in parameters(),
        passwords in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..4),
        salt in prop::collection::vec(any::<u8>(), 8..40),
        secret in prop::collection::vec(any::<u8>(), 0..40),
        length in 4..100_usize,
    ) {
        let mut memory = Memory::new();
        for password in &passwords {
            let input = Input { password, salt: &salt, secret: &secret, associated_data: &[] };
            let mut out = vec![0; length];
            hash_into(algorithm, params, input, &mut memory, &mut out).unwrap();
            prop_assert_eq!(out, argon2_crate_hash(algorithm, params, input, length));
        }
    }
}
